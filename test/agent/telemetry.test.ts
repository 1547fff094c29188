import t, { type Test } from 'tap';
import { OWN_METRICS } from '../../agent/own-metrics.ts';
import { startTelemetry, type Telemetry } from '../../agent/telemetry.ts';
import { AGENT } from '../../config/schema.ts';
import type { AgentView } from '../../pipelines/plugin/index.ts';
import { createHttp } from '../../plugins/kit/http.ts';
import { decodeMetrics } from '../helpers/otlp-metrics-proto.ts';
import { startGrpcServer, startHttpServer } from '../helpers/otlp-servers.ts';
import { checkedSettings, encodedBatch, inspection, worldOf } from '../helpers/plugin-world.ts';
import { freePort } from '../interop/programs/ports.ts';

async function start(t: Test, written: object) {
  const settings = await checkedSettings({ config: AGENT.service.telemetry }, written);
  const world = worldOf({});
  const telemetry = await startTelemetry({ ...world, settings, version: '1.2.3' });
  t.teardown(async () => {
    await telemetry.close();
    await world.close();
  });
  return { telemetry, world };
}

const ORIGIN = { pipeline: 'costs', receiver: 'files/demo' };
const ENTRY = { read: '10.25', exported: '11.25', rejected: '-1', dropped: '0', reshaped: '0' };

function record(telemetry: Telemetry): void {
  telemetry.opened(ORIGIN, ['otlp', 'file']);
  telemetry.ended(ORIGIN, 'failed');
  telemetry.unbalanced(ORIGIN);
  telemetry.retried('files/demo');
  telemetry.refusedPart(ORIGIN);
  telemetry.written(ORIGIN, 'otlp', encodedBatch('12345', { rows: 7 }));
  telemetry.rejectedBatch(ORIGIN, 'otlp', 2);
  const summary = {
    rows: { read: 10, written: 7, rejected: 2, dropped: 1 },
    ledger: { BilledCost: ENTRY },
    exporters: { otlp: { BilledCost: { exported: '11', refused: '0.1', uncertain: '0.15' } } },
    repairs: { code_a: 3 },
    rejected: { no_cost: 2 },
    dropped: { zero: 1 },
    violations: { 'CAU-1': 4 },
    parts: [],
    ms: 1500,
  };
  telemetry.committed(ORIGIN, summary, { decode: 250 });
  telemetry.gauge('focusd.queue.length', () => 5, { queue: 'parts' });
  const agent: AgentView = {
    version: '1.2.3',
    inspect: () => inspection(),
    ready: () => true,
    health: () => [{ id: 'otlp', kind: 'exporter', status: 'retrying', reason: 'x', since: 0 }],
  };
  telemetry.observe(agent);
}

/** The page without its comments: value by name and labels. */
async function scrape(
  t: Test,
  { address }: Telemetry,
): Promise<{ readonly text: string; readonly values: Map<string, number> }> {
  const http = createHttp();
  t.teardown(() => http.close());
  const { status, body } = await http.request({ url: `http://${address}/metrics` });
  t.equal(status, 200);
  const text = Buffer.from(body).toString();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return {
    text,
    values: new Map(
      lines.map((line) => [line.replace(/ \S+$/, ''), Number(line.match(/\S+$/)?.[0])]),
    ),
  };
}

t.test('the page for Prometheus', async (t) => {
  const { telemetry } = await start(t, { metrics: { address: '127.0.0.1:0' } });
  record(telemetry);
  const { text, values } = await scrape(t, telemetry);
  const origin = 'pipeline="costs",receiver="files/demo"';
  const expected = {
    [`focusd_rows_read_total{${origin}}`]: 10,
    [`focusd_rows_written_total{${origin}}`]: 7,
    [`focusd_rows_rejected_total{${origin},reason="no_cost"}`]: 2,
    [`focusd_rows_dropped_total{${origin},reason="zero"}`]: 1,
    [`focusd_repairs_total{${origin},code="code_a"}`]: 3,
    [`focusd_ledger_cost{${origin},column="BilledCost",stage="read"}`]: 10.25,
    [`focusd_ledger_cost{${origin},column="BilledCost",stage="exported"}`]: 11.25,
    [`focusd_ledger_cost{${origin},column="BilledCost",stage="rejected"}`]: -1,
    [`focusd_ledger_exporter_cost{${origin},exporter="otlp",column="BilledCost",stage="exported"}`]: 11,
    [`focusd_ledger_exporter_cost{${origin},exporter="otlp",column="BilledCost",stage="refused"}`]: 0.1,
    [`focusd_ledger_exporter_cost{${origin},exporter="otlp",column="BilledCost",stage="uncertain"}`]: 0.15,
    [`focusd_export_rows_total{${origin},exporter="otlp"}`]: 7,
    [`focusd_export_bytes_total{${origin},exporter="otlp"}`]: 5,
    [`focusd_export_rows_rejected_total{${origin},exporter="otlp"}`]: 2,
    [`focusd_export_rows_rejected_total{${origin},exporter="file"}`]: 0,
    [`focusd_deliveries_ended_total{${origin},outcome="failed"}`]: 1,
    [`focusd_deliveries_ended_total{${origin},outcome="whole"}`]: 0,
    [`focusd_ledger_unbalanced_total{${origin}}`]: 1,
    [`focusd_ingest_errors_total{${origin},kind="row"}`]: 2,
    [`focusd_ingest_errors_total{${origin},kind="part"}`]: 1,
    [`focusd_ingest_errors_total{${origin},kind="delivery"}`]: 1,
    [`focusd_normalization_latency_bucket{${origin},le="0.1"}`]: 1,
    [`focusd_parts_refused_total{${origin}}`]: 1,
    [`focusd_deliveries_total{${origin}}`]: 1,
    'focusd_receiver_retries_total{receiver="files/demo"}': 1,
    'focusd_component_status{component="otlp",kind="exporter",status="retrying"}': 1,
    'focusd_queue_length{queue="parts"}': 5,
    focusd_ready: 1,
  };
  for (const [name, value] of Object.entries(expected)) {
    t.equal(values.get(name) ?? values.get(`${name}{}`), value, name);
  }
  const rss = [...values].find(([name]) => name.startsWith('focusd_process_memory_rss'));
  t.ok((rss?.[1] ?? 0) > 1e6, 'memory of the process');
  t.match(text, /# HELP focusd_rows_read_total Rows read from bills\./);
  t.match(text, /service_version="1\.2\.3"/, 'target_info says which version it is');
  t.notMatch(text, /violations|stage_cpu/, 'not unless detailed');
});

t.test('money is summed exactly: the double is made when somebody looks', async (t) => {
  const { telemetry } = await start(t, { metrics: { address: '127.0.0.1:0' } });
  for (let i = 0; i < 10; i++) record(telemetry);
  const { values } = await scrape(t, telemetry);
  const refused = [...values].find(([name]) => /exporter_cost.*stage="refused"/.test(name));
  t.equal(refused?.[1], 1, 'ten times 0.1');
});

t.test('detailed', async (t) => {
  const { telemetry } = await start(t, { metrics: { address: '127.0.0.1:0', level: 'detailed' } });
  record(telemetry);
  const { text } = await scrape(t, telemetry);
  t.match(text, /focusd_violations_total\{[^}]*rule="CAU-1"[^}]*\} 4/);
  t.match(text, /focusd_stage_cpu_time[a-z_]*\{[^}]*stage="decode"[^}]*\} 0\.25/);
});

t.test('by OTLP', async (t) => {
  const grpc = await startGrpcServer();
  const http = await startHttpServer();
  t.teardown(() => Promise.all([grpc.close(), http.close()]));
  for (const [protocol, server] of [
    ['grpc', grpc],
    ['http/protobuf', http],
  ] as const) {
    const otlp = { endpoint: server.url, protocol, headers: { 'x-key': 'k' } };
    const { telemetry } = await start(t, {
      metrics: { address: 'off', otlp },
      resource: { site: 'x' },
    });
    t.equal(telemetry.address, undefined);
    record(telemetry);
    await telemetry.close();
    const received = server.received.at(-1);
    t.match(received?.headers, { 'x-key': 'k' });
    const metrics = decodeMetrics(received?.body ?? Buffer.alloc(0));
    const ledger = metrics.find(({ name }) => name === 'focusd.ledger.cost');
    t.match(ledger, { unit: '{currency}', kind: 'sum', monotonic: false });
    t.equal(ledger?.points.length, 5);
    for (const { name } of metrics) t.ok(Object.hasOwn(OWN_METRICS, name), `${name} is documented`);
  }
});

t.test('a dead OTLP endpoint does not hold up the end', async (t) => {
  const otlp = { endpoint: `http://127.0.0.1:${await freePort()}` };
  const { telemetry, world } = await start(t, { metrics: { address: 'off', otlp } });
  record(telemetry);
  await telemetry.close();
  t.strictSame(world.clock.slept, []);
});

t.test('switched off, or in the way', async (t) => {
  const off = await start(t, { metrics: { level: 'none' } });
  record(off.telemetry);
  off.telemetry.meter('x').createCounter('y').add(1);
  t.equal(off.telemetry.address, undefined);
  const first = await start(t, { metrics: { address: '127.0.0.1:0' } });
  await t.rejects(start(t, { metrics: { address: first.telemetry.address } }), {
    name: 'Misconfigured',
    path: 'service.telemetry.metrics.address',
    hint: /another focusd/,
  });
  const { text } = await scrape(t, first.telemetry);
  t.match(text, /focusd_process_uptime/);
});

t.test("a plugin's own metrics stand beside them", async (t) => {
  const { telemetry } = await start(t, { metrics: { address: '127.0.0.1:0' } });
  for (const component of ['otlp/a', 'otlp/b']) {
    telemetry.meter(component).createCounter('focusd.exporter.retries').add(2, { component });
  }
  const { values } = await scrape(t, telemetry);
  t.equal(values.get('focusd_exporter_retries_total{component="otlp/a"}'), 2);
  t.equal(values.get('focusd_exporter_retries_total{component="otlp/b"}'), 2);
});
