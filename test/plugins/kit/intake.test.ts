import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import type { Delivery } from '../../../pipelines/plugin/index.ts';
import { altNames } from '../../../plugins/kit/intake/client-names.ts';
import { INTAKE_SETTINGS, type Kept, openIntake } from '../../../plugins/kit/intake/index.ts';
import { openSpool, type SpoolOptions } from '../../../plugins/kit/intake/spool.ts';
import { createLasting } from '../../../plugins/kit/lasting.ts';
import { checkedSettings, turnedClock, worldOf } from '../../helpers/plugin-world.ts';

async function world(folder: string, options: { readonly once?: boolean } = {}) {
  const config = await checkedSettings({ config: INTAKE_SETTINGS }, { endpoint: '127.0.0.1:0' });
  return worldOf({ ...config, path: '/hook' }, { folder, ...options });
}

const record = (id: string, bucket = '') => ({ ids: [id], bucket, value: { id } });

t.test('the intake outlives a failed attempt, and is closed with its instance', async (t) => {
  const around = await world(t.testdir());
  const judge = () => ({ kind: 'ignored', status: 204 }) as const;
  const first = await openIntake(around, judge);
  const again = await openIntake({ ...around }, judge);
  t.equal(first, again, 'another attempt gets the same');
  const statusOf = async (path: string, method: string) =>
    (await fetch(`http://${first.address}${path}`, { method })).status;
  t.equal(await statusOf('/hook', 'POST'), 204);
  t.equal(await statusOf('/hook', 'GET'), 405);
  t.equal(await statusOf('/', 'POST'), 404);
  const [host, port] = (first.address ?? '').split(':');
  await around.close();
  await t.rejects(connected(host ?? '', Number(port)), { code: 'ECONNREFUSED' });
});

function connected(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host, port }, () => void socket.end(resolve));
    socket.on('error', reject);
  });
}

t.test('what is held is closed whole, the last first, and a failure is told', async (t) => {
  const lasting = createLasting();
  const closed: string[] = [];
  const holder = (name: string, fails = false) => ({
    async close() {
      closed.push(name);
      if (fails) throw new Error(`${name} does not close`);
    },
  });
  lasting.hold('a', holder('a'));
  lasting.hold('b', holder('b', true));
  t.throws(() => lasting.hold('a', holder('a')), /held already/);
  await t.rejects(lasting.close(), /b does not close/);
  t.same(closed, ['b', 'a']);
  await lasting.close();
  t.equal(closed.length, 2, 'once');
});

const spoolOf = (folder: string, clock = turnedClock()): SpoolOptions => ({
  folder,
  clock,
  maxBytes: 1e6,
  rememberMs: 1e9,
  rememberIds: 1000,
});

t.test('records of one bucket lie in one segment, sealed once it has settled', async (t) => {
  const clock = turnedClock();
  const spool = await openSpool(spoolOf(t.testdir(), clock));
  await Promise.all([record('1', 'a'), record('2', 'b'), record('3', 'a')].map(spool.keep, spool));
  clock.set(clock.now() + 60_000);
  await spool.keep(record('4', 'c'));
  await spool.keep(record('5', 'a'));
  await spool.seal(60_000);
  const texts = (await spool.sealed()).map(({ path }) => readFileSync(path, 'utf8'));
  t.same(texts.map((text) => text.match(/"id":"(\d)"/g)).toSorted(), [
    ['"id":"1"', '"id":"3"', '"id":"5"'],
    ['"id":"2"'],
  ]);
  await spool.seal();
  t.equal((await spool.sealed()).length, 3);
  await spool.close();
});

t.test('the number of open segments is bounded, and nothing is lost by it', async (t) => {
  const spool = await openSpool(spoolOf(t.testdir()));
  const records = Array.from({ length: 200 }, (_, i) => record(String(i), `b${i}`));
  const kept = await Promise.all(records.map(spool.keep, spool));
  t.same(new Set(kept), new Set<Kept>(['kept']));
  t.equal((await spool.sealed()).length, 200 - 64);
  await spool.close();
  const lines = (await spool.sealed()).map(({ path }) => readFileSync(path, 'utf8')).join('');
  t.equal(lines.trim().split('\n').length, 200);
});

t.test('segments are sealed while records keep coming, and none is lost or torn', async (t) => {
  const spool = await openSpool(spoolOf(t.testdir()));
  let flooding = true;
  let sent = 0;
  const flood = Array.from({ length: 8 }, async () => {
    while (flooding) await spool.keep(record(String(sent++), `b${sent % 3}`));
  });
  while ((await spool.sealed()).length < 6) await spool.seal();
  flooding = false;
  await Promise.all(flood);
  await spool.close();
  const lines = (await spool.sealed()).flatMap(({ path }) =>
    readFileSync(path, 'utf8').trim().split('\n'),
  );
  t.same(new Set(lines.map((line) => JSON.parse(line).id)).size, sent);
  t.equal(lines.length, sent);
});

t.test('a segment is written anew for its delivery, and both are forgotten with it', async (t) => {
  const folder = t.testdir();
  const around = await world(folder, { once: true });
  const intake = await openIntake(around, () => ({ kind: 'ignored', status: 204 }));
  await intake.keep(record('1'));
  async function* upper(lines: AsyncIterable<string>) {
    for await (const line of lines) yield line.toUpperCase();
  }
  const deliveries: Delivery[] = [];
  for await (const delivery of intake.deliveries({ scope: 's', mapping: 'm', rewrite: upper })) {
    deliveries.push(delivery);
    const [part] = delivery.parts;
    const text = readFileSync(part?.path ?? '', 'utf8');
    t.match(text, /"ID":"1"/);
    t.equal(part?.bytes, text.length);
  }
  t.equal(deliveries.length, 1);
  t.same(readdirSync(join(folder, 'intake')), ['seen']);
  t.notOk(existsSync(deliveries[0]?.parts[0]?.path ?? ''));
  await around.close();
});

t.test('names in a certificate cannot be made to look like others', async (t) => {
  const names: readonly (readonly [string, readonly string[]])[] = [
    ['', []],
    [
      'DNS:a.example, IP Address:127.0.0.1, URI:spiffe://x/y, email:a@b.c',
      ['a.example', 'spiffe://x/y', 'a@b.c'],
    ],
    [
      'DNS:"a, DNS:account-1", URI:"spiffe://\\"x\\", email:b"',
      ['a, DNS:account-1', 'spiffe://"x", email:b'],
    ],
    ['DirName:"CN=x, DNS:account-1", DNS:c', ['c']],
    ['othername:<unsupported>, DNS:d', ['d']],
  ];
  for (const [text, expected] of names) t.strictSame(altNames(text), expected, text);
});
