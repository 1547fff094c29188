/** Mappings that packages bring: the example of plugins/README.md, in the real process and its workers. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import { configure } from '../../agent/configure.ts';
import { hashOf, loadMappings, unchangedMappings } from '../../pipelines/engine/load-mappings.ts';
import { CONTRACT } from '../../pipelines/plugin/index.ts';
import { focusd } from '../helpers/focusd-process.ts';
import { exampleFiles } from '../helpers/mapping-example.ts';

const DOOR = new URL('../../pipelines/plugin/index.ts', import.meta.url).href;
const MAPPING = new URL('../../pipelines/normalize/public.ts', import.meta.url).href;

/** What `npm install focusd` leaves beside a package. */
const FOCUSD = {
  'package.json': JSON.stringify({
    name: 'focusd',
    version: '0.0.0',
    type: 'module',
    exports: { './plugin': './plugin.js', './mapping': './mapping.js' },
  }),
  'plugin.js': `export * from '${DOOR}';`,
  'mapping.js': `export * from '${MAPPING}';`,
};

const EXAMPLE = exampleFiles();
const MANIFEST = JSON.stringify({
  name: 'focusd-acme',
  version: '1.0.0',
  type: 'module',
  exports: './index.js',
});
const BILL = [
  'Day,Server,Team,Kind,Amount,Currency,Account',
  '2026-09-01,vm-1,shop,usage,1.25,EUR,a-1',
  '2026-09-02,vm-1,shop,usage,2.50,EUR,a-1',
  '2026-09-02,,,support,10.00,EUR,a-1',
  '',
].join('\n');
const CONFIGURATION = `plugins: [focusd-acme]
receivers: { files: { paths: [./bills], settle: 0s } }
processors: { normalize: { acme: { support: usage } } }
exporters: { file: { folder: ./out } }
storage: { folder: ./data }
service:
  pipelines: { costs: { receivers: [files], processors: [normalize], exporters: [file] } }
  telemetry: { metrics: { address: "off" } }
`;

const site = t.testdir({
  node_modules: { focusd: FOCUSD, 'focusd-acme': { 'package.json': MANIFEST, ...EXAMPLE } },
  bills: { 'acme.csv': BILL },
  'focusd.yaml': CONFIGURATION,
});

t.test('convert reads a bill by it', async (t) => {
  const args = ['convert', '--plugin', 'focusd-acme', '--mapping', 'acme', 'bills/acme.csv'];
  const { code, stdout, stderr } = await focusd(t, [...args, '--format', 'ndjson'], { cwd: site });
  t.equal(code, 0, stderr);
  t.match(stderr, /3 rows read.*3 charges/);
  t.match(stderr, /BilledCost +in 13\.75 \(Amount\) = out 13\.75 +conserved/);
  const charges = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  t.match(charges, [
    {
      BilledCost: 1.25,
      BillingPeriodStart: '2026-09-01T00:00:00Z',
      BillingPeriodEnd: '2026-10-01T00:00:00Z',
      ChargePeriodEnd: '2026-09-02T00:00:00Z',
      ServiceName: 'Acme Servers',
      ResourceId: 'vm-1',
      Tags: { team: 'shop' },
    },
    {},
    { ChargeCategory: 'Purchase', ChargeFrequency: 'Recurring' },
  ]);
  const found = await focusd(t, ['convert', '--plugin', 'focusd-acme', 'bills/acme.csv'], {
    cwd: site,
  });
  t.match(found.stderr, /3 charges/, 'auto finds it by the columns');
  const set = await focusd(t, [...args, '--set', 'acme.support=usage', '--strict'], { cwd: site });
  t.notMatch(set.stdout, /Purchase/, 'its settings are set like those of a built-in one');
  const wrong = await focusd(t, [...args, '--set', 'acme.support=free'], { cwd: site });
  t.match(wrong.stderr, /not one of its values[\s\S]*purchase, usage/);
  const alone = await focusd(t, ['convert', 'bills/acme.csv'], { cwd: site });
  t.match(alone.stderr, /fit no known bill/);
  t.equal(alone.code, 1);
});

t.test('the agent reads bills by it in its workers, with its settings', async (t) => {
  const { code, stderr } = await focusd(t, ['run', '-c', 'focusd.yaml', '--once'], { cwd: site });
  t.equal(code, 0, stderr);
  const files = readdirSync(join(site, 'out'), { recursive: true, encoding: 'utf8' });
  const text = files
    .filter((name) => /\.(jsonl|csv|ndjson)$/.test(name))
    .map((name) => readFileSync(join(site, 'out', name), 'utf8'))
    .join('');
  t.match(text, /Acme Servers/);
  t.notMatch(text, /"Purchase"/, 'support is usage');
});

t.test('a module that changes is not read half old, half new', async (t) => {
  const folder = t.testdir({ 'm.mjs': module('one', 'first') });
  const path = join(folder, 'm.mjs');
  const { href: url } = pathToFileURL(path);
  const before = { name: 'one', url, sha256: await hashOf(url) };
  const [first] = await loadMappings([before]);
  t.equal(first?.summary, 'first');
  await unchangedMappings([before]);
  writeFileSync(path, module('one', 'second'));
  await t.rejects(unchangedMappings([before]), {
    name: 'Unavailable',
    message: /reload the agent/,
  });
  const after = { ...before, sha256: await hashOf(url) };
  t.equal((await loadMappings([after]))[0]?.summary, 'second');
  t.equal((await loadMappings([before]))[0]?.summary, 'first', 'what is loaded stays');
  await t.rejects(loadMappings([{ ...before, sha256: 'other' }]), /is not what it was/);
});

t.test('a mapping that cannot be used says what is wrong with it', async (t) => {
  const folder = t.testdir({});
  const acme = EXAMPLE['acme.js'] ?? '';
  const broken: readonly (readonly [code: string, says: RegExp])[] = [
    ['export const nothing = 1;', /not made by defineMapping/],
    [acme.replace("name: 'acme'", "name: 'other'"), /it names itself other/],
    [acme.replace(/BillingCurrency: .*/, ''), /gives no BillingCurrency/],
    [
      acme.replace('ResourceId:', 'ResourceUd:'),
      /gives ResourceUd, which is neither a column of FOCUS/,
    ],
    [
      acme.replace('ServiceName: always', "ServiceName: amount('x') || always"),
      /ServiceName is amount, it has to be text/,
    ],
    [
      acme.replace(
        'build: ({ settings }) => {',
        'build: ({ settings }) => { throw new Error("no table");',
      ),
      /build\(\) fails .* no table/,
    ],
    [
      acme
        .replace("required: ['day'", "required: 7 && ['day'")
        .replace(", 'account'],", ", 'account'].length,"),
      /required is no list/,
    ],
    [`import 'focusd/nowhere';${acme}`, /nowhere/],
  ];
  for (const [code, says] of broken)
    t.match(await problem(folder, { 'acme.js': code }), says, String(says));
  const index = (name: string) =>
    `export default { kind: 'mappings', contract: ${CONTRACT}, mappings: { '${name}': new URL('./acme.js', import.meta.url) } };`;
  t.match(await problem(folder, { 'index.js': index('focus') }), /name of a built-in one/);
  t.match(await problem(folder, { 'index.js': index('Not a name') }), /not made of small letters/);
  t.match(
    await problem(folder, {
      'index.js': index('acme').replace(`contract: ${CONTRACT}`, 'contract: 99'),
    }),
    /version 99 of the plugin contract/,
  );
  t.match(await problem(folder, { 'acme.js': acme }), /accepted/);
});

/** What is said of a configuration that names the package with these files. */
async function problem(folder: string, files: Readonly<Record<string, string>>): Promise<string> {
  const root = join(folder, String(sites++));
  const write = (path: string, content: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  };
  for (const [name, content] of Object.entries(FOCUSD))
    write(`node_modules/focusd/${name}`, content);
  for (const [name, content] of Object.entries({ 'package.json': MANIFEST, ...EXAMPLE, ...files }))
    write(`node_modules/focusd-acme/${name}`, content);
  try {
    await configure({ folder: root, text: CONFIGURATION, file: 'focusd.yaml' }, {});
    return 'it was accepted';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

let sites = 0;

function module(name: string, summary: string): string {
  return (EXAMPLE['acme.js'] ?? '')
    .replace("name: 'acme'", `name: '${name}'`)
    .replace(/summary: '.*'/, `summary: '${summary}'`)
    .replace("'focusd/mapping'", `'${MAPPING}'`);
}
