/** Reads what lies in docker/. */
import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';

const FOLDER = new URL('../../docker/', import.meta.url);

/** A file below docker/. */
export function dockerFile(path: string): string {
  return readFileSync(new URL(path, FOLDER), 'utf8');
}

/** Every document of a YAML file; throws at what is doubtful: errors, warnings, keys that are there twice. */
export function documents(text: string): readonly unknown[] {
  return parseAllDocuments(text, { strict: true, uniqueKeys: true, merge: true }).map(
    (document) => {
      const [fault] = [...document.errors, ...document.warnings];
      if (fault !== undefined) throw fault;
      return document.toJS() as unknown;
    },
  );
}

/** One instruction of a Dockerfile. */
export interface Instruction {
  readonly name: string;
  /** Without the options. */
  readonly text: string;
  /** `--from=build` is `{ from: 'build' }`. */
  readonly options: Readonly<Record<string, string>>;
}

/** The stages of a Dockerfile; each starts with its FROM. Build arguments have their defaults. */
export function stages(text: string): readonly (readonly Instruction[])[] {
  const found: Instruction[][] = [];
  const lines = text.replace(/^\s*#.*\n/gm, '').replace(/\\\n\s*/g, '');
  const values = new Map<string, string>();
  for (const line of lines.split('\n').filter((one) => one.trim() !== '')) {
    const one = instruction(line.replace(/\$\{(\w+)\}/g, (all, key) => values.get(key) ?? all));
    const [, key, value] = (one.name === 'ARG' && /^(\w+)=(.*)$/.exec(one.text)) || [];
    if (key !== undefined && value !== undefined) values.set(key, value);
    if (one.name === 'FROM') found.push([]);
    found.at(-1)?.push(one);
  }
  return found;
}

function instruction(line: string): Instruction {
  const [, name = '', rest = ''] = /^\s*([A-Z]+)\s+(.*)$/.exec(line) ?? [];
  const options: Record<string, string> = {};
  const text = rest.replace(/^((?:--[\w-]+=\S+\s+)*)/, (flags) => {
    for (const [, key = '', value = ''] of flags.matchAll(/--([\w-]+)=(\S+)/g))
      options[key] = value;
    return '';
  });
  return { name, text: text.trim(), options };
}

/** The words of an instruction in JSON form: `["focusd"]`, `CMD ["node", "-e", "…"]`. */
export function words(one: Instruction | undefined): readonly string[] {
  const list: unknown = JSON.parse(one?.text.replace(/^CMD\s+/, '') ?? '[]');
  if (!Array.isArray(list)) throw new Error(`${one?.name} is not in JSON form`);
  return list.map(String);
}

/** What the image is made to run. */
export interface Image {
  readonly user: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly command: readonly string[];
  readonly healthcheck: readonly string[];
  readonly ports: readonly number[];
  readonly volumes: readonly string[];
  readonly stopSignal: string;
}

/** The last stage of a Dockerfile, read as an engine would. */
export function imageOf(text: string): Image {
  const last = stages(text).at(-1) ?? [];
  const find = (name: string): Instruction | undefined => last.findLast((one) => one.name === name);
  const environment = last
    .filter(({ name }) => name === 'ENV')
    .flatMap((one) => [...one.text.matchAll(/(\w+)=(\S+)/g)])
    .map(([, key = '', value = '']) => [key, value] as const);
  return {
    user: find('USER')?.text ?? 'root',
    environment: Object.fromEntries(environment),
    command: [...words(find('ENTRYPOINT')), ...words(find('CMD'))],
    healthcheck: words(find('HEALTHCHECK')),
    ports: (find('EXPOSE')?.text ?? '').split(/\s+/).map(Number),
    volumes: words(find('VOLUME')),
    stopSignal: find('STOPSIGNAL')?.text ?? 'SIGTERM',
  };
}

/** What a dashboard is, as far as the tests look. */
export interface Dashboard {
  readonly uid: string;
  readonly templating: { readonly list: readonly Variable[] };
  readonly panels: readonly Panel[];
}

export interface Variable {
  readonly name: string;
  readonly datasource: { readonly uid: string };
  readonly query: { readonly query: string };
}

export interface Panel {
  readonly id: number;
  readonly title: string;
  readonly type: string;
  readonly datasource?: { readonly uid: string };
  readonly targets?: readonly { readonly refId: string; readonly expr: string }[];
  readonly gridPos: Readonly<Record<'x' | 'y' | 'w' | 'h', number>>;
}

/** The dashboard beside the agent. */
export function dashboard(): Dashboard {
  return JSON.parse(dockerFile('grafana/dashboards/focusd.json')) as Dashboard;
}

/** Every query of a dashboard with the name of its panel or variable, as written. */
export function expressions({
  panels,
  templating,
}: Dashboard): readonly (readonly [string, string])[] {
  return [
    ...panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr }) => [title, expr] as const),
    ),
    ...templating.list.map(({ name, query }) => [name, query.query] as const),
  ];
}
