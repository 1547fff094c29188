/** `focusd probe`: what a backend takes, found out with throw-away records. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { focusd, type Ran } from '../helpers/focusd-process.ts';
import { decodeMetrics } from '../helpers/otlp-metrics-proto.ts';
import { decodeLogs, recordsOf } from '../helpers/otlp-proto.ts';
import { startGrpcServer, startHttpServer } from '../helpers/otlp-servers.ts';
import { worldFolder } from '../helpers/world.ts';

const DELTA = 1;
const DAY_MS = 86_400_000;

t.test('a backend with limits', async (t) => {
  const secret = 'probe-secret-1';
  const backend = await startHttpServer((_, response, { path, body, headers }) => {
    const no = (reason: string): void => {
      response.writeHead(400, { 'content-type': 'text/plain' });
      response.end(`${reason} (${headers['x-key']})`);
    };
    if (path === '/v1/metrics') {
      const [metric] = decodeMetrics(body);
      return metric?.temporality === DELTA ? no('delta') : void response.end();
    }
    const [record] = recordsOf(decodeLogs(body));
    const age = Date.now() - Number(record?.timeUnixNano) / 1e6;
    if (age > 2 * DAY_MS) return no('too old');
    if (body.length > 2_000_000) return no('too large');
    if ((record?.attributes.length ?? 0) > 130) return no('too many');
    response.end();
  });
  t.teardown(() => backend.close());
  const otlp = `{ endpoint: "${backend.url}", protocol: http/protobuf, headers: { x-key: ${secret} } }`;
  const folder = worldFolder(t, { exporters: { otlp } });
  const run = (...args: string[]): Promise<Ran> => focusd(t, ['probe', ...args], { cwd: folder });
  const people = await run('otlp', '-o', 'found.json');
  t.equal(people.code, 0, people.stderr);
  t.match(people.stdout, /^otlp at http:.*: 1\d of 2\d taken/);
  t.match(people.stdout, /^ {2}taken {4}a gauge of now$/m);
  t.match(people.stdout, /^ {2}refused {2}a delta sum, of now: .*HTTP 400: delta \(\*\*\*\)/m);
  t.match(people.stdout, /^ {2}taken {4}a log record of 2 days ago$/m);
  t.match(people.stdout, /^ {2}refused {2}a log record of 7 days ago: .*too old/m);
  t.match(people.stdout, /^ {2}refused {2}256 attributes: .*too many/m);
  t.match(
    people.stdout,
    /that keep to it:\n {2}logs\.max_age: 48h\n {2}logs\.max_batch_bytes: 2000000\n$/,
  );
  t.notMatch(people.stdout, secret);
  t.match(JSON.parse(readFileSync(join(folder, 'found.json'), 'utf8')), {
    settings: { 'logs.max_age': '48h' },
    findings: [{ what: 'a gauge of now', taken: true }],
  });
  for (const { path, body } of backend.received)
    if (path === '/v1/metrics')
      t.ok(decodeMetrics(body).every(({ name }) => name.startsWith('focusd.probe.')));
    else t.ok(recordsOf(decodeLogs(body)).every(({ eventName }) => eventName === 'focusd.probe'));
});

t.test('a backend that takes everything, by gRPC; and what cannot be probed', async (t) => {
  const backend = await startGrpcServer();
  t.teardown(() => backend.close());
  const folder = worldFolder(t, {
    exporters: {
      otlp: `{ endpoint: "${backend.url}" }`,
      'otlp/dead': '{ endpoint: "http://127.0.0.1:9", logs: { enabled: false } }',
      'file/csv': '{ folder: ./out }',
    },
  });
  const run = (...args: string[]): Promise<Ran> => focusd(t, ['probe', ...args], { cwd: folder });
  const [all, dead, file, none] = await Promise.all([
    run('otlp', '--json'),
    run('otlp/dead'),
    run('file/csv'),
    run('otlp/none'),
  ]);
  t.equal(all.code, 0, all.stderr);
  const { findings, settings } = JSON.parse(all.stdout);
  t.ok(
    findings.every(({ taken }: { taken: boolean }) => taken),
    all.stdout,
  );
  t.strictSame(settings, {}, 'nothing has to be kept to');
  t.match(dead, { code: 1, stderr: /ECONNREFUSED|nothing listens/ });
  t.match(file, { code: 2, stderr: /the exporter file has no backend to probe/ });
  t.match(none, { code: 2, stderr: /there are: otlp, otlp\/dead, file\/csv/ });
});
