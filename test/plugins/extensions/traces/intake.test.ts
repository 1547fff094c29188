import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { gzipSync } from 'node:zlib';
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import t, { type Test } from 'tap';
import type { AgentView } from '../../../../pipelines/plugin/index.ts';
import traces from '../../../../plugins/extensions/traces/index.ts';
import { createHttp } from '../../../../plugins/kit/http.ts';
import {
  decodePartialSuccess,
  decodeStatus,
  encodeTraces,
  type TestSpan,
} from '../../../helpers/otlp-traces-proto.ts';
import {
  checkedSettings,
  inspection,
  turnedClock,
  type World,
  worldOf,
} from '../../../helpers/plugin-world.ts';
import { spanOf } from '../../../helpers/test-spans.ts';
import { makeCertificates } from '../../../interop/programs/certs.ts';

const agent: AgentView = {
  version: '1.2.3',
  ready: () => true,
  health: () => [],
  inspect: () => inspection(),
};
const EXPORT = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';

interface Opened {
  readonly lines: World<object>['lines'];
  readonly folder: string;
  readonly http: string;
  readonly grpc: string;
  post(
    body: Uint8Array,
    headers?: Readonly<Record<string, string>>,
  ): ReturnType<ReturnType<typeof createHttp>['request']>;
  export(
    body: Uint8Array,
    given?: { readonly gzip?: boolean; readonly token?: string },
  ): Promise<Buffer | ServiceError>;
  /** Closes, then counts the spans in the index by resource. */
  counted(): Promise<Readonly<Record<string, number>>>;
}

async function open(t: Test, settings: object = {}, folder = t.testdir()): Promise<Opened> {
  const endpoints = { http: { endpoint: '127.0.0.1:0' }, grpc: { endpoint: '127.0.0.1:0' } };
  const config = await checkedSettings(traces, { ...endpoints, ...settings });
  const clock = turnedClock(() => new Promise((resolve) => setTimeout(resolve, 20)));
  const world = worldOf(config, { id: 'traces', clock, folder });
  const opened = await traces.open(world, agent);
  const [http = '', grpc = ''] = world.lines.flatMap(({ fields }) =>
    fields.address === undefined ? [] : [String(fields.address)],
  );
  const requests = createHttp();
  const plain = new Client(grpc, credentials.createInsecure());
  const gzip = new Client(grpc, credentials.createInsecure(), {
    'grpc.default_compression_algorithm': 2,
  });
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= opened.close();
    return closed;
  };
  t.teardown(async () => {
    plain.close();
    gzip.close();
    await requests.close();
    await close();
    await world.close();
  });
  return {
    folder,
    lines: world.lines,
    http,
    grpc,
    post: (body, headers = {}) =>
      requests.request({
        url: `http://${http}/v1/traces`,
        method: 'POST',
        headers: { 'content-type': 'application/x-protobuf', ...headers },
        body,
      }),
    export: (body, given = {}) =>
      new Promise((resolve) => {
        const metadata = new Metadata();
        if (given.token !== undefined) metadata.set('authorization', `Bearer ${given.token}`);
        const bytes = (value: Buffer): Buffer => value;
        (given.gzip === true ? gzip : plain).makeUnaryRequest(
          EXPORT,
          bytes,
          bytes,
          Buffer.from(body),
          metadata,
          (error, answer) => resolve(error ?? answer ?? Buffer.alloc(0)),
        );
      }),
    async counted() {
      await close();
      const database = new DatabaseSync(join(folder, 'index.sqlite'));
      const rows = database
        .prepare('SELECT name, totals FROM cells JOIN resources ON resources.id = cells.resource')
        .all();
      database.close();
      return Object.fromEntries(
        rows.map(({ name, totals }) => [String(name), (totals as Uint8Array)[1] ?? 0]),
      );
    },
  };
}

const request = (...spans: readonly TestSpan[]): Buffer =>
  encodeTraces([{ attributes: { 'host.id': 'i-1', 'service.name': 'shop' }, spans }]);

t.test('by HTTP and by gRPC, plain and inflated', async (t) => {
  const { post, export: send, counted } = await open(t);
  t.match(await post(request(spanOf(1))), { status: 200, body: { length: 0 } });
  t.match(await post(gzipSync(request(spanOf(2))), { 'content-encoding': 'gzip' }), {
    status: 200,
  });
  t.same(await send(request(spanOf(3))), Buffer.alloc(0));
  t.same(await send(request(spanOf(4)), { gzip: true }), Buffer.alloc(0));
  t.same(await counted(), { 'host.id:i-1': 4, 'service ["shop",null,null]': 4 });
});

t.test('bad spans are told by a partial success, the others are kept', async (t) => {
  const { post, export: send, counted } = await open(t);
  const body = request(
    spanOf(1),
    spanOf(2, { spanId: new Uint8Array(8) }),
    spanOf(3, { start: 0n }),
  );
  const wanted = { rejectedSpans: 2, errorMessage: 'a span without trace id or span id' };
  t.match(decodePartialSuccess((await post(body)).body), wanted);
  const answer = await send(body);
  t.ok(Buffer.isBuffer(answer));
  t.match(decodePartialSuccess(answer as Buffer), wanted);
  t.match(await counted(), { 'host.id:i-1': 2 });
});

t.test('what it does not take', async (t) => {
  const { post, http, export: send, counted } = await open(t, { max_body: '64KiB' });
  const garbage = Buffer.from([0x0a, 0xff, 0xff, 0x03]);
  const malformed = await post(garbage);
  t.equal(malformed.status, 400);
  t.match(decodeStatus(malformed.body), { code: 3, message: /longer than its message/ });
  t.match(await send(garbage), { code: 3, details: /longer than its message/ });
  t.match(await post(randomBytes(100), { 'content-encoding': 'gzip' }), { status: 400 });
  t.match(await post(request(), { 'content-encoding': 'br' }), { status: 415 });
  t.match(await post(request(), { 'content-type': 'application/json' }), { status: 415 });
  t.match(await post(Buffer.alloc(70_000)), { status: 413 });
  t.match(await send(Buffer.alloc(70_000)), { code: 8, details: /larger than 65536 bytes/ });
  const bomb = gzipSync(Buffer.alloc(10_000_000));
  t.match(await post(bomb, { 'content-encoding': 'gzip' }), { status: 400 });
  t.match(await send(Buffer.alloc(1_000_000), { gzip: true }), {
    code: 3,
  });
  const others = createHttp();
  t.teardown(() => others.close());
  t.match(await others.request({ url: `http://${http}/v1/logs`, method: 'POST' }), { status: 404 });
  t.match(await others.request({ url: `http://${http}/v1/traces` }), { status: 405 });
  t.same(await counted(), {});
});

t.test('calls that are no exports', async (t) => {
  const { grpc, export: send } = await open(t);
  const session = connectHttp2(`http://${grpc}`);
  t.teardown(() => session.destroy());
  const call = (path: string, body: Buffer): Promise<string> =>
    new Promise((resolve) => {
      const stream = session.request({ ':method': 'POST', ':path': path });
      stream.on('response', (headers) => resolve(String(headers['grpc-status'])));
      stream.end(body);
    });
  t.equal(await call('/x.Y/Export', Buffer.alloc(5)), '12');
  t.equal(await call(EXPORT, Buffer.alloc(3)), '3', 'no whole prefix');
  t.equal(await call(EXPORT, Buffer.from([0, 0, 0, 0, 9, 1])), '3', 'cut off');
  t.equal(
    await call(EXPORT, Buffer.from([1, 0, 0, 0, 1, 1])),
    '12',
    'compressed by nobody knows what',
  );
  t.same(await send(request(spanOf(1))), Buffer.alloc(0), 'others are served as before');
});

t.test('when nothing can be kept senders are asked to come again', async (t) => {
  const { folder, post, export: send, counted } = await open(t);
  const other = new DatabaseSync(join(folder, 'index.sqlite'));
  other.exec('BEGIN IMMEDIATE');
  const full = await post(request(spanOf(1)));
  t.match(full, { status: 503, headers: { 'retry-after': '5' } });
  t.match(decodeStatus(full.body), { code: 14, message: 'the index cannot be written' });
  const error = await send(request(spanOf(1)));
  t.match(error, { code: 14 });
  const [details] = (error as ServiceError).metadata.get('grpc-status-details-bin');
  t.match(decodeStatus(Buffer.from(details as Buffer)), {
    code: 14,
    details: [{ typeUrl: 'type.googleapis.com/google.rpc.RetryInfo' }],
  });
  other.exec('ROLLBACK');
  other.close();
  t.match(await post(request(spanOf(1))), { status: 200 });
  t.match(await counted(), { 'host.id:i-1': 1 });
});

t.test('bytes of requests at a time are bounded', async (t) => {
  const { http, post } = await open(t, { max_in_flight: '1MiB', max_body: '8MiB' });
  const [host = '', port] = http.split(':');
  const slow = connect(Number(port), host);
  t.teardown(() => slow.destroy());
  slow.write(
    'POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\ncontent-length: 1000000\r\n\r\n',
  );
  slow.write(Buffer.alloc(900_000));
  await new Promise((resolve) => setTimeout(resolve, 200));
  t.match(await post(Buffer.alloc(500_000)), { status: 503, headers: { 'retry-after': '1' } });
  slow.destroy();
  await new Promise((resolve) => setTimeout(resolve, 200));
  t.match(await post(request(spanOf(1))), { status: 200 });
});

t.test('with a token only who knows it may send', async (t) => {
  const { post, export: send, counted } = await open(t, { token: 'secret' });
  const body = request(spanOf(1));
  t.match(await post(body), { status: 401 });
  t.match(await post(body, { authorization: 'Bearer wrong' }), { status: 401 });
  t.match(await send(body), { code: 16 });
  t.match(await post(body, { authorization: 'Bearer secret' }), { status: 200 });
  t.same(await send(body, { token: 'secret' }), Buffer.alloc(0));
  t.match(await counted(), { 'host.id:i-1': 2 });
});

t.test('with TLS', async (t) => {
  const folder = t.testdir();
  const certs = await makeCertificates(join(folder, 'certs'));
  if ('skip' in certs) return t.plan(0, certs.skip);
  const tls = { cert: certs.serverCert, key: certs.serverKey };
  const { http, grpc, counted } = await open(t, { tls }, folder);
  const secure = createHttp();
  t.teardown(() => secure.close());
  const post = (tls: object) =>
    secure.request({
      url: `https://${http}/v1/traces`,
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf' },
      body: request(spanOf(1)),
      tls,
    });
  t.match(await post({ ca: certs.ca }), { status: 200 });
  await t.rejects(post({}), { name: 'Unavailable' });
  const client = new Client(grpc, credentials.createSsl(readFileSync(certs.ca)));
  t.teardown(() => client.close());
  const bytes = (value: Buffer): Buffer => value;
  const answer = await new Promise((resolve) =>
    client.makeUnaryRequest(EXPORT, bytes, bytes, request(spanOf(2)), (error, value) =>
      resolve(error ?? value),
    ),
  );
  t.same(answer, Buffer.alloc(0));
  t.match(await counted(), { 'host.id:i-1': 2 });
});

t.test('who hangs up is not worth a line in the log', async (t) => {
  const { grpc, lines, export: send } = await open(t);
  const session = connectHttp2(`http://${grpc}`);
  const stream = session.request({ ':method': 'POST', ':path': EXPORT });
  stream.on('error', () => undefined);
  stream.write(Buffer.alloc(10));
  await new Promise((resolve) => setTimeout(resolve, 100));
  session.destroy();
  await new Promise((resolve) => setTimeout(resolve, 100));
  t.same(await send(request(spanOf(1))), Buffer.alloc(0));
  t.same(
    lines.filter(({ level }) => level === 'error'),
    [],
  );
});

t.test('settings', async (t) => {
  const { http, grpc } = await checkedSettings(traces, {});
  t.same(
    [http.endpoint, grpc.endpoint],
    ['127.0.0.1:4328', '127.0.0.1:4327'],
    'loopback by default',
  );
  const wrong = async (settings: object, path: string): Promise<void> => {
    await t.rejects(open(t, settings), {
      name: 'Misconfigured',
      path: `extensions.traces.${path}`,
    });
  };
  await wrong({ keys: ['host.id', 'host.name'] }, 'keys');
  await wrong({ sampling_ratio: 'some' }, 'sampling_ratio');
  await wrong({ sampling_ratio: '2' }, 'sampling_ratio');
  await wrong({ http: { endpoint: '4328' } }, 'http.endpoint');
  const first = await open(t);
  await wrong({ grpc: { endpoint: first.grpc } }, 'grpc.endpoint');
});
