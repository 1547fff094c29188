import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import t, { type Test } from 'tap';
import { type Delivery, Rejected, Unavailable } from '../../../pipelines/plugin/index.ts';
import { formatEndpoint, parseEndpoint } from '../../../plugins/kit/endpoint.ts';
import { createHttp } from '../../../plugins/kit/http.ts';
import { inTurn } from '../../../plugins/kit/in-turn.ts';
import { keepFound } from '../../../plugins/kit/intake/index.ts';
import { createLimit } from '../../../plugins/kit/limit.ts';
import { polledAlone } from '../../../plugins/kit/polled-api.ts';
import { retryAfterMs, retrying } from '../../../plugins/kit/retry.ts';
import { claims } from '../../helpers/claims.ts';
import { startHttpServer } from '../../helpers/otlp-servers.ts';
import { turnedClock } from '../../helpers/plugin-world.ts';
import { type Certificates, makeCertificates } from '../../interop/programs/certs.ts';
import { freePort } from '../../interop/programs/ports.ts';

const middle = () => 0.5;

t.test('retrying', async (t) => {
  t.test('pauses grow by half up to the longest, until it works', async (t) => {
    const clock = turnedClock();
    let attempts = 0;
    const answer = await retrying(
      async () => {
        attempts += 1;
        if (attempts < 6) throw new Unavailable('not yet');
        return 'done';
      },
      { clock, initialMs: 1000, maxMs: 3000, random: middle },
    );
    t.equal(answer, 'done');
    t.strictSame(clock.slept, [1000, 1500, 2250, 3000, 3000]);
  });

  t.test('jitter is within half of the pause', async (t) => {
    for (const [random, expected] of [
      [() => 0, 500],
      [() => 1, 1500],
    ] as const) {
      const clock = turnedClock();
      let failed = false;
      const attempt = async () => {
        if (!failed) {
          failed = true;
          throw new Unavailable('once');
        }
      };
      await retrying(attempt, { clock, initialMs: 1000, maxMs: 9000, random });
      t.strictSame(clock.slept, [expected]);
    }
  });

  t.test("the other side's wish is kept, also beyond the longest pause", async (t) => {
    const clock = turnedClock();
    const told: number[] = [];
    let failed = false;
    const attempt = async () => {
      if (failed) return;
      failed = true;
      throw new Unavailable('busy', { retryAfter: 60_000 });
    };
    const onRetry = (_: Unavailable, delayMs: number) => void told.push(delayMs);
    await retrying(attempt, { clock, initialMs: 10, maxMs: 100, onRetry });
    t.strictSame([clock.slept, told], [[60_000], [60_000]]);
  });

  t.test('gives up when the time is over, with the last error', async (t) => {
    const clock = turnedClock();
    let attempts = 0;
    const attempt = async () => {
      attempts += 1;
      throw new Unavailable(`attempt ${attempts}`);
    };
    const options = { clock, initialMs: 1000, maxMs: 1000, maxElapsedMs: 3500, random: middle };
    await t.rejects(retrying(attempt, options), { name: 'Unavailable', message: 'attempt 4' });
  });

  t.test('anything but Unavailable is not tried again', async (t) => {
    const clock = turnedClock();
    const attempt = async () => {
      throw new Rejected('no');
    };
    await t.rejects(retrying(attempt, { clock, initialMs: 1, maxMs: 1 }), { name: 'Rejected' });
    t.strictSame(clock.slept, []);
  });

  t.test('the signal ends the pause with its reason', async (t) => {
    const stop = new AbortController();
    const clock = turnedClock((count) => {
      if (count === 2) stop.abort(new Error('stopping'));
    });
    const attempt = async () => {
      throw new Unavailable('never');
    };
    const options = { clock, initialMs: 1, maxMs: 1, signal: stop.signal };
    await t.rejects(retrying(attempt, options), { message: 'stopping' });
  });
});

t.test('Retry-After in seconds and as a date', async (t) => {
  const now = Date.UTC(2026, 8, 17, 12);
  t.equal(retryAfterMs('30', now), 30_000);
  t.equal(retryAfterMs('Thu, 17 Sep 2026 12:00:05 GMT', now), 5_000);
  t.equal(retryAfterMs('Thu, 17 Sep 2026 11:00:00 GMT', now), 0);
  t.equal(retryAfterMs('soon', now), undefined);
  t.equal(retryAfterMs(undefined, now), undefined);
});

t.test('a limit runs so many at a time, in order, and knows when it is idle', async (t) => {
  const limit = createLimit(2);
  const started: number[] = [];
  const gates = [0, 1, 2, 3].map(() => Promise.withResolvers<void>());
  const runs = gates.map((gate, number) =>
    limit.run(async () => {
      started.push(number);
      await gate.promise;
      if (number === 1) throw new Error('one fails');
      return number;
    }),
  );
  const failing = t.rejects(Promise.resolve(runs[1]), { message: 'one fails' });
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  await turn();
  t.strictSame(started, [0, 1]);
  gates[1]?.resolve();
  await failing;
  await turn();
  t.strictSame(started, [0, 1, 2], 'a failed one frees its place');
  for (const gate of gates) gate.resolve();
  await limit.idle();
  t.strictSame(started, [0, 1, 2, 3]);
  t.equal(await runs[3], 3);
});

t.test('endpoints', async (t) => {
  t.strictSame(parseEndpoint('127.0.0.1:13133', 'x'), { host: '127.0.0.1', port: 13133 });
  t.strictSame(parseEndpoint('[::1]:0', 'x'), { host: '::1', port: 0 });
  t.strictSame(parseEndpoint(':8888', 'x'), { host: '0.0.0.0', port: 8888 });
  t.equal(formatEndpoint({ host: '::1', port: 80 }), '[::1]:80');
  for (const wrong of ['8888', 'host', 'host:70000', 'http://host:80', '::1:80']) {
    t.throws(() => parseEndpoint(wrong, 'a.b'), { name: 'Misconfigured', path: 'a.b' }, wrong);
  }
});

t.test('http', async (t) => {
  const http = createHttp();
  t.teardown(() => http.close());

  t.test('sends what is asked and answers any status', async (t) => {
    const server = await startHttpServer((_, response) => {
      response.writeHead(404, { 'x-answer': ['a', 'b'] });
      response.end('not here');
    });
    t.teardown(() => server.close());
    const response = await http.request({
      url: `${server.url}/path?token=secret`,
      method: 'POST',
      headers: { 'x-key': 'k' },
      body: new Uint8Array([1, 2, 3]),
    });
    t.match(response, { status: 404, headers: { 'x-answer': 'a, b' } });
    t.equal(Buffer.from(response.body).toString(), 'not here');
    t.match(server.received, [{ path: '/path?token=secret', headers: { 'x-key': 'k' } }]);
    t.strictSame([...(server.received[0]?.body ?? [])], [1, 2, 3]);
  });

  t.test('does not follow redirects', async (t) => {
    const server = await startHttpServer((_, response) => {
      response.writeHead(302, { location: 'http://127.0.0.1:1/' });
      response.end();
    });
    t.teardown(() => server.close());
    t.match(await http.request({ url: server.url }), { status: 302 });
  });

  t.test('refuses bodies that are too large, announced or not', async (t) => {
    const server = await startHttpServer((count, response) => {
      if (count === 1) response.setHeader('content-length', 2000);
      response.end(Buffer.alloc(2000));
    });
    t.teardown(() => server.close());
    for (const how of ['announced', 'not announced']) {
      const request = http.request({ url: server.url, maxBytes: 1999 });
      await t.rejects(request, { name: 'Unavailable', message: /larger than 1999 bytes/ }, how);
    }
    const whole = await http.request({ url: server.url, maxBytes: 2000 });
    t.equal(whole.body.length, 2000, 'exactly so large is fine');
  });

  t.test('silence and half answers are Unavailable; queries are not shown', async (t) => {
    const silent = createTcpServer(() => undefined).listen(0, '127.0.0.1');
    const half = createServer((_, response) => {
      response.writeHead(200, { 'content-length': 10 });
      response.write('12345', () => response.destroy());
    }).listen(0, '127.0.0.1');
    await Promise.all([once(silent, 'listening'), once(half, 'listening')]);
    t.teardown(() => void [silent.close(), half.close()]);
    const urlOf = (server: typeof silent) => `http://127.0.0.1:${Object(server.address()).port}`;
    await t.rejects(http.request({ url: `${urlOf(silent)}/x?key=secret`, timeoutMs: 50 }), {
      name: 'Unavailable',
      message: /^GET http:[^?]*\/x: no answer within 50 ms$/,
    });
    await t.rejects(http.request({ url: urlOf(half) }), { name: 'Unavailable' });
    const dead = await freePort();
    await t.rejects(http.request({ url: `http://127.0.0.1:${dead}` }), {
      name: 'Unavailable',
      message: /nothing listens there \(ECONNREFUSED\)/,
    });
    const stop = AbortSignal.abort(new Error('stopped'));
    await t.rejects(http.request({ url: urlOf(silent), signal: stop }), { message: 'stopped' });
  });

  t.test('TLS', async (t) => {
    const folder = t.testdir();
    const certificates = await makeCertificates(`${folder}/a`);
    const strangers = await makeCertificates(`${folder}/b`);
    if ('skip' in certificates || 'skip' in strangers)
      t.comment('skipped: openssl is not installed');
    else await tlsCases(t, { http, certificates, strangers, folder });
  });
});

async function tlsCases(
  t: Test,
  world: {
    readonly http: ReturnType<typeof createHttp>;
    readonly certificates: Certificates;
    readonly strangers: Certificates;
    readonly folder: string;
  },
): Promise<void> {
  const { http, certificates, strangers, folder } = world;
  const server = await startHttpServer(undefined, { certificates });
  const mutual = await startHttpServer(undefined, { certificates, mutual: true });
  t.teardown(() => Promise.all([server.close(), mutual.close()]));
  const { ca, clientCert: cert, clientKey: key } = certificates;
  const request = (url: string, tls?: object) => http.request({ url, ...(tls && { tls }) });

  t.match(await request(server.url, { ca }), { status: 200 }, 'own authority');
  t.match(await request(server.url, { insecureSkipVerify: true }), { status: 200 }, 'unverified');
  t.match(await request(mutual.url, { ca, cert, key }), { status: 200 }, 'client certificate');
  t.match(await request(server.url, { ca, serverName: 'localhost' }), { status: 200 }, 'name');
  const cases = [
    ['unknown authority', () => request(server.url), /unknown authority.*set tls\.ca/],
    ['another authority', () => request(server.url, { ca: strangers.ca }), /authority/],
    ['other name', () => request(server.url, { ca, serverName: 'other' }), /tls\.server_name/],
    ['no client certificate', () => request(mutual.url, { ca }), /client certificate/],
    ['no TLS there', () => request(server.url.replace('https', 'http')), /./],
  ] as const;
  for (const [name, answer, message] of cases) {
    await t.rejects(answer(), { name: 'Unavailable', message }, name);
  }
  const notPem = `${folder}/not.pem`;
  writeFileSync(notPem, 'certificate');
  const wrong = [
    ['no such file', { ca: `${folder}/none.pem` }, 'tls.ca'],
    ['not PEM', { ca: notPem }, 'tls.ca'],
    ['certificate without key', { cert }, 'tls.key'],
    ['key of another certificate', { cert, key: strangers.clientKey }, 'tls'],
  ] as const;
  for (const [name, tls, path] of wrong) {
    const error = await request(server.url, tls).catch((thrown: unknown) => thrown);
    t.match(error, { name: 'Misconfigured', path }, name);
  }
  const rotated = `${folder}/rotated.pem`;
  writeFileSync(rotated, await readText(strangers.ca));
  await t.rejects(request(server.url, { ca: rotated }), { name: 'Unavailable' });
  writeFileSync(rotated, await readText(ca));
  t.match(await request(server.url, { ca: rotated }), { status: 200 }, 'a new file is read');
}

async function readText(path: string): Promise<string> {
  const { readFile } = await import('node:fs/promises');
  return await readFile(path, 'utf8');
}

t.test('agents that share a state look at a source one at a time', async (t) => {
  const sharing = claims({});
  const { said } = sharing;
  async function* look(): AsyncGenerator<Delivery> {
    (said as string[]).push('read');
    yield { scope: 'a', revision: '1', mode: 'snapshot', mapping: 'auto', parts: [], cursor: '' };
  }
  for await (const { scope } of inTurn(sharing, look())) t.equal(scope, 'a');
  for await (const _ of inTurn(sharing, look())) break;
  t.strictSame(said, ['alone', 'read', 'released', 'alone', 'read', 'released']);
  for await (const { scope } of inTurn(undefined, look())) t.equal(scope, 'a', 'alone');
});

t.test('what a poller finds is kept once, and found again when there was no room', async (t) => {
  const keeping = (kept: 'kept' | 'duplicate' | 'full') =>
    keepFound({ keep: async () => kept }, { ids: ['1'], value: {} });
  t.equal(await keeping('kept'), 'kept');
  t.equal(await keeping('duplicate'), 'duplicate');
  await t.rejects(keeping('full'), { name: 'Unavailable', message: /spool_size/ });
  polledAlone({ id: 'gitlab-ci' }, 'projects');
  t.throws(() => polledAlone({ id: 'gitlab-ci', sharing: claims({}) }, 'projects'), {
    name: 'Misconfigured',
    path: 'receivers.gitlab-ci.projects',
  });
});
