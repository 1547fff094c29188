import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { configure } from '../../agent/configure.ts';
import { createCatalogue } from '../../agent/load-plugin.ts';
import { readConfiguration } from '../../config/read.ts';
import { CONTRACT, isSetting, type PluginKind, type Schema } from '../../pipelines/plugin/index.ts';
import { KIND_FOLDERS } from '../docs/plugin-folders.ts';

const EXAMPLES = new URL('../../config/examples/', import.meta.url);
const PLUGIN = new URL('../../pipelines/plugin/index.ts', import.meta.url);

/** What `npm install focusd` leaves beside a plugin. */
const FOCUSD = {
  'package.json': JSON.stringify({
    name: 'focusd',
    version: '0.0.0',
    type: 'module',
    exports: { './plugin': './plugin.js' },
  }),
  'plugin.js': `export * from '${PLUGIN.href}';`,
};

const RECEIVER = `import { defineReceiver } from 'focusd/plugin';
export default defineReceiver({
  type: 'invoices',
  summary: 'Invoices of a shop.',
  stability: 'alpha',
  config: { shop: { doc: 'Which shop.', format: 'text' }, every: { doc: 'How often.', format: 'duration', default: '1h' } },
  async *receive() {},
});`;

function manifest(more: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({
    version: '1.0.0',
    type: 'module',
    peerDependencies: { focusd: '*' },
    ...more,
  });
}

/** A package whose default export is one stamped extension. */
function extension(type: string, more = ''): Readonly<Record<string, string>> {
  return {
    'package.json': manifest({}),
    'index.js': `export default { kind: 'extension', contract: ${CONTRACT}, type: '${type}', summary: '', stability: 'alpha', config: {}, open: async () => ({ close: async () => {} }), ${more} };`,
  };
}

/** The text of a configuration with these packages, and a receiver. */
function text(plugins: string, receiver = 'files: { paths: . }'): string {
  return `plugins: ${plugins}
receivers:
  ${receiver}
exporters:
  console:
service:
  pipelines:
    costs: { receivers: [${receiver.split(':')[0]}], exporters: [console] }
`;
}

async function message(source: string, folder: string): Promise<string> {
  try {
    await configure({ text: source, folder, file: 'focusd.yaml' }, {});
  } catch (error) {
    if (error instanceof Error && error.name === 'Misconfigured') return error.message;
    throw error;
  }
  return 'it was accepted';
}

t.test('every example is a valid configuration', async (t) => {
  const names = readdirSync(EXAMPLES).filter((name) => name.endsWith('.yaml'));
  t.ok(names.length >= 5);
  const catalogue = createCatalogue();
  for (const name of names) {
    const { configuration } = await configure(new URL(name, EXAMPLES).pathname, {}, catalogue);
    t.same(configuration.warnings, [], name);
    t.ok(configuration.pipelines.length > 0, name);
  }
});

type Stated = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>;

/** Of the settings that the example states, those that have no default. */
function required(
  schema: Schema,
  stated: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const needed = Object.entries(schema).filter(
    ([, entry]) => isSetting(entry) && entry.default === undefined,
  );
  return Object.fromEntries(needed.map(([name]) => [name, stated[name]]));
}

t.test('the example with every setting states the defaults', async (t) => {
  const file = new URL('all-settings.yaml', EXAMPLES).pathname;
  const { configuration, catalogue } = await configure(file, {});
  const stated = parse(readFileSync(file, 'utf8')) as Stated;
  const plugins = (await catalogue.list()).map(({ plugin }) => plugin);
  const section = (kind: PluginKind, name: string) => {
    const own = plugins.filter((plugin) => plugin.kind === kind);
    return own.map(({ type, config }) => [type, required(config, stated[name]?.[type] ?? {})]);
  };
  const text = JSON.stringify({
    ...Object.fromEntries(
      Object.entries(KIND_FOLDERS).map(([kind, name]) => [
        name,
        Object.fromEntries(section(kind as PluginKind, name)),
      ]),
    ),
    service: { extensions: stated.service?.extensions, pipelines: stated.service?.pipelines },
  });
  const smallest = await configure({ folder: EXAMPLES.pathname, text }, {});
  for (const section of ['receivers', 'processors', 'exporters', 'extensions'] as const)
    t.same(
      configuration[section].map(({ id, settings }) => [id, settings]),
      smallest.configuration[section].map(({ id, settings }) => [id, settings]),
      section,
    );
  t.same(configuration.telemetry, smallest.configuration.telemetry);
  t.same(configuration.storage, smallest.configuration.storage);
  t.same(
    [
      ...configuration.receivers,
      ...configuration.processors,
      ...configuration.exporters,
      ...configuration.extensions,
    ].length,
    (await catalogue.list()).length,
    'every plugin is in it',
  );
});

t.test('built-in plugins', async (t) => {
  const catalogue = createCatalogue();
  const raw = await readConfiguration({ text: text('[]'), folder: '.' }, {});
  const plugins = await catalogue.prepare(raw);
  t.equal(plugins.find('receiver', 'files')?.type, 'files');
  t.equal(plugins.find('exporter', 'otlp'), undefined, 'only what is named is loaded');
  t.ok(plugins.types('exporter').includes('otlp'));
  t.equal(catalogue.find('exporter', 'otlp'), undefined);
  t.equal((await catalogue.load('exporter', 'otlp')).type, 'otlp');
  t.ok(catalogue.find('exporter', 'otlp'));
  await t.rejects(catalogue.load('exporter', 'toString'), { name: 'Misconfigured' });
  const listed = await catalogue.list();
  t.ok(listed.length >= 7);
  t.ok(listed.every(({ plugin }) => plugin.contract === CONTRACT && plugin.summary !== ''));
  t.equal(listed[0]?.plugin.kind, 'receiver');
});

t.test('a package from npm is configured like a built-in plugin', async (t) => {
  const folder = t.testdir({
    etc: {},
    node_modules: {
      focusd: FOCUSD,
      'focusd-plugin-invoices': {
        'package.json': manifest({ name: 'focusd-plugin-invoices', exports: './index.js' }),
        'index.js': RECEIVER,
      },
      '@shop': {
        list: {
          'package.json': manifest({ name: '@shop/list', main: './main.js' }),
          'main.js': RECEIVER.replace('invoices', 'orders')
            .replace('default ', 'default [')
            .replace(/\);$/, ')];'),
        },
      },
    },
    'package.json': manifest({}),
    'mine.js': RECEIVER.replace('invoices', 'mine'),
  });
  const etc = join(folder, 'etc');
  const configured = await configure(
    {
      folder: etc,
      text: `plugins: [focusd-plugin-invoices, "@shop/list", ../mine.js]
receivers: { invoices: { shop: a }, orders/b: { shop: b, every: 5m }, mine: { shop: c } }
exporters: { console: }
service: { pipelines: { costs: { receivers: [invoices, orders/b, mine], exporters: [console] } } }`,
    },
    {},
  );
  t.match(
    configured.configuration.receivers.map(({ id, settings }) => [id, settings]),
    [
      ['invoices', { shop: 'a', every: 3_600_000 }],
      ['orders/b', { shop: 'b', every: 300_000 }],
      ['mine', { shop: 'c' }],
    ],
  );
  const plugin = await configured.catalogue.load('receiver', 'invoices');
  t.match(plugin, { kind: 'receiver', contract: CONTRACT, summary: 'Invoices of a shop.' });
  const listed = await configured.catalogue.list();
  t.equal(listed.find((entry) => entry.plugin.type === 'orders')?.package, '@shop/list');

  const before = await message(text('[focusd-plugin-invoices]', 'invoices: { shp: a }'), etc);
  t.match(before, /receivers\.invoices\.shp is not a setting\n\s+did you mean shop\?/);
  const without = await message(text('[]', 'invoices: { shop: a }'), etc);
  t.match(
    without,
    /there is no such receiver\n.*for a type from an npm package, name the package under plugins/,
  );
});

t.test('a package that cannot be used says what to do', async (t) => {
  const old = (contract: unknown): Readonly<Record<string, string>> => ({
    'package.json': manifest({ exports: { import: './index.js' } }),
    'index.js': `export default { kind: 'receiver', contract: ${contract}, type: 'old', config: {}, receive() {} };`,
  });
  const exporting = (code: string): Readonly<Record<string, string>> => ({
    'package.json': manifest({}),
    'index.js': code,
  });
  const folder = t.testdir({
    node_modules: {
      older: old(CONTRACT - 1),
      newer: old(CONTRACT + 1),
      unstamped: exporting('export default { type: "x" };'),
      nothing: exporting('export const plugin = 1;'),
      empty: exporting('export default [];'),
      throwing: exporting('throw new Error("no database");'),
      lonely: exporting('import "focusd/kit-that-is-not-there"; export default 1;'),
      entryless: { 'package.json': manifest({ main: './gone.js' }) },
      builtin: extension('health'),
      one: extension('same'),
      two: extension('same'),
      format: extension('f', "config: { a: { doc: 'A.', format: 'colour' } }"),
      handless: extension('h', 'open: undefined'),
    },
  });
  const says = async (name: string): Promise<string> => {
    const said = await message(text(`\n  - ${name}`), folder);
    return said
      .split('\n')
      .slice(2)
      .map((line) => line.trim())
      .join(' | ');
  };
  t.match(
    await says('missing-one'),
    /^line 2 {2}plugins\[0\] names missing-one: it is not installed \(looked from .*\) \| run npm install missing-one in the folder of the configuration/,
  );
  t.match(
    await says('older'),
    /made for version 0 of the plugin contract; this focusd has version 1 \| update the package/,
  );
  t.match(await says('newer'), /made for version 2 .* \| update focusd/);
  t.match(await says('unstamped'), /not made by defineReceiver/);
  t.match(await says('nothing'), /neither a plugin nor a list of them/);
  t.match(await says('empty'), /an empty list/);
  t.match(await says('throwing'), /it cannot be loaded: no database \| install it again/);
  t.match(
    await says('lonely'),
    /it cannot be loaded: .*focusd.* \| it needs focusd beside it: npm install focusd lonely/,
  );
  t.match(await says('entryless'), /its entry \.\/gone\.js is not there/);
  t.match(await says('builtin'), /its extension health has the name of a built-in one/);
  t.match(
    await says('format'),
    /the settings of its extension f are wrong: a has the unknown format colour/,
  );
  t.match(await says('handless'), /its extension h has no open\(\)/);
  t.match(await says('./nowhere.js'), /there is no module .*nowhere\.js/);
  t.match(
    await message(text('[one, two]'), folder),
    /plugins\[1\] names two: its extension same is in one too/,
  );
  const both = await message(text('[older]', 'filez: { paths: . }'), folder);
  t.match(both, /2 problems/, 'the rest of the file is checked all the same');
});
