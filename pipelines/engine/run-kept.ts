import { type BatchEncoder, createEncoder, uidTexts } from '../encode/index.ts';
import { Amounts } from '../focus/amounts.ts';
import type { Batch, Column } from '../focus/batch.ts';
import type { ChargeIds } from '../focus/charge-ids.ts';
import { Dictionary } from '../focus/dictionary.ts';
import { KnownCharges } from '../identify/index.ts';
import { type KeptBatch, negated, readKept } from '../keep/index.ts';
import { linkAttributes } from '../link/index.ts';
import { Gatherer } from '../normalize/gather.ts';
import { BatchSender } from './batch-sender.ts';
import { tracesOnly } from './charge-traces.ts';
import type { KeptResult, KeptTask } from './protocol.ts';
import type { WorkerPort } from './worker-port.ts';

/** Reads a file of kept charges and sends what the exporters are to get of it. */
export async function runKept(task: KeptTask, port: WorkerPort): Promise<KeptResult> {
  const takers = await Promise.all(
    task.encodings.map(async ({ encoding, whole }) => ({
      whole,
      encoder: await createEncoder(encoding, {
        ...task,
        forwarded: { ...task.forwarded, restated: { number: task.revision, whole } },
      }),
    })),
  );
  return await new KeptRun(task, port, takers).run();
}

interface Taker {
  readonly whole: boolean;
  readonly encoder: BatchEncoder;
}

/** Some charges of a batch, by their rows. */
interface Chosen {
  readonly rows: Uint32Array;
  readonly count: number;
}

class KeptRun {
  readonly #task: KeptTask;
  readonly #sender: BatchSender;
  readonly #takers: readonly Taker[];
  readonly #known: KnownCharges | undefined;
  readonly #gatherer = new Gatherer();
  readonly #traces: ReturnType<typeof tracesOnly>;
  #rows = new Uint32Array(0);
  #changed = 0;

  constructor(task: KeptTask, port: WorkerPort, takers: readonly Taker[]) {
    this.#task = task;
    this.#sender = new BatchSender(port, task.part);
    this.#takers = takers;
    this.#traces = tracesOnly(task, port);
    this.#known = task.vanished === undefined ? undefined : new KnownCharges(task.vanished);
  }

  async run(): Promise<KeptResult> {
    for (const kept of readKept(this.#task.path)) await this.#batch(kept);
    for (const [i, { encoder }] of this.#takers.entries())
      await this.#sender.send(i, encoder.finish());
    return { changed: this.#changed };
  }

  async #batch({ batch, ids }: KeptBatch): Promise<void> {
    const changed = this.#changedOf(batch, ids);
    this.#changed += changed.count;
    if (this.#takers.some(({ whole }) => whole)) await this.#give({ batch, ids }, true);
    const some = chargesOf(this.#gatherer, { batch, ids }, changed);
    if (some.batch.rows > 0) await this.#give(some, false);
  }

  /** The charges that the revision added, or those that did not come again. */
  #changedOf({ rows }: Batch, ids: KeptBatch['ids']): Chosen {
    if (this.#rows.length < rows) this.#rows = new Uint32Array(rows);
    const chosen = this.#rows;
    if (this.#known !== undefined)
      return { rows: chosen, count: this.#known.missing(ids, rows, chosen) };
    let count = 0;
    for (let row = 0; row < rows; row++)
      if (ids.revisions[row] === this.#task.revision) chosen[count++] = row;
    return { rows: chosen, count };
  }

  async #give({ batch, ids }: KeptBatch, whole: boolean): Promise<void> {
    const { revision, uidPrefix } = this.#task;
    const links = new Map([...linkAttributes(batch), ...(await this.#traces.of(batch))]);
    links.set('focus.record.revision', numberColumn(batch.rows, revision));
    let charges = batch;
    let named: ChargeIds = ids;
    if (this.#known !== undefined) {
      links.set('focus.record.replaces', textColumn(uidTexts(uidPrefix, ids, batch.rows)));
      charges = negated(batch);
      named = { ...ids, correction: revision };
    }
    for (const [i, taker] of this.#takers.entries())
      if (taker.whole === whole)
        await this.#sender.send(i, taker.encoder.add(charges, { links, ids: named }));
  }
}

/** The chosen charges of a batch; all of them are the batch itself. */
function chargesOf(
  gatherer: Gatherer,
  { batch, ids }: KeptBatch,
  { rows, count }: Chosen,
): KeptBatch {
  if (count === batch.rows) return { batch, ids };
  const chosen = rows.subarray(0, count);
  const hashes = new Int32Array(count * 4);
  for (let i = 0; i < count; i++) {
    const from = (chosen[i] as number) * 4;
    hashes.set(ids.hashes.subarray(from, from + 4), i * 4);
  }
  const pick = (words: Uint32Array): Uint32Array => chosen.map((row) => words[row] as number);
  return {
    batch: gatherer.gather(batch.columns, chosen, batch.rowNumbers),
    ids: { hashes, ordinals: pick(ids.ordinals), revisions: pick(ids.revisions) },
  };
}

/** The same number on every row. */
function numberColumn(rows: number, value: number): Column {
  const values = new Amounts();
  values.addNumber(value);
  return { kind: 'amount', codes: new Uint32Array(rows), values };
}

/** A text per row, for one batch. */
function textColumn(texts: readonly string[]): Column {
  const values = new Dictionary({ transient: true, entries: Math.max(16, texts.length) });
  for (const text of texts) values.add(text);
  return { kind: 'text', codes: Uint32Array.from(texts.keys()), values };
}
