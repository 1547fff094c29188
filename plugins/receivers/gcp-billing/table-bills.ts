import { join } from 'node:path';
import type { Clock, Context, Probe, ReceiverContext } from '../../../pipelines/plugin/contract.ts';
import type { Delivery, Part } from '../../../pipelines/plugin/delivery.ts';
import { inTurn } from '../../kit/in-turn.ts';
import { jittered } from '../../kit/jitter.ts';
import type { World } from './answers.ts';
import { type Asking, type BigQuery, bigQuery, type Question } from './bigquery.ts';
import { type Progress, readCursor, writeCursor } from './cursor.ts';
import { type KeptMonths, keptMonths, type MonthVersion } from './kept-months.ts';
import { clearMonth, monthFiles, partsIn } from './month-files.ts';
import {
  type ChangedMonth,
  changedMonths,
  later,
  type MonthlyTable,
  monthlyTable,
  monthsBefore,
} from './months.ts';
import { type TableName, written } from './table-name.ts';

/** What is read, and how much of it. */
export interface TableSettings extends Asking {
  readonly table: TableName;
  /** Months before the current one that the first look reads. */
  readonly lookBack: number;
  /** Folder for the months on disk. */
  readonly folder: string;
  /** Leave the present version of each month there. */
  readonly keep: boolean;
}

/** Looks at a table of bills, again and again. */
export interface TableBills {
  /** The months that the first look would read, and how many bytes; costs one small query. */
  probe(): Promise<Probe>;
  /** The months that changed since the last look, newest first, each one whole; `room` is asked before anything is read. */
  look(room: () => Promise<void>): AsyncGenerator<Delivery>;
}

/** Opens a table of bills where the cursor left it. */
export function tableBills(
  world: World,
  settings: TableSettings,
  cursor: string | undefined,
): TableBills {
  const api = bigQuery(world, settings);
  const { table: name } = settings;
  const folder = join(settings.folder, 'month');
  const keptFolder = join(settings.folder, 'kept');
  const kept: KeptMonths | undefined = settings.keep ? keptMonths(keptFolder) : undefined;
  let progress = readCursor(cursor);
  let stamp: string | undefined;

  async function* look(room: () => Promise<void>): AsyncGenerator<Delivery> {
    await room();
    if (kept === undefined) await clearMonth(keptFolder);
    const table = await api.table(name);
    if (table.stamp !== undefined && table.stamp === stamp) return;
    const monthly = monthlyTable(name, table, `${world.path}.table`);
    if (table.partition === undefined)
      world.log.warn('table has no partitions, each look reads it whole', { table: written(name) });
    const changed = await changedSince(monthly);
    const watermark = changed.reduce((so, { latest }) => later(so, latest), progress.since ?? '');
    const left = changed.filter(({ month, latest }) => progress.done[month] !== latest);
    for (const { month, latest } of left) {
      await room();
      const { parts, revision } = await read(monthly, month);
      const done = { ...progress.done, [month]: latest };
      const last = month === left.at(-1)?.month;
      const next: Progress = last ? { since: watermark, done: {} } : { ...progress, done };
      yield {
        scope: scopeOf(month),
        revision,
        mode: 'snapshot',
        mapping: monthly.mapping,
        parts,
        cursor: writeCursor(next),
      };
      progress = next;
      await committed({ month, revision });
    }
    stamp = table.stamp;
  }

  async function changedSince(monthly: MonthlyTable): Promise<readonly ChangedMonth[]> {
    const { since } = progress;
    const first = monthsBefore(world.clock.now(), settings.lookBack);
    const question = monthly.changed({ first, ...(since !== undefined && { since }) });
    await sayCost(world, api, question, 'which months changed');
    const months: ChangedMonth[] = [];
    for await (const { rows } of api.ask(question)) months.push(...changedMonths(rows));
    return months;
  }

  /** A month as it is now, on disk. */
  async function read(
    monthly: MonthlyTable,
    month: string,
  ): Promise<{ readonly parts: readonly Part[]; readonly revision: string }> {
    const question = monthly.whole(month);
    await sayCost(world, api, question, 'month');
    const files = await monthFiles(folder, month);
    const say = progressOf(world, month);
    let latest = '';
    let charges = 0;
    try {
      for await (const { rows, total } of api.ask(question)) {
        for (const row of rows) latest = later(latest, String(row[monthly.exportTime] ?? ''));
        await files.write(rows);
        charges += rows.length;
        say(charges, total);
      }
    } finally {
      await files.close();
    }
    const revision = `${latest}/${charges}`;
    return {
      parts: (await kept?.put(folder, { month, revision })) ?? (await partsIn(folder)),
      revision,
    };
  }

  async function committed(version: MonthVersion): Promise<void> {
    if (kept === undefined) await clearMonth(folder);
    else await kept.committed(version);
  }

  async function probe(): Promise<Probe> {
    const monthly = monthlyTable(name, await api.table(name), `${world.path}.table`);
    const bills: Probe['bills'][number][] = [];
    for (const { month, latest } of await changedSince(monthly)) {
      const bytes = await api.bytesOf(monthly.whole(month));
      bills.push({ scope: scopeOf(month), revision: latest, files: 1, bytes });
    }
    const none =
      'no month has rows yet: the first ones come within a day of switching the export on';
    return {
      source: `table ${written(name)}`,
      bills,
      problems: bills.length === 0 ? [none] : [],
    };
  }

  const scopeOf = (month: string): string => `${written(name)}/${month || 'no month'}`;

  return { probe, look };
}

/** Looks until the signal ends it, or once. */
export async function* receiveTable(
  open: (cursor: string | undefined) => TableBills,
  {
    config,
    clock,
    once,
    signal,
    room,
    sharing,
  }: Pick<Context<{ interval: number }>, 'config' | 'clock' | 'once' | 'signal'> &
    Pick<ReceiverContext<unknown>, 'room' | 'sharing'>,
  cursor: string | undefined,
): AsyncGenerator<Delivery> {
  const bills = open(cursor);
  while (!signal.aborted) {
    yield* inTurn(sharing, bills.look(room));
    if (once) return;
    await pause(clock, config.interval, signal);
  }
}

/** Ends with the signal. */
async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  await clock.sleep(jittered(ms), signal).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}

/** Price of a query on demand in US multi-regions since July 2023, dollars per TiB; others differ. Source: BigQuery's price list. */
const USD_PER_TIB = 6.25;
/** The least that a query with a table is billed for. */
const LEAST_BYTES = 10 * 1024 * 1024;

/** Says beforehand what a query reads and may cost. */
async function sayCost(
  { log }: Pick<Context<never>, 'log'>,
  api: BigQuery,
  question: Question,
  what: string,
): Promise<void> {
  const bytes = await api.bytesOf(question);
  const usd = (Math.max(bytes, LEAST_BYTES) / 1024 ** 4) * USD_PER_TIB;
  log.info('asking BigQuery', { for: what, bytes, atListPriceUsd: usd.toFixed(4) });
}

const SAY_EVERY_MS = 15_000;

/** Tells now and then how much of a month is there, and how long the rest may take. */
function progressOf(
  { log, clock }: Pick<Context<never>, 'log' | 'clock'>,
  month: string,
): (charges: number, total: number) => void {
  const started = clock.now();
  let said = started;
  return (charges, total) => {
    const now = clock.now();
    if (charges < total && now - said < SAY_EVERY_MS) return;
    said = now;
    const leftMs = charges === 0 ? undefined : ((now - started) / charges) * (total - charges);
    log.info('month is read', {
      month,
      charges,
      of: total,
      ...(leftMs !== undefined && { leftSeconds: Math.round(leftMs / 1000) }),
    });
  };
}
