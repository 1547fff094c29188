/**
 * AssemblyScript, compiled to `../equal-charges-wasm.ts` by `npm run kernels`. A hash table of two words of hashes, by open addressing. A slot
 * begins with the two words; both 0: it is free. Slots follow the order of the second word: when the table grows, every hash moves towards
 * its end or stays, so that it grows in place. Slots with the hash alone are looked for from the start of a line of eight, all eight at once:
 * as nothing is ever taken out, those that are taken come first. All positions are bytes of the one memory, which workers share; one at a
 * time is in here.
 */
// asc: --sharedMemory --maximumMemory 65536 --enable threads

/** Bytes of a slot with the hash alone. */
const SEEN: u32 = 8;
/** Slots of a line, as many as a cache line has; its bytes. */
const LINE: u32 = 8;
const LINE_BYTES: u32 = 64;
/** Bytes of a slot with the number of charges behind the hash. */
const AGAIN: u32 = 12;
/** Rows whose slots are looked at ahead: their memory comes at the same time, while one after the other would be waited for. */
const BLOCK: u32 = 128;
/** Where something of all that was looked at ahead goes. */
const TOUCHED: usize = 0;

/** Puts in the hashes of rows of four words. A row's ordinal is 1 if its hash was new, 0 if not; answers how many were not. */
export function put(table: usize, slots: u32, hashes: usize, rows: u32, ordinals: usize): u32 {
  const end = table + <usize>slots * SEEN;
  let known: u32 = 0;
  for (let from: u32 = 0; from < rows; from += BLOCK) {
    const to = min(rows, from + BLOCK);
    let all: u64 = 0;
    for (let row = from; row < to; row++) all ^= load<u64>(first(table, slots, hashOf(hashes, row), SEEN));
    // Where the line is full, the next one. What comes behind the last is of no use, but can be read.
    for (let row = from; row < to; row++) {
      const at = first(table, slots, hashOf(hashes, row), SEEN);
      const isFull = load<u64>(at, LINE_BYTES - SEEN) != 0;
      all ^= load<u64>(at + (<usize>isFull << 6));
    }
    store<u64>(TOUCHED, all);
    for (let row = from; row < to; row++) {
      const hash = hashOf(hashes, row);
      const wanted = i64x2.splat(hash);
      let at = first(table, slots, hash, SEEN);
      let isNew: u32 = 0;
      for (;;) {
        const a = v128.load(at);
        const b = v128.load(at, 16);
        const c = v128.load(at, 32);
        const d = v128.load(at, 48);
        const ab = v128.or(i64x2.eq(a, wanted), i64x2.eq(b, wanted));
        const cd = v128.or(i64x2.eq(c, wanted), i64x2.eq(d, wanted));
        if (v128.any_true(v128.or(ab, cd))) break;
        const free = freeOf(a) | (freeOf(b) << 2) | (freeOf(c) << 4) | (freeOf(d) << 6);
        if (free != 0) {
          store<u64>(at + (<usize>ctz(free) << 3), hash);
          isNew = 1;
          break;
        }
        at += LINE_BYTES;
        if (at == end) at = table;
      }
      store<u32>(ordinals + (<usize>row << 2), isNew);
      known += 1 - isNew;
    }
  }
  return known;
}

/** Counts the rows whose ordinal is 0: theirs becomes 2 with the first of a hash, then one more each time. Answers how many hashes were new. */
export function count(table: usize, slots: u32, hashes: usize, rows: u32, ordinals: usize): u32 {
  const end = table + <usize>slots * AGAIN;
  let added: u32 = 0;
  for (let row: u32 = 0; row < rows; row++) {
    const ordinal = ordinals + (<usize>row << 2);
    if (load<u32>(ordinal) != 0) continue;
    const hash = hashOf(hashes, row);
    let at = first(table, slots, hash, AGAIN);
    let there = load<u64>(at);
    while (there != 0 && there != hash) {
      at += AGAIN;
      if (at == end) at = table;
      there = load<u64>(at);
    }
    let number: u32 = 2;
    if (there == 0) {
      store<u64>(at, hash);
      added++;
    } else number = load<u32>(at, 8) + 1;
    store<u32>(at, number, 8);
    store<u32>(ordinal, number);
  }
  return added;
}

/**
 * Takes what is in a table of `slots` to where it belongs among `more`, for which there is memory, as there is for a copy of a few slots behind
 * them. False: there was not enough of that; the table is lost.
 */
export function grow(table: usize, slots: u32, more: u32, size: u32): bool {
  // Run by run from the end: what is put back stands behind all that is still to be moved. The first run may have begun at the end.
  let start = table;
  while (load<u64>(start) != 0) start += size;
  const firstFree = start;
  const spare = table + <usize>more * size;
  const wrapped = firstFree - table;
  if (!fits(spare, wrapped)) return false;
  take(table, wrapped, spare);
  const copy = spare + wrapped;
  for (let end = table + <usize>slots * size; end > firstFree; end = start - size) {
    start = end;
    while (start > firstFree && load<u64>(start - size) != 0) start -= size;
    const length = end - start;
    if (length == 0) continue;
    if (!fits(copy, length)) return false;
    take(start, length, copy);
    place(table, more, size, copy, length);
  }
  place(table, more, size, spare, wrapped);
  return true;
}

/** Moves slots of `length` bytes to another place; theirs is free then. */
function take(from: usize, length: usize, to: usize): void {
  for (const last = from + length; from < last; from += 4, to += 4) {
    store<u32>(to, load<u32>(from));
    store<u32>(from, 0);
  }
}

/** Moves slots of `length` bytes to where they belong. */
function place(table: usize, slots: u32, size: u32, from: usize, length: usize): void {
  const end = table + <usize>slots * size;
  for (const last = from + length; from < last; from += size) {
    const hash = load<u64>(from);
    let at = first(table, slots, hash, size);
    while (load<u64>(at) != 0) {
      at += size;
      if (at == end) at = table;
    }
    take(from, size, at);
  }
}

function fits(at: usize, bytes: usize): bool {
  return <u64>at + <u64>bytes <= <u64>memory.size() << 16;
}

/** Both words 0 would mean a free slot: the second is odd where the first is 0. */
@inline
function hashOf(hashes: usize, row: u32): u64 {
  const hash = load<u64>(hashes + (<usize>row << 4));
  return <u32>hash == 0 ? hash | 0x100000000 : hash;
}

/** A bit for each of two slots that is free. */
@inline
function freeOf(two: v128): i32 {
  return i64x2.bitmask(i64x2.eq(two, i64x2.splat(0)));
}

/** The slot where a hash is looked for first. */
@inline
function first(table: usize, slots: u32, hash: u64, size: u32): usize {
  const word = hash >> 32;
  if (size == SEEN) return table + <usize>((word * <u64>(slots / LINE)) >> 32) * LINE_BYTES;
  return table + <usize>((word * <u64>slots) >> 32) * size;
}
