import { stat } from 'node:fs/promises';
import type { Batch } from '../focus/batch.ts';
import type { ChargeIds } from '../focus/charge-ids.ts';
import { KnownCharges } from '../identify/index.ts';
import { KeptWriter, readKeptIds } from '../keep/index.ts';
import { errorMessage } from '../plugin/errors.ts';
import type { KeepTask, Kept, Loaded, LoadRequest } from './protocol.ts';

/** Keeps the charges of a task; a file that cannot be written is told at the end. */
export class ChargeKeeper {
  readonly #task: KeepTask;
  readonly #known: KnownCharges | undefined;
  #writer: KeptWriter | undefined;
  #revisions = new Uint32Array(0);
  #rows = 0;
  #added = 0;
  #failed: string | undefined;

  constructor(task: KeepTask) {
    this.#task = task;
    this.#known = task.known === undefined ? undefined : new KnownCharges(task.known);
    this.#try(() => {
      this.#writer = new KeptWriter(task.path);
    });
  }

  /** Takes charges in, each with the revision that first had it. */
  add(batch: Batch, ids: ChargeIds): void {
    const { rows } = batch;
    const { revision } = this.#task;
    if (this.#revisions.length < rows) this.#revisions = new Uint32Array(rows);
    const revisions = this.#revisions;
    this.#rows += rows;
    if (this.#known === undefined) this.#added += rows;
    // Without a revision before, the ids are those of a first one, so that a backend knows again what it has.
    if (this.#known === undefined) revisions.fill(1, 0, rows);
    else this.#added += this.#known.meet(ids, rows, { revisions, revision });
    this.#try(() => this.#writer?.add(batch, { ...ids, revisions }));
  }

  /** Has the charges on disk. */
  finish(): Kept {
    let bytes = 0;
    this.#try(() => {
      bytes = this.#writer?.finish() ?? 0;
    });
    if (this.#failed !== undefined) return { failed: this.#failed };
    return { path: this.#task.path, bytes, rows: this.#rows, added: this.#added };
  }

  /** Closes a file that was not finished. */
  close(): void {
    this.#writer?.close();
  }

  /** Errors lose what they are on their way out of a worker. */
  #try(work: () => void): void {
    if (this.#failed !== undefined) return;
    try {
      work();
    } catch (error) {
      this.#failed = errorMessage(error);
    }
  }
}

/** Reads the ids of kept charges into the memory; what is damaged or missing is answered, not thrown. */
export async function loadKept({ files, known, as }: LoadRequest): Promise<Loaded> {
  const table = new KnownCharges(known);
  let revisions = new Uint32Array(0);
  try {
    for (const { path, bytes } of files) {
      if ((await stat(path)).size !== bytes) return { ok: false, reason: `${path} is damaged` };
      for (const { rows, ids } of readKeptIds(path)) {
        if (revisions.length < rows) revisions = new Uint32Array(rows);
        if (as === 'add') table.add(ids, ids.revisions, rows);
        else table.meet(ids, rows, { revisions, revision: 0 });
      }
    }
    return { ok: true };
  } catch (error) {
    return { ok: false, reason: errorMessage(error) };
  }
}
