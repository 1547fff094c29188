/**
 * AssemblyScript, compiled to `../rows-wasm.ts` by `npm run kernels`. Reads the plain rows of a csv window and looks up their
 * cells, sixteen bytes at a time; `../kernel.ts` says what it promises. What makes it fast: cells that equal those of the row
 * before are found by comparing the two rows, not by splitting them; where the others lie is noted, and every few hundred rows
 * they are looked up column by column, while one dictionary is in the processor's cache.
 *
 * All positions are bytes of the one memory. Loads reach up to fifteen bytes beyond what they are for, and so do stores where the
 * room says so (SLACK).
 */

import { count, forget, makeColumns, note } from './rows/columns';
import { equalBytes, makeHashes } from './rows/dictionary';
import { FOUND, fixed, SLACK } from './rows/memory';

export { finish, forget, note, restart } from './rows/columns';
export { begin, settle, want } from './rows/dictionary';
export { reset } from './rows/memory';

const LF: u32 = 10;
const CR: u32 = 13;
const QUOTE: u32 = 34;
const MARK: u32 = 0xbfbbef;

/** Ends of the cells of the row before, counted from its start, then those of the row at hand; and how many the former has. */
let before: usize = 0;
let ends: usize = 0;
let fieldsBefore: u32 = 0;
let delimiter: u32 = 0;
let newline: u32 = 0;
let cellLimit: u32 = 0;
let shortFields: u32 = 0;
let head: u64 = 0;
let headMask: u64 = 0;

export function take(bytes: u32): usize {
  return fixed(bytes + SLACK);
}

export function open(many: u32): usize {
  const table = makeColumns(many);
  makeHashes();
  before = fixed((many << 2) + SLACK);
  ends = fixed((many << 2) + SLACK);
  return table;
}

export function form(
  delimits: u32,
  endsLines: u32,
  longestCell: u32,
  fieldsOfShort: u32,
  beginsHeader: u64,
  beginsHeaderMask: u64,
): void {
  delimiter = delimits;
  newline = endsLines;
  cellLimit = longestCell;
  shortFields = fieldsOfShort;
  head = beginsHeader;
  headMask = beginsHeaderMask;
}

export function scan(
  start: usize,
  end: usize,
  previous: usize,
  first: u32,
  most: u32,
  budget: u32,
): u32 {
  let short: u32 = 0;
  let at = start;
  let row = first;
  while (row - first < most && at - start <= budget && at < end && isPlain(at)) {
    const next = readRow(at, end, previous, row);
    if (next == 0) {
      forget(row);
      break;
    }
    if (fieldsBefore < count) short++;
    row++;
    previous = at;
    at = next;
  }
  store<usize>(FOUND, at);
  store<usize>(FOUND, previous, 4);
  store<u32>(FOUND, short, 8);
  return row - first;
}

/** Whether the row begins neither like a blank line nor like the header. */
// @ts-ignore: decorator
@inline
function isPlain(at: usize): bool {
  const byte = <u32>load<u8>(at);
  if (byte == newline || byte == CR) return false;
  return (load<u64>(at) & headMask) != head && (load<u32>(at) & 0xffffff) != MARK;
}

/** Reads the row at `start`; answers where the next one starts, 0 when it is not plain or not complete. */
function readRow(start: usize, end: usize, previous: usize, row: u32): usize {
  const was = before;
  const now = ends;
  const all = count;
  const limit = cellLimit;
  const compared = previous != 0 ? fieldsBefore : 0;
  const previousEnd = compared != 0 ? previous + endOf(was, compared) : 0;
  const delimiters = i8x16.splat(<i8>delimiter);
  const newlines = i8x16.splat(<i8>newline);
  const quotes = i8x16.splat(<i8>QUOTE);
  let at = start;
  let c: u32 = 0;
  while (true) {
    if (c < compared) {
      // Cells that lie, with what ends them, within the bytes both rows have in common.
      const same = previous + endOf(was, c);
      const equal = equalBytes(at, same, min<usize>(previousEnd - same, end - at));
      const reach = i32x4.splat(<i32>(same + equal - previous));
      const shift = i32x4.splat(<i32>(at - start) - <i32>(same - previous));
      while (c < compared) {
        const four = v128.load(was + (c << 2));
        v128.store(now + (c << 2), i32x4.add(four, shift));
        const beyond = <u32>i32x4.bitmask(i32x4.ge_s(four, reach));
        if (beyond != 0) {
          c += ctz<u32>(beyond);
          break;
        }
        c += 4;
      }
      if (c > compared) c = compared;
      at = start + endOf(now, c);
      if (c == compared) break;
    }
    let stop = at;
    let from = at;
    let to: usize;
    if (<u32>load<u8>(at) == QUOTE) {
      let doubled: usize = 0;
      let search = at + 1;
      let quote: usize;
      while (true) {
        let hit: u32;
        while ((hit = <u32>i8x16.bitmask(i8x16.eq(v128.load(search), quotes))) == 0) {
          search += 16;
          if (search >= end) return 0;
        }
        quote = search + ctz<u32>(hit);
        stop = quote + 1;
        if (stop >= end) return 0;
        if (<u32>load<u8>(stop) != QUOTE) break;
        doubled = <usize>-1;
        search = stop + 1;
      }
      if (<u32>load<u8>(stop) == CR && newline == LF) {
        stop++;
        if (stop >= end || <u32>load<u8>(stop) != LF) return 0;
      }
      const byte = <u32>load<u8>(stop);
      if (byte != delimiter && byte != newline) return 0;
      from = at + 1;
      to = quote ^ doubled;
    } else {
      let hit: u32;
      while (true) {
        const bytes = v128.load(stop);
        hit = <u32>i8x16.bitmask(v128.or(i8x16.eq(bytes, delimiters), i8x16.eq(bytes, newlines)));
        if (hit != 0) break;
        stop += 16;
      }
      stop += ctz<u32>(hit);
      if (stop >= end) return 0;
      to = stop;
      if (<u32>load<u8>(stop) == LF && stop > at && <u32>load<u8>(stop - 1) == CR) to--;
    }
    if (<u32>(stop - at) > limit) return 0;
    note(c, row, from, to);
    store<u32>(now + (c << 2), <u32>(stop - start));
    c++;
    at = stop + 1;
    if (<u32>load<u8>(stop) == newline) {
      if (c == all) break;
      if (c != shortFields) return 0;
      for (let rest = c; rest < all; rest++) note(rest, row, at, at);
      break;
    }
    if (c == all) return 0;
  }
  fieldsBefore = c;
  before = now;
  ends = was;
  return at;
}

/** Where the cell behind the first `cells` begins, counted from the start of their row. */
// @ts-ignore: decorator
@inline
function endOf(row: usize, cells: u32): usize {
  return cells == 0 ? 0 : load<usize>(row + (cells << 2) - 4) + 1;
}
