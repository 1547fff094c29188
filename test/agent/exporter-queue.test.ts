import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ExporterQueue, type QueueOptions } from '../../agent/exporter-queue/exporter-queue.ts';
import { QueueReader } from '../../agent/exporter-queue/queue-file.ts';
import { noteSent, openWaiting } from '../../agent/exporter-queue/waiting-file.ts';
import { formatDecimal } from '../../pipelines/focus/decimal.ts';
import type { Clock, Sink, WriteResult } from '../../pipelines/plugin/contract.ts';
import type { DeliveryInfo, EncodedBatch } from '../../pipelines/plugin/delivery.ts';
import { errorName, Misconfigured, Rejected, Unavailable } from '../../pipelines/plugin/errors.ts';

const DAY = 86_400_000;

function delivery(id: string, scope = id): DeliveryInfo {
  return { id, receiver: 'files', scope, revision: '1', mode: 'snapshot', observedMs: 0 };
}

function batch(text: string, cost = '0.1'): EncodedBatch {
  const bytes = Buffer.from(text);
  const rest = { rows: 2, part: 0, sequence: 0, rawBytes: bytes.length };
  return { ...rest, bytes, costs: { BilledCost: cost } };
}

/** A clock whose sleepers wake when the test says so. */
function heldClock() {
  let now = 1_000_000;
  let wake: (() => void)[] = [];
  const clock: Clock = {
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason));
        wake.push(() => {
          now += ms;
          resolve();
        });
      }),
  };
  return {
    clock,
    pass(ms: number) {
      now += ms;
    },
    wake() {
      const sleepers = wake;
      wake = [];
      for (const one of sleepers) one();
    },
  };
}

interface Backend {
  readonly sink: Sink;
  readonly taken: string[];
  /** What the next writes answer, by text of the batch or for all. */
  answer: (text: string) => WriteResult;
}

function backend(answer: Backend['answer'] = () => ({})): Backend {
  const taken: string[] = [];
  const made: Backend = {
    taken,
    answer,
    sink: {
      encoding: { kind: 'otlp-logs', compression: 'none', maxBytes: 1e6 },
      async write({ bytes }) {
        await Promise.resolve();
        const text = Buffer.from(bytes).toString();
        const result = made.answer(text);
        taken.push(text);
        return result;
      },
      async close() {},
    },
  };
  return made;
}

const isDown = (): never => {
  throw new Unavailable('connection refused');
};

function openQueue(
  t: Test,
  folder: string,
  { sink }: Backend,
  options: Partial<QueueOptions> = {},
): { readonly queue: ExporterQueue; readonly sink: Sink; readonly said: string[] } {
  const said: string[] = [];
  const queue = new ExporterQueue({
    exporter: 'otlp',
    folder,
    sink,
    clock: heldClock().clock,
    once: false,
    maxBytes: 1e6,
    maxAgeMs: DAY,
    events: {
      down: (reason) => void said.push(`down: ${reason}`),
      up: () => void said.push('up'),
      refused: async ({ info, rows, reason, batch: { costs } }) =>
        void said.push(`refused: ${info.id} ${rows} ${costs.BilledCost} ${reason}`),
      damaged: (reason, about) =>
        void said.push(`damaged: ${about?.info.id} ${reason.replace(folder, '')}`),
    },
    ...options,
  });
  t.teardown(async () => {
    await queue.stop();
    await queue.close();
  });
  return { queue, sink: queue.sinkFor('costs'), said };
}

/** Takes a delivery through the queue as the engine does. */
async function deliver(sink: Sink, info: DeliveryInfo, batches: readonly EncodedBatch[]) {
  await sink.begin?.(info);
  for (const one of batches) await sink.write?.(one, info);
  await sink.commit?.(info);
}

/** Until the queue has had time to do what it can do without waiting. */
async function settled(): Promise<void> {
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
}

function costsOf(queue: ExporterQueue): Record<string, string> {
  const sums = [...queue.waiting().costs].map(([name, sum]) => [name, formatDecimal(sum)]);
  return Object.fromEntries(sums);
}

t.test('a backend that goes down and comes back', async (t) => {
  const folder = t.testdir();
  const held = heldClock();
  const otlp = backend((text) => (text === 'a2' ? isDown() : {}));
  const { queue, sink, said } = openQueue(t, folder, otlp, held);
  await deliver(sink, delivery('a'), [batch('a1'), batch('a2', '0.2'), batch('a3', '0.4')]);
  await deliver(sink, delivery('b'), [batch('b1', '-3')]);
  await settled();
  t.same(otlp.taken, ['a1', 'a3'], 'a3 was tried again, b waits for a');
  t.same(said, ['down: connection refused']);
  held.pass(5_000);
  t.match(queue.waiting(), { deliveries: 2, ageMs: 5_000 });
  t.same(costsOf(queue), { BilledCost: '-2.8' });
  t.ok(queue.waiting().bytes > 100);

  otlp.answer = () => ({});
  held.wake();
  await settled();
  t.same(otlp.taken, ['a1', 'a3', 'a2', 'b1']);
  t.same(said, ['down: connection refused', 'up']);
  t.match(queue.waiting(), { deliveries: 0, bytes: 0, ageMs: 0 });
  t.same(readdirSync(folder), []);
  await deliver(sink, delivery('c'), [batch('c1')]);
  t.equal(otlp.taken.at(-1), 'c1', 'straight through again');
});

t.test('what waits survives a restart; what was sent of it is not sent again', async (t) => {
  const folder = t.testdir();
  const held = heldClock();
  const otlp = backend(isDown);
  const first = openQueue(t, folder, otlp, held);
  const batches = Array.from({ length: 10 }, (_, i) => batch(`a${i}`, `0.${i}`));
  await deliver(first.sink, delivery('a'), batches);
  await settled();
  otlp.answer = (text) => (Number(text.slice(1)) >= 8 ? isDown() : {});
  held.wake();
  await settled();
  t.same(costsOf(first.queue), { BilledCost: '1.7' });
  await first.sink.begin?.(delivery('b'));
  await first.sink.write?.(batch('b1'), delivery('b'));
  await first.queue.stop();
  await first.queue.close();
  t.same(readdirSync(folder).length, 2, 'a delivery that is not committed leaves nothing behind');

  otlp.answer = () => ({});
  const second = openQueue(t, folder, otlp);
  t.same(costsOf(second.queue), { BilledCost: '1.7' });
  await settled();
  t.same(
    [...otlp.taken].sort(),
    batches.map(({ bytes }) => Buffer.from(bytes).toString()),
  );
  t.same(readdirSync(folder), []);
});

t.test('a delivery that is taken anew is not kept twice', async (t) => {
  const folder = t.testdir();
  const held = heldClock();
  const otlp = backend(isDown);
  const { queue, sink } = openQueue(t, folder, otlp, held);
  await deliver(sink, delivery('first'), [batch('f')]);
  await sink.begin?.(delivery('a'));
  await sink.write?.(batch('torn'), delivery('a'));
  await deliver(sink, delivery('a'), [batch('a1')]);
  await deliver(sink, delivery('a'), [batch('a2')]);
  await deliver(sink, delivery('a, revision 2', 'a'), [batch('a3')]);
  t.equal(queue.waiting().deliveries, 3);
  await settled();
  otlp.answer = () => ({});
  held.wake();
  await settled();
  t.same(otlp.taken, ['f', 'a2', 'a3'], 'an older revision is kept: its events were exported');
});

t.test('limits: the delivery has to wait then', async (t) => {
  const held = heldClock();
  const small = openQueue(t, t.testdir(), backend(isDown), { ...held, maxBytes: 700 });
  await deliver(small.sink, delivery('a'), [batch('x'.repeat(200))]);
  await t.rejects(deliver(small.sink, delivery('b'), [batch('y'.repeat(400))]), {
    name: 'Unavailable',
    message: /otlp.*storage\.max_queue\): connection refused/,
  });
  held.pass(DAY + 1);
  await t.rejects(deliver(small.sink, delivery('b'), [batch('y')]), {
    name: 'Unavailable',
    message: /storage\.max_queue_age/,
  });
});

t.test('who would read what had to be read again is told, until there is room', async (t) => {
  const held = heldClock();
  const folder = t.testdir();
  const otlp = backend(isDown);
  const { queue, sink } = openQueue(t, folder, otlp, { ...held, maxBytes: 900 });
  const large = ['x', 'y', 'z'].map((text) => batch(text.repeat(300)));
  t.equal(queue.full(), undefined);
  await t.rejects(deliver(sink, delivery('a'), large), { name: 'Unavailable' });
  t.match(queue.full(), /otlp as may \(storage\.max_queue\): connection refused/);
  t.equal(queue.waiting().bytes, 0, 'it is read again: nothing of it waits');
  held.wake();
  await settled();
  t.match(queue.full(), /max_queue/, 'the backend is asked now and then');
  otlp.answer = () => ({});
  held.wake();
  await settled();
  t.equal(queue.full(), undefined, 'the backend is back, although nothing waited for it');
  await deliver(sink, delivery('a'), large);
  t.equal(queue.waiting().bytes, 0, 'more than may wait goes straight to a backend that is there');

  otlp.answer = isDown;
  await deliver(sink, delivery('b'), [batch('b'.repeat(400))]);
  await t.rejects(deliver(sink, delivery('c'), [batch('c'.repeat(400))]), { name: 'Unavailable' });
  t.match(queue.full(), /max_queue/);
  held.pass(DAY + 1);
  t.match(queue.full(), /max_queue/);
  otlp.answer = () => ({});
  await settled();
  held.wake();
  await settled();
  t.equal(queue.full(), undefined, 'what waited is sent');

  otlp.answer = isDown;
  await deliver(sink, delivery('d'), [batch('d')]);
  held.pass(DAY + 1);
  t.match(queue.full(), /max_queue_age/);
  const once = openQueue(t, t.testdir(), backend(isDown), { ...held, once: true, maxBytes: 0 });
  t.equal(once.queue.full(), undefined, 'a run that is to end waits for nothing');
});

t.test('what the backend refuses when it is back', async (t) => {
  const held = heldClock();
  const otlp = backend(isDown);
  const { queue, sink, said } = openQueue(t, t.testdir(), otlp, held);
  await deliver(sink, delivery('a'), [batch('some'), batch('all', '7'), batch('none')]);
  await settled();
  otlp.answer = (text) => {
    if (text === 'all') throw new Rejected('too old');
    return text === 'some' ? { rejectedRows: 1, reason: 'too long' } : {};
  };
  held.wake();
  await settled();
  t.same([...said].sort(), [
    'down: connection refused',
    'refused: a 1 0.1 too long',
    'refused: a 2 7 too old',
    'up',
  ]);
  t.equal(queue.waiting().deliveries, 0);
});

t.test('errors that are nobody to wait for', async (t) => {
  const folder = t.testdir();
  const otlp = backend(() => {
    throw new TypeError('a bug');
  });
  const { sink, said, queue } = openQueue(t, folder, otlp);
  await t.rejects(deliver(sink, delivery('a'), [batch('a1')]), { name: 'TypeError' });
  otlp.answer = () => {
    throw new Rejected('no');
  };
  await t.rejects(deliver(sink, delivery('a'), [batch('a1')]), { name: 'Rejected' });
  t.same(said, []);
  otlp.answer = () => {
    throw new Misconfigured('401: the token was withdrawn');
  };
  await deliver(sink, delivery('a'), [batch('a1')]);
  t.same(said, ['down: 401: the token was withdrawn'], 'others go on while it is mended');
  t.equal(queue.waiting().deliveries, 1);
});

t.test('damaged files are set aside, the others are sent', async (t) => {
  const folder = t.testdir();
  const otlp = backend(isDown);
  const before = openQueue(t, folder, otlp);
  for (const id of ['a', 'b', 'c', 'd']) await deliver(before.sink, delivery(id), [batch(id)]);
  await before.queue.stop();
  await before.queue.close();
  const [a = '', b = '', , d = ''] = readdirSync(folder).map((name) => join(folder, name));
  writeFileSync(a, flipped(readFileSync(a), -1));
  writeFileSync(b, flipped(readFileSync(b), 20));
  writeFileSync(d, readFileSync(d).subarray(0, -3));

  otlp.answer = () => ({});
  const { said } = openQueue(t, folder, otlp);
  await settled();
  t.same(otlp.taken, ['c']);
  t.match(said, [
    /^damaged: a .*queue is damaged at byte [1-9]/,
    /^damaged: undefined .*queue is damaged at byte 0/,
    /^damaged: d .*queue is damaged at byte [1-9]/,
  ]);
  t.same(
    readdirSync(folder).map((name) => name.replace(/^0+\d/, '')),
    ['.queue.damaged', '.queue.damaged', '.queue.damaged'],
  );
});

t.test('whatever is cut off or changed in a file that waits', async (t) => {
  const folder = t.testdir();
  const otlp = backend(isDown);
  const before = openQueue(t, folder, otlp);
  const texts = ['a1', 'a2', 'a3'];
  await deliver(
    before.sink,
    delivery('a'),
    texts.map((text) => batch(text)),
  );
  await before.queue.stop();
  await before.queue.close();
  const [path = ''] = readdirSync(folder).map((name) => join(folder, name));
  const whole = readFileSync(path);
  const read = (bytes: Uint8Array): readonly string[] | 'damaged' => {
    writeFileSync(path, bytes);
    try {
      openWaiting(path);
    } catch (error) {
      if (errorName(error) === 'DamagedQueue') return 'damaged';
      throw error;
    }
    return batchesIn(path);
  };
  const wrong: string[] = [];
  for (let at = 0; at < whole.length; at++) {
    if (read(whole.subarray(0, at)) !== 'damaged') wrong.push(`cut at ${at}`);
    for (const bit of [0, 7]) {
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
      const found = read(bytes);
      if (found !== 'damaged' && found.join() !== texts.join()) wrong.push(`bit ${bit} of ${at}`);
    }
  }
  t.strictSame(wrong, [], 'nothing is lost in silence');
  t.strictSame(read(whole), texts);

  const places = placesIn(path);
  noteSent(openWaiting(path), places[1] ?? 0);
  const noted = readFileSync(`${path}.sent`);
  for (let at = 0; at < noted.length; at++) {
    const bytes = Buffer.from(noted);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    for (const changed of [bytes, noted.subarray(0, at)]) {
      writeFileSync(`${path}.sent`, changed);
      t.equal(openWaiting(path).at, places[0], 'what is not known to be sent is sent again');
    }
  }
});

/** Where the batches of a file begin. */
function placesIn(path: string): readonly number[] {
  const reader = new QueueReader(path);
  const places: number[] = [];
  for (let at = reader.start; ; ) {
    const stored = reader.batch(at);
    if (stored === undefined) break;
    places.push(at);
    at = stored.next;
  }
  reader.close();
  return places;
}

function batchesIn(path: string): readonly string[] {
  const reader = new QueueReader(path);
  const texts = placesIn(path).map((at) =>
    Buffer.from(reader.batch(at)?.batch.bytes ?? []).toString(),
  );
  reader.close();
  return texts;
}

t.test('a run that is to end', async (t) => {
  const folder = t.testdir();
  const held = heldClock();
  const otlp = backend(isDown);
  const before = openQueue(t, folder, otlp, held);
  await deliver(before.sink, delivery('a'), [batch('a1')]);
  await before.queue.stop();
  await before.queue.close();

  const down = openQueue(t, folder, otlp, { once: true });
  await t.rejects(deliver(down.sink, delivery('b'), [batch('b1')]), {
    name: 'Unavailable',
    message: 'connection refused',
  });
  await down.queue.stop();
  otlp.answer = () => ({});
  const up = openQueue(t, folder, otlp, { once: true });
  await deliver(up.sink, delivery('b'), [batch('b1')]);
  t.same(otlp.taken, ['a1', 'b1'], 'first what had waited');
  otlp.answer = isDown;
  await t.rejects(deliver(up.sink, delivery('c'), [batch('c1')]), { name: 'Unavailable' });
  t.same(readdirSync(folder), [], 'nothing is made to wait');
});

t.test(
  'whatever fails when, every committed batch arrives, once unless the agent ended',
  async (t) => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = seeded(seed);
      const folder = t.testdir();
      const held = heldClock();
      const otlp = backend(() => (random() < 0.4 ? isDown() : {}));
      let { queue, sink } = openQueue(t, folder, otlp, held);
      const committed: string[] = [];
      let restarts = 0;
      for (let i = 0; i < 12; i++) {
        const texts = Array.from({ length: 1 + Math.floor(random() * 6) }, (_, n) => `${i}.${n}`);
        await deliver(
          sink,
          delivery(String(i)),
          texts.map((text) => batch(text)),
        );
        committed.push(...texts);
        if (random() < 0.5) held.wake();
        await settled();
        if (random() > 0.2) continue;
        await queue.stop();
        await queue.close();
        ({ queue, sink } = openQueue(t, folder, otlp, held));
        restarts++;
      }
      otlp.answer = () => ({});
      held.wake();
      await settled();
      t.same([...new Set(otlp.taken)].sort(), [...committed].sort(), `seed ${seed}: all`);
      const twice = otlp.taken.length - new Set(otlp.taken).size;
      t.ok(twice <= 3 * restarts, `seed ${seed}: ${twice} twice in ${restarts} restarts`);
      t.same(readdirSync(folder), []);
    }
  },
);

function flipped(bytes: Buffer, at: number): Buffer {
  const place = (at + bytes.length) % bytes.length;
  bytes[place] = (bytes[place] ?? 0) ^ 1;
  return bytes;
}

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
