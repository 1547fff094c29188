import { readFileSync, writeFileSync } from 'node:fs';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { type AddressInfo, createServer as createSocketServer } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import type { Delivery } from '../../../pipelines/plugin/index.ts';
import { followed } from '../../../plugins/receivers/focus-http/asked.ts';
import focusHttp from '../../../plugins/receivers/focus-http/index.ts';
import { listingOf } from '../../../plugins/receivers/focus-http/items.ts';
import { filled, periodsOf } from '../../../plugins/receivers/focus-http/periods.ts';
import { checkedSettings, type World, worldOf } from '../../helpers/plugin-world.ts';

interface Api {
  readonly url: string;
  readonly asked: { readonly url: string; readonly headers: IncomingHttpHeaders }[];
  answer: (request: IncomingMessage, response: ServerResponse) => void;
}

/** A server on loopback whose answers a test may change. */
async function api(t: Test, answer: Api['answer']): Promise<Api> {
  const self: Api = { url: '', asked: [], answer };
  const server = createServer((request, response) => {
    self.asked.push({ url: request.url ?? '', headers: request.headers });
    self.answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return Object.assign(self, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  });
}

async function worldAt(t: Test, written: object): Promise<World<never>> {
  const config = await checkedSettings(focusHttp, written);
  const world = worldOf(config as never, { id: 'focus-http', folder: t.testdir({}), once: true });
  t.teardown(() => world.close());
  return world;
}

type Taken = Delivery & { readonly texts: readonly string[] };

/** What a look delivers, with the content of its parts at that time. */
async function look(world: World<never>, cursor?: string): Promise<readonly Taken[]> {
  const taken: Taken[] = [];
  for await (const delivery of focusHttp.receive(world, cursor))
    taken.push({
      ...delivery,
      texts: delivery.parts.map(({ path }) => readFileSync(path, 'latin1')),
    });
  return taken;
}

/** What a look at one thing says. */
async function texts(t: Test, written: object): Promise<readonly string[]> {
  const [first, ...more] = await look(await worldAt(t, { period: 'all', ...written }));
  t.same(more, []);
  return first?.texts ?? [];
}

async function failure(world: World<never>): Promise<unknown> {
  return await look(world).then(
    (taken) => taken,
    (error: unknown) => error,
  );
}

const CSV = 'BilledCost,ChargePeriodStart\n1.10,2026-09-01\n';

t.test('each month is asked for, and delivered when it has changed', async (t) => {
  const months = new Map([
    ['2026-07', 'july'],
    ['2026-08', 'august'],
    ['2026-09', 'september'],
  ]);
  let version = 1;
  const { url, asked } = await api(t, ({ url = '', headers }, response) => {
    const [, month = ''] = /from=(\d{4}-\d\d)-01T00%3A00%3A00Z&to=/.exec(url) ?? [];
    const etag = `"${month}-${months.get(month)}-${version}"`;
    if (headers['if-none-match'] === etag) response.writeHead(304).end();
    else response.writeHead(200, { etag }).end(months.get(month));
  });
  const world = await worldAt(t, { url: `${url}/charges?from={start}&to={end}`, token: 't0k' });
  const first = await look(world);
  const host = new URL(url).host;
  t.match(
    first.map(({ scope, mode, mapping, texts }) => [scope, mode, mapping, ...texts]),
    [
      [`${host}/2026-07`, 'snapshot', 'auto', 'july'],
      [`${host}/2026-08`, 'snapshot', 'auto', 'august'],
      [`${host}/2026-09`, 'snapshot', 'auto', 'september'],
    ],
  );
  t.equal(asked.at(-1)?.url, '/charges?from=2026-09-01T00%3A00%3A00Z&to=2026-10-01T00%3A00%3A00Z');
  t.equal(asked.at(-1)?.headers.authorization, 'Bearer t0k');
  const cursor = first.at(-1)?.cursor;
  t.same(await look(world, cursor), [], 'nothing has changed');
  t.match(asked.at(-1)?.headers, { 'if-none-match': '"2026-09-september-1"' });
  version = 2;
  t.same(await look(world, cursor), [], 'another etag of the same content');
  months.set('2026-08', 'restated');
  const [restated, ...more] = await look(world, cursor);
  t.match(restated, { scope: `${host}/2026-08`, texts: ['restated'] });
  t.same(more, []);
  const resumed = await look(world, first[0]?.cursor);
  t.same(
    resumed.map(({ scope }) => scope),
    [`${host}/2026-08`, `${host}/2026-09`],
    'goes on from each cursor',
  );
  const other = await worldAt(t, { url: `${url}/charges?v=2&from={start}&to={end}` });
  t.equal((await look(other, cursor)).length, 3, 'another URL is another question');
});

t.test('it looks again and again, with jitter', async (t) => {
  const { url } = await api(t, (_, response) => response.end(CSV));
  const config = await checkedSettings(focusHttp, { url, interval: '1h' });
  const world = worldOf(config, { folder: t.testdir({}) });
  t.teardown(() => world.close());
  await t.rejects(async () => {
    for await (const _ of focusHttp.receive(
      {
        ...world,
        clock: {
          ...world.clock,
          async sleep(ms, signal) {
            if (world.clock.slept.length === 1) world.stop.abort();
            await world.clock.sleep(ms, signal);
          },
        },
      },
      undefined,
    ));
  });
  const [pause = 0] = world.clock.slept;
  t.ok(pause >= 54 * 60_000 && pause <= 66 * 60_000, `${pause} ms`);
});

t.test('periods', async (t) => {
  const now = Date.UTC(2026, 0, 15, 12);
  const names = (of: object): readonly string[] =>
    periodsOf({ url: '{start}', period: 'month', look_back: 2, ...of }, now).map(
      ({ name }) => name,
    );
  t.same(names({}), ['2025-11', '2025-12', '2026-01']);
  t.same(names({ period: 'day', look_back: 1 }), ['2026-01-14', '2026-01-15']);
  t.same(names({ url: 'https://x.test' }), ['2026-01'], 'nothing asks for others');
  t.same(names({ url: 'https://x.test', period: 'all' }), ['']);
  const [period] = periodsOf({ url: '{start}', period: 'month', look_back: 0 }, now);
  if (period === undefined) throw new Error('no period');
  t.equal(
    filled('https://x.test/{month}?a={start_date}&b={end_date}&c={last_date}', period).href,
    'https://x.test/2026-01?a=2026-01-01&b=2026-02-01&c=2026-01-31',
  );
});

t.test('contents', async (t) => {
  t.test('packed for the way is unpacked, packed by itself stays', async (t) => {
    const packed = gzipSync(CSV);
    const { url, asked } = await api(t, (request, response) => {
      const headers = request.url === '/way' ? { 'content-encoding': 'gzip' } : {};
      response.writeHead(200, headers).end(packed);
    });
    t.same(await texts(t, { url: `${url}/way` }), [CSV]);
    t.match(asked[0]?.headers, { 'accept-encoding': 'gzip' });
    t.same(await texts(t, { url: `${url}/file.csv.gz` }), [packed.toString('latin1')]);
  });

  t.test('JSON becomes lines, numbers with all their digits', async (t) => {
    const body = `{ "data": { "charges": [
      { "BilledCost": 0.10000000000000000001, "Tags": { "team": "a\\nb", "n": 1e2 }, "x": null },
      { "BilledCost": -12.50 } ] } }`;
    const { url } = await api(t, (_, response) => response.end(body));
    t.same(await texts(t, { url, items: 'data.charges' }), [
      '{"BilledCost":0.10000000000000000001,"Tags":{"team":"a\\nb","n":1e2},"x":null}\n{"BilledCost":-12.50}\n',
    ]);
    const failed = await worldAt(t, { url, items: 'data.rows' });
    failed.clock.set(0);
    t.match(await failure(failed), { name: 'Unavailable', message: /no list data\.rows/ });
    t.throws(() => listingOf(Buffer.from('{"a":[1,'), 'a'), { name: 'Unavailable' });
  });

  t.test('of a month without charges is no bill, unless there was one', async (t) => {
    const self = await api(t, (_, response) => response.end(CSV));
    const world = await worldAt(t, { url: self.url });
    const [bill] = await look(world);
    self.answer = (_, response) => response.writeHead(204).end();
    const [empty] = await look(world, bill?.cursor);
    t.match(empty, { scope: bill?.scope, parts: [] }, 'it is replaced by nothing');
    t.not(empty?.revision, bill?.revision);
    t.same(await look(world), [], 'nothing is not a bill');
    self.answer = (_, response) => response.end(' \n');
    t.same(await look(world), []);
  });

  t.test('that is a web page is not taken for a bill', async (t) => {
    const { url } = await api(t, (_, response) =>
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<html>'),
    );
    t.match(await failure(await worldAt(t, { url })), {
      name: 'Unavailable',
      message: /web page/,
    });
  });

  t.test('that is too long says which setting to raise', async (t) => {
    const { url } = await api(t, (_, response) => response.end('0123456789'));
    const settings = { url, max_bill: '9' };
    t.match(await failure(await worldAt(t, settings)), {
      name: 'Misconfigured',
      path: 'receivers.focus-http.max_bill',
    });
    const bomb = await api(t, (_, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('0'.repeat(1e6))),
    );
    t.match(await failure(await worldAt(t, { url: bomb.url, max_bill: '100KiB' })), {
      path: 'receivers.focus-http.max_bill',
    });
  });
});

t.test('pages', async (t) => {
  /** Three pages; `next` says how each names the one after it. */
  const paged = async (
    t: Test,
    next: (page: number, url: string) => { readonly headers?: object; readonly field?: unknown },
  ): Promise<Api> => {
    const self = await api(t, ({ url = '' }, response) => {
      const { searchParams } = new URL(url, 'http://x');
      const page = Number(searchParams.get('cursor')?.replace('c', '') ?? 1);
      const { headers = {}, field } = next(page, self.url);
      response
        .writeHead(200, { ...headers })
        .end(JSON.stringify({ rows: page > 3 ? [] : [{ page }], meta: { next: field } }));
    });
    return self;
  };
  const lines = '{"page":1}\n{"page":2}\n{"page":3}\n';

  t.test('by a cursor', async (t) => {
    const { url, asked } = await paged(t, (page) => ({ field: page < 3 ? `c${page + 1}` : null }));
    const paging = { kind: 'cursor', field: 'meta.next', parameter: 'cursor' };
    t.same(await texts(t, { url: `${url}/?team=a`, items: 'rows', paging }), [lines]);
    t.same(
      asked.map((one) => one.url),
      ['/?team=a', '/?team=a&cursor=c2', '/?team=a&cursor=c3'],
    );
  });

  t.test('by a cursor that is a URL, or stands in a header', async (t) => {
    const inField = await paged(t, (page) => ({
      field: page < 3 ? `/more?cursor=c${page + 1}` : '',
    }));
    const common = { items: 'rows' };
    const paging = { kind: 'cursor', field: 'meta.next' };
    t.same(await texts(t, { ...common, url: inField.url, paging }), [lines]);
    t.equal(inField.asked.at(-1)?.url, '/more?cursor=c3');
    const inHeader = await paged(t, (page) => ({
      headers: page < 3 ? { 'X-Next': `c${page + 1}` } : {},
    }));
    const header = { kind: 'cursor', header: 'X-Next', parameter: 'cursor' };
    t.same(await texts(t, { ...common, url: inHeader.url, paging: header }), [lines]);
  });

  t.test('by Link headers', async (t) => {
    const { url } = await paged(t, (page, base) => ({
      headers: {
        link: `<${base}/?cursor=c1>; rel="first", <${base}/?cursor=c${page + 1}>; title="a, b"; rel="${page < 3 ? 'x next' : 'last'}"`,
      },
    }));
    t.same(await texts(t, { url, items: 'rows', paging: { kind: 'link' } }), [lines]);
  });

  t.test('by numbers, until one is empty; CSV pages stay apart', async (t) => {
    const { url, asked } = await api(t, (request, response) => {
      const page = Number(new URL(request.url ?? '', 'http://x').searchParams.get('p'));
      response.end(`BilledCost\n${page < 2 ? `${page}.5\n` : ''}`);
    });
    const paging = { kind: 'page', parameter: 'p', first: 0 };
    t.same(await texts(t, { url, paging }), [
      'BilledCost\n0.5\n',
      'BilledCost\n1.5\n',
      'BilledCost\n',
    ]);
    t.equal(asked.length, 3);
  });

  t.test('that do not end are noticed', async (t) => {
    const circle = await paged(t, (page) => ({ field: `c${(page % 3) + 1}` }));
    const paging = { kind: 'cursor', field: 'meta.next', parameter: 'cursor' };
    const said = async (written: object): Promise<unknown> =>
      await failure(await worldAt(t, { items: 'rows', ...written }));
    t.match(await said({ url: `${circle.url}/?cursor=c1`, paging }), {
      name: 'Unavailable',
      message: /go in circles/,
    });
    const same = await api(t, (_, response) => response.end('{"rows":[{"a":1}]}'));
    t.match(await said({ url: same.url, paging: { kind: 'page', parameter: 'p' } }), {
      name: 'Unavailable',
      message: /page 2 is the one before once more/,
    });
  });

  t.test('of which one fails make no bill', async (t) => {
    const self = await paged(t, (page) => ({ field: `c${page + 1}` }));
    const { answer } = self;
    self.answer = (request, response) =>
      request.url?.includes('c2') ? response.writeHead(404).end() : answer(request, response);
    const paging = { kind: 'cursor', field: 'meta.next', parameter: 'cursor' };
    t.match(await failure(await worldAt(t, { url: self.url, items: 'rows', paging })), {
      name: 'Unavailable',
      message: /page 2 is not there/,
    });
  });
});

t.test('credentials', async (t) => {
  t.test('are sent as the settings say', async (t) => {
    const { url, asked } = await api(t, (_, response) => response.end(CSV));
    await texts(t, { url, username: 'user', password: 'p:w', headers: { 'X-Key': 'k' } });
    t.match(asked.at(-1)?.headers, { authorization: 'Basic dXNlcjpwOnc=', 'x-key': 'k' });
    await texts(t, { url, headers: { Authorization: 'Token x' }, accept: 'text/csv' });
    t.match(asked.at(-1)?.headers, { authorization: 'Token x', accept: 'text/csv' });
    const token_file = join(process.cwd(), '.tap', `token-${process.pid}`);
    writeFileSync(token_file, 'first\n');
    await texts(t, { url, token_file });
    t.equal(asked.at(-1)?.headers.authorization, 'Bearer first');
    writeFileSync(token_file, 'second\n');
    await texts(t, { url, token_file });
    t.equal(asked.at(-1)?.headers.authorization, 'Bearer second');
  });

  t.test('never go to another host', async (t) => {
    const other = await api(t, (_, response) => response.end('{"rows":[{"a":2}]}'));
    const self = await api(t, (_, response) =>
      response.writeHead(302, { location: `${other.url}/elsewhere` }).end(),
    );
    const secrets = { token: 't0k', headers: { 'X-Key': 'k' }, items: 'rows' };
    t.same(await texts(t, { url: self.url, ...secrets }), ['{"a":2}\n']);
    t.equal(self.asked[0]?.headers.authorization, 'Bearer t0k');
    t.same(
      other.asked.map(({ headers }) => [headers.authorization, headers['x-key']]),
      [[undefined, undefined]],
      'after a redirect',
    );
    self.answer = (_, response) =>
      response.writeHead(200, { link: `<${other.url}/>; rel=next` }).end('{"rows":[{"a":1}]}');
    t.same(await texts(t, { url: self.url, ...secrets, paging: { kind: 'link' } }), [
      '{"a":1}\n{"a":2}\n',
    ]);
    t.equal(other.asked.at(-1)?.headers.authorization, undefined, 'as the next page');
    self.answer = ({ url }, response) =>
      url === '/end'
        ? response.end('{"rows":[{"a":3}]}')
        : response.writeHead(307, { location: '/end' }).end();
    await texts(t, { url: self.url, ...secrets });
    t.equal(self.asked.at(-1)?.headers.authorization, 'Bearer t0k', 'on the same host they do');
  });

  t.test('and encryption is not given up on the way', async (t) => {
    const https = new URL('https://api.test/a?b');
    t.throws(() => followed(https, 'http://api.test/'), { message: /not encrypted/ });
    t.throws(() => followed(https, 'file:///etc/passwd'), { message: /no URL/ });
    t.throws(() => followed(https, 'https://'), { message: /no URL/ });
    t.equal(followed(https, '/c').href, 'https://api.test/c');
    const loop = await api(t, ({ url }, response) =>
      response.writeHead(301, { location: `${url}x` }).end(),
    );
    t.match(await failure(await worldAt(t, { url: loop.url })), {
      message: /more than 5 other places/,
    });
  });
});

t.test('settings that do not fit together', async (t) => {
  const url = 'https://api.test/charges';
  const cases: readonly (readonly [object, path: string])[] = [
    [{ url: `${url}/{year}` }, 'url'],
    [{ url: `${url}/{month}`, period: 'all' }, 'period'],
    [{ url, username: 'a' }, 'username'],
    [{ url, token: 'a', username: 'a', password: 'b' }, 'token'],
    [{ url, token: 'a', headers: { authorization: 'b' } }, 'token'],
    [{ url: 'http://api.test/', token: 'a' }, 'url'],
    [{ url: 'http://127.api.test/', token: 'a' }, 'url'],
    [{ url: 'https://name:secret@api.test/' }, 'url'],
    [{ url, token_file: '/does/not/exist' }, 'token_file'],
    [{ url, paging: { kind: 'page' } }, 'paging.parameter'],
    [{ url, paging: { kind: 'cursor' } }, 'paging.field'],
    [{ url, paging: { kind: 'cursor', field: 'next' } }, 'items'],
  ];
  for (const [written, path] of cases)
    t.match(
      await failure(await worldAt(t, written)),
      { name: 'Misconfigured', path: `receivers.focus-http.${path}` },
      path,
    );
});

t.test('faults', async (t) => {
  t.test('a cut download goes on where it stopped', async (t) => {
    let times = 0;
    const { url, asked } = await api(t, ({ headers }, response) => {
      const from = Number(/bytes=(\d+)-/.exec(headers.range ?? '')?.[1] ?? 0);
      const rest = CSV.slice(from);
      response.writeHead(from > 0 ? 206 : 200, {
        etag: '"v1"',
        'content-length': rest.length,
        ...(from > 0 && { 'content-range': `bytes ${from}-${CSV.length - 1}/${CSV.length}` }),
      });
      if (++times > 2) return response.end(rest);
      response.write(rest.slice(0, 7));
      setTimeout(() => response.destroy(), 20);
      return response;
    });
    t.same(await texts(t, { url }), [CSV]);
    t.match(
      asked.map(({ headers }) => [headers.range, headers['if-range']]),
      [
        [undefined, undefined],
        ['bytes=7-', '"v1"'],
        ['bytes=14-', '"v1"'],
      ],
    );
  });

  t.test('or is started over where it cannot, and a cut one is never a bill', async (t) => {
    const cuts: readonly object[] = [
      { 'content-length': CSV.length },
      { 'transfer-encoding': 'chunked' },
      { 'content-encoding': 'gzip' },
    ];
    for (const headers of cuts) {
      let times = 0;
      const isPacked = 'content-encoding' in headers;
      const body = isPacked ? gzipSync(CSV) : Buffer.from(CSV);
      const { url, asked } = await api(t, (_, response) => {
        response.writeHead(200, { ...headers });
        if (++times > 1) return response.end(body);
        response.write(body.subarray(0, 20));
        setTimeout(() => response.destroy(), 20);
        return response;
      });
      t.same(await texts(t, { url }), [CSV], Object.keys(headers).join());
      t.same(
        asked.map((one) => one.headers.range),
        [undefined, undefined],
      );
    }
  });

  t.test('an answer whose end cannot be told from a cut is refused', async (t) => {
    const server = createSocketServer((socket) => {
      socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n${CSV}`));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.teardown(() => server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    t.match(await failure(await worldAt(t, { url })), {
      name: 'Unavailable',
      message: /a cut would go unnoticed/,
    });
  });

  t.test('the server says when to come back', async (t) => {
    let times = 0;
    const { url } = await api(t, (_, response) => {
      const [status, headers] = [
        [429, { 'retry-after': '37' }],
        [503, {}],
        [200, {}],
      ][times++] as [number, object];
      response.writeHead(status, { ...headers }).end(CSV);
    });
    const world = await worldAt(t, { url });
    t.same((await look(world))[0]?.texts, [CSV]);
    t.equal(world.clock.slept[0], 37_000);
    t.equal(world.clock.slept.length, 2);
    t.match(world.lines, [{ message: 'page is asked for again' }, {}]);
    const later = await api(t, (_, response) =>
      response.writeHead(429, { 'retry-after': '7200' }).end('slow down'),
    );
    t.match(await failure(await worldAt(t, { url: later.url })), {
      name: 'Unavailable',
      retryAfter: 7_200_000,
      message: /HTTP 429 slow down$/,
    });
  });

  t.test('what is refused says what to do', async (t) => {
    let status = 401;
    const self = await api(t, (_, response) => response.writeHead(status).end('{"error": "no"}'));
    const said = async (): Promise<unknown> =>
      await failure(await worldAt(t, { url: `${self.url}/a?key=s3cret` }));
    const path = (name: string): string => `receivers.focus-http.${name}`;
    const unauthorized = (await said()) as Error;
    t.match(unauthorized, { name: 'Misconfigured', path: path('token'), hint: /expired/ });
    t.notMatch(unauthorized.message, /s3cret/);
    status = 403;
    t.match(await said(), { path: path('token'), hint: /role or scope/ });
    status = 400;
    t.match(await said(), { path: path('url'), message: /HTTP 400 \{"error": "no"\}/ });
    status = 404;
    t.match(await said(), { path: path('url'), hint: /misspelling/ });
    self.answer = ({ url = '' }, response) =>
      url.includes('2026-09') ? response.end(CSV) : response.writeHead(404).end();
    const world = await worldAt(t, { url: `${self.url}/{month}` });
    t.same(
      (await look(world)).map(({ texts }) => texts),
      [[CSV]],
      'months that are not there are left out',
    );
    t.match(await focusHttp.probe?.(world), {
      source: `${self.url}/{month}`,
      bills: [{ scope: /2026-09$/, files: 1 }],
      problems: [/2026-07: .*404/, /2026-08: .*404/],
    });
  });
});
