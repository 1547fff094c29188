/**
 * Finds how the records of a batch are best put together: which columns are the same on every row, which share their
 * codes and so have one ready run of bytes per code, which have to be written row by row. Ready runs are kept from batch to batch.
 * Where a record need not keep the order of the columns, those come first that seldom change from row to row: what a record
 * begins with is then copied from the record before as a whole.
 */
import { hasOneCode } from '../focus/batch.ts';
import type { Bytes } from './bytes.ts';
import { Field, type NamedColumn, type WriteCell } from './field.ts';
import { type Kernel, SCRATCH_END } from './kernel.ts';
import { allotWords, allotZeros, type Piece, Plan, type Run, type Steady } from './plan.ts';
import { isAmounts, rowPieces } from './row-pieces.ts';
import { type KernelWriter, Segment } from './segment.ts';

/** Ready runs take at most about this much memory, beside what one batch needs. */
const BUDGET = 8 << 20;
/** Groups of columns that are remembered at most. */
const MOST_SEGMENTS = 512;

/** Numbers with more entries than this part of the rows are not worth ready runs. */
const MANY = 1 / 4;
/** Pieces are steady that change on at most this part of the rows. */
const STEADY = 1 / 4;

/** constant: one value; settled: several, but one in this batch; codes: shared codes; rows: a value per row. */
type Kind = 'constant' | 'settled' | 'codes' | 'rows';

type CodedPiece = Extract<Piece, { readonly kind: 'codes' }>;

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
  /**
   * Cells are OTLP attributes in protobuf: a text its key between two lengths; with `doubles` an amount its key and then a double,
   * else as `write` writes it. Default no.
   */
  readonly attributes?: 'doubles' | 'exact';
  /** The cells of a record stand in the order of the columns; else equal codes come together, constants first. */
  readonly ordered: boolean;
}

/** Makes plans for one encoder. */
export class Planner {
  readonly #kernel: Kernel;
  readonly #into: KernelWriter;
  readonly #format: CellFormat;
  readonly #segments = new Map<object, Segment[]>();
  #segmentCount = 0;
  /** End of the runs that are kept; behind it are those of the batch. */
  #kept = SCRATCH_END;
  readonly #settled = new Map<Uint32Array, boolean>();
  /** Most bytes of the pieces so far. */
  #longest = 0;

  constructor(kernel: Kernel, format: CellFormat) {
    this.#kernel = kernel;
    this.#into = { kernel, write: format.write };
    this.#format = format;
  }

  /** The plan for a batch; it is valid until the next one is asked for. */
  plan(columns: readonly NamedColumn[], rows: number): Plan {
    const { arena } = this.#kernel;
    arena.length = this.#kept;
    this.#forget(arena);
    this.#settled.clear();
    this.#longest = 0;
    const { ordered } = this.#format;
    const groups = this.#groups(ordered ? columns : this.#arranged(columns, rows), rows);
    this.#fill(groups, rows);
    const pieces = this.#pieces(groups, rows);
    const [first] = pieces;
    if (ordered) return this.#plan(NOTHING, pieces, NONE);
    if (first?.kind !== 'literal') return this.#steadyFirst(NOTHING, pieces, rows);
    const { start, bytes } = first.run;
    const head = arena.buffer.slice(start, start + bytes);
    this.#longest -= bytes;
    return this.#steadyFirst(head, pieces.slice(1), rows);
  }

  /** Pieces that seldom change come first. */
  #steadyFirst(head: Uint8Array, pieces: readonly Piece[], rows: number): Plan {
    const kernel = this.#kernel;
    const steady: CodedPiece[] = [];
    const others: Piece[] = [];
    for (const piece of pieces) {
      const few = piece.kind === 'codes' && kernel.changes(piece.codes, rows) <= rows * STEADY;
      if (few) steady.push(piece);
      else others.push(piece);
    }
    const changes = allotZeros(kernel.arena, rows);
    for (const { codes } of steady) kernel.mark(codes, rows, changes);
    return this.#plan(head, [...steady, ...others], { count: steady.length, changes });
  }

  #plan(head: Uint8Array, pieces: readonly Piece[], steady: Steady): Plan {
    return new Plan(this.#kernel, { head, pieces, steady, longest: this.#longest });
  }

  #kind(named: NamedColumn, rows: number): Kind {
    const { column } = named;
    if (column.values.transient) return 'rows';
    if (column.values.size === 1) return 'constant';
    let settled = this.#settled.get(column.codes);
    if (settled === undefined) {
      settled = hasOneCode(column.codes, rows);
      this.#settled.set(column.codes, settled);
    }
    if (settled) return 'settled';
    const { attributes, ordered } = this.#format;
    const plain = attributes === 'doubles' && !ordered && isAmounts(named);
    return plain && column.values.size > rows * MANY ? 'rows' : 'codes';
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
    for (const { kind, columns, segment } of groups)
      segment?.fill(codesOf(columns), kind === 'settled' ? 1 : rows, this.#into);
    this.#kept = this.#kernel.arena.length;
  }

  /** What belongs to this batch only, behind the runs. */
  #pieces(groups: readonly Group[], rows: number): readonly Piece[] {
    const pieces: Piece[] = [];
    for (let i = 0; i < groups.length; ) {
      const { kind, columns, segment } = groups[i] as Group;
      if (kind === 'codes' && segment !== undefined) {
        const codes = allotWords(this.#kernel.arena, codesOf(columns), rows);
        this.#longest += segment.longest;
        pieces.push({ kind: 'codes', codes, bounds: segment.bounds });
        i++;
      } else if (kind === 'rows') {
        const made = rowPieces(columns, rows, { into: this.#into, format: this.#format });
        pieces.push(...made.pieces);
        this.#longest += made.longest;
        i++;
      } else {
        let end = i + 1;
        while (end < groups.length && isSame(groups[end] as Group)) end++;
        pieces.push({ kind: 'literal', run: this.#literal(groups.slice(i, end)) });
        i = end;
      }
    }
    return pieces;
  }

  #literal(groups: readonly Group[]): Run {
    const { arena } = this.#kernel;
    const start = arena.length;
    for (const { columns, segment } of groups) {
      if (segment === undefined) {
        for (const named of columns) this.#into.write(arena, new Field(named), 0);
        continue;
      }
      const run = segment.run(this.#kernel, codesOf(columns)[0] as number);
      arena.reserve(run.bytes);
      arena.buffer.copyWithin(arena.length, run.start, run.start + run.bytes);
      arena.length += run.bytes;
    }
    const bytes = arena.length - start;
    this.#longest += bytes;
    return { start, bytes };
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
    arena.length = SCRATCH_END;
  }
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

const NOTHING = new Uint8Array(0);
const NONE: Steady = { count: 0, changes: 0 };
