/** TLS to a real OpenTelemetry Collector: own authorities, client certificates, and what is said when they do not fit. */
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { makeCertificates } from './programs/certs.ts';
import {
  type Collector,
  type CollectorOptions,
  collector,
  startCollector,
} from './programs/collector.ts';
import { deadLetters, runOnce, startOnce } from './programs/focusd.ts';
import { smallBill } from './small-bill.ts';

t.setTimeout(15 * 60_000);

const program = await collector();
const skip = 'skip' in program ? program.skip : false;
const PROTOCOLS = ['grpc', 'http/protobuf'] as const;
const SIGNALS = ['logs', 'metrics'] as const;

t.test('TLS and mutual TLS', { skip }, async (t) => {
  const dir = t.testdir({ bills: { 'bill.csv': smallBill(new Date()).csv } });
  const certs = await makeCertificates(join(dir, 'certs'));
  const strange = await makeCertificates(join(dir, 'strange'));
  if ('skip' in certs || 'skip' in strange) return t.plan(0, 'openssl is not installed');
  const { ca, clientCert: cert, clientKey: key } = certs;
  const tls = { cert: certs.serverCert, key: certs.serverKey };
  const plain = await running(t, { dir: join(dir, 'plain') });
  const secure = await running(t, { dir: join(dir, 'secure'), tls });
  const mutual = await running(t, { dir: join(dir, 'mutual'), tls: { ...tls, clientCa: ca } });
  const stranger = { cert: strange.clientCert, key: strange.clientKey };
  const unknown = /server certificate is of an unknown authority; set tls\.ca/;
  const cases: readonly Case[] = [
    { name: 'own authority', backend: secure, tls: { ca } },
    { name: 'client certificate', backend: mutual, tls: { ca, cert, key } },
    { name: 'no authority', backend: secure, tls: {}, error: unknown },
    { name: 'another authority', backend: secure, tls: { ca: strange.ca }, error: unknown },
    {
      name: 'no client certificate',
      backend: mutual,
      tls: { ca },
      error: /set tls\.cert and tls\.key/,
    },
    {
      name: 'unknown client certificate',
      backend: mutual,
      tls: { ca, ...stranger },
      error: /authority of the client certificate|the connection was cut/,
    },
    {
      name: 'a server without TLS',
      backend: plain,
      tls: { ca },
      error: /http:\/\/ instead of https/,
    },
  ];
  // Both give up only after a while.
  const hopeless = SIGNALS.map((signal) =>
    runOnce({
      dir: join(dir, `hopeless-${signal}`),
      bills: [join(dir, 'bills')],
      exporters: {
        otlp: {
          endpoint: `https://localhost:${secure.grpcPort}`,
          tls: { ca: strange.ca },
          retry: { initial_interval: '10ms', max_elapsed_time: '50ms' },
          ...only(signal),
        },
      },
    }),
  );
  for (const tried of cases) {
    await Promise.all(
      PROTOCOLS.flatMap((protocol) =>
        SIGNALS.map((signal) => checkTls(t, tried, { dir, protocol, signal })),
      ),
    );
  }
  const [logs, metrics] = await Promise.all(hopeless);
  t.match(logs, { code: 1, stderr: /unknown authority; set tls\.ca.*component failed/ });
  t.match(metrics, { code: 1, stderr: /unknown authority; set tls\.ca.*"unsent":\["otlp"\]/s });
  t.strictSame(deadLetters(join(dir, 'hopeless-logs')), [], 'the bill is no dead letter');
});

/** Settings with which an exporter sends one signal and not the other. */
function only(signal: (typeof SIGNALS)[number]) {
  return Object.fromEntries(SIGNALS.map((one) => [one, { enabled: one === signal }]));
}

interface Case {
  readonly name: string;
  readonly backend: Collector;
  readonly tls: object;
  /** What focusd says; without it everything must arrive. */
  readonly error?: RegExp;
}

/** Sends one signal by one protocol. */
async function checkTls(
  t: Test,
  { name, backend, tls, error }: Case,
  how: {
    readonly dir: string;
    readonly protocol: (typeof PROTOCOLS)[number];
    readonly signal: (typeof SIGNALS)[number];
  },
): Promise<void> {
  const { dir, protocol, signal } = how;
  const title = `${name}, ${signal} by ${protocol}`;
  const port = protocol === 'grpc' ? backend.grpcPort : backend.httpPort;
  const once = await startOnce({
    dir: join(dir, title.replaceAll(/\W/g, '-')),
    bills: [join(dir, 'bills')],
    exporters: { otlp: { endpoint: `https://localhost:${port}`, protocol, tls, ...only(signal) } },
  });
  if (error === undefined) {
    const ended = await once.finished;
    t.equal(ended.code, 0, `${title}: ${ended.stderr}`);
    t.ok(backend.received(signal).length > 0, `${title} arrive`);
    return;
  }
  const before = backend.received(signal).length;
  await once.until(/"reason":/);
  const { stderr } = await once.stop('SIGKILL');
  t.match(stderr, error, `${title}: says what is wrong`);
  t.match(stderr, `https://localhost:${port}`, `${title}: says where`);
  t.equal(backend.received(signal).length, before, `${title}: nothing is sent`);
}

t.test('http:// to a server with TLS', { skip }, async (t) => {
  const dir = t.testdir({ bills: { 'bill.csv': smallBill(new Date()).csv } });
  const certs = await makeCertificates(join(dir, 'certs'));
  if ('skip' in certs) return t.plan(0, 'openssl is not installed');
  const tls = { cert: certs.serverCert, key: certs.serverKey };
  const backend = await running(t, { dir: join(dir, 'collector'), tls });
  const endpoint = `http://localhost:${backend.httpPort}`;
  const ended = await runOnce({
    dir: join(dir, 'agent'),
    bills: [join(dir, 'bills')],
    exporters: { otlp: { endpoint, protocol: 'http/protobuf', metrics: { enabled: false } } },
  });
  t.match(ended, { code: 1, stderr: /HTTP 400: Client sent an HTTP request to an HTTPS server/ });
  t.strictSame(deadLetters(join(dir, 'agent')), [], 'the bill is no dead letter');
});

async function running(t: Test, options: CollectorOptions): Promise<Collector> {
  const started = await startCollector(options);
  t.teardown(() => started.stop());
  return started;
}
