/** A real nats-server between publishers and the real agent: charges count once, whatever happens on the way. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, headers } from '@nats-io/transport-node';
import t, { type Test } from 'tap';
import { focusd, startFocusd } from '../helpers/focusd-process.ts';
import { committedCosts, deadLetters, focusCsv, focusRow, put } from '../helpers/world.ts';
import { busAgent, charge, ended, event, until } from './bus-agents.ts';
import { type NatsServer, natsServer, startNats } from './programs/nats.ts';

t.setTimeout(30 * 60_000);

const EXAMPLE = new URL('../../config/examples/nats.yaml', import.meta.url);
const README = new URL('../../plugins/receivers/nats/README.md', import.meta.url);
const NDJSON = { 'Content-Type': 'application/x-ndjson' };

interface Bus {
  readonly server: NatsServer;
  readonly manager: JetStreamManager;
  publish(body: string | Uint8Array, fields?: Readonly<Record<string, string>>): Promise<void>;
  /** Messages of the stream that the consumer of the agent has not acknowledged. */
  open(): Promise<number>;
  /** Up to which message the agent has acknowledged all. */
  acknowledged(): Promise<number>;
}

/** A server and a client of it; without a stream when an agent makes it. */
async function startBus(t: Test, folder: string, { stream = true } = {}): Promise<Bus> {
  const dir = join(folder, 'nats');
  mkdirSync(dir, { recursive: true });
  const server = await startNats({ dir });
  t.teardown(() => server.stop());
  const connection = await connect({ servers: server.url });
  t.teardown(() => connection.close());
  const manager = await jetstreamManager(connection);
  if (stream) await manager.streams.add({ name: 'CHARGES', subjects: ['focus.charges'] });
  const client = jetstream(connection);
  return {
    server,
    manager,
    async publish(body, fields = {}) {
      const all = headers();
      for (const [name, value] of Object.entries(fields)) all.set(name, value);
      await client.publish('focus.charges', body, { headers: all });
    },
    async open() {
      const info = await manager.consumers.info('CHARGES', 'focusd');
      return info.num_pending + info.num_ack_pending;
    },
    acknowledged: async () =>
      (await manager.consumers.info('CHARGES', 'focusd')).ack_floor.stream_seq,
  };
}

/** An agent that takes the charges of the stream. */
function taker(t: Test, folder: string, url: string, more: object = {}) {
  mkdirSync(folder, { recursive: true });
  const settings = { servers: [url], stream: 'CHARGES', create: true, seal_every: '1s', ...more };
  return busAgent(t, folder, { receiver: ['nats', settings] });
}

/** An agent that publishes the bills in its folder. */
function giver(t: Test, folder: string, url: string, more: object = {}) {
  mkdirSync(folder, { recursive: true });
  const settings = { servers: [url], stream: 'CHARGES', create: true, ...more };
  return busAgent(t, folder, { exporter: ['nats', settings] });
}

t.test('NATS', async (t) => {
  const program = await natsServer();
  if ('skip' in program) return t.plan(0, program.skip);

  t.test(
    'charges of every kind count once; poison is a dead letter and never comes again',
    async (t) => {
      const folder = t.testdir({});
      const bus = await startBus(t, folder);
      await bus.publish(`${JSON.stringify(charge(1))}\n${JSON.stringify(charge(2))}`, NDJSON);
      await bus.publish(JSON.stringify([charge('4'), charge('0.0000000001')]));
      await bus.publish(event('1', charge(8)));
      await bus.publish(event('1', charge(8)), { 'Content-Type': 'application/cloudevents+json' });
      await bus.publish(JSON.stringify(charge(16)), {
        'ce-specversion': '1.0',
        'ce-id': '2%20',
        'ce-source': '/shop',
        'ce-type': 'focus.charge',
        'ce-datacontenttype': 'application/json',
      });
      await bus.publish(event('2 ', charge(16)));
      await bus.publish('');
      await bus.publish('{"BilledCost":', NDJSON);
      await bus.publish(Uint8Array.of(0xff, 0xfe));
      await bus.publish('<charge/>', { 'Content-Type': 'text/xml' });
      const agent = taker(t, folder, bus.server.url);
      const running = agent.start();
      await until(() => agent.billed() === '31.0000000001');
      await bus.publish(event('3', charge(32)));
      await until(() => agent.billed() === '63.0000000001');
      await until(async () => (await bus.open()) === 0);
      await ended(t, running);
      t.equal(agent.billed(), '63.0000000001');
      t.equal(await bus.open(), 0);
      const letters = deadLetters(folder);
      t.same(letters.map(({ kind, reason, path }) => `${kind} ${reason} ${path}`).toSorted(), [
        'message malformed CHARGES/8 focus.charges',
        'message malformed CHARGES/9 focus.charges',
        'message media_type CHARGES/10 focus.charges',
      ]);
      t.equal(letters.find(({ reason }) => reason === 'media_type')?.raw, '<charge/>');
      const list = await focusd(t, ['deadletters', 'list', '-c', agent.config]);
      t.match(list.stdout, /nats charges: .*malformed 2 \(cost unknown of 2\)/);
      t.equal((await agent.once()).code, 0);
      t.equal(deadLetters(folder).length, 3, 'it does not come again');
    },
  );

  t.test(
    'killed between receiving and the commit, then at any moment: each charge counts once',
    async (t) => {
      const folder = t.testdir({});
      const bus = await startBus(t, folder);
      await bus.publish(JSON.stringify(charge(1)));
      const patient = taker(t, folder, bus.server.url, { seal_every: '1h', ack_wait: '1s' });
      const first = patient.start();
      await until(async () => (await bus.open().catch(() => 1)) === 0);
      t.equal(patient.billed(), '0', 'acknowledged, not committed');
      first.kill('SIGKILL');
      await first.ended;

      const agent = taker(t, folder, bus.server.url, { batch: 50 });
      const flow = (async () => {
        for (let i = 0; i < 3000; i++) await bus.publish(JSON.stringify(charge('0.001')));
      })();
      for (let kills = 0; kills < 3; kills++) {
        const before = await bus.acknowledged();
        const running = agent.start();
        await until(async () => (await bus.acknowledged()) > before);
        running.kill('SIGKILL');
        await running.ended;
      }
      await flow;
      const last = agent.start();
      await until(async () => agent.billed() === '4' && (await bus.open()) === 0);
      await delay(1500);
      await ended(t, last);
      t.equal(agent.billed(), '4');
      t.equal(await bus.open(), 0);
      t.same(deadLetters(folder), []);
    },
  );

  t.test('more than the spool holds stays with the server until there is room', async (t) => {
    const folder = t.testdir({});
    const bus = await startBus(t, folder);
    const rows = Array.from({ length: 20 }, () => JSON.stringify(charge('0.05'))).join('\n');
    for (let i = 0; i < 200; i++) await bus.publish(rows);
    const agent = taker(t, folder, bus.server.url, { spool_size: '64KiB' });
    t.equal((await agent.once()).code, 0);
    t.equal(agent.billed(), '200');
    t.equal(await bus.open(), 0);
  });

  t.test(
    'from one agent to another: totals are equal, though charges are published twice and the bill is restated',
    async (t) => {
      const folder = t.testdir({});
      const bus = await startBus(t, folder, { stream: false });
      const { url } = bus.server;
      const from = giver(t, join(folder, 'from'), url, { duplicate_window: '1h' });
      const bill = (rows: Parameters<typeof focusCsv>[0]) =>
        put(from.folder, 'bills/a.csv', focusCsv(rows));
      bill(
        [1.25, 1.25, '0.000000000000001', focusRow(-3, { tags: '"{""team"":""a""}"' })].map(rowOf),
      );
      const to = taker(t, join(folder, 'to'), url);
      const count = async () => (await bus.manager.streams.info('CHARGES')).state.messages;
      t.equal((await from.once()).code, 0);
      t.equal(await count(), 4);
      rmSync(join(from.folder, 'state'), { recursive: true });
      t.equal((await from.once()).code, 0);
      t.equal(await count(), 4, 'the server keeps what came again out');
      t.equal((await to.once()).code, 0);
      t.equal(to.billed(), '-0.499999999999999');

      await bus.manager.streams.update('CHARGES', { duplicate_window: 100_000_000 });
      await delay(300);
      rmSync(join(from.folder, 'state'), { recursive: true });
      t.equal((await from.once()).code, 0);
      t.equal(await count(), 8, 'after its window it does not');
      t.equal((await to.once()).code, 0);
      t.equal(to.billed(), '-0.499999999999999', 'but the agent does');

      bill([1.25, 7]);
      t.equal((await from.once()).code, 0);
      t.equal(await count(), 12, 'one is new, three are taken back');
      t.equal((await to.once()).code, 0);
      t.equal(to.billed(), '8.25');
      t.equal(from.billed(), '8.25');
      t.same([...deadLetters(from.folder), ...deadLetters(to.folder)], []);
    },
  );

  t.test('while the server is down charges wait on disk', async (t) => {
    const folder = t.testdir({});
    const bus = await startBus(t, folder);
    const retry = { initial_interval: '100ms', max_elapsed_time: '500ms' };
    const from = giver(t, join(folder, 'from'), bus.server.url, { retry });
    put(from.folder, 'bills/a.csv', focusCsv([1, 2, 4]));
    await bus.server.stop('SIGKILL');
    const running = from.start();
    await running.said('charges wait for an exporter');
    await until(() => from.billed() === '7');
    const { port } = bus.server;
    const again = await startNats({ dir: join(folder, 'nats'), port });
    t.teardown(() => again.stop());
    await running.said('no charges wait any more');
    await ended(t, running);
    const to = taker(t, join(folder, 'to'), again.url);
    t.equal((await to.once()).code, 0);
    t.equal(to.billed(), '7');
  });

  t.test('the example takes the charge that the README publishes', async (t) => {
    const folder = t.testdir({});
    const bus = await startBus(t, folder);
    const path = join(folder, 'nats.yaml');
    const text = readFileSync(EXAMPLE, 'utf8')
      .replace('  health:\n', '  health:\n    endpoint: 127.0.0.1:0\n')
      .replace(/ {2}otlp:\n.*\n/, '  file:\n    folder: ./out\n')
      .replace('[otlp]', '[file]');
    writeFileSync(path, text);
    const readme = readFileSync(README, 'utf8');
    await bus.publish(/nats pub focus\.charges '(.*)'/.exec(readme)?.[1] ?? '');
    const env = { NATS_URL: bus.server.url, FOCUSD_STORAGE: join(folder, 'state') };
    const agent = startFocusd(t, ['run', '-c', path], { env });
    await until(() => committedCosts(folder).BilledCost === '0.25');
    await ended(t, agent);
    t.equal(committedCosts(folder).BilledCost, '0.25');
    t.equal(await bus.open(), 0);
  });

  t.test('what an operator has to do is said', async (t) => {
    const folder = t.testdir({});
    const bus = await startBus(t, folder);
    const { url } = bus.server;
    const cases: readonly (readonly [object, RegExp])[] = [
      [{ stream: 'NOPE' }, /there is no stream NOPE/],
      [{ create: false }, /the stream CHARGES has no consumer focusd/],
    ];
    for (const [settings, said] of cases) {
      const { code, stderr } = await taker(t, folder, url, settings).once();
      t.equal(code, 1);
      t.match(stderr, said);
    }
    const untaken = giver(t, join(folder, 'from'), url, { subject: 'other', create: false });
    put(untaken.folder, 'bills/a.csv', focusCsv([1]));
    t.match(await untaken.once(), { code: 1, stderr: /no stream takes the subject other/ });
    await bus.publish(JSON.stringify(charge(1)));
    const probe = await focusd(t, ['test-receiver', 'nats', '-c', taker(t, folder, url).config]);
    t.match(probe, { code: 0, stdout: /stream CHARGES: 1 messages, 1 not delivered to focusd/ });
  });
});

/** A row whose amount is written as it stands. */
function rowOf(row: number | string): number | string {
  return typeof row === 'string' && !row.includes(',') ? focusRow(row) : row;
}
