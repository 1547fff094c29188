/** A real Apache Kafka between publishers and the real agent: charges count once, whatever happens on the way. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Admin, Producer } from '@platformatic/kafka';
import t, { type Test } from 'tap';
import { focusd } from '../helpers/focusd-process.ts';
import { deadLetters, focusCsv, focusRow, put } from '../helpers/world.ts';
import { busAgent, charge, ended, event, until } from './bus-agents.ts';
import { makeCertificates } from './programs/certs.ts';
import { type Kafka, kafka, startKafka } from './programs/kafka.ts';

t.setTimeout(30 * 60_000);

/** A topic of its own for each test, and what is seen of it from outside. */
async function topicOf(t: Test, broker: Kafka, name: string) {
  const options = {
    clientId: 'test',
    bootstrapBrokers: [broker.broker],
    timeout: 60_000,
    retries: 10,
  };
  const admin = new Admin(options);
  const producer = new Producer({ ...options, acks: -1 });
  t.teardown(() => Promise.all([admin.close(), producer.close()]));
  const committed = async (group: string): Promise<number> => {
    const [found] = await admin.listConsumerGroupOffsets({ groups: [group] });
    const partitions = found?.topics.find((topic) => topic.name === name)?.partitions ?? [];
    return partitions.reduce((sum, one) => sum + Math.max(0, Number(one.committedOffset)), 0);
  };
  return {
    admin,
    make: () => admin.createTopics({ topics: [name], partitions: 3, replicas: 1 }),
    /** One by one: of several that go together those that were stored may be sent again with the others. */
    async publish(...values: readonly string[]) {
      await Promise.all(
        values.map((value) =>
          producer.send({ messages: [{ topic: name, value: Buffer.from(value) }] }),
        ),
      );
    },
    /** Messages that a group has done with. */
    committed,
  };
}

/** An unsigned token that holds for so many seconds from now. */
function token(seconds: number): string {
  const now = Math.floor(Date.now() / 1000);
  const part = (of: object) => Buffer.from(JSON.stringify(of)).toString('base64url');
  return `${part({ alg: 'none' })}.${part({ sub: 'focusd', iat: now - 7200, exp: now + seconds })}.`;
}

function taker(t: Test, folder: string, settings: object) {
  mkdirSync(folder, { recursive: true });
  return busAgent(t, folder, { receiver: ['kafka', { seal_every: '500ms', ...settings }] });
}

function giver(t: Test, folder: string, settings: object) {
  mkdirSync(folder, { recursive: true });
  return busAgent(t, folder, { exporter: ['kafka', settings] });
}

t.test('Kafka', async (t) => {
  const program = await kafka();
  if ('skip' in program) return t.plan(0, program.skip);
  const root = t.testdir({});
  const certificates = await makeCertificates(join(root, 'certs'));
  const secured = 'skip' in certificates ? {} : { certificates };
  const broker = await startKafka({ dir: join(root, 'kafka'), ...secured });
  t.teardown(() => broker.stop());
  const brokers = [broker.broker];

  t.test(
    'charges of every kind count once; poison is a dead letter and never comes again',
    async (t) => {
      const folder = t.testdir({});
      const topic = await topicOf(t, broker, 'kinds');
      await topic.make();
      const rows = `${JSON.stringify(charge('1'))}\n${JSON.stringify(charge('0.0000000001'))}`;
      await topic.publish(rows, JSON.stringify([charge(2), charge(4)]), event('1', charge(8)));
      const headers = 'ce_specversion:1.0,ce_id:100%,ce_source:/shop,ce_type:focus.charge';
      await broker.tool(
        'org.apache.kafka.tools.ConsoleProducer',
        [
          ...['--bootstrap-server', broker.broker, '--topic', 'kinds'],
          ...['--reader-property', 'parse.headers=true'],
        ],
        [
          `${headers},content-type:application/json\t${JSON.stringify(charge(16))}`,
          `content-type:application/cloudevents+json; charset=utf-8\t${event('100%', charge(16))}`,
          'content-type:text/xml\t<charge/>',
          'content-type:application/json\t{"BilledCost":',
        ].join('\n'),
      );
      const agent = taker(t, folder, { brokers, topics: ['kinds'], group: 'kinds' });
      const running = agent.start();
      await until(() => agent.billed() === '31.0000000001');
      await topic.publish(event('3', charge(32)));
      await until(async () => (await topic.committed('kinds')) === 8);
      await until(() => agent.billed() === '63.0000000001');
      await ended(t, running);
      t.equal(agent.billed(), '63.0000000001');
      t.same(
        deadLetters(folder)
          .map(({ kind, reason, raw }) => `${kind} ${reason} ${raw}`)
          .toSorted(),
        ['message malformed {"BilledCost":', 'message media_type <charge/>'],
      );
      t.match(deadLetters(folder)[0]?.path, /^kinds\/\d\/\d+$/);
      t.equal((await agent.once()).code, 0);
      t.equal(deadLetters(folder).length, 2, 'it does not come again');
      t.equal(await topic.committed('kinds'), 8);
      t.equal(agent.billed(), '63.0000000001');
    },
  );

  t.test(
    'killed between receiving and the commit, then at any moment: each charge counts once',
    async (t) => {
      const folder = t.testdir({});
      const topic = await topicOf(t, broker, 'killed');
      await topic.make();
      const settings = { brokers, topics: ['killed'], group: 'killed', session_timeout: '6s' };
      await topic.publish(JSON.stringify(charge(1)));
      const patient = taker(t, folder, { ...settings, seal_every: '1h' });
      const first = patient.start();
      await until(async () => (await topic.committed('killed')) === 1);
      t.equal(patient.billed(), '0', 'the group has it behind it, the agent has not delivered it');
      first.kill('SIGKILL');
      await first.ended;

      const agent = taker(t, folder, { ...settings, batch: 50 });
      let published = 1;
      const flow = (async () => {
        for (let i = 0; i < 100; i++) {
          await topic.publish(...Array.from({ length: 30 }, () => JSON.stringify(charge('0.001'))));
          published += 30;
        }
      })();
      for (let kills = 0; kills < 2; kills++) {
        const before = await topic.committed('killed');
        const running = agent.start();
        await until(async () => (await topic.committed('killed')) > before);
        running.kill('SIGKILL');
        await running.ended;
      }
      await flow;
      const last = agent.start();
      await until(async () => (await topic.committed('killed')) === published);
      await until(() => agent.billed() === '4');
      await ended(t, last);
      t.equal(agent.billed(), '4');
      t.same(deadLetters(folder), []);
    },
  );

  t.test('more than the spool holds stays with the brokers until there is room', async (t) => {
    const folder = t.testdir({});
    const topic = await topicOf(t, broker, 'much');
    await topic.make();
    const rows = Array.from({ length: 20 }, () => JSON.stringify(charge('0.05'))).join('\n');
    await topic.publish(...Array.from({ length: 200 }, () => rows));
    const settings = { brokers, topics: ['much'], group: 'much', spool_size: '64KiB' };
    const agent = taker(t, folder, settings);
    const { code, stderr } = await agent.once();
    t.equal(code, 0, stderr);
    t.equal(agent.billed(), '200');
    t.equal(await topic.committed('much'), 200);
  });

  t.test(
    'from one agent to another: totals are equal, though charges are published twice and the bill is restated',
    async (t) => {
      const folder = t.testdir({});
      const topic = await topicOf(t, broker, 'bills');
      const from = giver(t, join(folder, 'from'), { brokers, topic: 'bills', create: true });
      const bill = (rows: readonly (number | string)[]) =>
        put(from.folder, 'bills/a.csv', focusCsv(rows));
      bill([1.25, 1.25, focusRow('0.000000000000001'), focusRow(-3)]);
      const to = taker(t, join(folder, 'to'), { brokers, topics: ['bills'], group: 'bills' });
      for (let times = 0; times < 2; times++) {
        rmSync(join(from.folder, 'state'), { recursive: true, force: true });
        const { code, stderr } = await from.once();
        t.equal(code, 0, stderr);
      }
      t.equal((await to.once()).code, 0);
      t.equal(to.billed(), '-0.499999999999999');
      t.equal(await topic.committed('bills'), 8, 'both are there');
      bill([1.25, 7]);
      t.equal((await from.once()).code, 0);
      t.equal((await to.once()).code, 0);
      t.equal(await topic.committed('bills'), 12, 'one is new, three are taken back');
      t.equal(to.billed(), '8.25');
      t.equal(from.billed(), '8.25');
      t.same([...deadLetters(from.folder), ...deadLetters(to.folder)], []);
      const [one = ''] = (
        await broker.tool('org.apache.kafka.tools.consumer.ConsoleConsumer', [
          ...['--bootstrap-server', broker.broker, '--topic', 'bills', '--from-beginning'],
          ...['--max-messages', '1', '--formatter-property', 'print.key=true'],
          ...['--formatter-property', 'print.headers=true'],
        ])
      ).split('\n');
      const [headers, key, value = ''] = one.split('\t');
      t.equal(headers, 'content-type:application/cloudevents+json');
      t.match(JSON.parse(value), { specversion: '1.0', id: key, data: { BillingCurrency: 'EUR' } });
    },
  );

  t.test('TLS and SASL, and what an operator has to do is said', async (t) => {
    if ('skip' in certificates) return t.plan(0, certificates.skip);
    const folder = t.testdir({});
    const { ca } = certificates;
    const password = 's3cret';
    for (const [username, mechanism] of [
      ['plain', 'plain'],
      ['scram', 'scram-sha-256'],
      ['scram', 'scram-sha-512'],
    ] as const) {
      const dir = join(folder, mechanism);
      const sasl = { username, password, mechanism };
      const all = { brokers: [broker.secured], tls: { ca }, sasl };
      const topic = mechanism;
      const from = giver(t, join(dir, 'from'), { ...all, topic, create: true });
      put(from.folder, 'bills/a.csv', focusCsv([1, 2]));
      const sent = await from.once();
      t.equal(sent.code, 0, sent.stderr);
      const to = taker(t, join(dir, 'to'), { ...all, topics: [topic], group: topic });
      const taken = await to.once();
      t.equal(taken.code, 0, taken.stderr);
      t.equal(to.billed(), '3', mechanism);
    }
    const file = join(folder, 'token');
    const bearer = { brokers: [broker.secured], tls: { ca }, sasl: { token_file: file } };
    const shown = taker(t, join(folder, 'bearer'), { ...bearer, topics: ['plain'], group: 'b' });
    writeFileSync(file, token(-3600));
    const expired = await shown.once();
    t.match(expired, { code: 1, stderr: /sasl\.token_file/ });
    writeFileSync(file, `${token(3600)}\n`);
    const taken = await shown.once();
    t.equal(taken.code, 0, taken.stderr);
    t.equal(shown.billed(), '3', 'a token in a file');
    rmSync(file);
    t.match(await shown.once(), { code: 1, stderr: /token cannot be read/ });
    const sasl = { username: 'plain', password: 'wrong' };
    const own = { brokers: [broker.secured], tls: { ca }, topics: ['plain'] };
    const cases: readonly (readonly [object, RegExp])[] = [
      [{ ...own, sasl }, /sasl\.username/],
      [{ ...own, tls: { enabled: true } }, /unknown authority; set tls\.ca/],
      [{ brokers, topics: ['nope'] }, /UNKNOWN_TOPIC_OR_PARTITION/],
    ];
    for (const [i, [settings, said]] of cases.entries()) {
      const { code, stderr } = await taker(t, join(folder, `wrong${i}`), settings).once();
      t.equal(code, 1, stderr);
      t.match(stderr, said);
    }
    const there = taker(t, join(folder, 'there'), { brokers, topics: ['plain'] });
    const probe = await focusd(t, ['test-receiver', 'kafka', '-c', there.config]);
    t.match(probe, { code: 0, stdout: /topics plain \(3 partitions\)/ });
  });

  t.test('while the broker is down charges wait on disk', async (t) => {
    const folder = t.testdir({});
    const retry = { initial_interval: '100ms', max_elapsed_time: '500ms' };
    const from = giver(t, join(folder, 'from'), { brokers, topic: 'bills', retry });
    put(from.folder, 'bills/a.csv', focusCsv([1, 2, 4]));
    await broker.stop('SIGKILL');
    const running = from.start();
    await running.said('charges wait for an exporter');
    await until(() => from.billed() === '7');
    const again = await startKafka({ dir: join(root, 'kafka'), ports: broker.ports, ...secured });
    t.teardown(() => again.stop());
    await running.said('no charges wait any more');
    await ended(t, running);
    const to = taker(t, join(folder, 'to'), { brokers, topics: ['bills'], group: 'later' });
    t.equal((await to.once()).code, 0);
    t.equal(to.billed(), '15.25', 'with those of the bill before');
  });
});
