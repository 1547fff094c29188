import t, { type Test } from 'tap';
import type { PointMetric, Sink } from '../../../pipelines/plugin/index.ts';
import otlp from '../../../plugins/exporters/otlp/index.ts';
import {
  decodeMetrics,
  encodePartialSuccess,
  encodeStatus,
} from '../../helpers/otlp-metrics-proto.ts';
import { type OtlpServer, startGrpcServer, startHttpServer } from '../../helpers/otlp-servers.ts';
import {
  checkedSettings,
  type TestTotals,
  type TurnedClock,
  total,
  totalsOf,
  turnedClock,
  worldOf,
} from '../../helpers/plugin-world.ts';
import { makeCertificates } from '../../interop/programs/certs.ts';
import { freePort } from '../../interop/programs/ports.ts';

const EC2 = { ServiceProviderName: 'AWS', ServiceName: 'Amazon EC2', owner: 'team-a' };

interface Opened {
  readonly world: ReturnType<typeof worldOf>;
  readonly totals: TestTotals;
  readonly sink: Sink;
  flush(): Promise<void>;
}

/** The exporter with its logs off, closed when the test ends. */
async function openMetrics(
  t: Test,
  settings: object,
  {
    points = [],
    ...options
  }: { readonly clock?: TurnedClock; readonly points?: readonly PointMetric[] } = {},
): Promise<Opened> {
  const config = await checkedSettings(otlp, {
    logs: { enabled: false },
    retry: { max_elapsed_time: '0s' },
    ...settings,
  });
  const world = worldOf(config, { id: 'otlp/test', ...options });
  const totals = totalsOf([total(EC2, { billed: '10.5', effective: '12.25' })]);
  const sink = await otlp.open(world, Object.assign(totals, { points: () => points }));
  t.teardown(async () => {
    world.stop.abort();
    await sink.close();
    await world.close();
  });
  return {
    world,
    totals,
    sink,
    async flush() {
      if (sink.flush === undefined) throw new Error('it sends no metrics');
      await sink.flush();
    },
  };
}

function metricsOf(server: OtlpServer) {
  const body = server.received.at(-1)?.body;
  if (body === undefined) throw new Error('nothing was received');
  return decodeMetrics(body);
}

function billedOf(server: OtlpServer): (number | undefined)[] | undefined {
  const billed = metricsOf(server).find(({ name }) => name === 'focus.billed_cost');
  return billed?.points.map(({ value }) => value);
}

t.test('what arrives, by protocol and compression', async (t) => {
  const grpc = await startGrpcServer();
  const http = await startHttpServer();
  t.teardown(() => Promise.all([grpc.close(), http.close()]));
  const cases = [
    ['grpc', 'gzip', grpc],
    ['grpc', 'none', grpc],
    ['http/protobuf', 'gzip', http],
    ['http/protobuf', 'zstd', http],
    ['http/protobuf', 'none', http],
  ] as const;
  for (const [protocol, compression, server] of cases) {
    const headers = { 'x-api-key': 'secret' };
    const { flush } = await openMetrics(t, {
      endpoint: server.url,
      protocol,
      compression,
      headers,
    });
    await flush();
    t.match(server.received.at(-1), { headers: { 'x-api-key': 'secret' } });
    const metrics = metricsOf(server);
    t.strictSame(
      metrics.map(({ name, unit, kind, temporality, monotonic }) => [
        name,
        unit,
        kind,
        temporality,
        monotonic,
      ]),
      [
        ['focus.billed_cost', '{currency}', 'sum', 2, false],
        ['focus.effective_cost', '{currency}', 'sum', 2, false],
        ['focus.list_cost', '{currency}', 'sum', 2, false],
        ['focus.contracted_cost', '{currency}', 'sum', 2, false],
        ['finops.daily.cost', '{currency}', 'sum', 2, false],
        ['finops.data.completeness', '1', 'gauge', undefined, undefined],
      ],
    );
    t.strictSame(metrics[1]?.points, [
      {
        attributes: {
          'focus.service_provider_name': 'AWS',
          'focus.service_name': 'Amazon EC2',
          'focus.billing_currency': 'USD',
          'finops.owner': 'team-a',
          'focus.billing_period_start': '2026-09-01',
        },
        start: `${Date.UTC(2026, 8, 1)}000000`,
        time: `${Date.UTC(2026, 8, 17, 12)}000000`,
        value: 12.25,
      },
    ]);
  }
  t.equal(http.received[0]?.path, '/v1/metrics');
});

t.test('exemplars, beside points that have none', async (t) => {
  const grpc = await startGrpcServer();
  const http = await startHttpServer();
  t.teardown(() => Promise.all([grpc.close(), http.close()]));
  const exemplars = [1, 2].map((i) => ({
    timeMs: 1_789_000_000_000 + i,
    value: i / 10,
    traceId: `0af7651916cd43dd8448eb211c80319${i}`,
    spanId: `b7ad6b716920333${i}`,
  }));
  const point = (name: string, given: object) => ({
    attributes: { 'service.name': name },
    startMs: 1_789_000_000_000,
    endMs: 1_789_000_001_000,
    value: 0.3,
    ...given,
  });
  // Longer than 127 bytes, so that lengths take two.
  const long = 'x'.repeat(200);
  const metric = { description: '', unit: '{currency}', kind: 'sum' } as const;
  const points = [
    { ...metric, name: 'before', points: [point('a', {})] },
    {
      ...metric,
      name: 'finops.cost.linked',
      points: [point('a', {}), point(long, { exemplars }), point('c', { exemplars: [] })],
    },
    { ...metric, name: 'gauge', kind: 'gauge' as const, points: [point('a', { exemplars })] },
  ];
  for (const [protocol, server] of [
    ['grpc', grpc],
    ['http/protobuf', http],
  ] as const) {
    const { flush } = await openMetrics(t, { endpoint: server.url, protocol }, { points });
    await flush();
    const arrived = metricsOf(server).filter(({ name }) => points.some((one) => one.name === name));
    const expected = exemplars.map(({ timeMs, ...rest }) => ({ time: `${timeMs}000000`, ...rest }));
    t.strictSame(
      arrived.map(({ points: of }) =>
        of.map(({ attributes, value, exemplars }) => [
          attributes['service.name'],
          value,
          exemplars,
        ]),
      ),
      [
        [['a', 0.3, undefined]],
        [
          ['a', 0.3, undefined],
          [long, 0.3, expected],
          ['c', 0.3, undefined],
        ],
        [['a', 0.3, expected]],
      ],
      protocol,
    );
  }
});

t.test('a restated total replaces the old one', async (t) => {
  const server = await startGrpcServer();
  t.teardown(() => server.close());
  const { flush, totals } = await openMetrics(t, { endpoint: server.url });
  await flush();
  t.strictSame(billedOf(server), [10.5]);
  totals.replace([total(EC2, { billed: '9' })]);
  await flush();
  t.strictSame(billedOf(server), [9]);
  totals.replace([]);
  await flush();
  t.strictSame(billedOf(server), [0], 'what is gone costs nothing');
});

t.test('the overflow is marked by a flag', async (t) => {
  const server = await startGrpcServer();
  t.teardown(() => server.close());
  const { flush, totals } = await openMetrics(t, {
    endpoint: server.url,
    metrics: { max_series: 100 },
  });
  totals.replace(
    Array.from({ length: 150 }, (_, n) => total({ ServiceName: `s${n}` }, { billed: '1' })),
  );
  await flush();
  const { points = [] } = metricsOf(server).find(({ name }) => name === 'focus.billed_cost') ?? {};
  const overflow = points.filter(({ attributes }) => attributes['otel.metric.overflow'] === true);
  t.strictSame([points.length, overflow.map(({ value }) => value)], [100, [51]]);
});

t.test('what may be tried again is, by gRPC too', async (t) => {
  const status = encodeStatus('slow', { seconds: 7, nanos: 0 });
  const server = await startGrpcServer((count) =>
    count === 1
      ? { code: 14, details: 'busy' }
      : count === 2
        ? { code: 8, details: 'slow', status }
        : new Uint8Array(),
  );
  t.teardown(() => server.close());
  const { flush, world } = await openMetrics(t, { endpoint: server.url });
  await flush();
  t.strictSame([server.received.length, world.clock.slept[1]], [3, 7000]);
  t.match(world.lines, [
    { level: 'warn', fields: { reason: /UNAVAILABLE: busy/, component: 'otlp/test' } },
    { level: 'warn', fields: { reason: /RESOURCE_EXHAUSTED: slow/ } },
  ]);
});

t.test('a dead port comes up', async (t) => {
  const port = await freePort();
  let server: OtlpServer | undefined;
  const clock = turnedClock(async (count) => {
    if (count === 2) server = await startGrpcServer(undefined, { port });
  });
  const { flush } = await openMetrics(t, { endpoint: `http://127.0.0.1:${port}` }, { clock });
  await flush();
  t.strictSame(server && billedOf(server), [10.5]);
  await server?.close();
});

t.test('what is refused for good fails the flush', async (t) => {
  const grpc = await startGrpcServer(() => ({ code: 3, details: 'bad name' }));
  const http = await startHttpServer((_, response) => {
    response.statusCode = 400;
    response.end('bad name');
  });
  t.teardown(() => Promise.all([grpc.close(), http.close()]));
  const byGrpc = await openMetrics(t, { endpoint: grpc.url });
  await t.rejects(byGrpc.flush(), { name: 'Rejected', message: /INVALID_ARGUMENT: bad name/ });
  const byHttp = await openMetrics(t, { endpoint: http.url, protocol: 'http/protobuf' });
  await t.rejects(byHttp.flush(), { name: 'Rejected', message: /HTTP 400/ });
  t.strictSame([grpc.received.length, http.received.length], [1, 1]);
  const dead = `http://127.0.0.1:${await freePort()}`;
  const gone = await openMetrics(t, { endpoint: dead, retry: { max_elapsed_time: '10s' } });
  await t.rejects(gone.flush(), { name: 'Unavailable' });
  await gone.flush().catch(() => undefined);
});

t.test('partial success is told to the instance that it is about', async (t) => {
  const partial = await startGrpcServer(() => encodePartialSuccess(4, 'too many labels'));
  const fine = await startGrpcServer();
  const http = await startHttpServer((_, response) => {
    response.end(encodePartialSuccess(2, 'too old'));
  });
  t.teardown(() => Promise.all([partial.close(), fine.close(), http.close()]));
  const first = await openMetrics(t, { endpoint: fine.url });
  const second = await openMetrics(t, { endpoint: partial.url });
  const third = await openMetrics(t, { endpoint: http.url, protocol: 'http/protobuf' });
  await Promise.all([first.flush(), second.flush(), third.flush()]);
  t.strictSame(first.world.lines, []);
  t.match(second.world.lines, [{ fields: { rejected: 4, reason: 'too many labels' } }]);
  t.match(third.world.lines, [{ fields: { rejected: 2, reason: 'too old' } }]);
});

t.test('closing sends a last time and does not wait for the dead', async (t) => {
  const server = await startGrpcServer();
  t.teardown(() => server.close());
  const alive = await openMetrics(t, { endpoint: server.url });
  await alive.sink.close();
  t.strictSame(billedOf(server), [10.5]);
  const dead = await openMetrics(t, { endpoint: `http://127.0.0.1:${await freePort()}` });
  await dead.sink.close();
  t.strictSame(dead.world.clock.slept, []);
});

t.test('TLS by gRPC and HTTP', async (t) => {
  const folder = t.testdir();
  const certificates = await makeCertificates(`${folder}/a`);
  const strangers = await makeCertificates(`${folder}/b`);
  if ('skip' in certificates || 'skip' in strangers) {
    return void t.comment('skipped: openssl is not installed');
  }
  const { ca, clientCert: cert, clientKey: key } = certificates;
  const warnings: string[] = [];
  const note = (warning: Error) => warnings.push(warning.message);
  process.on('warning', note);
  t.teardown(() => process.off('warning', note));
  for (const [protocol, start] of [
    ['grpc', startGrpcServer],
    ['http/protobuf', startHttpServer],
  ] as const) {
    const server = await start(undefined, { certificates, mutual: true });
    t.teardown(() => server.close());
    const attempt = async (tls: object) => {
      const retry = { max_elapsed_time: '1ms' };
      const { flush } = await openMetrics(t, { endpoint: server.url, protocol, tls, retry });
      await flush();
    };
    const client = { cert, key };
    await t.resolves(attempt({ ca, ...client }), `${protocol}: client certificate`);
    await t.resolves(attempt({ ca, ...client, server_name: 'localhost' }), `${protocol}: name`);
    await t.resolves(attempt({ ...client, insecure_skip_verify: true }), `${protocol}: unverified`);
    const wrong = [
      { ca },
      { ...client },
      { ca: strangers.ca, ...client },
      { ca, ...client, server_name: 'other' },
    ];
    for (const tls of wrong) {
      await t.rejects(attempt(tls), { name: 'Unavailable' }, `${protocol} ${Object.keys(tls)}`);
    }
  }
  t.notMatch(warnings.join('\n'), /ServerName to an IP address/, 'an address is no server name');
});
