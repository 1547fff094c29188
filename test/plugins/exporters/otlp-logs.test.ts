import { once } from 'node:events';
import {
  createServer as createH2Server,
  type Http2Server,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import t, { type Test } from 'tap';
import type { Sink } from '../../../pipelines/plugin/index.ts';
import otlp from '../../../plugins/exporters/otlp/index.ts';
import { encodePartialSuccess, encodeStatus } from '../../helpers/otlp-metrics-proto.ts';
import { decodeLogs } from '../../helpers/otlp-proto.ts';
import { startGrpcServer, startHttpServer } from '../../helpers/otlp-servers.ts';
import {
  checkedSettings,
  deliveryOf,
  encodedBatch,
  type TurnedClock,
  totalsOf,
  turnedClock,
  worldOf,
} from '../../helpers/plugin-world.ts';
import { makeCertificates } from '../../interop/programs/certs.ts';
import { freePort } from '../../interop/programs/ports.ts';

/** An ExportLogsServiceRequest with one record. */
const REQUEST = requestWith('focus.x');

function requestWith(event: string): Buffer {
  const nested = (tag: number, body: Buffer) =>
    Buffer.concat([Buffer.from([tag, body.length]), body]);
  const record = nested(0x62, Buffer.from(event));
  return nested(0x0a, nested(0x12, nested(0x12, record)));
}

const DELIVERY = deliveryOf();
const COMPRESS = {
  gzip: (bytes: Buffer) => gzipSync(bytes),
  zstd: (bytes: Buffer) => zstdCompressSync(bytes),
  none: (bytes: Buffer) => bytes,
} as const;

interface Opened {
  readonly sink: Sink;
  readonly world: ReturnType<typeof worldOf>;
  write(bytes?: Uint8Array): ReturnType<NonNullable<Sink['write']>>;
}

/** The exporter with its metrics off, closed when the test ends. */
async function openLogs(
  t: Test,
  settings: object,
  options: { readonly clock?: TurnedClock; readonly once?: boolean } = {},
): Promise<Opened> {
  const config = await checkedSettings(otlp, {
    metrics: { enabled: false },
    retry: { max_elapsed_time: '0s' },
    ...settings,
  });
  const world = worldOf(config, { id: 'otlp/test', ...options });
  const sink = await otlp.open(world, totalsOf([]));
  t.teardown(async () => {
    await sink.close();
    await world.close();
  });
  const compress = COMPRESS[config.compression];
  return {
    sink,
    world,
    write: (bytes = REQUEST) => {
      if (sink.write === undefined) throw new Error('it takes no charges');
      return sink.write(encodedBatch(compress(Buffer.from(bytes)), { rows: 10 }), DELIVERY);
    },
  };
}

function events(body: Uint8Array): (string | undefined)[] {
  return decodeLogs(body).resourceLogs.flatMap(({ scopeLogs }) =>
    scopeLogs.flatMap(({ logRecords }) => logRecords.map(({ eventName }) => eventName)),
  );
}

t.test('what arrives, by protocol and compression', async (t) => {
  const grpc = await startGrpcServer();
  const http = await startHttpServer();
  t.teardown(() => Promise.all([grpc.close(), http.close()]));
  const headers = { 'X-Api-Key': 'secret' };
  const cases = [
    ['grpc', 'gzip', grpc],
    ['grpc', 'none', grpc],
    ['http/protobuf', 'gzip', http],
    ['http/protobuf', 'zstd', http],
    ['http/protobuf', 'none', http],
  ] as const;
  for (const [protocol, compression, server] of cases) {
    const { write, sink } = await openLogs(t, {
      endpoint: `${server.url}/`,
      protocol,
      compression,
      headers,
      logs: { max_batch_bytes: '1MiB' },
    });
    t.strictSame(sink.encoding, {
      kind: 'otlp-logs',
      compression,
      maxBytes: 1024 * 1024,
      restatement: 'totals',
    });
    t.strictSame(await write(), {});
    const received = server.received.at(-1);
    t.strictSame(
      events(received?.body ?? Buffer.alloc(0)),
      ['focus.x'],
      `${protocol} ${compression}`,
    );
    t.match(received?.headers, { 'x-api-key': 'secret', 'user-agent': 'focusd' });
    if (protocol === 'grpc') continue;
    t.match(received, { path: '/v1/logs', headers: { 'content-type': 'application/x-protobuf' } });
    t.equal(
      received?.headers['content-encoding'],
      compression === 'none' ? undefined : compression,
    );
  }
  const below = await openLogs(t, { endpoint: `${http.url}/otlp/`, protocol: 'http/protobuf' });
  await below.write();
  t.equal(http.received.at(-1)?.path, '/otlp/v1/logs');
});

t.test('large messages, several at a time, bounded', async (t) => {
  const server = await startGrpcServer();
  t.teardown(() => server.close());
  const { write } = await openLogs(t, {
    endpoint: server.url,
    compression: 'none',
    logs: { max_in_flight: 2 },
  });
  const large = Buffer.concat(Array.from({ length: 200_000 }, () => REQUEST));
  await Promise.all(Array.from({ length: 6 }, () => write(large)));
  t.strictSame(
    server.received.map(({ body }) => body.length),
    Array(6).fill(large.length),
  );
});

t.test('gRPC codes', async (t) => {
  const retryable = [1, 4, 10, 11, 14, 15];
  for (const code of retryable) {
    const server = await startGrpcServer((count) =>
      count < 3 ? { code, details: 'busy' } : new Uint8Array(),
    );
    const { write, world } = await openLogs(t, { endpoint: server.url });
    t.strictSame(await write(), {}, `code ${code} is tried again`);
    t.equal(server.received.length, 3);
    t.equal(world.clock.slept.length, 2);
    await server.close();
  }
  for (const code of [2, 3, 5, 6, 7, 8, 9, 12, 13, 16]) {
    const name = [7, 12, 16].includes(code) ? 'Misconfigured' : 'Rejected';
    const server = await startGrpcServer(() => ({ code, details: 'no: ü' }));
    const { write } = await openLogs(t, { endpoint: server.url });
    await t.rejects(write(), { name, message: /no: ü/ }, `code ${code} is final`);
    t.equal(server.received.length, 1);
    await server.close();
  }
});

t.test('gRPC RESOURCE_EXHAUSTED', async (t) => {
  t.test('with RetryInfo it is tried again, after that time', async (t) => {
    const status = encodeStatus('slow down', { seconds: 40, nanos: 500_000_000 });
    const server = await startGrpcServer((count) =>
      count === 1 ? { code: 8, details: 'slow down', status } : new Uint8Array(),
    );
    t.teardown(() => server.close());
    const { write, world } = await openLogs(t, { endpoint: server.url });
    await write();
    t.strictSame(world.clock.slept, [40_500]);
    t.match(world.lines, [{ level: 'warn', fields: { reason: /RESOURCE_EXHAUSTED: slow down/ } }]);
  });

  t.test('without, the message is too large', async (t) => {
    const server = await startGrpcServer(undefined, { maxBytes: 10 });
    t.teardown(() => server.close());
    const { write } = await openLogs(t, { endpoint: server.url });
    await t.rejects(write(), {
      name: 'Rejected',
      message: /RESOURCE_EXHAUSTED.*logs\.max_batch_bytes/,
    });
  });
});

t.test('HTTP statuses', async (t) => {
  const settings = (url: string) => ({ endpoint: url, protocol: 'http/protobuf' });
  for (const status of [429, 502, 503, 504]) {
    const server = await startHttpServer((count, response) => {
      response.writeHead(count === 1 ? status : 200, count === 1 ? { 'retry-after': '17' } : {});
      response.end();
    });
    const { write, world } = await openLogs(t, settings(server.url));
    t.strictSame(await write(), {}, `${status} is tried again`);
    t.strictSame(world.clock.slept, [17_000], 'after the time it asks for');
    await server.close();
  }
  for (const [status, name] of [
    [400, 'Rejected'],
    [401, 'Misconfigured'],
    [403, 'Misconfigured'],
    [404, 'Misconfigured'],
    [413, 'Rejected'],
    [500, 'Rejected'],
    [501, 'Rejected'],
  ] as const) {
    const server = await startHttpServer((_, response) => {
      response.writeHead(status, { 'content-type': 'application/x-protobuf' });
      response.end(encodeStatus(`reason ${status}`));
    });
    const { write } = await openLogs(t, settings(server.url));
    const message =
      status === 413 ? /reason 413.*logs\.max_batch_bytes/ : RegExp(`HTTP ${status}: reason`);
    await t.rejects(write(), { name, message }, `${status} is final`);
    t.equal(server.received.length, 1);
    await server.close();
  }
  const moved = await startHttpServer((_, response) => {
    response.writeHead(301, { location: '/elsewhere' });
    response.end();
  });
  t.teardown(() => moved.close());
  const { write } = await openLogs(t, settings(moved.url));
  await t.rejects(write(), { name: 'Misconfigured', message: /redirects are not followed/ });
});

t.test('partial success is counted, not tried again', async (t) => {
  const answer = encodePartialSuccess(3, 'too old');
  const grpc = await startGrpcServer(() => answer);
  const http = await startHttpServer((_, response) => {
    response.setHeader('content-type', 'application/x-protobuf');
    response.end(answer);
  });
  const json = await startHttpServer((_, response) => {
    response.setHeader('content-type', 'application/json');
    response.end('{"partialSuccess":{"rejectedLogRecords":"3","errorMessage":"too old"}}');
  });
  t.teardown(() => Promise.all([grpc.close(), http.close(), json.close()]));
  for (const [server, protocol] of [
    [grpc, 'grpc'],
    [http, 'http/protobuf'],
    [json, 'http/protobuf'],
  ] as const) {
    const { write } = await openLogs(t, { endpoint: server.url, protocol });
    t.strictSame(await write(), { rejectedRows: 3, reason: 'too old' });
    t.equal(server.received.length, 1);
  }
  const warns = await startGrpcServer(() => encodePartialSuccess(0, 'deprecated'));
  t.teardown(() => warns.close());
  const { write, world } = await openLogs(t, { endpoint: warns.url });
  t.strictSame(await write(), {});
  t.match(world.lines, [{ message: 'the backend warns', fields: { reason: 'deprecated' } }]);
});

/** A server of raw HTTP/2 streams; the count is that of all streams. */
async function h2Server(
  t: Test,
  handle: (stream: ServerHttp2Stream, count: number) => void,
): Promise<{
  readonly url: string;
  readonly server: Http2Server;
  readonly sessions: () => number;
}> {
  const server = createH2Server();
  let streams = 0;
  let sessions = 0;
  server.on('session', () => {
    sessions += 1;
  });
  server.on('stream', (stream) => {
    streams += 1;
    stream.on('error', () => undefined);
    handle(stream, streams);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, server, sessions: () => sessions };
}

function grpcOk(stream: ServerHttp2Stream): void {
  stream.resume();
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end();
}

t.test('when the connection is lost', async (t) => {
  t.test('in the middle of a gRPC answer', async (t) => {
    const server = await h2Server(t, (stream, count) => {
      if (count > 1) return grpcOk(stream);
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
      stream.write(Buffer.from([0, 0]), () => stream.session?.destroy());
    });
    const { write, world } = await openLogs(t, { endpoint: server.url });
    t.strictSame(await write(), {});
    t.equal(world.clock.slept.length, 1);
    t.equal(server.sessions(), 2);
  });

  t.test('by GOAWAY with ENHANCE_YOUR_CALM', async (t) => {
    const server = await h2Server(t, (stream, count) => {
      if (count > 1) return grpcOk(stream);
      stream.session?.goaway(11, 0, Buffer.from('too_many_pings'));
      stream.session?.destroy();
    });
    const { write, world } = await openLogs(t, { endpoint: server.url });
    t.strictSame(await write(), {});
    t.match(world.lines, [{ fields: { reason: /ENHANCE_YOUR_CALM: too_many_pings/ } }]);
    t.equal(server.sessions(), 2);
  });

  t.test('by a polite GOAWAY between two calls', async (t) => {
    const server = await h2Server(t, (stream, count) => {
      grpcOk(stream);
      if (count === 1) stream.on('close', () => stream.session?.close());
    });
    const { write, world } = await openLogs(t, { endpoint: server.url });
    await write();
    await write();
    t.ok(server.sessions() >= 1);
    t.ok(world.clock.slept.length <= 1);
  });

  t.test('in the middle of an HTTP answer', async (t) => {
    const server = await startHttpServer((count, response) => {
      if (count > 1) return void response.end();
      response.writeHead(200, { 'content-length': 100 });
      response.write('x', () => response.destroy());
    });
    t.teardown(() => server.close());
    const { write, world } = await openLogs(t, { endpoint: server.url, protocol: 'http/protobuf' });
    t.strictSame(await write(), {});
    t.equal(world.clock.slept.length, 1);
  });

  t.test('before it was there: a dead port comes up', async (t) => {
    for (const [protocol, start] of [
      ['grpc', startGrpcServer],
      ['http/protobuf', startHttpServer],
    ] as const) {
      const port = await freePort();
      let server: Awaited<ReturnType<typeof startGrpcServer>> | undefined;
      const clock = turnedClock(async (count) => {
        if (count === 3) server = await start(undefined, { port });
      });
      const { write, world } = await openLogs(
        t,
        { endpoint: `http://127.0.0.1:${port}`, protocol },
        { clock },
      );
      t.strictSame(await write(), {}, protocol);
      t.match(world.lines[0], {
        fields: { reason: /nothing listens there/, component: 'otlp/test' },
      });
      t.strictSame(events(server?.received[0]?.body ?? Buffer.alloc(0)), ['focus.x']);
      await server?.close();
    }
  });

  t.test('a server that never answers', async (t) => {
    const server = await h2Server(t, (stream, count) => {
      if (count > 1) grpcOk(stream);
    });
    const { write, world } = await openLogs(t, { endpoint: server.url, timeout: '100ms' });
    t.strictSame(await write(), {});
    t.match(world.lines, [{ fields: { reason: /no answer within 100 ms/ } }]);
  });
});

t.test('a gRPC exporter at an HTTP/1 port says so', async (t) => {
  const server = await startHttpServer();
  t.teardown(() => server.close());
  const { write } = await openLogs(t, { endpoint: server.url, retry: { max_elapsed_time: '1ms' } });
  await t.rejects(write(), { name: 'Unavailable', message: /4318 is commonly OTLP\/HTTP/ });
});

t.test('an HTTP answer in place of gRPC', async (t) => {
  const server = await h2Server(t, (stream) => {
    stream.resume();
    stream.respond({ ':status': 401, 'content-type': 'text/plain' });
    stream.end('who are you?');
  });
  const { write } = await openLogs(t, { endpoint: server.url });
  await t.rejects(write(), { name: 'Misconfigured', message: /UNAUTHENTICATED: HTTP 401/ });
});

t.test('how long it tries', async (t) => {
  const endpoint = `http://127.0.0.1:${await freePort()}`;
  const limited = await openLogs(t, { endpoint, retry: { max_elapsed_time: '10s' } });
  await t.rejects(limited.write(), { name: 'Unavailable' });
  t.ok(limited.world.clock.slept.reduce((sum, ms) => sum + ms, 0) <= 10_000);
  const once = await openLogs(t, { endpoint }, { once: true });
  await t.rejects(
    once.write(),
    { name: 'Unavailable' },
    'a run that is to end does not wait for ever',
  );

  const stop = await openLogs(
    t,
    { endpoint },
    {
      clock: turnedClock((count) => {
        if (count === 5) stop.world.stop.abort(new Error('stopping'));
      }),
    },
  );
  await t.rejects(stop.write(), { message: 'stopping' });

  const again = await openLogs(
    t,
    { endpoint },
    {
      clock: turnedClock(async (count) => {
        if (count === 5) await again.sink.begin?.(DELIVERY);
      }),
    },
  );
  await t.rejects(again.write(), { message: 'the delivery was started over' });

  const closed = await openLogs(
    t,
    { endpoint },
    {
      clock: turnedClock((count) => {
        if (count === 5) void closed.sink.close();
      }),
    },
  );
  await t.rejects(closed.write(), { message: 'the exporter is closed' });
});

t.test('TLS', async (t) => {
  const folder = t.testdir();
  const certificates = await makeCertificates(`${folder}/a`);
  const strangers = await makeCertificates(`${folder}/b`);
  if ('skip' in certificates || 'skip' in strangers)
    return void t.comment('skipped: openssl is not installed');
  const { ca, clientCert: cert, clientKey: key } = certificates;
  for (const [protocol, start] of [
    ['grpc', startGrpcServer],
    ['http/protobuf', startHttpServer],
  ] as const) {
    const server = await start(undefined, { certificates });
    const mutual = await start(undefined, { certificates, mutual: true });
    t.teardown(() => Promise.all([server.close(), mutual.close()]));
    const attempt = async (endpoint: string, tls: object) => {
      const { write } = await openLogs(t, {
        endpoint,
        protocol,
        tls,
        retry: { max_elapsed_time: '1ms' },
      });
      return await write();
    };
    t.strictSame(await attempt(server.url, { ca }), {}, `${protocol}: own authority`);
    t.strictSame(
      await attempt(mutual.url, { ca, cert, key }),
      {},
      `${protocol}: client certificate`,
    );
    t.strictSame(
      await attempt(server.url, { insecure_skip_verify: true }),
      {},
      `${protocol}: unverified`,
    );
    t.strictSame(
      await attempt(server.url, { ca, server_name: 'localhost' }),
      {},
      `${protocol}: server name`,
    );
    const wrong = [
      [server.url, {}, /unknown authority.*set tls\.ca/],
      [server.url, { ca: strangers.ca }, /authority/],
      [server.url, { ca, server_name: 'other' }, /tls\.server_name/],
      [mutual.url, { ca }, /client certificate/],
      [server.url.replace('https:', 'http:'), {}, /./],
    ] as const;
    for (const [endpoint, tls, message] of wrong) {
      await t.rejects(
        attempt(endpoint, tls),
        { name: 'Unavailable', message },
        `${protocol} ${message}`,
      );
    }
    const plain = await start();
    t.teardown(() => plain.close());
    await t.rejects(attempt(plain.url.replace('http:', 'https:'), { ca }), {
      name: 'Unavailable',
      message: /does not speak TLS/,
    });
  }
});

t.test('settings that cannot work', async (t) => {
  const open = async (settings: object) => {
    const world = worldOf(await checkedSettings(otlp, settings), { id: 'otlp/x' });
    return await otlp.open(world, totalsOf([]));
  };
  await t.rejects(open({ compression: 'zstd' }), {
    name: 'Misconfigured',
    path: 'exporters.otlp/x.compression',
  });
  await t.rejects(open({ endpoint: 'http://localhost:4317/v1/logs' }), {
    name: 'Misconfigured',
    path: 'exporters.otlp/x.endpoint',
  });
  await t.rejects(open({ tls: { ca: '/nowhere/ca.pem' } }), {
    name: 'Misconfigured',
    path: 'exporters.otlp/x.tls.ca',
  });
  await t.rejects(open({ tls: { cert: '/nowhere/cert.pem' } }), {
    name: 'Misconfigured',
    path: 'exporters.otlp/x.tls.key',
  });
});

t.test('without logs it takes no charges', async (t) => {
  const { sink } = await openLogs(t, { logs: { enabled: false } });
  t.equal(sink.encoding, undefined);
  t.equal(sink.write, undefined);
});
