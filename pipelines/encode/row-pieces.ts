/**
 * The pieces of columns that have a value of their own on nearly every row: nothing is kept of them from batch to batch.
 */
import { AMOUNT } from '../focus/amounts.ts';
import type { AmountColumn, TextColumn } from '../focus/batch.ts';
import type { Bytes } from './bytes.ts';
import { Field, type NamedAmounts, type NamedColumn } from './field.ts';
import { allot, allotWords, type Piece, type Run } from './plan.ts';
import type { CellFormat } from './planner.ts';
import type { KernelWriter } from './segment.ts';

/** Pieces, and most bytes that they make. */
export interface RowPieces {
  readonly pieces: readonly Piece[];
  readonly longest: number;
}

/** A dictionary that has so many times more entries than the batch has rows is not copied as a whole. */
const FEW = 4;
/** Most bytes that stand with a text beside its key: a tag and three lengths. */
const LENGTHS = 20;

/** The pieces of columns with a value per row, after one another; in any order where the format has none. */
export function rowPieces(
  columns: readonly NamedColumn[],
  rows: number,
  { into, format }: { readonly into: KernelWriter; readonly format: CellFormat },
): RowPieces {
  const { attributes, ordered } = format;
  const amounts: NamedAmounts[] = [];
  const texts: NamedText[] = [];
  const others: NamedColumn[] = [];
  for (const named of columns) {
    if (attributes === undefined || ordered) others.push(named);
    else if (attributes === 'doubles' && isAmounts(named)) amounts.push(named);
    else if (isText(named, rows)) texts.push(named);
    else others.push(named);
  }
  const made = [
    amountPieces(amounts, rows, into),
    ...texts.map((one) => textPiece(one, rows, into)),
  ];
  if (others.length > 0) made.push(writtenPiece(others, rows, into));
  return {
    pieces: made.flatMap((one) => one.pieces),
    longest: made.reduce((sum, one) => sum + one.longest, 0),
  };
}

/** Whether it is a column of amounts. */
export function isAmounts(named: NamedColumn): named is NamedAmounts {
  return named.column.kind === 'amount';
}

interface NamedText extends NamedColumn {
  readonly column: TextColumn;
}

function isText(named: NamedColumn, rows: number): named is NamedText {
  const { key, column } = named;
  return column.kind === 'text' && key.id === undefined && column.values.size <= rows * FEW;
}

/** One piece for all columns that have a number on every row, one each for those that have some. */
function amountPieces(
  columns: readonly NamedAmounts[],
  rows: number,
  { kernel: { arena } }: KernelWriter,
): RowPieces {
  const pieces: Piece[] = [];
  const whole: { readonly key: Run; readonly values: number }[] = [];
  const known: Doubles[] = [];
  let longest = 0;
  for (const { key, column } of columns) {
    const doubles =
      known.find((one) => sameCells(one.column, column)) ?? doublesOf(column, rows, arena);
    known.push(doubles);
    const { values, count } = doubles;
    if (count === 0) continue;
    const run = { start: arena.length, bytes: key.length };
    arena.append(key);
    longest += key.length + 8;
    if (count === rows) whole.push({ key: run, values });
    else pieces.push({ kind: 'amount', values, key: run });
  }
  if (whole.length === 0) return { pieces, longest };
  const holes = allot(arena, 4 + whole.length * 8);
  const start = arena.length;
  const words = [whole.length];
  for (const { key, values } of whole) {
    arena.bytes(arena.buffer.subarray(key.start, key.start + key.bytes));
    words.push(values, arena.length - start);
    arena.reserve(8);
    arena.length += 8;
  }
  new Uint32Array(arena.buffer.buffer, holes, words.length).set(words);
  const run = { start, bytes: arena.length - start };
  return { pieces: [{ kind: 'amounts', holes, run }, ...pieces], longest };
}

/** The numbers of the rows as they are written, NaN where there is none, and on how many rows there is one. */
interface Doubles {
  readonly column: AmountColumn;
  readonly values: number;
  readonly count: number;
}

function sameCells(one: AmountColumn, other: AmountColumn): boolean {
  return one.codes === other.codes && one.values === other.values;
}

function doublesOf(column: AmountColumn, rows: number, arena: Bytes): Doubles {
  const values = allot(arena, rows * 8);
  const into = new Float64Array(arena.buffer.buffer, values, rows);
  return { column, values, count: putDoubles(column, into) };
}

function putDoubles(
  { codes, values: { state, double } }: AmountColumn,
  into: Float64Array,
): number {
  let count = 0;
  for (let row = 0; row < into.length; row++) {
    const code = codes[row] as number;
    const kind = state[code];
    const is = kind === AMOUNT.limbs || kind === AMOUNT.big;
    into[row] = is ? (double[code] as number) + 0 : Number.NaN;
    count += is ? 1 : 0;
  }
  return count;
}

/** Texts as they are in the dictionary. */
function textPiece({ key, column }: NamedText, rows: number, { kernel }: KernelWriter): RowPieces {
  const { arena } = kernel;
  const { values } = column;
  const { starts, ends, size } = values;
  const codes = allotWords(arena, column.codes, rows);
  const words = [allotWords(arena, starts, size), allotWords(arena, ends, size)];
  words.push(arena.length);
  arena.bytes(values.arena.subarray(0, values.used));
  words.push(arena.length, key.length);
  arena.append(key);
  const of = allotWords(arena, Uint32Array.from(words), words.length);
  let longest = 0;
  for (let entry = 0; entry < size; entry++)
    longest = Math.max(longest, (ends[entry] as number) - (starts[entry] as number));
  return { pieces: [{ kind: 'texts', codes, of }], longest: key.length + LENGTHS + longest };
}

/** What is written row by row. */
function writtenPiece(
  columns: readonly NamedColumn[],
  rows: number,
  { kernel: { arena }, write }: KernelWriter,
): RowPieces {
  const fields = columns.map((named) => new Field(named));
  const bounds = allot(arena, rows * 8);
  let longest = 0;
  for (let row = 0; row < rows; row++) {
    const start = arena.length;
    for (let i = 0; i < fields.length; i++) {
      const { codes } = (columns[i] as NamedColumn).column;
      write(arena, fields[i] as Field, codes[row] as number);
    }
    arena.view.setUint32(bounds + row * 8, start, true);
    arena.view.setUint32(bounds + row * 8 + 4, arena.length, true);
    if (arena.length - start > longest) longest = arena.length - start;
  }
  return { pieces: [{ kind: 'rows', bounds }], longest };
}
