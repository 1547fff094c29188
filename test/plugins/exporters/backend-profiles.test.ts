/** Backends differ: what the otlp exporter sends to which, and what it warns of. */
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { configure } from '../../../agent/configure.ts';
import {
  BACKEND_NAMES,
  BACKEND_PROFILES,
  backendProfile,
} from '../../../plugins/exporters/otlp/backend-profiles.ts';
import { decodeMetrics } from '../../helpers/otlp-metrics-proto.ts';
import { decodeLogs, recordsOf } from '../../helpers/otlp-proto.ts';
import { type OtlpServer, startHttpServer } from '../../helpers/otlp-servers.ts';
import { focusCsv, focusRow, put, readOnce, worldFolder } from '../../helpers/world.ts';

const HOUR_MS = 3_600_000;

/** What a backend was sent of a bill with a charge of an hour ago and one of long ago. */
async function sentTo(t: Test, name: string, settings: string): Promise<OtlpServer> {
  const server = await startHttpServer();
  t.teardown(() => server.close());
  await t.test(name, async (t) => {
    const otlp = `{ endpoint: "${server.url}", protocol: http/protobuf, compression: none, ${settings} }`;
    const folder = worldFolder(t, { exporters: { otlp } });
    const start = new Date(Date.now() - HOUR_MS).toISOString();
    put(folder, 'bills/a.csv', focusCsv([focusRow(1, { start }), focusRow(2)]));
    t.equal((await readOnce(t, folder)).ok, true);
  });
  return server;
}

/** Milliseconds between the times of each record: by cost. */
function lag({ received }: OtlpServer): Readonly<Record<string, number>> {
  const bodies = received.filter(({ path }) => path === '/v1/logs').map(({ body }) => body);
  return Object.fromEntries(
    bodies
      .flatMap((body) => recordsOf(decodeLogs(body)))
      .filter(({ eventName }) => eventName === 'focus.cost_and_usage.charge')
      .map(({ timeUnixNano, observedTimeUnixNano, attributes }) => [
        String(attributes.find(({ key }) => key === 'focus.billed_cost')?.value?.doubleValue),
        Math.round((Number(observedTimeUnixNano) - Number(timeUnixNano)) / 1e6),
      ]),
  );
}

/** Kinds of the metrics of the first request. */
function kinds({ received }: OtlpServer): readonly string[] {
  const body = received.find(({ path }) => path === '/v1/metrics')?.body;
  const metrics = body === undefined ? [] : decodeMetrics(body);
  return [...new Set(metrics.map(({ kind }) => kind))].sort();
}

t.test(
  'charges carry their own time where the backend takes it, else that of reading',
  async (t) => {
    const logs = 'metrics: { enabled: false }';
    const generic = await sentTo(t, 'generic', logs);
    const loki = await sentTo(t, 'loki', `backend_profile: loki, ${logs}`);
    const own = await sentTo(t, 'set', `backend_profile: loki, ${logs}, logs: { max_age: 10m }`);
    const hour = (ms: number | undefined): boolean =>
      Math.abs((ms ?? 0) - HOUR_MS) < 5 * 60_000 && ms !== 0;
    t.ok(hour(lag(generic)['1']) && (lag(generic)['2'] ?? 0) > 168 * HOUR_MS, 'generic: any age');
    t.ok(hour(lag(loki)['1']), 'an hour is young enough for a week');
    t.equal(lag(loki)['2'], 0, 'a month is not');
    t.strictSame(lag(own), { 1: 0, 2: 0 }, 'the setting goes before the profile');
  },
);

t.test('totals are gauges where a cumulative sum would be refused or misread', async (t) => {
  const metrics = 'logs: { enabled: false }, metrics: { periods: 1200 }';
  const generic = await sentTo(t, 'generic', metrics);
  const datadog = await sentTo(t, 'datadog', `${metrics}, backend_profile: datadog`);
  t.strictSame(kinds(generic), ['gauge', 'sum']);
  t.strictSame(kinds(datadog), ['gauge']);
});

t.test('the table says where each fact is from', async (t) => {
  for (const name of BACKEND_NAMES) {
    const { sources, ...facts } = backendProfile(name);
    const plain = { totals: 'sum', takes: { logs: true, metrics: true } };
    const isOwn = name === 'focusd';
    if (!isOwn && JSON.stringify(facts) !== JSON.stringify(plain)) t.ok(sources.length > 0, name);
    for (const source of sources) t.ok(URL.canParse(source), source);
  }
  t.equal(Object.keys(BACKEND_PROFILES).length, 11);
  t.equal(backendProfile('constructor'), BACKEND_PROFILES.generic);
});

t.test('what a backend will refuse is warned of, with the place of the setting', async (t) => {
  const folder = t.testdir({});
  const warnings = async (settings: string): Promise<readonly string[]> => {
    const text = `receivers: { files: { paths: [bills] } }
exporters:
  otlp:
    ${settings}
service: { pipelines: { costs: { receivers: [files], exporters: [otlp] } } }
`;
    const { configuration } = await configure(
      { text, folder, file: join(folder, 'focusd.yaml') },
      {},
    );
    return configuration.warnings.map(({ path, problem, line }) => `${line} ${path} ${problem}`);
  };
  const http = 'protocol: http/protobuf';
  t.strictSame(await warnings('endpoint: http://localhost:4317'), []);
  t.match(await warnings(`backend_profile: prometheus\n    ${http}`), [
    /^3 exporters\.otlp\.logs\.enabled sends charges to prometheus, which takes no logs$/,
  ]);
  t.strictSame(
    await warnings(`backend_profile: mimir\n    ${http}\n    logs: { enabled: false }`),
    [],
  );
  t.match(await warnings(`backend_profile: loki\n    ${http}\n    logs: { max_age: 30d }`), [
    /exporters\.otlp\.metrics\.enabled sends totals to loki/,
    /^6 exporters\.otlp\.logs\.max_age is longer than the 168 hours/,
  ]);
  const days = (profile: string, event_time: string) =>
    warnings(
      `backend_profile: ${profile}\n    ${http}\n    logs: { enabled: false }\n    metrics: { event_time: ${event_time} }`,
    );
  t.match(await days('prometheus', '{ enabled: true }'), [
    /^7 exporters\.otlp\.metrics\.event_time\.enabled only points of up to 0 hours ago are sent/,
  ]);
  t.match(await days('prometheus', '{ enabled: true, max_age: 30d }'), [
    /^7 exporters\.otlp\.metrics\.event_time\.max_age is longer than the 0 hours that prometheus/,
  ]);
  t.strictSame(await days('prometheus', '{ max_age: 30d }'), [], 'it is off');
  t.strictSame(await days('victoriametrics', '{ enabled: true }'), []);
  t.match(await warnings('metrics: { enabled: false, event_time: { enabled: true } }'), [
    /event_time\.enabled sends nothing: metrics\.enabled is false/,
  ]);
  t.match(await warnings('backend_profile: dynatrace'), [
    /exporters\.otlp\.protocol is grpc, and dynatrace takes http\/protobuf/,
    /exporters\.otlp\.logs\.max_batch_bytes is more than the 2000000 bytes/,
    /exporters\.otlp\.backend_profile dynatrace does not search/,
  ]);
  t.match(await warnings(`backend_profile: newrelic\n    ${http}`), [/4094 characters/]);
  t.strictSame(await warnings('backend_profile: clickhouse'), []);
  t.strictSame(await warnings('backend_profile: focusd'), []);
  t.match(await warnings('backend_profile: focusd\n    logs: { enabled: false }'), [
    /exporters\.otlp\.logs\.enabled sends nothing to the other agent/,
  ]);
});
