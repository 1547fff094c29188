/**
 * Finds how the records of a batch are best put together: which columns are the same on every row, which share their
 * codes and so have one ready run of bytes per code, which have to be written row by row. Ready runs are kept from batch to batch.
 */
import { hasOneCode } from '../focus/batch.ts';
import type { Bytes } from './bytes.ts';
import {
  Field,
  type NamedAmounts,
  type NamedColumn,
  type WriteAmounts,
  type WriteCell,
} from './field.ts';
import type { Kernel } from './kernel.ts';
import { type Piece, Plan, TABLE_BYTES } from './plan.ts';
import { Segment } from './segment.ts';

/** Ready runs take at most about this much memory, beside what one batch needs. */
const BUDGET = 8 << 20;
/** Groups of columns that are remembered at most. */
const MOST_SEGMENTS = 512;

/** constant: one value; settled: several, but one in this batch; codes: shared codes; rows: a value per row. */
type Kind = 'constant' | 'settled' | 'codes' | 'rows';

/** Neighbouring columns that make a piece together. */
interface Group {
  readonly kind: Kind;
  readonly columns: readonly NamedColumn[];
  /** Of settled columns and those with shared codes. */
  readonly segment: Segment | undefined;
}

/** How cells are written. */
export interface CellFormat {
  readonly write: WriteCell;
  readonly writeAmounts?: WriteAmounts;
  /** The cells of a record stand in the order of the columns; else equal codes come together, constants first. */
  readonly ordered: boolean;
}

/** Makes plans for one encoder. */
export class Planner {
  readonly #kernel: Kernel;
  readonly #write: WriteCell;
  readonly #format: CellFormat;
  readonly #segments = new Map<object, Segment[]>();
  #segmentCount = 0;
  /** End of the runs that are kept; behind it are those of the batch. */
  #kept = TABLE_BYTES;
  readonly #settled = new Map<Uint32Array, boolean>();
  /** Bounds of pieces that are made row by row, used again for every batch. */
  readonly #bounds: Uint32Array[] = [];
  #boundsTaken = 0;

  constructor(kernel: Kernel, format: CellFormat) {
    this.#kernel = kernel;
    this.#write = format.write;
    this.#format = format;
  }

  /** The plan for a batch; it is valid until the next one is asked for. */
  plan(columns: readonly NamedColumn[], rows: number): Plan {
    const { arena } = this.#kernel;
    arena.length = this.#kept;
    this.#forget(arena);
    this.#settled.clear();
    this.#boundsTaken = 0;
    const groups = this.#groups(
      this.#format.ordered ? columns : this.#arranged(columns, rows),
      rows,
    );
    this.#fill(groups, rows);
    return new Plan(this.#kernel, this.#pieces(groups, rows), rows);
  }

  #kind({ column }: NamedColumn, rows: number): Kind {
    if (column.values.transient) return 'rows';
    if (column.values.size === 1) return 'constant';
    let settled = this.#settled.get(column.codes);
    if (settled === undefined) {
      settled = hasOneCode(column.codes, rows);
      this.#settled.set(column.codes, settled);
    }
    return settled ? 'settled' : 'codes';
  }

  /** Constants first, then columns with the same codes together, then the rest. */
  #arranged(columns: readonly NamedColumn[], rows: number): readonly NamedColumn[] {
    const constants: NamedColumn[] = [];
    const settled = new Map<Uint32Array, NamedColumn[]>();
    const codes = new Map<Uint32Array, NamedColumn[]>();
    const perRow: NamedColumn[] = [];
    for (const named of columns) {
      const kind = this.#kind(named, rows);
      if (kind === 'constant') constants.push(named);
      else if (kind === 'rows') perRow.push(named);
      else listOf(kind === 'settled' ? settled : codes, named.column.codes).push(named);
    }
    return [constants, ...settled.values(), ...codes.values(), perRow].flat();
  }

  #groups(columns: readonly NamedColumn[], rows: number): readonly Group[] {
    const groups: Group[] = [];
    for (let start = 0; start < columns.length; ) {
      const first = columns[start] as NamedColumn;
      const kind = this.#kind(first, rows);
      const together = (next: NamedColumn): boolean =>
        this.#kind(next, rows) === kind &&
        (kind === 'rows' || kind === 'constant' || next.column.codes === first.column.codes);
      let end = start + 1;
      while (end < columns.length && together(columns[end] as NamedColumn)) end++;
      const members = columns.slice(start, end);
      const coded = kind === 'codes' || kind === 'settled';
      groups.push({ kind, columns: members, segment: coded ? this.#segment(members) : undefined });
      start = end;
    }
    return groups;
  }

  /** Makes the runs that are kept. */
  #fill(groups: readonly Group[], rows: number): void {
    const into = { arena: this.#kernel.arena, write: this.#write };
    for (const { kind, columns, segment } of groups)
      segment?.fill((columns[0] as NamedColumn).column.codes, kind === 'settled' ? 1 : rows, into);
    this.#kept = into.arena.length;
  }

  /** Makes the runs of this batch only, behind the others. */
  #pieces(groups: readonly Group[], rows: number): readonly Piece[] {
    const pieces: Piece[] = [];
    for (let i = 0; i < groups.length; ) {
      const { kind, columns, segment } = groups[i] as Group;
      if (kind === 'codes' && segment !== undefined) {
        const { bounds, longest } = segment;
        pieces.push({ codes: codesOf(columns), bounds, longest, literal: false });
        i++;
      } else if (kind === 'rows') {
        pieces.push(...this.#rowPieces(columns, rows));
        i++;
      } else {
        let end = i + 1;
        while (end < groups.length && isSame(groups[end] as Group)) end++;
        pieces.push(this.#literal(groups.slice(i, end), rows));
        i = end;
      }
    }
    return pieces;
  }

  #rowPieces(columns: readonly NamedColumn[], rows: number): readonly Piece[] {
    const { writeAmounts, ordered } = this.#format;
    const amounts = columns.filter(isAmounts);
    if (ordered || writeAmounts === undefined || amounts.length === 0)
      return [this.#rowPiece(columns, rows)];
    const bounds = this.#boundsFor(rows);
    const longest = writeAmounts(this.#kernel.arena, amounts, { rows, bounds });
    if (longest === undefined) return [this.#rowPiece(columns, rows)];
    const piece = { codes: identity(rows), bounds, longest, literal: false };
    const others = columns.filter((named) => !isAmounts(named));
    return others.length === 0 ? [piece] : [piece, this.#rowPiece(others, rows)];
  }

  #boundsFor(rows: number): Uint32Array {
    const known = this.#bounds[this.#boundsTaken];
    const bounds =
      known !== undefined && known.length >= rows * 2 ? known : new Uint32Array(rows * 2);
    this.#bounds[this.#boundsTaken++] = bounds;
    return bounds;
  }

  #rowPiece(columns: readonly NamedColumn[], rows: number): Piece {
    const { arena } = this.#kernel;
    const write = this.#write;
    const fields = columns.map((named) => new Field(named));
    const bounds = this.#boundsFor(rows);
    let longest = 0;
    for (let row = 0; row < rows; row++) {
      const start = arena.length;
      for (let i = 0; i < fields.length; i++) {
        const { codes } = (columns[i] as NamedColumn).column;
        write(arena, fields[i] as Field, codes[row] as number);
      }
      bounds[row << 1] = start;
      bounds[(row << 1) + 1] = arena.length;
      if (arena.length - start > longest) longest = arena.length - start;
    }
    return { codes: identity(rows), bounds, longest, literal: false };
  }

  #literal(groups: readonly Group[], rows: number): Piece {
    const { arena } = this.#kernel;
    const start = arena.length;
    for (const { columns, segment } of groups) {
      if (segment === undefined) {
        for (const named of columns) this.#write(arena, new Field(named), 0);
        continue;
      }
      const slot = (codesOf(columns)[0] as number) << 1;
      const from = segment.bounds[slot] as number;
      const to = segment.bounds[slot + 1] as number;
      arena.reserve(to - from);
      arena.buffer.copyWithin(arena.length, from, to);
      arena.length += to - from;
    }
    const bounds = Uint32Array.of(start, arena.length);
    return { codes: zeros(rows), bounds, longest: arena.length - start, literal: true };
  }

  #segment(group: readonly NamedColumn[]): Segment {
    const known = listOf(this.#segments, (group[0] as NamedColumn).column.values as object);
    let segment = known.find((candidate) => candidate.fits(group));
    if (segment === undefined) {
      segment = new Segment(group);
      known.push(segment);
      this.#segmentCount++;
    }
    return segment;
  }

  /** What is remembered stays bounded: over the budget all of it goes and is made anew when it is needed. */
  #forget(arena: Bytes): void {
    if (arena.length <= BUDGET && this.#segmentCount <= MOST_SEGMENTS) return;
    this.#segments.clear();
    this.#segmentCount = 0;
    arena.length = TABLE_BYTES;
  }
}

function isAmounts(named: NamedColumn): named is NamedAmounts {
  return named.column.kind === 'amount';
}

function isSame({ kind }: Group): boolean {
  return kind === 'constant' || kind === 'settled';
}

function codesOf(columns: readonly NamedColumn[]): Uint32Array {
  return (columns[0] as NamedColumn).column.codes;
}

function listOf<K, V>(lists: Map<K, V[]>, key: K): V[] {
  let list = lists.get(key);
  if (list === undefined) {
    list = [];
    lists.set(key, list);
  }
  return list;
}

let rowCodes = new Uint32Array(0);
let zeroCodes = new Uint32Array(0);

function identity(rows: number): Uint32Array {
  if (rowCodes.length < rows) rowCodes = Uint32Array.from({ length: rows }, (_, row) => row);
  return rowCodes;
}

function zeros(rows: number): Uint32Array {
  if (zeroCodes.length < rows) zeroCodes = new Uint32Array(rows);
  return zeroCodes;
}
