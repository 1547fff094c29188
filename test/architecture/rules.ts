import type { Import, SourceFile } from './imports.ts';

/** Something that is allowed although the rule says otherwise, and why. */
interface Exception {
  readonly from: RegExp;
  readonly to: RegExp;
  readonly why: string;
}

const FOCUS = /^pipelines\/focus\//;
const CONTRACT = /^pipelines\/plugin\//;
const KIT = /^plugins\/kit\//;

/** Who sees what besides its own folder; the first that fits a file holds. */
const SEES: readonly (readonly [from: RegExp, to: readonly RegExp[]])[] = [
  [/^pipelines\/focus\//, []],
  [/^pipelines\/plugin\//, [FOCUS]],
  [
    /^pipelines\/(decode|normalize|attribute|link|fold|identify|keep|encode|check)\//,
    [FOCUS, CONTRACT],
  ],
  [/^pipelines\/engine\//, [/^pipelines\//]],
  [/^plugins\/kit\//, [FOCUS, CONTRACT]],
  [
    /^plugins\/[^/]+\/[^/]+\/mapping[^/]*\.ts$/,
    [FOCUS, CONTRACT, KIT, /^pipelines\/normalize\/(expressions|mapping)\.ts$/],
  ],
  [/^plugins\/[^/]+\/[^/]+\//, [FOCUS, CONTRACT, KIT]],
  [/^config\//, []],
  [/^agent\//, [/^(config|plugins|pipelines)\//]],
];

const EXCEPTIONS: readonly Exception[] = [
  {
    from: /^pipelines\/normalize\//,
    to: /^pipelines\/decode\/source\.ts$/,
    why: 'what decode hands over, types only',
  },
  {
    from: /^plugins\/processors\/normalize\//,
    to: /^pipelines\/normalize\//,
    why: 'its settings are those of the mappings',
  },
  {
    from: /^plugins\/exporters\/file\/parquet-frame\.ts$/,
    to: /^pipelines\/encode\/parquet\//,
    why: 'head and foot around the row groups that the workers encode',
  },
];

/** Where each package is at home. */
const HOMES: Readonly<Record<string, RegExp>> = {
  piscina: /^pipelines\/engine\//,
  convict: /^config\//,
  yaml: /^config\/|^plugins\/receivers\/kubernetes\/access\.ts$/,
  undici: /^plugins\/kit\//,
  chokidar: /^plugins\/kit\//,
  picomatch: /^plugins\/kit\//,
  hyparquet: /^pipelines\/(decode|encode)\/parquet\//,
  'hyparquet-writer': /^pipelines\/encode\/parquet\//,
  hysnappy: /^pipelines\/(decode|encode)\/parquet\//,
  'fast-xml-parser': /^plugins\/kit\/objects\//,
  '@aws-sdk/credential-providers': /^plugins\/receivers\/aws-data-exports\//,
  '@smithy/signature-v4': /^plugins\/receivers\/aws-data-exports\//,
  'google-auth-library': /^plugins\/receivers\/gcp-billing\//,
  '@platformatic/kafka': /^plugins\/(kit|receivers|exporters)\/kafka\//,
  '@nats-io/jetstream': /^plugins\/(kit|receivers|exporters)\/nats\//,
  '@nats-io/transport-node': /^plugins\/(kit|exporters)\/nats\//,
  canonicalize: /^agent\/state\/audit-chain\.ts$/,
  commander: /^agent\/cli\//,
  pino: /^agent\/log\.ts$/,
  pg: /^agent\/state\/postgres\//,
  '@grpc/grpc-js': /^plugins\/exporters\/otlp\//,
  '@opentelemetry/api':
    /^(pipelines\/plugin|plugins\/kit|plugins\/exporters\/otlp)\/|^agent\/telemetry[^/]*\.ts$/,
  '@opentelemetry/exporter-prometheus': /^agent\/telemetry[^/]*\.ts$/,
  '@opentelemetry/sdk-metrics': /^plugins\/(kit|exporters\/otlp)\/|^agent\/telemetry[^/]*\.ts$/,
  '@opentelemetry/resources': /^plugins\/exporters\/(otlp|file)\/|^agent\/telemetry[^/]*\.ts$/,
  '@opentelemetry/exporter-metrics-otlp-grpc': /^plugins\/exporters\/otlp\//,
  '@opentelemetry/exporter-metrics-otlp-proto': /^plugins\/exporters\/otlp\//,
  '@opentelemetry/otlp-transformer': /^plugins\/exporters\/(otlp|file)\//,
};

/** What talks to the world or starts programs; everything else asks its context. */
const OUTSIDE_MODULES =
  /^node:(http|https|http2|net|tls|dgram|dns|child_process|cluster|readline|repl|timers|sqlite)$/;
const MAY_TALK = [
  /^agent\//,
  /^plugins\/kit\//,
  /^plugins\/exporters\/otlp\//,
  /^plugins\/extensions\/traces\//,
  /^plugins\/extensions\/catalog\/store\//,
  /^plugins\/receivers\/forward\/store\//,
];

const OUTSIDE_NAMES =
  /(?<![.\w#$'"])(?:(?:process|console)\s*\.|(?:fetch|setTimeout|setInterval|setImmediate)\s*\(|Date\.now\b|new Date\(\)|performance\.now\b)/g;
const MAY_NAME: readonly Omit<Exception, 'to'>[] = [
  { from: /^(agent|config)\//, why: 'the process and what the operator writes' },
  { from: /^plugins\/kit\//, why: 'where the context comes from' },
  {
    from: /^pipelines\/engine\/(stopwatch|worker[^/]*)\.ts$/,
    why: 'measures its own work; nothing of it is in the data',
  },
  { from: /^plugins\/exporters\/console\//, why: 'the terminal is its backend' },
];

/** Longest file. */
const LONGEST = 500;
/** Files that are one table. */
const TABLES = [
  /\/tables\//,
  /^pipelines\/focus\/columns\.ts$/,
  /^pipelines\/check\/rules[^/]*\.ts$/,
];

/** Imports that the table of who sees whom does not allow. */
export function strangers(files: readonly SourceFile[]): readonly string[] {
  return files.flatMap((file) =>
    file.imports
      .filter(({ isPackage }) => !isPackage)
      .filter((found) => !maySee(file.path, found))
      .map(({ target }) => `${file.path} sees ${target}`),
  );
}

function maySee(path: string, { target, typeOnly }: Import): boolean {
  const folder = homeOf(path);
  if (homeOf(target) === folder) return true;
  const [, allowed = []] = SEES.find(([from]) => from.test(path)) ?? [];
  if (allowed.some((to) => to.test(target))) return true;
  return EXCEPTIONS.some(
    ({ from, to, why }) =>
      from.test(path) && to.test(target) && (typeOnly || !why.endsWith('types only')),
  );
}

/** The folder that a file shares with those it may always see. */
function homeOf(path: string): string {
  const [top = '', second = '', third = ''] = path.split('/');
  if (top === 'pipelines') return `${top}/${second}`;
  if (top === 'plugins') return second === 'kit' ? `${top}/${second}` : `${top}/${second}/${third}`;
  return top;
}

/** Packages imported away from their home, or that have none. */
export function homeless(files: readonly SourceFile[]): readonly string[] {
  return files.flatMap(({ path, imports }) =>
    imports
      .filter(({ isPackage, target }) => isPackage && !target.startsWith('node:'))
      .filter(({ target }) => HOMES[target]?.test(path) !== true)
      .map(({ target }) => `${path} imports ${target}`),
  );
}

/** Packages that are at home somewhere. */
export const PACKAGES = Object.keys(HOMES);

/** What plugins and stages take from the process instead of from their context. */
export function reachingOut(files: readonly SourceFile[]): readonly string[] {
  return files.flatMap(({ path, code, imports }) => {
    const talks = imports
      .filter(({ target }) => OUTSIDE_MODULES.test(target))
      .filter(() => !MAY_TALK.some((from) => from.test(path)))
      .map(({ target }) => `${path} imports ${target}`);
    if (MAY_NAME.some(({ from }) => from.test(path))) return talks;
    const names = [...code.matchAll(OUTSIDE_NAMES)].map(([name]) => `${path} uses ${name}`);
    return [...talks, ...new Set(names)];
  });
}

/** Files that are too long to be about one thing, and folders that are about nothing. */
export function shapeless(files: readonly SourceFile[]): readonly string[] {
  return files.flatMap(({ path, lines }) => {
    const found: string[] = [];
    if (lines > LONGEST && !TABLES.some((table) => table.test(path)))
      found.push(`${path} has ${lines} lines`);
    if (/(^|\/)(utils?|common|types|lib|helpers|misc)(\/|\.ts$)/.test(path))
      found.push(`${path} is named after nothing`);
    return found;
  });
}
