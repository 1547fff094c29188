/** What the running agent says about itself on the page for Prometheus: service levels, and what alerts look at. */
import { utimesSync } from 'node:fs';
import t from 'tap';
import { startFocusd } from '../helpers/focusd-process.ts';
import { focusCsv, focusRow, put, worldFolder } from '../helpers/world.ts';
import { freePort } from '../interop/programs/ports.ts';

/** Value by name and labels. */
async function page(address: string): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`http://${address}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

/** Asks until it says so, or for five seconds; answers what it says. */
async function told(address: string, name: string, fits: (value: number) => boolean) {
  for (let i = 0; i < 100; i++) {
    const value = (await page(address)).get(name);
    if (value !== undefined && fits(value)) return value;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return (await page(address)).get(name);
}

const configuration = (metrics: string, exporters: string): string =>
  `receivers: { files: { paths: [./bills], settle: 0s } }
exporters: { ${exporters} }
workers: 1
storage: { folder: ./state }
service:
  pipelines: { costs: { receivers: [files], exporters: [${exporters.split(':')[0]}] } }
  telemetry: { metrics: { address: "${metrics}" } }
`;

t.test('deliveries by outcome, errors, latency, ages', async (t) => {
  const address = `127.0.0.1:${await freePort()}`;
  const folder = worldFolder(t, { telemetry: '    logs: { level: debug }' });
  const csv = 'file/csv: { folder: ./out, format: focus-csv }';
  const path = put(folder, 'focusd.yaml', configuration(address, csv));
  const running = startFocusd(t, ['run', '-c', path]);
  await running.said('agent is ready');
  const origin = 'pipeline="costs",receiver="files"';
  const outcome = (name: string): string =>
    `focusd_deliveries_ended_total{${origin},outcome="${name}"}`;
  const errors = (kind: string): string => `focusd_ingest_errors_total{${origin},kind="${kind}"}`;

  const before = await page(address);
  for (const name of [
    ...['whole', 'partial', 'set_aside', 'failed'].map(outcome),
    ...['row', 'part', 'delivery'].map(errors),
    `focusd_ledger_unbalanced_total{${origin}}`,
    `focusd_rows_read_total{${origin}}`,
    `focusd_export_rows_rejected_total{${origin},exporter="file/csv"}`,
    `focusd_delivery_age{${origin}}`,
    'focusd_dead_letters_size',
  ])
    t.equal(before.get(name), 0, `${name} starts at 0`);
  t.equal(before.get('focusd_ready'), 1);
  t.notOk([...before.keys()].some((name) => name.startsWith('focusd_data_age')));

  const counts = async (name: string, value: number): Promise<void> => {
    t.equal(await told(address, name, (said) => said === value), value, name);
  };
  put(folder, 'bills/a.csv', focusCsv([1.25, 2]));
  await counts(outcome('whole'), 1);
  const old = put(folder, 'bills/old.csv', focusCsv([3]));
  utimesSync(old, 1_700_000_000, 1_700_000_000);
  await counts(outcome('whole'), 2);
  put(folder, 'bills/b.csv', focusCsv([1, focusRow('x'), focusRow('y')]));
  await counts(outcome('partial'), 1);
  put(folder, 'bills/c.csv', '');
  await counts(outcome('partial'), 2);
  put(folder, 'bills/a.csv', 'nothing,like,a,bill\n1,2,3,4\n');
  await counts(outcome('set_aside'), 1);

  const after = await page(address);
  t.equal(after.get(errors('row')), 2);
  t.equal(after.get(errors('part')), 2);
  t.equal(after.get(errors('delivery')), 1);
  t.equal(after.get(outcome('failed')), 0);
  t.equal(after.get(`focusd_ledger_unbalanced_total{${origin}}`), 0);
  t.equal(after.get(`focusd_normalization_latency_count{${origin}}`), 4);
  t.equal(
    after.get(`focusd_normalization_latency_bucket{${origin},le="60"}`),
    4,
    'a file that is older than the agent counts from its start',
  );
  t.ok((after.get('focusd_dead_letters_size') ?? 0) > 100);
  const age = after.get(`focusd_data_age{${origin}}`) ?? 0;
  const expected = (Date.now() - Date.parse('2026-09-03T00:00:00Z')) / 1000;
  t.ok(Math.abs(age - expected) < 60, `the newest charge ended ${age} s ago`);
  running.kill('SIGTERM');
  t.equal((await running.ended).code, 0);
});

t.test('a backend that is down', async (t) => {
  const address = `127.0.0.1:${await freePort()}`;
  const folder = worldFolder(t);
  const retry = 'retry: { initial_interval: 1ms, max_interval: 1ms, max_elapsed_time: 50ms }';
  const otlp = `otlp: { endpoint: "http://127.0.0.1:9", protocol: http/protobuf, ${retry} }`;
  const path = put(folder, 'focusd.yaml', configuration(address, otlp));
  put(folder, 'bills/a.csv', focusCsv([1]));
  const running = startFocusd(t, ['run', '-c', path]);
  await running.said('charges wait for an exporter');
  const some = (value: number): boolean => value > 0;
  const whole = 'focusd_deliveries_ended_total{pipeline="costs",receiver="files",outcome="whole"}';
  t.equal(await told(address, whole, some), 1, 'nobody else is held up');
  const queue = (name: string, more = ''): Promise<number | undefined> =>
    told(address, `focusd_queue_${name}{exporter="otlp"${more}}`, some);
  t.equal(await queue('length'), 1);
  t.ok(some((await queue('size')) ?? 0));
  t.ok(some((await queue('age')) ?? 0));
  t.equal(await queue('cost', ',column="BilledCost"'), 1);
  const retries = 'focusd_exporter_retries_total{component="otlp",signal="logs"}';
  t.ok(some((await told(address, retries, some)) ?? 0), 'and the exporter has tried again');
  running.kill('SIGTERM');
  t.equal((await running.ended).code, 0);
});
