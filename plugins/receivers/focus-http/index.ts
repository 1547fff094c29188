import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Delivery, defineReceiver } from '../../../pipelines/plugin/index.ts';
import { inTurn } from '../../kit/in-turn.ts';
import { jittered } from '../../kit/jitter.ts';
import { fetchBill } from './bill.ts';
import { type Done, doneOf, questionOf, readCursor, writeCursor } from './cursor.ts';
import { filled, type Period, periodsOf } from './periods.ts';
import { nothingThere, probed } from './probe.ts';
import { settings } from './settings.ts';
import { type Source, sourceOf } from './source.ts';

export default defineReceiver({
  type: 'focus-http',
  summary:
    'Charges from an HTTP API as CSV, NDJSON, Parquet or JSON: Vercel, Grafana Cloud, any other.',
  stability: 'alpha',
  config: settings,

  async *receive(context, cursor) {
    const { config, clock, signal, once, room, sharing } = context;
    const source = sourceOf(context);
    const done = readCursor(cursor, questionOf(config));
    for (;;) {
      yield* inTurn(sharing, look(source, done, room));
      if (once) return;
      await clock.sleep(jittered(config.interval), signal);
    }
  },

  async probe(context) {
    const source = sourceOf(context);
    const periods = periodsOf(context.config, context.clock.now());
    const bills = periods.map((period) => ({
      scope: scopeOf(source, period),
      url: filled(context.config.url, period),
    }));
    return await probed(source, bills);
  },
});

/** Asks for each period once; delivers those that have changed. */
async function* look(
  source: Source,
  done: Map<string, Done>,
  room: () => Promise<void>,
): AsyncGenerator<Delivery> {
  const { config, world } = source;
  const periods = periodsOf(config, world.clock.now());
  const folder = join(world.folder, 'bill');
  let missing = 0;
  for (const period of periods) {
    await room();
    const known = done.get(period.name);
    const url = filled(config.url, period);
    const bill = await fetchBill(source, { url, period: period.name, folder, known: known ?? {} });
    if (bill === 'missing') missing += 1;
    if (bill === 'missing' || bill === 'unchanged') continue;
    const { revision, parts } = bill;
    if (parts.length === 0 && known === undefined) continue;
    done.set(period.name, doneOf(bill));
    if (revision === known?.revision) continue;
    const scope = scopeOf(source, period);
    const cursor = writeCursor(done, { question: questionOf(config), periods });
    yield { scope, revision, mode: 'snapshot', mapping: config.mapping, parts, cursor };
  }
  await rm(folder, { recursive: true, force: true });
  if (missing === periods.length) throw nothingThere(source);
}

/** `api.vercel.com/2026-09`; the query may hold secrets. */
function scopeOf({ config }: Source, { name }: Period): string {
  const { host } = new URL(config.url);
  return name === '' ? host : `${host}/${name}`;
}
