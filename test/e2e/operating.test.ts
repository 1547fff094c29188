/** What an operator sees of an agent: debug pages, `focusd top`, support bundles. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import type { Inspection } from '../../pipelines/plugin/index.ts';
import { focusd, type Ran, startFocusd } from '../helpers/focusd-process.ts';
import { filesBelow, focusCsv, focusRow, put, worldFolder } from '../helpers/world.ts';
import { freePort } from '../interop/programs/ports.ts';

const MAIN = fileURLToPath(new URL('../../agent/main.ts', import.meta.url));
const SECRET = 'hunter2-hunter2';
const IN_FILE = 'from-a-file-zq81';

/** A world whose exporter cannot reach its backend, with secrets in every place there is. */
async function secretWorld(t: Test) {
  const port = await freePort();
  const retry = 'retry: { initial_interval: 10ms, max_interval: 10ms, max_elapsed_time: 100ms }';
  const folder = worldFolder(t, {
    exporters: {
      otlp: `{ endpoint: "http://user:pa%21sword77@127.0.0.1:9", protocol: http/protobuf, headers: { authorization: "Bearer ${SECRET}", tenant: "\${file:key}" }, ${retry} }`,
    },
    telemetry: `    logs: { level: debug }\n    resource: { note: "\${env:NOTE:-none}" }`,
    more: `extensions: { debug: { endpoint: "127.0.0.1:${port}" } }`,
    extensions: 'debug',
  });
  put(folder, 'key', IN_FILE);
  put(
    folder,
    'focusd.yaml',
    readFileSync(join(folder, 'focusd.yaml'), 'utf8').replace(
      'exporters:\n',
      'exporters:\n  file: { folder: ./never, format: otlp-json }\n  otlp/spare: { headers: { key: never-used } }\n',
    ),
  );
  return { folder, url: `http://127.0.0.1:${port}` };
}

t.test('a running agent is looked at', async (t) => {
  const { folder, url } = await secretWorld(t);
  put(folder, 'bills/a.csv', focusCsv([1.25, focusRow('x')]));
  const run = (...args: string[]): Promise<Ran> => focusd(t, args, { cwd: folder });
  const silent = await run('top');
  t.match(silent, { code: 1, stderr: /no agent answers: .*ECONNREFUSED/ }, 'when none runs');
  const running = startFocusd(t, ['run', '-c', 'focusd.yaml'], { cwd: folder });
  await running.said('charges wait for an exporter');

  const [once, json] = await Promise.all([run('top', '--once'), run('top', '--json')]);
  t.match(once, { code: 0, stdout: /^focusd \d+\.\d+\.\d+ {2}ready {2}up / });
  t.match(once.stdout, /^otlp +exporter +retrying +\w+ .*127\.0\.0\.1:9/m, 'what went wrong');
  t.match(once.stdout, /^files +receiver +running/m);
  t.match(once.stdout, /^costs: files /m);
  const all = JSON.parse(json.stdout) as Inspection;
  t.match(all, { ready: true, exporters: [{ exporter: 'otlp' }], scopes: [{ rows: 1 }] });
  t.strictSame(all.queues, [
    { name: 'tasks', length: 0 },
    { name: 'deliveries for otlp', length: 1 },
  ]);
  t.match(
    all.components.find(({ id }) => id === 'otlp')?.lastError?.reason,
    /127\.0\.0\.1:9/,
    'the last error of a component',
  );
  t.match(all.settings, /authorization: "\*\*\*\*"/);
  t.ok(all.log.some((line) => line.includes('charges wait for an exporter')));

  const pages = ['', '/components', '/traffic', '/deliveries', '/scopes', '/settings', '/log'];
  for (const page of pages.flatMap((name) => [name, `${name}.json`])) {
    const text = await (await fetch(`${url}/debug${page}`)).text();
    for (const secret of [SECRET, IN_FILE, 'sword77'])
      t.notMatch(text, secret, `${page} does not show ${secret}`);
  }

  await bundled(t, folder);
  await live(t, folder);
  writeFileSync(
    join(folder, 'focusd.yaml'),
    `receivers: { files: { paths: [./bills], settle: 0s } }
exporters: { file/csv: { folder: ./out, format: focus-csv } }
extensions: { debug: { endpoint: "${new URL(url).host}" } }
workers: 1
storage: { folder: ./state }
service:
  extensions: [debug]
  pipelines: { costs: { receivers: [files], exporters: [file/csv] } }
  telemetry: { metrics: { address: "off" }, logs: { level: debug } }
`,
  );
  await running.said('configuration was read again');
  const from = running.logs().length;
  put(folder, 'bills/b.csv', focusCsv([1.25, focusRow('x')]));
  await running.said('delivery committed', from);
  const after = JSON.parse((await run('top', '--json')).stdout) as Inspection;
  t.match(after, {
    receivers: [{ deliveries: 2, rows: { read: 4, written: 2, rejected: 2 } }],
    scopes: [{ scope: /b\.csv$/, deliveries: 1, rows: 1, rejected: 1 }, {}],
    deadLetters: { files: 2 },
    underWay: [],
  });
  t.match(
    after.exporters.find(({ exporter }) => exporter === 'file/csv'),
    { rows: 1, batches: 1, refused: 0 },
  );
  t.match((await run('top')).stdout, /^SCOPE +REVISION[\s\S]*b\.csv/m, 'no terminal: once');
  running.kill('SIGTERM');
  t.equal((await running.ended).code, 0);
});

/** In a terminal it paints a screen of its own until Ctrl-C. With `exec` no shell is left beside it that would end by the same signal. */
async function live(t: Test, folder: string): Promise<void> {
  const command = `exec ${process.execPath} ${MAIN} top --interval 200ms`;
  const terminal = spawn('script', ['-qec', command, '/dev/null'], { cwd: folder });
  terminal.on('error', () => {});
  let shown = '';
  let isTold = false;
  terminal.stdout.on('data', (text: Buffer) => {
    shown += text.toString();
    if (isTold || shown.split('COMPONENT').length < 4) return;
    isTold = true;
    terminal.stdin.write('\u0003');
  });
  const [code] = (await once(terminal, 'close')) as [number | null];
  if (code === -2) return t.comment('there is no program script: no terminal to try');
  t.equal(code, 0, 'Ctrl-C ends it well');
  t.ok(shown.startsWith('\u001b[?1049h'), 'a screen of its own');
  t.ok(shown.trimEnd().endsWith('\u001b[?1049l'), 'and what was there before comes back');
  t.match(shown, /files +receiver[\s\S]*files +receiver/, 'painted again and again');
}

/** No byte of a support bundle is a secret, whatever it was asked of. */
async function bundled(t: Test, folder: string): Promise<void> {
  const archive = await focusd(t, ['support', '-o', 'bundle.tar.gz'], { cwd: folder });
  t.match(archive, { code: 0, stdout: /bundle\.tar\.gz\n {2}about\.json\n[\s\S]*No charge/ });
  const bytes = gunzipSync(readFileSync(join(folder, 'bundle.tar.gz')));
  for (const secret of [SECRET, IN_FILE, 'sword77', 'never-used'])
    t.notOk(bytes.includes(secret), `the archive does not hold ${secret}`);
  execFileSync('tar', ['-xzf', 'bundle.tar.gz'], { cwd: folder });
  const files = filesBelow(join(folder, 'focusd-support'));
  t.strictSame(Object.keys(files).sort(), [
    'about.json',
    'agent.json',
    'audit.json',
    'configuration.yaml',
    'cursors.json',
    'dead-letters.json',
    'deliveries.json',
    'log.ndjson',
    'no-metrics.txt',
    'warnings.json',
  ]);
  const text = (name: string): string => String(files[name]);
  t.match(text('configuration.yaml'), /authorization: "\*{3,4}"/);
  t.match(text('log.ndjson'), /charges wait for an exporter/);
  t.match(JSON.parse(text('agent.json')), { ready: true });
  t.match(JSON.parse(text('audit.json')), {
    kinds: { 'agent.started': 1, 'delivery.committed': 1 },
  });
  t.match(JSON.parse(text('warnings.json')), [{ path: 'exporters.file' }]);
}

t.test('a support bundle where no agent runs, and where nothing holds', async (t) => {
  const folder = worldFolder(t, { telemetry: '    resource: {}' });
  const support = (...args: string[]): Promise<Ran> =>
    focusd(t, ['support', ...args], { cwd: folder });
  t.match(await support('-o', 'empty'), { code: 0 });
  t.match(String(filesBelow(join(folder, 'empty'))['no-state.txt']), /there is no state/);
  put(folder, 'bills/a.csv', focusCsv([1.25, focusRow('x-in-a-row')]));
  await focusd(t, ['run', '--once'], { cwd: folder });
  t.match(await support('-o', 'full'), { code: 0 });
  const full = filesBelow(join(folder, 'full'));
  const json = (name: string): unknown => JSON.parse(String(full[name]));
  t.match(json('deliveries.json'), {
    deliveries: 1,
    told: [{ scope: /a\.csv$/, rows: { read: 2, written: 1, rejected: 1 }, parts: [{}] }],
  });
  t.match(json('cursors.json'), [{ pipeline: 'costs', receiver: 'files', sha256: /^\w{16}$/ }]);
  t.match(json('dead-letters.json'), [{ reasons: { invalid_number: 1 } }]);
  t.match(String(full['no-agent.txt']), /no extension debug/);
  for (const [path, bytes] of Object.entries(full))
    t.notOk(bytes.includes('x-in-a-row'), `no row is in ${path}`);
  put(folder, 'focusd.yaml', 'receivers: 1');
  t.match(await support('-o', 'broken'), { code: 0, stdout: /configuration-error\.txt/ });
});

t.test('what is wrong with the question', async (t) => {
  const folder = worldFolder(t);
  const run = (...args: string[]): Promise<Ran> => focusd(t, ['top', ...args], { cwd: folder });
  const [none, url, interval, other] = await Promise.all([
    run(),
    run('--url', 'nowhere'),
    run('--interval', 'often'),
    run('--url', 'ftp://x'),
  ]);
  t.match(none, { code: 2, stderr: /has no extension debug[\s\S]*extensions: \{ debug: \{\} \}/ });
  t.match(url, { code: 2, stderr: /"nowhere" is no URL/ });
  t.match(interval, { code: 2, stderr: /--interval is "often"/ });
  t.equal(other.code, 1);
});
