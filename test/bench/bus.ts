/** Messages from a real nats-server and a real Kafka through the receivers to deliveries, fsync before each acknowledgement; servers and senders are other processes or over before: `node test/bench/bus.ts`. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { Admin, Producer } from '@platformatic/kafka';
import type { Receiver, Schema } from '../../pipelines/plugin/index.ts';
import { systemClock } from '../../plugins/kit/clock.ts';
import kafkaReceiver from '../../plugins/receivers/kafka/index.ts';
import natsReceiver from '../../plugins/receivers/nats/index.ts';
import { checkedSettings, worldOf } from '../helpers/plugin-world.ts';
import { kafka, startKafka } from '../interop/programs/kafka.ts';
import { natsServer, startNats } from '../interop/programs/nats.ts';

const MESSAGES = 20_000;
const AT_A_TIME = 500;
const folder = mkdtempSync(join(tmpdir(), 'focusd-bus-'));

for (const [name, measure] of [
  ['nats', overNats],
  ['kafka', overKafka],
] as const) {
  const program = name === 'nats' ? await natsServer() : await kafka();
  console.log('skip' in program ? `${name}: ${program.skip}` : `${name}: ${await measure()}`);
}
rmSync(folder, { recursive: true });

/** A charge as a CloudEvent, 400 bytes. */
function message(i: number): string {
  return JSON.stringify({
    specversion: '1.0',
    id: String(i),
    source: '/shop',
    type: 'focus.charge',
    data: {
      BilledCost: '0.25',
      BillingCurrency: 'USD',
      ChargePeriodStart: '2026-09-17T10:00:00Z',
      ServiceProviderName: 'Acme',
      ServiceName: 'Search',
      ResourceId: `search-${i % 100}`,
      Tags: { team: 'shop', environment: 'production' },
    },
  });
}

async function overNats(): Promise<string> {
  const dir = join(folder, 'nats');
  mkdirSync(dir);
  const server = await startNats({ dir });
  try {
    const connection = await connect({ servers: server.url });
    const manager = await jetstreamManager(connection);
    await manager.streams.add({ name: 'CHARGES', subjects: ['focus.charges'] });
    const client = jetstream(connection);
    await publish((i) => client.publish('focus.charges', message(i)));
    await connection.close();
    const settings = { servers: [server.url], stream: 'CHARGES', create: true, seal_every: '1s' };
    return await drain(natsReceiver, settings);
  } finally {
    await server.stop();
  }
}

async function overKafka(): Promise<string> {
  const broker = await startKafka({ dir: join(folder, 'kafka') });
  const options = { clientId: 'bench', bootstrapBrokers: [broker.broker], timeout: 60_000 };
  const admin = new Admin(options);
  const producer = new Producer({ ...options, acks: -1 });
  try {
    await admin.createTopics({ topics: ['charges'], partitions: 3, replicas: 1 });
    for (let from = 0; from < MESSAGES; from += AT_A_TIME) {
      const messages = Array.from({ length: AT_A_TIME }, (_, i) => ({
        topic: 'charges',
        value: Buffer.from(message(from + i)),
      }));
      await producer.send({ messages });
    }
    const settings = { brokers: [broker.broker], topics: ['charges'], seal_every: '1s' };
    return await drain(kafkaReceiver, settings);
  } finally {
    await Promise.all([admin.close(), producer.close()]);
    await broker.stop();
  }
}

async function publish(one: (i: number) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < MESSAGES; from += AT_A_TIME)
    await Promise.all(Array.from({ length: AT_A_TIME }, (_, i) => one(from + i)));
}

/** Takes everything that is there, as a run with `--once` does. */
async function drain<const S extends Schema>(
  plugin: Receiver<S>,
  written: Readonly<Record<string, unknown>>,
): Promise<string> {
  const config = await checkedSettings(plugin, written);
  const own = join(folder, plugin.type, 'state');
  mkdirSync(own, { recursive: true });
  const world = { ...worldOf(config, { folder: own, once: true }), clock: systemClock };
  const started = performance.now();
  const cpu = process.cpuUsage();
  let charges = 0;
  for await (const { parts } of plugin.receive(world, undefined))
    for (const { path } of parts) charges += readFileSync(path, 'utf8').split('\n').length - 1;
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (performance.now() - started) / 1000;
  await world.close();
  if (charges !== MESSAGES) throw new Error(`${charges} of ${MESSAGES} charges came`);
  return `${MESSAGES} messages, ${Math.round(MESSAGES / seconds)} a second, ${Math.round(MESSAGES / ((user + system) / 1e6))} a CPU-second`;
}
