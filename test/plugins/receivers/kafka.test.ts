import type { Message } from '@platformatic/kafka';
import { GenericError, ProtocolError, UserError } from '@platformatic/kafka';
import t from 'tap';
import type { Kept } from '../../../plugins/kit/intake/index.ts';
import { withKafka } from '../../../plugins/kit/kafka/errors.ts';
import { adviseKafka, brokersOf } from '../../../plugins/kit/kafka/settings.ts';
import type { Group } from '../../../plugins/receivers/kafka/group.ts';
import kafka from '../../../plugins/receivers/kafka/index.ts';
import { createTaker } from '../../../plugins/receivers/kafka/take.ts';
import { checkedSettings, worldOf } from '../../helpers/plugin-world.ts';

const ROW = '{"BilledCost":1}';

function message(offset: number, text = ROW): Message {
  const of = { topic: 'a', partition: 0, offset: BigInt(offset), timestamp: 0n, headerEntries: [] };
  return { ...of, value: Buffer.from(text) } as unknown as Message;
}

/** A taker of these messages; `keep` answers what becomes of the record with this number. */
async function taking(
  messages: readonly Message[],
  keep: (count: number) => Kept | Error = () => 'kept',
  commit: () => void = () => {},
) {
  const config = await checkedSettings(kafka, { topics: 'a', batch: 2 });
  const context = worldOf(config, { once: true });
  const left = [...messages];
  const committed: number[][] = [];
  const group: Group = {
    next: async () => left.shift(),
    async commit(done) {
      commit();
      committed.push(done.map(({ offset }) => Number(offset)));
    },
    lag: async () => 0n,
    close: async () => {},
  };
  let count = 0;
  const intake = {
    async keep() {
      const kept = keep(count++);
      if (kept instanceof Error) throw kept;
      return kept;
    },
  };
  return { taker: createTaker({ group, intake, context }), committed, context, left };
}

t.test('a batch is committed when all of it is kept or refused', async (t) => {
  const { taker, committed, context } = await taking([
    message(5),
    message(6, '{'),
    message(7),
    message(8, ''),
    message(9),
  ]);
  t.notOk(await taker.isDone(), 'it has not looked');
  await taker.take();
  t.same(committed, [[5, 6], [7, 8], [9]]);
  t.match(context.refused, [{ place: 'a/0/6', reason: 'malformed', raw: '{' }]);
  t.ok(await taker.isDone());
});

t.test('what does not fit is kept after the next delivery, and committed only then', async (t) => {
  const answers: Kept[] = ['kept', 'full', 'kept', 'kept'];
  const { taker, committed, left } = await taking(
    [message(1), message(2), message(3)],
    (count) => answers[count] ?? 'kept',
  );
  await taker.take();
  t.same(committed, []);
  t.equal(left.length, 1, 'nothing is read meanwhile');
  t.notOk(await taker.isDone());
  await taker.take();
  t.same(committed, [[1, 2], [3]]);
});

t.test('a disk that fails is given time', async (t) => {
  const { taker, committed, context } = await taking([message(1)], (count) =>
    count === 0 ? new Error('ENOSPC') : 'kept',
  );
  await taker.take();
  t.same([committed, context.clock.slept], [[], [10_000]]);
  await taker.take();
  t.same(committed, [[1]]);
});

t.test('while partitions change hands nothing is committed; other failures are told', async (t) => {
  const failing = (id: string) =>
    taking([message(1)], undefined, () => {
      throw new ProtocolError(id);
    });
  const moved = await failing('REBALANCE_IN_PROGRESS');
  await moved.taker.take();
  t.same(moved.committed, []);
  const lost = await failing('COORDINATOR_NOT_AVAILABLE');
  await t.rejects(lost.taker.take(), { code: 'PLT_KFK_PROTOCOL' });
});

t.test('what brokers answer is for whoever can mend it', async (t) => {
  const told = (error: unknown) => withKafka('receivers.kafka', () => Promise.reject(error));
  for (const [error, name, message] of [
    [new ProtocolError('TOPIC_AUTHORIZATION_FAILED'), 'Misconfigured', /permit the user/],
    [new ProtocolError('NOT_LEADER_OR_FOLLOWER'), 'Unavailable', /Kafka: /],
    [new UserError('Unknown topic a.'), 'Misconfigured', /there is no such topic/],
    [
      new GenericError('PLT_KFK_NETWORK', 'x', { cause: refused() }),
      'Unavailable',
      /nothing listens/,
    ],
    [new TypeError('a bug'), 'TypeError', /a bug/],
  ] as const)
    await t.rejects(told(error), { name, message }, String(error));
});

function refused(): Error {
  return Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
}

t.test('settings that contradict each other, and a password that others could read', async (t) => {
  const settings = (written: object) => checkedSettings(kafka, { topics: 'a', ...written });
  for (const [written, path] of [
    [{ sasl: { username: 'a' } }, 'k.sasl.password'],
    [{ sasl: { password: 'a' } }, 'k.sasl.username'],
    [{ brokers: ['http://a'] }, 'k.brokers'],
    [{ brokers: [] }, 'k.brokers'],
  ] as const) {
    const config = await settings(written);
    t.throws(() => brokersOf(config, 'k'), { name: 'Misconfigured', path });
  }
  const sasl = { username: 'a', password: 'b' };
  t.equal(adviseKafka(await settings({ sasl })).length, 0, 'on this machine');
  t.equal(adviseKafka(await settings({ sasl, brokers: 'kafka:9092' })).length, 1);
  t.equal(adviseKafka(await settings({ sasl, brokers: 'k:1', tls: { enabled: true } })).length, 0);
});
