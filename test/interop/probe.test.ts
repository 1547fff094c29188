/** `focusd probe` against real backends. */
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { focusd } from '../helpers/focusd-process.ts';
import { worldFolder } from '../helpers/world.ts';
import { collector, startCollector } from './programs/collector.ts';
import { prometheus, startPrometheus } from './programs/prometheus.ts';

t.setTimeout(15 * 60_000);

async function probe(t: Test, settings: string): Promise<ReadonlyMap<string, boolean>> {
  const folder = worldFolder(t, { exporters: { otlp: `{ ${settings} }` } });
  const { code, stdout, stderr } = await focusd(t, ['probe', 'otlp', '--json'], { cwd: folder });
  t.equal(code, 0, stderr);
  const { findings } = JSON.parse(stdout) as {
    readonly findings: readonly { readonly what: string; readonly taken: boolean }[];
  };
  return new Map(findings.map(({ what, taken }) => [what, taken]));
}

t.test('Prometheus', async (t) => {
  const program = await prometheus();
  if ('skip' in program) return t.plan(0, program.skip);
  const backend = await startPrometheus({
    dir: join(t.testdir(), 'prometheus'),
    config: 'global: { scrape_interval: 1h }\n',
  });
  t.teardown(() => backend.stop());
  const endpoint = backend.otlpUrl.replace(/\/v1\/metrics$/, '');
  await t.test('as it comes', async (t) => {
    const found = await probe(
      t,
      `endpoint: "${endpoint}", protocol: http/protobuf, logs: { enabled: false }`,
    );
    t.equal(found.get('a gauge of now'), true);
    t.equal(found.get('a cumulative sum that goes up and down, of now'), true);
    t.equal(found.get('a delta sum, of now'), false, 'cumulative only');
    t.equal(found.get('a gauge of 31 days ago'), false, 'nothing of the past');
  });
  const names = await backend.query('{__name__=~"focusd_probe.*"}');
  t.ok(names.length > 0, 'what it took is there, under the name of the probe');
});

t.test('the collector takes everything', async (t) => {
  const program = await collector();
  if ('skip' in program) return t.plan(0, program.skip);
  const dir = t.testdir();
  const gateway = await startCollector({ dir: join(dir, 'collector') });
  t.teardown(() => gateway.stop());
  await t.test('by gRPC', async (t) => {
    const found = await probe(t, `endpoint: "http://127.0.0.1:${gateway.grpcPort}"`);
    for (const what of [
      'a delta sum, of now',
      'a log record of 366 days ago',
      '256 attributes',
      'an attribute value of 32000 characters',
      'a request of 2000000 bytes',
    ])
      t.equal(found.get(what), true, what);
  });
});
