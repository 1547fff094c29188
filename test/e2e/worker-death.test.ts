/** Code of a package ends its worker, or the whole process, in the middle of a part of which exporters have had some already: nothing of that part counts, everything else does. */
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { focusd } from '../helpers/focusd-process.ts';
import { exampleFiles } from '../helpers/mapping-example.ts';
import { committedCosts, deadLetters, exportedCosts, filesBelow, put } from '../helpers/world.ts';

t.setTimeout(10 * 60_000);

const DOOR = new URL('../../pipelines/plugin/index.ts', import.meta.url).href;
const MAPPING = new URL('../../pipelines/normalize/public.ts', import.meta.url).href;
/** Of a part: several batches. */
const ROWS = 30_000;

/** What the mapping does about a server of that name. */
const DEEDS = {
  exit: 'process.exit(3)',
  later: "setImmediate(() => { throw new Error('on its own') })",
  rejected: "void Promise.reject(new Error('nobody waits for it'))",
  thrown: "throw new Error('no such server')",
  room: 'new ArrayBuffer(Number.MAX_SAFE_INTEGER)',
  abort: "process.kill(process.pid, 'SIGABRT')",
} as const;

const BODY = Object.entries(DEEDS)
  .map(([name, deed]) => `if (server === '${name}') { ${deed}; }`)
  .join(' ');

function acme(): string {
  return (exampleFiles()['acme.js'] ?? '')
    .replace('jsonObject,', 'jsonObject, map,')
    .replace(
      "ResourceId: first('server')",
      `ResourceId: map('server', (server) => { ${BODY} return server; })`,
    );
}

function site(t: Test, deed: string): string {
  const folder = t.testdir({
    node_modules: {
      focusd: {
        'package.json': JSON.stringify({
          name: 'focusd',
          version: '0.0.0',
          type: 'module',
          exports: { './plugin': './plugin.js', './mapping': './mapping.js' },
        }),
        'plugin.js': `export * from '${DOOR}';`,
        'mapping.js': `export * from '${MAPPING}';`,
      },
      'focusd-acme': {
        'package.json': JSON.stringify({
          name: 'focusd-acme',
          version: '1.0.0',
          type: 'module',
          exports: './index.js',
        }),
        ...exampleFiles(),
        'acme.js': acme(),
      },
    },
    'focusd.yaml': `plugins: [focusd-acme]
receivers: { files: { paths: [./bills], settle: 0s, scope: folder } }
exporters: { file/rows: { folder: ./out/rows, restatement: rows }, file/totals: { folder: ./out/totals } }
workers: 2
storage: { folder: ./state }
service:
  pipelines: { costs: { receivers: [files], exporters: [file/rows, file/totals] } }
  telemetry: { metrics: { address: "off" } }
`,
  });
  put(folder, 'bills/one/a.csv', bill(1, 'vm-1'));
  put(folder, 'bills/one/b.csv', bill(ROWS, deed));
  put(folder, 'bills/one/c.csv', bill(2, 'vm-2'));
  put(folder, 'bills/two/d.csv', bill(4, 'vm-3'));
  return folder;
}

/** Each row costs 1; the last one is of that server. */
function bill(rows: number, server: string): string {
  const row = (name: string) => `2026-09-02,${name},shop,usage,1,EUR,a-1`;
  const before = Array.from({ length: rows - 1 }, (_, i) => row(`vm-${i}`));
  return ['Day,Server,Team,Kind,Amount,Currency,Account', ...before, row(server), ''].join('\n');
}

async function found(folder: string) {
  return {
    totals: committedCosts(folder).BilledCost,
    rows: (await exportedCosts(join(folder, 'out/rows'))).BilledCost,
    whole: (await exportedCosts(join(folder, 'out/totals'))).BilledCost,
    unfinished: Object.keys(filesBelow(join(folder, 'out'))).filter((path) =>
      /incomplete|\.new$/.test(path),
    ),
  };
}

const all = (costs: string) => ({ totals: costs, rows: costs, whole: costs, unfinished: [] });
const run = (t: Test, folder: string) =>
  focusd(t, ['run', '--once', '-c', 'focusd.yaml'], { cwd: folder });

/** The bill comes again without what ended the worker. */
async function mended(t: Test, folder: string): Promise<void> {
  put(folder, 'bills/one/b.csv', bill(ROWS, 'vm-9'));
  t.equal((await run(t, folder)).code, 0);
  t.strictSame(await found(folder), all(String(7 + ROWS)), 'and the mended bill');
  t.strictSame(deadLetters(folder), []);
}

for (const [deed, reason] of [
  ['exit', 'a worker ended over it'],
  ['later', 'a worker ended over it: on its own'],
  ['rejected', 'a worker ended over it: nobody waits for it'],
  ['room', 'it takes more memory than a worker has'],
] as const)
  t.test(`a worker that ends: ${deed}`, async (t) => {
    const folder = site(t, deed);
    const { code, stderr } = await run(t, folder);
    t.equal(code, 1);
    t.strictSame(await found(folder), all('7'), stderr.slice(-2_000));
    t.match(deadLetters(folder), [{ kind: 'part', path: /b\.csv$/, message: reason }]);
    await mended(t, folder);
  });

t.test('a mapping that throws stops its receiver', async (t) => {
  const folder = site(t, 'thrown');
  const { code, stderr } = await run(t, folder);
  t.equal(code, 1);
  t.match(stderr, /"component":"files","reason":"no such server".*"message":"component failed"/);
  t.strictSame(await found(folder), all('0'), 'nothing counts in part');
  await mended(t, folder);
});

t.test('the process that ends', async (t) => {
  const folder = site(t, 'abort');
  for (let life = 0; life < 2; life++) t.equal((await run(t, folder)).signal, 'SIGABRT');
  await mended(t, folder);
});
