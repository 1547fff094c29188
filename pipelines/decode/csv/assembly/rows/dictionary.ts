/** The dictionaries of the columns: distinct texts one behind the other, found by their hash. */
import {
  ARENA,
  ARENA_ROOM,
  BLOCK,
  CODES,
  columnAt,
  count,
  ENDS,
  ENDS_ROOM,
  INTERNED,
  KIND,
  MASK,
  NOTE,
  notesAt,
  SIZE,
  SLOTS,
  set,
  USED,
} from './columns';
import { alloc, fixed, release, SLACK, TOUCHED } from './memory';

/** Bytes of entries that a dictionary has room for at first; what one long cell made larger than KEPT is given back. */
const ARENA_BYTES: u32 = 1024;
const KEPT: u32 = 16 << 20;
const QUOTE: u32 = 34;
/** Short texts that are null, read as little-endian words: `NULL`, `null`, `\N`. */
const NULL_WORD: u32 = 0x4c4c554e;
const LOWER_NULL_WORD: u32 = 0x6c6c756e;
const BACKSLASH_N: u32 = 0x4e5c;

let hashes: usize = 0;

export function makeHashes(): void {
  hashes = fixed(BLOCK << 2);
}

export function want(c: u32, rows: u32): void {
  const column = columnAt(c);
  store<usize>(column, fixed((rows << 2) + SLACK), CODES);
  store<usize>(column, alloc(256), ENDS);
  store<u32>(column, 64, ENDS_ROOM);
  makeArena(column);
  begin(c, INTERNED);
}

export function begin(c: u32, kind: u32): void {
  const column = columnAt(c);
  const slots = load<u32>(column, SLOTS);
  if (slots != 0) release(slots, (load<u32>(column, MASK) + 1) << 3);
  store<u32>(column, 0, SLOTS);
  const room = load<u32>(column, ARENA_ROOM);
  if (room > KEPT) {
    release(load<usize>(column, ARENA), room);
    makeArena(column);
  }
  store<u32>(column, kind, KIND);
  store<u32>(load<usize>(column, ENDS), 0);
  store<u32>(column, 1, SIZE);
  store<u32>(column, 0, USED);
  if (kind == INTERNED) makeSlots(column, 64);
}

export function settle(): void {
  for (let c: u32 = 0; c < count; c++) {
    const column = columnAt(c);
    const noted = load<u32>(column);
    if (noted == 0) continue;
    const list = notesAt(c);
    if (load<u32>(column, KIND) == INTERNED) intern(column, list, list + noted * NOTE);
    else append(column, list, list + noted * NOTE);
    store<u32>(column, 0);
  }
}

/** Gives each cell an entry of its own. */
function append(column: usize, list: usize, behind: usize): void {
  for (let at = list; at < behind; at += NOTE) {
    const start = load<usize>(at, 4);
    const end = load<i32>(at, 8);
    const length = end < 0 ? undouble(column, start, <usize>~end) : <u32>end - <u32>start;
    const text = end < 0 ? next(column) : start;
    let code: u32 = 0;
    if (!isNull(text, length)) {
      if (end >= 0) copyIn(column, start, length);
      code = close(column, length);
    }
    set(column, load<u32>(at), code);
  }
}

/** Gives each cell the entry that equals it, or a new one. */
function intern(column: usize, list: usize, behind: usize): void {
  hashAll(column, list, behind);
  let hashed = hashes;
  for (let at = list; at < behind; at += NOTE) {
    const start = load<usize>(at, 4);
    const end = load<i32>(at, 8);
    const length = end < 0 ? undouble(column, start, <usize>~end) : <u32>end - <u32>start;
    const text = end < 0 ? next(column) : start;
    let code: u32 = 0;
    if (!isNull(text, length)) {
      const hash = end < 0 ? hashOf(text, length) : load<u32>(hashed);
      code = find(column, text, length, hash);
      if (code == 0) {
        if (end >= 0) copyIn(column, start, length);
        code = close(column, length);
        place(column, hash, code);
      }
    }
    set(column, load<u32>(at), code);
    hashed += 4;
  }
}

/** Hashes the cells and touches where they are looked up: cache misses overlap that way. */
function hashAll(column: usize, list: usize, behind: usize): void {
  const slots = load<usize>(column, SLOTS);
  const mask = load<u32>(column, MASK);
  let touched: u32 = 0;
  let hashed = hashes;
  for (let at = list; at < behind; at += NOTE) {
    const start = load<usize>(at, 4);
    const end = load<i32>(at, 8);
    if (end >= 0) {
      const hash = hashOf(start, <u32>end - <u32>start);
      store<u32>(hashed, hash);
      touched += load<u32>(slots + ((hash & mask) << 3));
    }
    hashed += 4;
  }
  store<u32>(TOUCHED, touched);
}

function hashOf(start: usize, length: u32): u32 {
  let hash: u64 = <u64>length * 0x9e3779b97f4a7c15;
  let at = start;
  let left = length;
  while (left > 8) {
    hash = (hash ^ load<u64>(at)) * 0xff51afd7ed558ccd;
    hash ^= hash >> 29;
    at += 8;
    left -= 8;
  }
  const rest = left == 0 ? 0 : load<u64>(at) & (<u64>-1 >> (<u64>(8 - left) << 3));
  hash = (hash ^ rest) * 0xff51afd7ed558ccd;
  return <u32>(hash >> 32);
}

/** The code of an equal entry, or 0. */
// @ts-ignore: decorator
@inline
function find(column: usize, text: usize, length: u32, hash: u32): u32 {
  const slots = load<usize>(column, SLOTS);
  const mask = load<u32>(column, MASK);
  const entries = load<usize>(column, ENDS);
  const arena = load<usize>(column, ARENA);
  let slot = hash & mask;
  while (true) {
    const at = slots + (slot << 3);
    const code = load<u32>(at, 4);
    if (code == 0) return 0;
    if (load<u32>(at) == hash) {
      const entry = entries + (code << 2);
      const start = load<u32>(entry - 4);
      if (load<u32>(entry) - start == length && equals(arena + start, text, length)) return code;
    }
    slot = (slot + 1) & mask;
  }
}

// @ts-ignore: decorator
@inline
function equals(a: usize, b: usize, length: u32): bool {
  return equalBytes(a, b, length) == length;
}

/** Puts a new entry into the table, which stays at most two thirds full. */
function place(column: usize, hash: u32, code: u32): void {
  let mask = load<u32>(column, MASK);
  if (code * 3 > (mask + 1) * 2) {
    const slots = load<usize>(column, SLOTS);
    makeSlots(column, (mask + 1) << 1);
    const behind = slots + ((mask + 1) << 3);
    for (let at = slots; at < behind; at += 8)
      if (load<u32>(at, 4) != 0) put(column, load<u32>(at), load<u32>(at, 4));
    release(slots, (mask + 1) << 3);
  }
  put(column, hash, code);
}

function put(column: usize, hash: u32, code: u32): void {
  const slots = load<usize>(column, SLOTS);
  const mask = load<u32>(column, MASK);
  let slot = hash & mask;
  while (load<u32>(slots + (slot << 3), 4) != 0) slot = (slot + 1) & mask;
  store<u32>(slots + (slot << 3), hash);
  store<u32>(slots + (slot << 3), code, 4);
}

function makeSlots(column: usize, slots: u32): void {
  const at = alloc(slots << 3);
  memory.fill(at, 0, slots << 3);
  store<usize>(column, at, SLOTS);
  store<u32>(column, slots - 1, MASK);
}

/** Empty, NULL and null (data warehouses, scripts) and `\N` (MySQL, Hive) are null. */
// @ts-ignore: decorator
@inline
function isNull(text: usize, length: u32): bool {
  if (length > 4) return false;
  if (length == 4) return load<u32>(text) == NULL_WORD || load<u32>(text) == LOWER_NULL_WORD;
  return length == 0 || (length == 2 && <u32>load<u16>(text) == BACKSLASH_N);
}

/** Where the next entry begins. */
// @ts-ignore: decorator
@inline
function next(column: usize): usize {
  return load<usize>(column, ARENA) + load<u32>(column, USED);
}

/** Writes a text behind the last entry. */
// @ts-ignore: decorator
@inline
function copyIn(column: usize, start: usize, length: u32): void {
  reserve(column, length);
  const to = next(column);
  if (length > 256) memory.copy(to, start, length);
  else for (let i: u32 = 0; i < length; i += 16) v128.store(to + i, v128.load(start + i));
}

/** Writes a text behind the last entry with its doubled quotes undone; answers its bytes. */
function undouble(column: usize, start: usize, end: usize): u32 {
  reserve(column, <u32>(end - start));
  const to = next(column);
  let out = to;
  for (let at = start; at < end; at++) {
    const byte = load<u8>(at);
    store<u8>(out++, byte);
    if (<u32>byte == QUOTE && at + 1 < end && <u32>load<u8>(at + 1) == QUOTE) at++;
  }
  return <u32>(out - to);
}

/** Ends a new entry, whose bytes stand behind the last one; answers its code. */
function close(column: usize, length: u32): u32 {
  const code = load<u32>(column, SIZE);
  const room = load<u32>(column, ENDS_ROOM);
  if (code == room) {
    const larger = moved(load<usize>(column, ENDS), room << 2, room << 3);
    store<usize>(column, larger, ENDS);
    store<u32>(column, room << 1, ENDS_ROOM);
  }
  const end = load<u32>(column, USED) + length;
  store<u32>(load<usize>(column, ENDS) + (code << 2), end);
  store<u32>(column, end, USED);
  store<u32>(column, code + 1, SIZE);
  return code;
}

/** Makes room for so many bytes behind the last entry. */
function reserve(column: usize, bytes: u32): void {
  const room = load<u32>(column, ARENA_ROOM);
  const needed = load<u32>(column, USED) + bytes + SLACK;
  if (needed <= room) return;
  let larger = room << 1;
  while (needed > larger) larger <<= 1;
  store<usize>(column, moved(load<usize>(column, ARENA), room, larger), ARENA);
  store<u32>(column, larger, ARENA_ROOM);
}

function makeArena(column: usize): void {
  store<usize>(column, alloc(ARENA_BYTES), ARENA);
  store<u32>(column, ARENA_BYTES, ARENA_ROOM);
}

function moved(from: usize, bytes: u32, larger: u32): usize {
  const to = alloc(larger);
  memory.copy(to, from, bytes);
  release(from, bytes);
  return to;
}

/** How many bytes from `a` and `b` on are equal, of `most`. */
// @ts-ignore: decorator
@inline
export function equalBytes(a: usize, b: usize, most: usize): usize {
  for (let equal: usize = 0; equal < most; equal += 16) {
    const same = <u32>i8x16.bitmask(i8x16.eq(v128.load(a + equal), v128.load(b + equal)));
    if (same != 0xffff) return min<usize>(equal + ctz<u32>(~same), most);
  }
  return most;
}
