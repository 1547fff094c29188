/** The table of columns, what is noted of their cells, and their codes. */
import { fixed, SLACK } from './memory';

/** Rows whose cells are noted before they are looked up. */
export const BLOCK: u32 = 256;
/** A note: row, first byte and byte behind the last of a cell; `~end` when quotes in it are doubled. */
export const NOTE: u32 = 12;
const NOTES: u32 = BLOCK * NOTE;

/** Table of columns, 32-bit words: notes at hand; what the column is; codes of the batch, which stand up to row FILLED, those behind are LAST. */
export const NOTED: usize = 0;
export const KIND: usize = 4;
export const CODES: usize = 8;
export const FILLED: usize = 12;
export const LAST: usize = 16;
/** Its dictionary: hash and code of each entry by turns, 0 where free, probed linearly; ends of the entries; their bytes, one behind the other. */
export const SLOTS: usize = 20;
export const MASK: usize = 24;
export const ENDS: usize = 28;
export const ENDS_ROOM: usize = 32;
export const ARENA: usize = 36;
export const ARENA_ROOM: usize = 40;
export const SIZE: usize = 44;
export const USED: usize = 48;
export const COLUMN: u32 = 64;

/** Kinds of columns: not wanted; equal texts share an entry; an entry per note. */
export const SKIPPED: u32 = 0;
export const INTERNED: u32 = 1;

export let count: u32 = 0;
let columns: usize = 0;
let notes: usize = 0;

/** Makes so many columns, none of them wanted; answers where the table stands. */
export function makeColumns(many: u32): usize {
  count = many;
  columns = fixed(many * COLUMN);
  memory.fill(columns, 0, many * COLUMN);
  notes = fixed(many * NOTES);
  return columns;
}

export function restart(): void {
  for (let c: u32 = 0; c < count; c++) {
    store<u32>(columnAt(c), 0, FILLED);
    store<u32>(columnAt(c), 0, LAST);
  }
}

export function note(c: u32, row: u32, start: usize, end: usize): void {
  const column = columnAt(c);
  if (load<u32>(column, KIND) == SKIPPED) return;
  const noted = load<u32>(column);
  const at = notesAt(c) + noted * NOTE;
  store<u32>(at, row);
  store<usize>(at, start, 4);
  store<usize>(at, end, 8);
  store<u32>(column, noted + 1);
}

export function forget(row: u32): void {
  for (let c: u32 = 0; c < count; c++) {
    const noted = load<u32>(columnAt(c));
    if (noted == 0) continue;
    if (load<u32>(notesAt(c) + (noted - 1) * NOTE) == row) store<u32>(columnAt(c), noted - 1);
  }
}

export function finish(c: u32, rows: u32): void {
  fill(columnAt(c), rows);
}

/** The cell of `row` has this code; rows between it and the one set before repeat that one. */
// @ts-ignore: decorator
@inline
export function set(column: usize, row: u32, code: u32): void {
  fill(column, row);
  store<u32>(load<usize>(column, CODES) + (row << 2), code);
  store<u32>(column, row + 1, FILLED);
  store<u32>(column, code, LAST);
}

// @ts-ignore: decorator
@inline
function fill(column: usize, row: u32): void {
  const codes = load<usize>(column, CODES);
  const last = i32x4.splat(load<i32>(column, LAST));
  const behind = codes + (row << 2);
  for (let at = codes + (load<u32>(column, FILLED) << 2); at < behind; at += 16)
    v128.store(at, last);
}

// @ts-ignore: decorator
@inline
export function columnAt(c: u32): usize {
  return columns + c * COLUMN;
}

// @ts-ignore: decorator
@inline
export function notesAt(c: u32): usize {
  return notes + c * NOTES;
}
