import { createAttributor } from '../attribute/index.ts';
import { openSource } from '../decode/open.ts';
import type { RejectedRow, Source } from '../decode/source.ts';
import { type BatchEncoder, createEncoder, fitOf } from '../encode/index.ts';
import type { Batch, TimeColumn } from '../focus/batch.ts';
import type { CostColumn } from '../focus/columns.ts';
import { add, formatDecimal, subtract } from '../focus/decimal.ts';
import { createFold } from '../fold/index.ts';
import { createResourceFold, type ResourceFold } from '../fold/resource-fold.ts';
import { createSkuFold, MAX_SKUS, type SkuFold } from '../fold/skus.ts';
import { Identifier } from '../identify/index.ts';
import { linkAttributes } from '../link/index.ts';
import { mappingFor } from '../normalize/detect.ts';
import { type NormalizeCounts, Normalizer } from '../normalize/normalize.ts';
import { BatchSender } from './batch-sender.ts';
import { ChargeTraces } from './charge-traces.ts';
import type { ChargeCheck } from './check-charges.ts';
import type { ChargeKeeper } from './keep-charges.ts';
import { loadMappings } from './load-mappings.ts';
import type { LedgerEntry, Task, TaskResult } from './protocol.ts';
import { readAhead } from './read-ahead.ts';
import { stopwatch } from './stopwatch.ts';
import type { WorkerPort } from './worker-port.ts';

/** Rows between two progress messages. */
const PROGRESS_ROWS = 100_000;

/** Reads one part (or some of its row groups) to its end: everything between the bytes and the exporters. */
export async function runTask(task: Task, port: WorkerPort): Promise<TaskResult> {
  const source = await open(task);
  try {
    const more = await loadMappings(task.mappings);
    const mapping = mappingFor(task.mapping, source.columns, task.path, {
      more,
      settings: task.mappingSettings,
    });
    const fits = await fitOf(task.encodings);
    const normalizer = new Normalizer(mapping, source.columns, {
      settings: task.mappingSettings[mapping.name] ?? {},
      titles: source.titles,
      ...(fits === undefined ? {} : { fits }),
    });
    const options = { ...task, extraColumns: task.customColumns };
    const encoders = await Promise.all(
      task.encodings.map((encoding) => createEncoder(encoding, options)),
    );
    const opened = {
      source,
      normalizer,
      mapping: mapping.name,
      encoders,
      check: await checkOf(task),
      keeper: await keeperOf(task),
    };
    const run = new TaskRun(task, port, opened);
    return await run.run().finally(() => run.close());
  } finally {
    await source.close();
  }
}

interface Opened {
  readonly source: Source;
  readonly normalizer: Normalizer;
  readonly mapping: string;
  readonly encoders: readonly BatchEncoder[];
  readonly check: ChargeCheck | undefined;
  readonly keeper: ChargeKeeper | undefined;
}

async function checkOf({ check }: Task): Promise<ChargeCheck | undefined> {
  return check ? (await import('./check-charges.ts')).createChargeCheck() : undefined;
}

async function keeperOf({ keep }: Task): Promise<ChargeKeeper | undefined> {
  if (keep === undefined) return undefined;
  const { ChargeKeeper } = await import('./keep-charges.ts');
  return new ChargeKeeper(keep);
}

function open({ path, span }: Task): Promise<Source> {
  return openSource({ path, ...(span === undefined ? {} : { span }) });
}

/** Each call reads the part from its start: first the opened source, which tells what it refuses, then anew. */
function passes(task: Task, source: Source): () => AsyncIterable<Batch> {
  let first = true;
  return () => {
    if (!first) return reread(task);
    first = false;
    return source.batches();
  };
}

async function* reread(task: Task): AsyncGenerator<Batch> {
  const source = await open(task);
  try {
    yield* source.batches();
  } finally {
    await source.close();
  }
}

/** One task under way. */
class TaskRun {
  readonly #task: Task;
  readonly #port: WorkerPort;
  readonly #opened: Opened;
  readonly #encoders: readonly BatchEncoder[];
  readonly #attribute: (batch: Batch) => Batch;
  readonly #fold: ReturnType<typeof createFold>;
  readonly #resources: ResourceFold | undefined;
  readonly #traces: ChargeTraces | undefined;
  readonly #skus: SkuFold | undefined;
  readonly #identifier: Identifier | undefined;
  readonly #watch = stopwatch();
  readonly #sender: BatchSender;
  readonly #rejected = new Map<string, number>();
  readonly #repairs = new Map<string, number>();
  #structural = 0;
  #dataUntil = Number.NaN;
  #reported = 0;

  constructor(task: Task, port: WorkerPort, opened: Opened) {
    this.#task = task;
    this.#port = port;
    this.#opened = opened;
    this.#encoders = opened.encoders;
    this.#attribute = createAttributor(task.attribute);
    this.#fold = createFold({ maxGroups: task.maxGroups });
    this.#resources = task.linkable && createResourceFold(task.linkable);
    if (this.#resources !== undefined && task.asksTraces === true)
      this.#traces = new ChargeTraces(port, this.#resources);
    this.#skus = task.skus === true ? createSkuFold({ maxSkus: MAX_SKUS }) : undefined;
    this.#identifier =
      task.equalCharges === undefined ? undefined : new Identifier(task.equalCharges);
    this.#sender = new BatchSender(port, task.part, (waits) =>
      this.#watch.start(waits ? 'wait' : 'encode'),
    );
  }

  async run(): Promise<TaskResult> {
    const { source, normalizer } = this.#opened;
    const batches =
      normalizer.table.rewrite?.(passes(this.#task, source)) ?? source.batches(normalizer.used);
    this.#watch.start('decode');
    for await (const batch of batches) {
      await this.#batch(batch);
      this.#watch.start('decode');
    }
    this.#watch.start('encode');
    for (const [encoding, encoder] of this.#encoders.entries())
      await this.#sender.send(encoding, encoder.finish());
    this.#reject(source.takeRejected());
    const kept = this.#kept();
    this.#watch.start('fold');
    return { ...this.#result(), ...kept };
  }

  /** Lets go of what a run has taken, whether it failed or not. */
  close(): void {
    this.#opened.keeper?.close();
    this.#identifier?.close();
    this.#fold.close();
    this.#resources?.close();
  }

  #kept(): Pick<TaskResult, 'kept'> {
    const { keeper } = this.#opened;
    if (keeper === undefined) return {};
    this.#watch.start('keep');
    return { kept: keeper.finish() };
  }

  async #batch(batch: Batch): Promise<void> {
    this.#watch.start('normalize');
    await readAhead(this.#opened.normalizer, batch, this.#task.path);
    const { charges, rejected } = this.#opened.normalizer.normalize(batch);
    this.#reject(this.#opened.source.takeRejected());
    if (rejected.length > 0) this.#port.post({ type: 'rejected', rows: rejected });
    for (const { batch } of charges) await this.#charges(batch);
    this.#progress();
  }

  async #charges(batch: Batch): Promise<void> {
    this.#watch.start('attribute');
    const owned = this.#attribute(batch);
    const links = new Map(linkAttributes(owned));
    this.#watch.start('fold');
    this.#fold.add(owned);
    this.#resources?.add(owned);
    this.#skus?.add(owned);
    this.#dataUntil = newest(this.#dataUntil, owned);
    if (this.#opened.check !== undefined) {
      this.#watch.start('check');
      this.#opened.check.add(owned);
    }
    this.#watch.start('identify');
    const ids = this.#identifier?.identify(owned);
    const { keeper } = this.#opened;
    if (keeper !== undefined && ids !== undefined) {
      this.#watch.start('keep');
      keeper.add(owned, ids);
    }
    if (this.#traces !== undefined) {
      this.#watch.start('link');
      for (const [name, column] of await this.#traces.of(owned)) links.set(name, column);
    }
    const extras = { links, ...(ids === undefined ? {} : { ids }) };
    for (const [encoding, encoder] of this.#encoders.entries()) {
      this.#watch.start('encode');
      await this.#sender.send(encoding, encoder.add(owned, extras));
    }
  }

  /** Rows that the decoder refused. */
  #reject(rows: readonly RejectedRow[]): void {
    if (rows.length === 0) return;
    this.#structural += rows.length;
    for (const { reason } of rows)
      this.#rejected.set(reason, (this.#rejected.get(reason) ?? 0) + 1);
    this.#port.post({ type: 'rejected', rows });
  }

  #progress(): void {
    const { rows } = this.#opened.normalizer.counts;
    if (rows - this.#reported < PROGRESS_ROWS) return;
    this.#port.post({ type: 'progress', rows: rows - this.#reported });
    this.#reported = rows;
  }

  #result(): TaskResult {
    const { source, normalizer, mapping } = this.#opened;
    const { counts, table } = normalizer;
    const read = counts.rows + this.#structural;
    this.#port.post({ type: 'progress', rows: read - this.#reported });
    const dropped = total(counts.dropped);
    for (const encoder of this.#encoders)
      merge(this.#repairs, encoder.takeRepairs?.() ?? new Map());
    merge(this.#repairs, source.takeRepairs());
    merge(this.#repairs, counts.repairs);
    merge(this.#rejected, counts.rejected);
    return {
      format: source.format,
      mapping,
      ...(table.version === undefined ? {} : { focusVersion: table.version }),
      rows: { read, written: counts.written, rejected: total(this.#rejected), dropped },
      ledger: ledgerOf(counts),
      totals: this.#fold.totals(),
      resources: this.#resources?.result() ?? [],
      skus: this.#skus?.result() ?? { skus: [], omitted: 0 },
      repairs: Object.fromEntries(this.#repairs),
      dropped: Object.fromEntries(counts.dropped),
      rejected: Object.fromEntries(this.#rejected),
      violations: this.#opened.check?.finish() ?? {},
      dataUntilMs: this.#dataUntil,
      stages: this.#watch.stop(),
    };
  }
}

function ledgerOf(counts: NormalizeCounts): TaskResult['ledger'] {
  const ledger: Partial<Record<CostColumn, LedgerEntry>> = {};
  for (const [cost, sums] of counts.measures) {
    const read = sums.read.total();
    const exported = sums.exported.total();
    const rejected = sums.rejected.total();
    const dropped = sums.dropped.total();
    const reshaped = subtract(read, add(exported, add(rejected, dropped)));
    ledger[cost] = {
      source: sums.column,
      read: formatDecimal(read),
      exported: formatDecimal(exported),
      rejected: formatDecimal(rejected),
      dropped: formatDecimal(dropped),
      reshaped: formatDecimal(reshaped),
    };
  }
  return ledger;
}

function newest(known: number, batch: Batch): number {
  const column = batch.columns.get('ChargePeriodEnd');
  if (column?.kind !== 'time') return known;
  const { codes, values } = column as TimeColumn;
  let until = known;
  for (let row = 0; row < batch.rows; row++) {
    const ms = values.ms[codes[row] as number] as number;
    if (Number.isFinite(ms) && !(ms <= until)) until = ms;
  }
  return until;
}

function merge(into: Map<string, number>, more: ReadonlyMap<string, number>): void {
  for (const [key, count] of more) into.set(key, (into.get(key) ?? 0) + count);
}

function total(counts: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const count of counts.values()) sum += count;
  return sum;
}
