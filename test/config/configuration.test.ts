// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are YAML with substitutions, not templates.
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { ComponentKind, KnownPlugins } from '../../config/components.ts';
import type * as own from '../../config/formats.ts';
import type { Misconfigured } from '../../config/problems.ts';
import { configurationFiles, readConfiguration } from '../../config/read.ts';
import { maskedYaml } from '../../config/show.ts';
import { validateConfiguration } from '../../config/validate.ts';
import type * as contract from '../../pipelines/plugin/settings.ts';

const SETTINGS: Readonly<Record<ComponentKind, Readonly<Record<string, own.Schema>>>> = {
  receiver: {
    files: {
      paths: { doc: 'Where the bills are.', format: 'paths' },
      settle: { doc: 'Pause.', format: 'duration', default: '2s', min: '100ms', max: '1h' },
    },
    push: {},
  },
  processor: {
    attribute: {
      tags: { doc: 'Tag keys.', format: 'list', default: ['owner'] },
      accounts: { doc: 'Owners.', format: 'map', default: {} },
    },
  },
  exporter: {
    otlp: {
      endpoint: { doc: 'Where to.', format: 'url', default: 'http://localhost:4317' },
      token: { doc: 'Who asks.', format: 'secret', default: null },
      headers: { doc: 'Headers.', format: 'secrets', default: {} },
      mode: { doc: 'How.', format: 'choice', values: ['grpc', 'http'], default: 'grpc' },
      tls: {
        ca: { doc: 'PEM file.', format: 'path', default: null },
        verify: { doc: 'Verify.', format: 'flag', default: true },
      },
      queue: {
        size: { doc: 'Room.', format: 'bytes', default: '1MiB', max: '1GiB' },
        workers: { doc: 'At once.', format: 'int', default: 4, min: 1, max: 64 },
      },
      labels: { doc: 'Labels.', format: 'map', default: { 'service.name': 'focusd' } },
    },
    console: {},
  },
  extension: { health: { port: { doc: 'Port.', format: 'int', default: 13133 } } },
};

const PLUGINS: KnownPlugins = {
  find(kind, type) {
    const config = SETTINGS[kind][type];
    if (config === undefined) return undefined;
    return { type, config, ...(kind === 'processor' ? { stage: type } : {}) };
  },
  types: (kind) => Object.keys(SETTINGS[kind]),
};

const BASE = `
receivers:
  files: { paths: bills }
exporters:
  otlp: {}
service:
  pipelines:
    costs: { receivers: [files], exporters: [otlp] }
`;

interface Written {
  readonly env?: Readonly<Record<string, string>>;
  readonly folder?: string;
}

async function load(text: string, { env = {}, folder = '/etc/focusd' }: Written = {}) {
  const raw = await readConfiguration({ text, folder, file: 'focusd.yaml' }, env);
  return validateConfiguration(raw, PLUGINS);
}

/** A configuration whose otlp exporter has these settings. */
const otlp = (settings: string): string => `
receivers: { files: { paths: bills } }
exporters:
  otlp:
${settings
  .split('\n')
  .map((line) => `    ${line}`)
  .join('\n')}
service: { pipelines: { costs: { receivers: [files], exporters: [otlp] } } }
`;

async function otlpSettings(settings: string, written: Written = {}) {
  return (await load(otlp(settings), written)).exporters[0]?.settings as Record<string, unknown>;
}

async function refused(text: string, written: Written = {}): Promise<Misconfigured> {
  try {
    await load(text, written);
  } catch (error) {
    if (error instanceof Error && error.name === 'Misconfigured') return error as Misconfigured;
    throw error;
  }
  throw new Error('it was accepted');
}

/** Each problem on one line: `9 exporters.otlp.mode: is … | hint`. */
async function problemsOf(text: string, written: Written = {}): Promise<readonly string[]> {
  return (await refused(text, written)).problems.map(
    ({ line, path, problem, hint }) => `${line} ${path}: ${problem} | ${hint}`,
  );
}

t.test('the smallest configuration gets every default', async (t) => {
  const configuration = await load(BASE);
  t.match(configuration, {
    folder: '/etc/focusd',
    receivers: [{ kind: 'receiver', id: 'files', type: 'files' }],
    processors: [],
    extensions: [],
    pipelines: [{ name: 'costs', receivers: ['files'], processors: [], exporters: ['otlp'] }],
    storage: { folder: '/etc/focusd/focusd-data', max_dead_letters: 256 * 2 ** 20 },
    plugins: [],
    telemetry: { logs: { level: 'info' }, metrics: { level: 'normal', address: '127.0.0.1:8888' } },
    warnings: [],
  });
  t.ok(configuration.workers >= 1);
  t.same(configuration.receivers[0]?.settings, { paths: ['/etc/focusd/bills'], settle: 2000 });
  t.same(configuration.exporters[0]?.settings, {
    endpoint: 'http://localhost:4317',
    token: undefined,
    headers: {},
    mode: 'grpc',
    tls: { ca: undefined, verify: true },
    queue: { size: 2 ** 20, workers: 4 },
    labels: { 'service.name': 'focusd' },
  });
});

t.test('what is checked is frozen', async (t) => {
  const configuration = await load(BASE);
  const frozen = (value: unknown): boolean =>
    typeof value !== 'object' || value === null
      ? true
      : Object.isFrozen(value) && Object.values(value).every(frozen);
  const { shown, warnings, receivers, exporters, ...rest } = configuration;
  for (const [name, value] of Object.entries(rest)) t.ok(frozen(value), name);
  t.ok([...receivers, ...exporters].every(({ settings }) => frozen(settings)));
  t.ok(shown);
  t.ok(Object.isFrozen(warnings));
});

t.test('every problem is said at once, for people', async (t) => {
  const { message, problems } = await refused(`receivers:
  files/eu:
    path: bills
    settle: 5
  filez: {}
exporters:
  otlp:
    endpoint: localhost:4317
    mode: htpp
    tls: { verify: "yes" }
    queue: { size: 20mb, workers: 0 }
  console:
    colour: true
workers: many
storage: { max_dead_letters: 10KiB }
service:
  extensions: [health]
  pipelines:
    costs: { receivers: [files], exporters: [otlp, consol] }
    empty: {}
  telemetry: { logs: { level: warning } }
`);
  t.equal(
    message,
    `focusd.yaml has 18 problems:

  line 2   receivers.files/eu.paths is missing
           Where the bills are. It is a list of paths or globs

  line 3   receivers.files/eu.path is not a setting
           did you mean paths?

  line 4   receivers.files/eu.settle is 5, not a duration such as 250ms, 30s, 5m, 1h or 7d
           give it a unit: 5s for seconds, 5m for minutes

  line 5   receivers.filez is of the type filez, and there is no such receiver
           did you mean files?

  line 8   exporters.otlp.endpoint is "localhost:4317", not an absolute URL such as http://localhost:4317
           put http:// or https:// in front

  line 9   exporters.otlp.mode is "htpp", not one of its values
           did you mean http? allowed: grpc, http

  line 10  exporters.otlp.tls.verify is "yes", not true or false
           write true or false

  line 11  exporters.otlp.queue.size is "20mb", not a size such as 512KiB, 20MiB or 1GB
           write 20MiB

  line 11  exporters.otlp.queue.workers is 0, less than 1
           the smallest allowed is 1

  line 13  exporters.console.colour is not a setting
           there are no settings here

  line 14  workers is "many", not a whole number, 0 or more
           write a whole number, 0 or more

  line 15  storage.max_dead_letters is "10KiB", less than 1MiB
           the smallest allowed is 1MiB

  line 17  service.extensions[0] names health, which is not configured
           add it under extensions

  line 19  service.pipelines.costs.receivers[0] names files, which is not configured
           write it in full: files/eu

  line 19  service.pipelines.costs.exporters[1] names consol, which is not configured
           did you mean console?

  line 20  service.pipelines.empty has no receivers
           add receivers: [files/eu]

  line 20  service.pipelines.empty has no exporters
           add exporters: [otlp]

  line 21  service.telemetry.logs.level is "warning", not one of its values
           did you mean warn? allowed: debug, info, warn, error
`,
  );
  t.equal(problems.length, 18);
  t.ok(problems.every(({ hint }) => hint !== ''));
});

t.test('formats', async (t) => {
  t.match(
    await otlpSettings('queue: { size: 1.5GB }\nmode: http').catch((error) => error.message),
    /queue\.size is "1\.5GB", more than 1GiB/,
  );
  for (const [written, bytes] of [
    ['4096', 4096],
    ['512KiB', 512 * 1024],
    ['20MB', 20e6],
    ['0.5 MiB', 512 * 1024],
    ['7B', 7],
  ])
    t.match(
      await otlpSettings(`queue: { size: ${written} }`),
      { queue: { size: bytes } },
      `${written}`,
    );
  for (const written of ['-1', '1.5', '1.0000001KiB', '10 apples', '[1]', 'true'])
    t.equal((await problemsOf(otlp(`queue: { size: ${written} }`))).length, 1, written);

  const settle = async (text: string): Promise<unknown> =>
    (await load(BASE.replace('paths: bills', `paths: bills, settle: ${text}`))).receivers[0]
      ?.settings.settle;
  for (const [written, milliseconds] of [
    ['250ms', 250],
    ['1.5s', 1500],
    ['1m30s', 90_000],
    ['1h', 3_600_000],
  ])
    t.equal(await settle(`${written}`), milliseconds, `${written}`);
  for (const written of ['30', '30sec', 's', '-5s', '2h', '50ms', '1d', 'true'])
    await t.rejects(settle(written), { name: 'Misconfigured' }, written);

  t.match(await otlpSettings('tls: { ca: certs/ca.pem }'), {
    tls: { ca: '/etc/focusd/certs/ca.pem' },
  });
  t.match(await otlpSettings('tls: { ca: /ca.pem }'), { tls: { ca: '/ca.pem' } });
  for (const url of ['ftp://x', 'otlp', 'http://', '//x', '[]', '{}'])
    t.equal((await problemsOf(otlp(`endpoint: ${url}`))).length, 1, url);
  for (const workers of ['-1', '1.5', '"4"', '65', '1e400', 'null'])
    t.equal((await problemsOf(otlp(`queue: { workers: ${workers} }`))).length, 1, workers);
});

t.test('texts may look like numbers and keep their digits', async (t) => {
  t.match(await otlpSettings('token: 0123\nlabels: { 007: 1.50, service.name: true }'), {
    token: '0123',
    labels: { '007': '1.50', 'service.name': 'true' },
  });
  const { processors } = await load(`
receivers: { files: { paths: bills } }
processors: { attribute: { tags: team, accounts: { 123456789012345678901: 42 } } }
exporters: { console: }
service: { pipelines: { costs: { receivers: files, processors: attribute, exporters: console } } }
`);
  t.same(processors[0]?.settings, { tags: ['team'], accounts: { '123456789012345678901': '42' } });
});

t.test('maps and lists of the wrong shape', async (t) => {
  t.same(
    await problemsOf(otlp('labels: [a]\nheaders: { a: { b: c }, d: }\ntls: x\ntoken: [s3cr3t]')),
    [
      '5 exporters.otlp.labels: is a list | it is a group of names and texts',
      '6 exporters.otlp.headers: has a group of settings under "a" | each value is a text',
      '6 exporters.otlp.headers: has nothing under "d" | each value is a text',
      '7 exporters.otlp.tls: is "x", not a group of settings | write its settings below it, indented: ca, verify',
      '8 exporters.otlp.token: is a list | it is a text',
    ],
  );
  t.same(await problemsOf('[]'), [
    '1 : is a list, not a group of settings | write its settings below it, indented: plugins, storage, workers',
  ]);
  t.same(await problemsOf('receivers: [files]\nservice: { pipelines: [costs] }'), [
    '1 receivers: is a list, not a group of components | write each receiver below it, indented, as type: or type/name:',
    '2 service.pipelines: is a list, not a group of pipelines | for example costs: { receivers: [files], exporters: [otlp] }',
  ]);
});

t.test('variables and files', async (t) => {
  const folder = t.testdir({
    secrets: { token: 's3cr3t\n', windows: 'one\r\n', two: 'a\nb\n', port: '8888' },
  });
  const env = {
    PORT: '8',
    HOST: 'example.com',
    EMPTY: '',
    YES: 'true',
    ZEROS: '0123',
    DOLLAR: '${env:HOST}',
    TRICK: '[a, b]',
  };
  const settings = (text: string) => otlpSettings(text, { env, folder });
  t.match(await settings('queue:\n  workers: ${env:PORT}\ntls:\n  verify: ${env:YES}'), {
    queue: { workers: 8 },
    tls: { verify: true },
  });
  t.match(await settings('endpoint: https://${env:HOST}:443${env:PORT}/a'), {
    endpoint: 'https://example.com:4438/a',
  });
  t.match(
    await settings(
      'queue: { workers: "${env:NONE:-7}" }\nendpoint: http://${env:EMPTY:-${env:HOST:-x}}',
    ),
    {
      queue: { workers: 7 },
      endpoint: 'http://example.com',
    },
  );
  t.match(await settings('token: ${env:ZEROS}'), { token: '0123' }, 'a text keeps its digits');
  t.match(await settings('token: ${env:EMPTY}'), { token: undefined }, 'empty is nothing');
  t.match(
    await settings('token: ${env:DOLLAR}'),
    { token: '${env:HOST}' },
    'what is put in is not looked at again',
  );
  t.match(await settings('token: ${env:TRICK}'), { token: '[a, b]' }, 'nor is it read as YAML');
  t.match(await settings('token: $${env:HOST}$$5 $x'), { token: '${env:HOST}$5 $x' });
  t.match(await settings('token: ${file:secrets/token}'), { token: 's3cr3t' });
  t.match(await settings('token: ${file:secrets/windows}'), { token: 'one' });
  t.match(await settings('headers: { a: "Bearer ${file:secrets/two}!" }'), {
    headers: { a: 'Bearer a\nb!' },
  });

  const problems = (text: string) => problemsOf(otlp(text), { env, folder });
  t.same(await problems('token: ${env:NONE}\nendpoint: ${HOST}\nmode: ${env:a-b}'), [
    '5 exporters.otlp.token: needs the environment variable NONE, which is not set | set NONE, or write ${env:NONE:-default}',
    '6 exporters.otlp.endpoint: has ${HOST}, which is neither ${env:…} nor ${file:…} | write ${env:HOST} for the environment variable, or $${HOST} for the text itself',
    '7 exporters.otlp.mode: has ${env:a-b}, which names no environment variable | a name is made of letters, digits and _',
  ]);
  t.same(
    await problems('token: ${file:secrets/none}\nendpoint: ${file:secrets}\nmode: "${env:HOST"'),
    [
      '5 exporters.otlp.token: needs the file secrets/none, which does not exist | the path counts from the folder of the configuration',
      '6 exporters.otlp.endpoint: needs the file secrets, which is a folder | the path counts from the folder of the configuration',
      '7 exporters.otlp.mode: has a ${ without its } | close it, or write $${ for the text ${',
    ],
  );
  t.match(await problems('token: ${env:constructor}'), [/constructor, which is not set/]);
  t.match(await problems('queue: { workers: "${env:EMPTY}" }'), [
    /queue\.workers: is empty \| give it a value/,
  ]);
});

t.test('no problem shows a secret, or what came from a file or a variable', async (t) => {
  const folder = t.testdir({ token: 'h1dden' });
  const written = { folder, env: { SECRET: 'h1dden' } };
  const { message } = await refused(
    otlp(
      'endpoint: ${file:token}\nmode: ${env:SECRET}\nqueue: { size: "x${file:token}" }\ntoken: [h1dden]\nheaders: { a: [h1dden] }',
    ),
    written,
  );
  t.notMatch(message, /h1dden/);
  const mixed = await refused(
    otlp('endpoint: "ftp://me:${env:SECRET}@x"\nqueue:\n  size: ${env:SECRET}mb'),
    written,
  );
  t.notMatch(mixed.message, /h1dden/);
  t.match(mixed.message, /endpoint is the text with what was put in, not an absolute URL/);
  t.match(message, /mode is the value of \$\{env:SECRET\}, not one of its values/);
});

t.test('a dump has every default and no secret, and loads again', async (t) => {
  const folder = t.testdir({ token: 's3cr3t', name: 'from-a-file' });
  const configuration = await load(
    otlp(
      'endpoint: https://me:s3cr3t@example.com/x\ntoken: s3cr3t\nheaders: { key: s3cr3t }\nlabels: { name: "${file:name}", other: x }',
    ),
    { folder },
  );
  const yaml = maskedYaml(configuration);
  t.notMatch(yaml, /s3cr3t|from-a-file/);
  t.strictSame([...configuration.secrets].sort(), ['from-a-file', 'me:s3cr3t', 's3cr3t']);
  const again = await load(yaml, { folder });
  t.match(again.exporters[0]?.settings, {
    endpoint: 'https://****@example.com/x',
    token: '****',
    headers: { key: '****' },
    labels: { name: '****', other: 'x' },
    queue: { size: 2 ** 20, workers: 4 },
  });
  t.match(again.storage, configuration.storage);
  t.equal(again.workers, configuration.workers);
});

t.test('YAML', async (t) => {
  t.same(await problemsOf(`${BASE}storage: { folder: a }\nstorage: { folder: b }\n`), [
    '10 storage: is there twice | remove or rename one; the first is on line 9',
  ]);
  t.same(await problemsOf(otlp('mode: grpc\ntls:\n  ca: a\n  ca: b')), [
    '8 exporters.otlp.tls.ca: is there twice | remove or rename one; the first is on line 7',
  ]);
  t.match(await problemsOf('receivers:\n\tfiles: {}\n'), [
    /^2 : is not YAML: .* \| indent with spaces/,
  ]);
  t.match(await problemsOf('a: [${env:X}]'), [/^1 : is not YAML: .* put quotes around "\$\{…\}"/]);
  t.match((await problemsOf('a: &x [*y]')).slice(0, 1), [/a\[0\]: refers to \*y/]);
  t.match(await problemsOf('a: 1\n---\nb: 2'), [/one document/]);
  t.match(await problemsOf('a: !!js/function x'), [/is not YAML: .*tag/]);
  t.match(await problemsOf('a: "x'), [/is not YAML/]);
  t.match(await problemsOf(''), [/is empty \| it needs receivers/]);
  t.match((await problemsOf('? [a]\n: b'))[0], /has a key that is no text/);
  t.match(await problemsOf('['.repeat(100_000)), [/./], 'deep nesting is an error, not a crash');

  const merged = await load(`
receivers: { files: { paths: bills } }
exporters:
  otlp/a: &a { mode: http, labels: { x: y } }
  otlp/b: { <<: *a, mode: grpc }
  otlp/c: *a
service: { pipelines: { costs: { receivers: [files], exporters: [otlp/a, otlp/b, otlp/c] } } }
`);
  t.match(
    merged.exporters.map(({ settings }) => settings),
    [{ mode: 'http' }, { mode: 'grpc', labels: { x: 'y' } }, { mode: 'http' }],
  );
});

t.test('aliases are bounded', async (t) => {
  const lines = ['a0: &a0 [x,x,x,x,x,x,x,x,x]'];
  for (let i = 1; i < 12; i++)
    lines.push(`a${i}: &a${i} [${Array.from({ length: 9 }, () => `*a${i - 1}`).join(',')}]`);
  t.match(await problemsOf(lines.join('\n')), [/is too large or too deeply nested/]);
  t.match(await problemsOf('a: &a { b: *a }'), [/is too large or too deeply nested/]);
});

t.test('component names, duplicates, unused', async (t) => {
  t.same(
    await problemsOf(`
receivers: { files: { paths: a }, files/: , /x: , Files: , push/../x: , otlp: }
processors: { attribute: , attribute/b: }
exporters: { otlp: }
service:
  extensions: [otlp]
  pipelines:
    costs: { receivers: [files, files, 5], processors: [attribute, attribute/b], exporters: [otlp, [x]] }
    "a b": { receivers: [files], exporters: [otlp] }
`),
    [
      '2 receivers.files/: is no name for a component | write type or type/name; a name is made of letters, digits, . _ and -',
      '2 receivers./x: is no name for a component | write type or type/name; a name is made of letters, digits, . _ and -',
      '2 receivers.Files: is no name for a component | write type or type/name; a name is made of letters, digits, . _ and -',
      '2 receivers.push/../x: is no name for a component | write type or type/name; a name is made of letters, digits, . _ and -',
      '2 receivers.otlp: is of the type otlp, and there is no such receiver | otlp is a type of exporter: move it to exporters',
      '6 service.extensions[0]: names otlp, which is not configured | add it under extensions',
      '8 service.pipelines.costs.receivers[1]: names files twice | remove one',
      '8 service.pipelines.costs.receivers[2]: names 5, which is not configured | add it under receivers, or use files or files/ or /x or Files or push/../x or otlp',
      '8 service.pipelines.costs.exporters[1]: is a list, not a name | write it as it stands under exporters',
      '8 service.pipelines.costs.processors: has two processors for one stage: attribute and attribute/b | keep one of them',
      '9 service.pipelines.a b: is no name for a pipeline | use letters, digits, . _ / and -',
    ],
  );
  const { warnings, exporters, extensions } = await load(
    `${BASE.replace('otlp: {}', 'otlp: {}\n  console:')}extensions: { health: }\n`,
  );
  t.same([exporters.map(({ id }) => id), extensions], [['otlp'], []]);
  t.match(warnings, [
    {
      path: 'exporters.console',
      problem: 'is configured but not used: it is not started',
      line: 6,
    },
    { path: 'extensions.health', line: 10 },
  ]);
});

t.test('files: what a configuration was made of', async (t) => {
  const folder = t.testdir({
    'focusd.yaml': otlp('token: ${file:secrets/token}\nheaders: { a: "${file:none}" }'),
    secrets: { token: 'x' },
    binary: Buffer.from([0x61, 0xff, 0x62]),
  });
  const raw = await readConfiguration(join(folder, 'focusd.yaml'), {});
  t.same(
    configurationFiles(raw),
    ['focusd.yaml', 'secrets/token', 'none'].map((name) => join(folder, name)),
  );
  t.equal(raw.folder, folder);
  const read = (name: string) => readConfiguration(join(folder, name), {});
  await t.rejects(read('nothing.yaml'), {
    name: 'Misconfigured',
    message: /nothing\.yaml does not exist\n.*looked for/s,
  });
  await t.rejects(read('secrets'), { name: 'Misconfigured', message: /is a folder/ });
  await t.rejects(read('binary'), { name: 'Misconfigured', message: /is not text in UTF-8/ });
  writeFileSync(join(folder, 'large.yaml'), '#'.repeat(1024 * 1024 + 1));
  await t.rejects(read('large.yaml'), { name: 'Misconfigured', message: /is larger than 1 MiB/ });
  if (process.getuid?.() !== 0) {
    chmodSync(join(folder, 'focusd.yaml'), 0);
    await t.rejects(read('focusd.yaml'), { message: /may not be read/ });
  }
});

t.test('declarations of settings are those of the plugin contract', async (t) => {
  const settings = {
    a: { doc: 'A.', format: 'choice', values: ['x', 'y'], default: null },
  } as const;
  const ours = settings satisfies own.Schema satisfies contract.Schema;
  const value: own.ConfigOf<typeof ours> = { a: 'x' };
  const same: contract.ConfigOf<typeof ours> = value;
  const formats = (all: contract.Formats): own.Formats => all;
  const back = (all: own.Formats): contract.Formats => all;
  t.same(same, { a: 'x' });
  t.type(formats, 'function');
  t.type(back, 'function');
});
