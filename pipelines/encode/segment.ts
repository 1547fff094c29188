/**
 * Ready bytes of some columns that share their codes, by code: what a record copies. Hot: plain fields, indexed loops.
 */
import { Field, type NamedColumn, type WriteCell } from './field.ts';
import { type Kernel, SCRATCH_END, SCRATCH_START } from './kernel.ts';
import { allot, type Run } from './plan.ts';

/** Codes that are looked through at once. */
const MOST_CODES = (SCRATCH_END - SCRATCH_START) / 8;

/** Where the runs of the codes are: a table of two words per code in the arena, start and end; a start of 0 says "not made yet". */
export class Segment {
  readonly fields: readonly Field[];
  /** Where the table is. */
  bounds = 0;
  /** Length of the longest run. */
  longest = 0;
  /** The first codes all of which have runs. */
  #made = 0;
  /** Codes that the table has room for. */
  #room = 0;

  constructor(columns: readonly NamedColumn[]) {
    this.fields = columns.map((column) => new Field(column));
  }

  /** Whether it was made for exactly these columns. */
  fits(columns: readonly NamedColumn[]): boolean {
    return (
      columns.length === this.fields.length &&
      columns.every(({ key, column }, i) => {
        const field = this.fields[i];
        return field?.key === key && field.values === column.values;
      })
    );
  }

  /** Makes the runs of those codes of the first `rows` rows that have none: of all new entries where these are few, else of those that come. */
  fill(codes: Uint32Array, rows: number, into: KernelWriter): void {
    const { kernel } = into;
    const size = this.#fit(kernel);
    if (size - this.#made <= rows) {
      for (; this.#made < size; this.#made++)
        if (this.run(kernel, this.#made).start === 0) this.#make(this.#made, into);
      return;
    }
    for (let from = 0; from < rows; from += MOST_CODES) {
      const some = codes.subarray(from, Math.min(rows, from + MOST_CODES));
      new Uint32Array(kernel.arena.buffer.buffer, SCRATCH_START, some.length).set(some);
      const list = SCRATCH_START + MOST_CODES * 4;
      const count = kernel.missing(SCRATCH_START, this.bounds, some.length, list);
      const missing = new Uint32Array(kernel.arena.buffer.buffer, list, count).slice();
      for (const code of missing) this.#make(code, into);
    }
  }

  /** Where the run of a code is. */
  run({ arena }: Kernel, code: number): Run {
    const at = this.bounds + code * 8;
    const start = arena.view.getUint32(at, true);
    return { start, bytes: arena.view.getUint32(at + 4, true) - start };
  }

  /** Looks where the values are now and makes room in the table; answers how many codes there are. */
  #fit({ arena }: Kernel): number {
    let size = Number.POSITIVE_INFINITY;
    for (const field of this.fields) {
      field.refresh();
      size = Math.min(size, field.values.size);
    }
    if (this.#room >= size) return size;
    const room = Math.max(16, Math.ceil(size * 1.5));
    const bounds = allot(arena, room * 8);
    arena.buffer.copyWithin(bounds, this.bounds, this.bounds + this.#room * 8);
    arena.buffer.fill(0, bounds + this.#room * 8, bounds + room * 8);
    this.bounds = bounds;
    this.#room = room;
    return size;
  }

  #make(code: number, { kernel: { arena }, write }: KernelWriter): void {
    const start = arena.length;
    for (const field of this.fields) write(arena, field, code);
    const at = this.bounds + code * 8;
    arena.view.setUint32(at, start, true);
    arena.view.setUint32(at + 4, arena.length, true);
    if (arena.length - start > this.longest) this.longest = arena.length - start;
  }
}

/** Where runs go and how cells are written. */
export interface KernelWriter {
  readonly kernel: Kernel;
  readonly write: WriteCell;
}
