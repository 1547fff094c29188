/**
 * How the records of a batch are put together from pieces, each a run of bytes per code. Hot: `copy` runs once per record.
 */
import type { Kernel } from './kernel.ts';

/** Bytes at the beginning of the arena that hold the table of a block of rows; behind them the runs. */
export const TABLE_BYTES = 1 << 16;

/** Some neighbouring columns of a record: the run of a row is at [bounds[2c], bounds[2c + 1]) of the arena, where c is the row's code. */
export interface Piece {
  readonly codes: Uint32Array;
  readonly bounds: Uint32Array;
  /** Length of the longest run. */
  readonly longest: number;
  /** The same run on every row. */
  readonly literal: boolean;
}

/** The pieces of a record in their order. */
export class Plan {
  readonly #kernel: Kernel;
  readonly #pieces: Piece[];
  readonly #rows: number;
  /** Rows whose runs stand in the table, and bytes of the table per row. */
  #from = 0;
  #to = 0;
  #stride = 0;

  constructor(kernel: Kernel, pieces: readonly Piece[], rows: number) {
    this.#kernel = kernel;
    this.#pieces = [...pieces];
    this.#rows = rows;
  }

  /** Most bytes that the cells of a record take. */
  longest(): number {
    return this.#pieces.reduce((sum, piece) => sum + piece.longest, 0);
  }

  /** Takes the bytes off that every record starts with. To be called before the first `copy`. */
  takeHead(): Uint8Array {
    const [head] = this.#pieces;
    if (head?.literal !== true) return new Uint8Array(0);
    this.#pieces.shift();
    return this.#kernel.arena.buffer.slice(head.bounds[0], head.bounds[1]);
  }

  /** Writes the cells of a row to `out` from `at`, where room for `longest()` bytes is; answers where they end. */
  copy(row: number, at: number): number {
    if (row >= this.#to || row < this.#from) this.#tabulate(row);
    const table = (row - this.#from) * this.#stride;
    return this.#kernel.copy(table, this.#pieces.length, at);
  }

  /** Writes start and length of the runs of a block of rows into the table, piece by piece. */
  #tabulate(from: number): void {
    const pieces = this.#pieces;
    const width = pieces.length * 2;
    this.#stride = width * 4;
    this.#from = from;
    this.#to = Math.min(this.#rows, from + Math.floor(TABLE_BYTES / Math.max(8, this.#stride)));
    const table = new Uint32Array(this.#kernel.arena.buffer.buffer, 0, TABLE_BYTES / 4);
    for (let i = 0; i < pieces.length; i++) {
      const { codes, bounds } = pieces[i] as Piece;
      for (let row = from, at = i * 2; row < this.#to; row++, at += width) {
        const slot = (codes[row] as number) << 1;
        const start = bounds[slot] as number;
        table[at] = start;
        table[at + 1] = (bounds[slot + 1] as number) - start;
      }
    }
  }
}
