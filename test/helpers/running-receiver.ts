/** Receivers that are pushed to, running with their listener. */
import assert from 'node:assert/strict';
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openSource } from '../../pipelines/decode/open.ts';
import type { Mapping } from '../../pipelines/normalize/mapping.ts';
import { Normalizer } from '../../pipelines/normalize/normalize.ts';
import type { Delivery, Receiver, Schema } from '../../pipelines/plugin/index.ts';
import { systemClock } from '../../plugins/kit/clock.ts';
import { applyMapping } from './interpret.ts';
import { chargesOf, sortedColumns } from './normalize-rows.ts';
import { checkedSettings, type Line, type World, worldOf } from './plugin-world.ts';
import { readJson } from './read-rows.ts';
import { recordedHttp } from './receiver-case.ts';

/** One that runs. */
export interface RunningReceiver {
  readonly world: World<unknown>;
  /** `http://127.0.0.1:1234`. */
  readonly url: string;
  /** Ends it as the agent does: what is pushed is sealed. */
  stop(): Promise<void>;
}

/** Starts a receiver; nothing is delivered before `seal_every` has passed. */
export async function runningReceiver<const S extends Schema>(
  plugin: Receiver<S>,
  folder: string,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<RunningReceiver> {
  const written = { endpoint: '127.0.0.1:0', seal_every: '1h', ...settings };
  const config = await checkedSettings(plugin, written);
  const world = { ...worldOf(config, { folder }), clock: systemClock };
  const deliveries = plugin.receive(world, undefined)[Symbol.asyncIterator]();
  const next = deliveries.next();
  next.catch(() => {});
  return {
    world: world as unknown as World<unknown>,
    url: `http://${await listening(world.lines, next)}`,
    async stop() {
      world.stop.abort();
      await next.catch(() => {});
      await deliveries.return?.(undefined).catch(() => {});
      await world.close();
    },
  };
}

async function listening(lines: readonly Line[], next: Promise<unknown>): Promise<string> {
  for (let i = 0; i < 2000; i++) {
    const line = lines.find(({ message }) => message === 'listens for pushed records');
    if (line !== undefined) return String(line.fields.address);
    await Promise.race([next, new Promise((resolve) => setTimeout(resolve, 5))]);
  }
  throw new Error('it does not listen');
}

/** What a mapping makes of everything that a receiver's folder holds, delivered by a run with `once`. */
export async function drained<const S extends Schema>(
  plugin: Receiver<S>,
  folder: string,
  of: {
    readonly settings?: Readonly<Record<string, unknown>>;
    readonly mapping: Mapping;
    readonly answers?: Parameters<typeof recordedHttp>[0];
  },
) {
  const config = await checkedSettings(plugin, { endpoint: '127.0.0.1:0', ...of.settings });
  const around = worldOf(config, { folder, once: true });
  const world =
    of.answers === undefined
      ? { ...around, clock: systemClock }
      : { ...around, http: recordedHttp(of.answers) };
  const deliveries: Delivery[] = [];
  const texts: string[] = [];
  try {
    for await (const delivery of plugin.receive(world, undefined)) {
      deliveries.push(delivery);
      texts.push(readFileSync(delivery.parts[0]?.path ?? '', 'utf8'));
    }
  } finally {
    await world.close();
  }
  const { rows, rejected } = await charged(of.mapping, join(folder, 'all.ndjson'), texts.join(''));
  return { rows, rejected, deliveries, texts, lines: around.lines };
}

/** The charges of lines, compared with those of the mapping's slow twin. */
async function charged(mapping: Mapping, path: string, text: string) {
  if (text === '') return { rows: [], rejected: {} };
  writeFileSync(path, text);
  const source = await openSource({ path });
  const normalizer = new Normalizer(mapping, source.columns, {});
  const rows = await chargesOf(normalizer, source.batches());
  await source.close();
  const { header, rows: lines } = readJson(path);
  const slow = applyMapping(mapping, header, lines).rows.map(({ x_Repairs, ...row }) =>
    sortedColumns(row),
  );
  assert.deepEqual(rows, slow, 'the fast way and its twin differ');
  return { rows, rejected: Object.fromEntries(normalizer.counts.rejected) };
}

/** A copy of what an instance has stored, as a crash would leave it. */
export function copied(folder: string, copy: string): string {
  cpSync(join(folder, 'intake'), join(copy, 'intake'), { recursive: true });
  return copy;
}

/** Everything that is stored of pushes. */
export function stored(folder: string): string {
  const intake = join(folder, 'intake');
  return readdirSync(intake)
    .filter((name) => name !== 'seen')
    .map((name) => readFileSync(join(intake, name), 'utf8'))
    .join('');
}
