/**
 * How the records of a batch are put together from pieces, each a run of bytes for every row.
 */
import { type Bytes, SLACK } from './bytes.ts';
import type { Kernel } from './kernel.ts';

/** Some neighbouring columns of a record; all positions are those of the kernel's memory. */
export type Piece =
  /** The run of a row is at the bounds of its code, two 32-bit words each. */
  | { readonly kind: 'codes'; readonly codes: number; readonly bounds: number }
  /** The same by row instead of by code. */
  | { readonly kind: 'rows'; readonly bounds: number }
  /** A double per row behind the bytes of a key; nothing where it is NaN. */
  | { readonly kind: 'amount'; readonly values: number; readonly key: Run }
  /** A run with doubles at places of it, which are described at `holes`. */
  | { readonly kind: 'amounts'; readonly holes: number; readonly run: Run }
  /** Texts by code as OTLP attributes; `of` says where they are. */
  | { readonly kind: 'texts'; readonly codes: number; readonly of: number }
  /** The same run on every row. */
  | { readonly kind: 'literal'; readonly run: Run };

/** Some bytes of the kernel's memory. */
export interface Run {
  readonly start: number;
  readonly bytes: number;
}

/** Pieces in their order, and most bytes that they make. */
export interface Pieces {
  /** What every record starts with; only where cells need not stand in the order of their columns. */
  readonly head: Uint8Array;
  readonly pieces: readonly Piece[];
  readonly steady: Steady;
  readonly longest: number;
}

/** The first so many pieces mostly are those of the row before; where one of them is not, the row's word at `changes` is not zero. */
export interface Steady {
  readonly count: number;
  readonly changes: number;
}

/** The pieces of a record, described in the kernel's memory. */
export class Plan {
  readonly kernel: Kernel;
  /** The bytes that every record starts with. */
  readonly head: Uint8Array;
  /** Most bytes that `copy` writes. */
  readonly longest: number;
  readonly steady: Steady;
  /** Where the description is, and how many pieces it has. */
  readonly start: number;
  readonly count: number;

  /** The description comes behind what is in the arena. */
  constructor(kernel: Kernel, { head, pieces, steady, longest }: Pieces) {
    const { arena } = kernel;
    this.kernel = kernel;
    this.head = head;
    this.longest = longest;
    this.steady = steady;
    this.count = pieces.length;
    this.start = allot(arena, pieces.length * 16);
    const words = new Uint32Array(arena.buffer.buffer, this.start, pieces.length * 4);
    pieces.forEach((piece, i) => {
      words.set(described(piece), i * 4);
    });
  }

  /** Writes the cells of a row, without the head, to the kernel's memory from `at`; answers where they end. */
  copy(row: number, at: number): number {
    return this.kernel.cells(this.start, this.count, row, at);
  }
}

/** As `assembly/records.ts` reads it. */
function described(piece: Piece): readonly [number, number, number, number] {
  switch (piece.kind) {
    case 'codes':
      return [0, piece.codes, piece.bounds, 0];
    case 'rows':
      return [1, piece.bounds, 0, 0];
    case 'amount':
      return [2, piece.values, piece.key.start, piece.key.bytes];
    case 'literal':
      return [3, 0, piece.run.start, piece.run.bytes];
    case 'amounts':
      return [4, piece.holes, piece.run.start, piece.run.bytes];
    case 'texts':
      return [5, piece.codes, piece.of, 0];
  }
}

/** Takes bytes of the arena at a multiple of eight; answers where. They are not cleared. */
export function allot(arena: Bytes, bytes: number): number {
  arena.reserve(bytes + 8);
  const start = (arena.length + 7) & -8;
  arena.length = start + bytes;
  return start;
}

/** Copies 32-bit words into the arena; answers where they are. */
export function allotWords(arena: Bytes, words: Uint32Array | Int32Array, count: number): number {
  const start = allot(arena, count * 4);
  new Uint32Array(arena.buffer.buffer, start, count).set(words.subarray(0, count));
  return start;
}

/** Takes so many 32-bit words of the arena that are zero, and some behind them that may be written over; answers where they are. */
export function allotZeros(arena: Bytes, count: number): number {
  const start = allot(arena, count * 4 + SLACK);
  arena.buffer.fill(0, start, start + count * 4);
  return start;
}
