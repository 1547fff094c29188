import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import t from 'tap';
import { decimal, formatDecimal, sum } from '../../../pipelines/focus/index.ts';
import focus from '../../../pipelines/normalize/mappings/focus.ts';
import http from '../../../plugins/receivers/http/index.ts';
import { copied, drained, runningReceiver, stored } from '../../helpers/running-receiver.ts';

type Headers = Readonly<Record<string, string>>;

const TOKEN = 'It is a secret to everybody';
const SETTINGS = { token: TOKEN };
const BEARER = { authorization: `Bearer ${TOKEN}` };
const LINES = { ...BEARER, 'content-type': 'application/x-ndjson' };
const JSON_TYPE = { ...BEARER, 'content-type': 'application/json' };
const STRUCTURED = { ...BEARER, 'content-type': 'application/cloudevents+json; charset=utf-8' };
const BATCH = { ...BEARER, 'content-type': 'application/cloudevents-batch+json' };

/** A charge as text, so that its numbers stand as they are. */
const charge = (cost: string, more = '') =>
  `{"BilledCost":${cost},"BillingCurrency":"USD","ChargePeriodStart":"2026-09-17T10:00:00Z","ServiceProviderName":"Acme"${more}}`;
const event = (id: string, data: string, more = '') =>
  `{"specversion":"1.0","type":"focus.charge","source":"/shop","id":"${id}"${more},"data":${data}}`;

async function push(
  url: string,
  body: string | Uint8Array,
  headers: Headers,
  path = '/v1/charges',
) {
  const answer = await fetch(`${url}${path}`, { method: 'POST', headers, body: Buffer.from(body) });
  const text = await answer.text();
  const { message } = text === '' ? {} : (JSON.parse(text) as { message: string });
  return { status: answer.status, message, retryAfter: answer.headers.get('retry-after') };
}

const costs = (rows: readonly Readonly<Record<string, unknown>>[]) =>
  rows.map(({ BilledCost }) => String(BilledCost)).toSorted();

t.test('NDJSON, lists, and CloudEvents in each mode; what comes again counts once', async (t) => {
  const folder = t.testdir();
  const { url, stop } = await runningReceiver(http, folder, SETTINGS);
  const exact = '0.12345678901234567890123';
  const binary = {
    ...JSON_TYPE,
    'ce-specversion': '1.0',
    'ce-type': 'focus.charge',
    'ce-source': '/a%20b',
    'ce-id': '"1"',
  };
  const pushes: readonly (readonly [string | Uint8Array, Headers])[] = [
    [`${charge(exact)}\n\n${charge('"2"', ',"x_Team":"shop"')}\r\n`, LINES],
    [`[${charge('3')},\n${charge('4')}]`, JSON_TYPE],
    [` [${charge('5')}]`, LINES],
    [charge('6'), { ...LINES, 'idempotency-key': 'k' }],
    [charge('6'), { ...LINES, 'idempotency-key': 'k' }],
    [gzipSync(charge('7')), { ...LINES, 'content-encoding': 'gzip' }],
    [charge('8'), binary],
    [event('1', charge('8')).replace('/shop', '/a b'), STRUCTURED],
    [event('1', `[${charge('9')},${charge('10')}]`), STRUCTURED],
    [
      `[${event('1', charge('9'))},${event('2', charge('11'))},${event('2', charge('11'))},${event('3', '[]')}]`,
      BATCH,
    ],
    [
      event('4', JSON.stringify(charge('12')), ',"datacontenttype":"application/x-ndjson"'),
      STRUCTURED,
    ],
    [
      event('5', 'null').replace(
        '"data":null',
        `"data_base64":"${Buffer.from(charge('13')).toString('base64')}"`,
      ),
      STRUCTURED,
    ],
  ];
  for (const [body, headers] of pushes)
    t.equal((await push(url, body, headers)).status, 202, body.toString());
  for (const [body, headers] of [
    ['', LINES],
    ['[]', JSON_TYPE],
    ['[]', BATCH],
    [event('6', '[]'), STRUCTURED],
  ] as const)
    t.equal((await push(url, body, headers)).status, 204, body);
  await stop();
  const { rows, rejected, deliveries } = await drained(http, folder, {
    settings: SETTINGS,
    mapping: focus,
  });
  const whole = ['2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12', '13'];
  t.same(costs(rows), [exact, ...whole].toSorted());
  t.same(rejected, {});
  t.ok(deliveries.every(({ mode, mapping }) => mode === 'append' && mapping === 'focus'));
  t.equal(deliveries.length, 2, 'one for each set of columns');
});

t.test('what is wrong is refused with its place, and nothing of it is stored', async (t) => {
  const settings = { ...SETTINGS, max_body: '1KiB' };
  const { url, world, stop } = await runningReceiver(http, t.testdir(), settings);
  const one = charge('1');
  const binary = { ...JSON_TYPE, 'ce-specversion': '1.0', 'ce-type': 't', 'ce-source': '/s' };
  const wrong: readonly (readonly [number, RegExp, string | Uint8Array, Headers])[] = [
    [400, /^line 2: /, `${one}\n{"BilledCost":\n`, LINES],
    [400, /^line 3: not a JSON object/, `${one}\n\n5\n`, LINES],
    [400, /^item 2: not a JSON object/, `[${one},[]]`, JSON_TYPE],
    [400, /x\]" is not valid JSON/, `[${one},\n x]`, JSON_TYPE],
    [400, /data: not a JSON object/, '1', JSON_TYPE],
    [400, /UTF-8/, Buffer.from([0x7b, 0xff]), LINES],
    [400, /gzip/, gzipSync(one).subarray(0, 20), { ...LINES, 'content-encoding': 'gzip' }],
    [413, /1024/, ' '.repeat(1025), LINES],
    [413, /1024/, gzipSync(' '.repeat(1e6)), { ...LINES, 'content-encoding': 'gzip' }],
    [415, /gzip only/, one, { ...LINES, 'content-encoding': 'br' }],
    [415, /send/, one, { ...BEARER, 'content-type': 'text/plain' }],
    [415, /send/, one, { ...BEARER, 'content-type': 'application/cloudevents+avro' }],
    [400, /no id/, one, binary],
    [400, /no data/, '', { ...binary, 'ce-id': '1' }],
    [400, /percent/, one, { ...binary, 'ce-id': '%C0%A0' }],
    [415, /text\/xml/, one, { ...binary, 'ce-id': '1', 'content-type': 'text/xml' }],
    [400, /no source/, event('1', one).replace('source', 'sauce'), STRUCTURED],
    [400, /specversion is 0.3/, event('1', one).replace('1.0', '0.3'), STRUCTURED],
    [400, /no data/, event('1', 'null'), STRUCTURED],
    [400, /a list/, event('1', one), BATCH],
    [400, /^event 2: the event has no id/, `[${event('1', one)},${event('', one)}]`, BATCH],
    [400, /^event 2: the data: not/, `[${event('1', one)},${event('2', '7')}]`, BATCH],
    [400, /deep|JSON/, '{"a":'.repeat(200), JSON_TYPE],
    [401, /token/, one, { 'content-type': 'application/x-ndjson' }],
    [401, /token/, one, { ...LINES, authorization: 'Bearer guess' }],
  ];
  for (const [status, message, body, headers] of wrong) {
    const answer = await push(url, body, headers);
    t.match(answer, { status, message }, `${body.toString().slice(0, 60)}: ${message}`);
  }
  t.equal((await push(url, one, LINES, '/else')).status, 404);
  t.equal((await fetch(`${url}/v1/charges`)).status, 405);
  t.equal(stored(world.folder), '');
  await stop();
});

t.test('nested without end, and more columns than a charge can have', async (t) => {
  const { url, world, stop } = await runningReceiver(http, t.testdir(), SETTINGS);
  const deep = `{"a":${'['.repeat(500_000)}${']'.repeat(500_000)}}`;
  t.match(await push(url, deep, LINES), { status: 400, message: /nested|stack/i });
  const wide = Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`x_${i}`, i]));
  t.match(await push(url, JSON.stringify(wide), LINES), { status: 400, message: /1000/ });
  t.equal(stored(world.folder), '');
  await stop();
});

t.test('a signature over the body as it is sent', async (t) => {
  const settings = { hmac: { secret: TOKEN, header: 'X-Acme-Signature' } };
  const { url, world, stop } = await runningReceiver(http, t.testdir(), settings);
  const body = gzipSync(charge('1'));
  const hex = createHmac('sha256', TOKEN).update(body).digest('hex');
  const type = { 'content-type': 'application/x-ndjson', 'content-encoding': 'gzip' };
  const signed = async (signature: string, sent: Uint8Array = body) =>
    (await push(url, sent, { ...type, 'x-acme-signature': signature })).status;
  t.equal((await push(url, body, { ...type, ...BEARER })).status, 401);
  t.equal(await signed(`sha256=${'0'.repeat(64)}`), 401);
  t.equal(await signed(`sha256=${hex}`, gzipSync(charge('2'))), 401);
  t.equal(stored(world.folder), '');
  t.same([await signed(`sha256=${hex}`), await signed(hex.toUpperCase())], [202, 202]);
  await stop();
});

t.test('a full spool says when to come again, and takes no event twice then', async (t) => {
  const folder = t.testdir();
  const settings = { ...SETTINGS, max_body: '32KiB', spool_size: '64KiB' };
  const { url, stop } = await runningReceiver(http, folder, settings);
  const note = `,"x_Note":"${'n'.repeat(20_000)}"`;
  const send = (id: string) => push(url, event(id, charge('1', note)), STRUCTURED);
  for (const id of ['1', '2', '3']) t.equal((await send(id)).status, 202);
  t.match(await send('4'), { status: 503, retryAfter: '30' });
  t.equal((await send('1')).status, 202, 'known already');
  await stop();
  const first = await drained(http, folder, { settings, mapping: focus });
  t.equal(first.rows.length, 3);
  const again = await runningReceiver(http, folder, settings);
  const statuses: number[] = [];
  for (const id of ['1', '4'])
    statuses.push((await push(again.url, event(id, charge('1', note)), STRUCTURED)).status);
  t.same(statuses, [202, 202]);
  await again.stop();
  t.equal((await drained(http, folder, { settings, mapping: focus })).rows.length, 1);
});

t.test('memory is bounded: what does not fit now may come again', async (t) => {
  const settings = { ...SETTINGS, max_body: '1MiB', max_in_flight: '1MiB' };
  const { url, stop } = await runningReceiver(http, t.testdir(), settings);
  const large = charge('1', `,"x_Note":"${'n'.repeat(700_000)}"`);
  const slow = request(`${url}/v1/charges`, { method: 'POST', headers: LINES });
  const answered = once(slow, 'response');
  slow.write(large.slice(0, 600_000));
  let second = await push(url, large, LINES);
  for (let i = 0; i < 200 && second.status === 202; i++) second = await push(url, large, LINES);
  t.match(second, { status: 503, retryAfter: '1' });
  slow.end(large.slice(600_000));
  const [first] = (await answered) as [IncomingMessage];
  t.equal(first.statusCode, 202);
  t.equal((await push(url, large, LINES)).status, 202);
  await stop();
});

/** Pushes to an address under a host name. */
async function led(url: string, host: string): Promise<{ readonly status: number | undefined }> {
  const headers = { 'content-type': 'application/x-ndjson', host };
  const sent = request(`${url}/v1/charges`, { method: 'POST', headers });
  sent.end(charge('1'));
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  answer.resume();
  return { status: answer.statusCode };
}

t.test('open to anybody on loopback only; wrong settings are named', async (t) => {
  const open = await runningReceiver(http, t.testdir({ open: {} }));
  const type = { 'content-type': 'application/x-ndjson' };
  t.equal((await push(open.url, charge('1'), type)).status, 202);
  t.match(
    await led(open.url, 'rebound.example.com'),
    { status: 401 },
    'a page in a browser, led here by another name',
  );
  t.match(await led(open.url, 'localhost:9187'), { status: 202 });
  await open.stop();
  for (const [path, wrong] of [
    ['token', { endpoint: '0.0.0.0:0' }],
    ['token', { endpoint: ':0' }],
    ['token', { endpoint: '127.0.0.1.example.com:0' }],
    ['hmac.header', { ...SETTINGS, hmac: { header: 'no header' } }],
    ['max_in_flight', { ...SETTINGS, max_in_flight: '2MiB' }],
    ['spool_size', { ...SETTINGS, spool_size: '1MiB' }],
  ] as const) {
    const run = drained(http, t.testdir({}), { settings: wrong, mapping: focus });
    await t.rejects(run, { name: 'Misconfigured', path: `receivers.test.${path}` }, path);
  }
});

t.test('in any order, however often, over a crash: the sum is that of the distinct', async (t) => {
  const amounts = fc.array(fc.integer({ min: -1e6, max: 1e6 }), { minLength: 1, maxLength: 8 });
  const order = fc.array(fc.nat(7), { minLength: 1, maxLength: 24 });
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(amounts, order, fc.nat(24), async (cents, sent, crashAt) => {
      const folder = t.testdir({ a: {}, b: {}, run: String(runs++) });
      const events = cents.map((value, i) =>
        event(`${i}`, charge(`${value}e-2`, i % 2 === 0 ? '' : ',"ServiceName":"Search"')),
      );
      const numbers = sent.map((number) => number % cents.length);
      const batches = [numbers.slice(0, crashAt), numbers.slice(crashAt)];
      let from = `${folder}/a`;
      for (const [round, batch] of batches.entries()) {
        const running = await runningReceiver(http, from, SETTINGS);
        const answers = await Promise.all([
          push(running.url, `[${batch.map((i) => events[i])}]`, BATCH),
          ...batch.map((i) => push(running.url, events[i] ?? '', STRUCTURED)),
        ]);
        if (answers.some(({ status }) => status !== 202 && status !== 204)) return false;
        if (round === 0) from = copied(from, `${folder}/b`);
        await running.stop();
      }
      const { rows } = await drained(http, from, { settings: SETTINGS, mapping: focus });
      const wanted = [...new Set(numbers)].map((i) => decimal(`${cents[i]}e-2`));
      const found = rows.map(({ BilledCost }) => decimal(String(BilledCost)));
      return formatDecimal(sum(found)) === formatDecimal(sum(wanted));
    }),
    { numRuns: 12 },
  );
});
