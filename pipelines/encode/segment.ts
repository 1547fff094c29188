/**
 * Ready bytes of some columns that share their codes, by code: what a record copies. Hot: plain fields, indexed loops.
 */
import type { Bytes } from './bytes.ts';
import { Field, type NamedColumn, type WriteCell } from './field.ts';

/** Where the runs of the codes are: code c has [bounds[2c], bounds[2c + 1]) of the arena; a start of 0 says "not made yet". */
export class Segment {
  readonly fields: readonly Field[];
  bounds = new Uint32Array(32);
  /** Length of the longest run. */
  longest = 0;

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

  /** Makes the runs of those codes of the first `rows` rows that were not seen before. */
  fill(
    codes: Uint32Array,
    rows: number,
    into: { readonly arena: Bytes; readonly write: WriteCell },
  ): void {
    this.#fit();
    const bounds = this.bounds;
    for (let row = 0; row < rows; row++) {
      const code = codes[row] as number;
      if (bounds[code << 1] === 0) this.#make(code, into);
    }
  }

  #fit(): void {
    let size = Number.POSITIVE_INFINITY;
    for (const field of this.fields) {
      field.refresh();
      size = Math.min(size, field.values.size);
    }
    if (this.bounds.length >= size * 2) return;
    const bounds = new Uint32Array(size * 3);
    bounds.set(this.bounds);
    this.bounds = bounds;
  }

  #make(
    code: number,
    { arena, write }: { readonly arena: Bytes; readonly write: WriteCell },
  ): void {
    const start = arena.length;
    for (const field of this.fields) write(arena, field, code);
    this.bounds[code << 1] = start;
    this.bounds[(code << 1) + 1] = arena.length;
    if (arena.length - start > this.longest) this.longest = arena.length - start;
  }
}
