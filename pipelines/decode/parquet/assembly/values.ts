/**
 * AssemblyScript, compiled to `../values-wasm.ts` by `npm run kernels`. Reads levels and dictionary indices, which stand in runs of
 * equal values and runs of bit-packed ones, and makes codes and cells of them; `../kernel.ts` says what it promises.
 *
 * All positions are bytes of the one memory. Loads and stores reach up to 31 bytes beyond what they are for (SLACK).
 */

const SLACK: u32 = 32;

/** Fields of a stream. */
const AT: usize = 0;
const END: usize = 4;
const WIDTH: usize = 8;
/** Values left in the current run. */
const LEFT: usize = 12;
const PACKED: usize = 16;
const VALUE: usize = 20;
/** First byte of the bit-packed group that the next value is in, and its number in there. */
const BASE: usize = 24;
const INDEX: usize = 28;

/** How four values of a width are unpacked: the first and the last half of a group, each bytes to pick and factors. */
const WAYS: usize = 1024;
const WIDEST: u32 = 25;
const HEAP: usize = WAYS + 64 * 32;

let heap: usize = HEAP;
/** The levels and codes at hand. */
let repetitions: usize = 0;
let definitions: usize = 0;
let picked: usize = 0;
let spreadOut: usize = 0;

/** Everything is free, but for levels and codes of so many values. */
export function begin(values: u32): void {
  heap = HEAP;
  const bytes = values << 2;
  repetitions = take(bytes);
  definitions = take(bytes);
  picked = take(bytes);
  spreadOut = take(bytes);
  for (let width: u32 = 1; width <= WIDEST; width++) makeWay(width);
}

export function codesAt(): usize {
  return picked;
}

export function rowsAt(): usize {
  return spreadOut;
}

/** Memory that is not given back. */
export function take(bytes: u32): usize {
  const at = heap;
  const end = (<u64>at + bytes + SLACK + 15) & ~15;
  const pages = <i64>((end + 0xffff) >> 16) - memory.size();
  if (pages > 0) {
    const more = max<i64>(pages, memory.size() >> 3);
    if (memory.grow(<i32>more) < 0 && memory.grow(<i32>pages) < 0) fail(FULL, 0, 0);
  }
  heap = <usize>end;
  return at;
}

/** Four values lie in sixteen bytes: those of each are picked, moved to the same place by a factor, then shifted and masked at once. */
function makeWay(width: u32): void {
  for (let value: u32 = 0; value < 8; value++) {
    const half = WAYS + (width << 6) + ((value >> 2) << 5);
    const bit = value * width - ((value >> 2) * ((width * 4) & ~7));
    for (let byte: u32 = 0; byte < 4; byte++)
      store<u8>(half + ((value & 3) << 2) + byte, <u8>((bit >> 3) + byte));
    store<u32>(half + ((value & 3) << 2), 1 << (7 - (bit & 7)), 16);
  }
}

export function open(stream: usize, at: usize, end: usize, width: u32): void {
  store<usize>(stream, at, AT);
  store<usize>(stream, end, END);
  store<u32>(stream, width, WIDTH);
  store<u32>(stream, 0, LEFT);
}

export function openPacked(stream: usize, at: usize, end: usize, width: u32): void {
  open(stream, at, end, width);
  store<u32>(stream, 1, PACKED);
  store<usize>(stream, at, BASE);
  store<u32>(stream, 0, INDEX);
  store<u32>(stream, MOST, LEFT);
}

export function run(stream: usize, count: u32): f64 {
  if (load<u32>(stream, WIDTH) == 0) return 0;
  if (load<u32>(stream, LEFT) == 0) header(stream);
  const left = load<u32>(stream, LEFT);
  if (load<u32>(stream, PACKED) != 0 || left < count) return -1;
  store<u32>(stream, left - count, LEFT);
  return <f64>load<u32>(stream, VALUE);
}

export function codes(stream: usize, count: u32, table: usize, entries: u32): void {
  const same = run(stream, count);
  if (same >= 0) {
    const index = <u32>same;
    if (index >= entries) fail(NO_ENTRY, index, entries);
    fill(picked, load<u32>(table + (index << 2)), count);
    return;
  }
  read(stream, picked, count);
  const last = picked + (count << 2);
  let most = i32x4.splat(0);
  store<u32>(last, 0);
  store<u64>(last, 0, 4);
  for (let at = picked; at < last; at += 16) most = i32x4.max_u(most, v128.load(at));
  const one = max<u32>(<u32>i32x4.extract_lane(most, 0), <u32>i32x4.extract_lane(most, 1));
  const other = max<u32>(<u32>i32x4.extract_lane(most, 2), <u32>i32x4.extract_lane(most, 3));
  if (max<u32>(one, other) >= entries) fail(NO_ENTRY, max<u32>(one, other), entries);
  // What stands behind the last index is 0.
  for (let at = picked; at < last; at += 16) {
    const a = load<u32>(table + (load<u32>(at) << 2));
    const b = load<u32>(table + (load<u32>(at, 4) << 2));
    const c = load<u32>(table + (load<u32>(at, 8) << 2));
    const d = load<u32>(table + (load<u32>(at, 12) << 2));
    store<u32>(at, a);
    store<u32>(at, b, 4);
    store<u32>(at, c, 8);
    store<u32>(at, d, 12);
  }
}

export function levels(repetition: usize, definition: usize, most: u32, count: u32): u32 {
  if (repetition == 0) memory.fill(repetitions, 0, count << 2);
  else read(repetition, repetitions, count);
  if (definition == 0) {
    memory.fill(definitions, 0, count << 2);
    return most == 0 ? count : 0;
  }
  const same = run(definition, count);
  if (same >= 0) {
    fill(definitions, <u32>same, count);
    return <u32>same == most ? count : 0;
  }
  read(definition, definitions, count);
  let present: u32 = 0;
  const last = definitions + (count << 2);
  for (let at = definitions; at < last; at += 4) present += <u32>(load<u32>(at) == most);
  return present;
}

export function spread(count: u32): void {
  const bytes = count << 2;
  let next = picked;
  for (let at: usize = 0; at < bytes; at += 4) {
    const level = load<u32>(definitions + at);
    store<u32>(spreadOut + at, load<u32>(next) & (0 - level));
    next += level << 2;
  }
}

export function compose(
  cells: usize,
  count: u32,
  present: u32,
  most: u32,
  definitionBits: u32,
  levelBits: u32,
): void {
  const bytes = count << 2;
  if (present == count) {
    const low = i32x4.splat(most);
    for (let at: usize = 0; at < bytes; at += 16) {
      const code = i32x4.shl(v128.load(picked + at), levelBits);
      const repeated = i32x4.shl(v128.load(repetitions + at), definitionBits);
      v128.store(cells + at, v128.or(v128.or(code, repeated), low));
    }
    return;
  }
  let next = picked;
  for (let at: usize = 0; at < bytes; at += 4) {
    const defined = load<u32>(definitions + at);
    const isValue = <u32>(defined == most);
    const code = load<u32>(next) & (0 - isValue);
    next += isValue << 2;
    const repeated = load<u32>(repetitions + at) << definitionBits;
    store<u32>(cells + at, (code << levelBits) | repeated | defined);
  }
}

export function startRows(
  cells: usize,
  from: u32,
  to: u32,
  starts: usize,
  started: u32,
  rows: u32,
  mask: u32,
): u32 {
  if (areStarts(cells + (from << 2), cells + (to << 2), mask)) {
    const some = min<u32>(to - from, rows + 1 - started);
    let at = i32x4.add(i32x4.splat(from), i32x4(0, 1, 2, 3));
    const last = starts + ((started + some) << 2);
    for (let to = starts + (started << 2); to < last; to += 16) {
      v128.store(to, at);
      at = i32x4.add(at, i32x4.splat(4));
    }
    return started + some;
  }
  let row = started;
  // Without a branch that could be guessed wrong once per row: what continues a row is overwritten by the next that does not.
  for (let at = from; at < to && row <= rows; at++) {
    store<u32>(starts + (row << 2), at);
    row += <u32>((load<u32>(cells + (at << 2)) & mask) == 0);
  }
  return row;
}

/** Whether each of these cells starts a row. */
function areStarts(cells: usize, end: usize, mask: u32): bool {
  const masks = i32x4.splat(mask);
  let at = cells;
  for (; at + 16 <= end; at += 16)
    if (v128.any_true(v128.and(v128.load(at), masks))) return false;
  for (; at < end; at += 4) if ((load<u32>(at) & mask) != 0) return false;
  return true;
}

export function markChanges(cells: usize, starts: usize, rows: u32, changed: usize): void {
  if (load<u32>(starts + (rows << 2)) == rows) {
    // A cell per row.
    for (let row: u32 = 1; row < rows; row += 4) {
      const at = cells + (row << 2);
      const unlike = <u32>i32x4.bitmask(i32x4.eq(v128.load(at), v128.load(at - 4))) ^ 15;
      if (unlike == 0) continue;
      const bytes = (unlike * 0x204081) & 0x01010101;
      store<u32>(changed + row, load<u32>(changed + row) | bytes);
    }
    return;
  }
  let before = load<u32>(starts);
  let start = load<u32>(starts, 4);
  for (let row: u32 = 1; row < rows; row++) {
    const end = load<u32>(starts + (row << 2), 4);
    const back = start - before;
    let differs = <u32>(end - start != back);
    if (differs == 0) {
      let at = cells + (start << 2);
      let rest = end - start;
      while (true) {
        const same = i32x4.eq(v128.load(at), v128.load(at - (back << 2)));
        const unlike = <u32>i32x4.bitmask(same) ^ 15;
        if (rest <= 4) {
          differs = unlike & ((1 << rest) - 1);
          break;
        }
        if (unlike != 0) {
          differs = 1;
          break;
        }
        at += 16;
        rest -= 4;
      }
    }
    if (differs != 0) store<u8>(changed + row, 1);
    before = start;
    start = end;
  }
}

export function listChanges(changed: usize, rows: u32): u32 {
  let out = spreadOut;
  for (let row: u32 = 0; row < rows; row += 8) {
    let bytes = load<u64>(changed + row);
    if (rows - row < 8) bytes &= ((<u64>1) << ((rows - row) << 3)) - 1;
    while (bytes != 0) {
      store<u32>(out, row + (<u32>ctz<u64>(bytes) >> 3));
      out += 4;
      bytes &= bytes - 1;
    }
  }
  return <u32>(out - spreadOut) >> 2;
}

function read(stream: usize, out: usize, count: u32): void {
  if (load<u32>(stream, WIDTH) == 0) {
    memory.fill(out, 0, count << 2);
    return;
  }
  let at = out;
  let rest = count;
  while (rest > 0) {
    if (load<u32>(stream, LEFT) == 0) header(stream);
    const left = load<u32>(stream, LEFT);
    const some = min<u32>(left, rest);
    if (load<u32>(stream, PACKED) != 0) unpack(stream, at, some);
    else fill(at, load<u32>(stream, VALUE), some);
    store<u32>(stream, left - some, LEFT);
    rest -= some;
    at += some << 2;
  }
}

function fill(out: usize, value: u32, count: u32): void {
  const four = i32x4.splat(value);
  const last = out + (count << 2);
  for (let at = out; at < last; at += 16) v128.store(at, four);
}

function header(stream: usize): void {
  while (load<u32>(stream, LEFT) == 0) {
    const word = varint(stream);
    const at = load<usize>(stream, AT);
    const end = load<usize>(stream, END);
    const width = load<u32>(stream, WIDTH);
    if ((word & 1) == 1) {
      const groups = <u64>(word >> 1);
      store<u32>(stream, 1, PACKED);
      store<u32>(stream, <u32>min<u64>(groups << 3, MOST), LEFT);
      store<usize>(stream, at, BASE);
      store<u32>(stream, 0, INDEX);
      store<usize>(stream, <usize>min<u64>(end, at + groups * width), AT);
    } else {
      const bytes = (width + 7) >> 3;
      if (at + bytes > end) fail(RUN_ENDS, 0, 0);
      let value: u32 = 0;
      for (let i: u32 = 0; i < bytes; i++) value |= <u32>load<u8>(at + i) << (i << 3);
      store<u32>(stream, 0, PACKED);
      store<u32>(stream, value, VALUE);
      store<u32>(stream, word >> 1, LEFT);
      store<usize>(stream, at + bytes, AT);
    }
  }
}

function varint(stream: usize): u32 {
  let at = load<usize>(stream, AT);
  const end = load<usize>(stream, END);
  let value: u32 = 0;
  for (let shift: u32 = 0; shift < 35; shift += 7) {
    if (at >= end) fail(TOO_FEW, 0, 0);
    const byte = <u32>load<u8>(at++);
    value |= (byte & 127) << shift;
    if (byte < 128) {
      store<usize>(stream, at, AT);
      return value;
    }
  }
  fail(TOO_LONG, 0, 0);
  return 0;
}

function unpack(stream: usize, out: usize, count: u32): void {
  const width = load<u32>(stream, WIDTH);
  let base = load<usize>(stream, BASE);
  let index = load<u32>(stream, INDEX);
  const bytes = (<u64>(index + count) * width + 7) >> 3;
  if (<u64>base + bytes > <u64>load<usize>(stream, END)) fail(PACKED_END, 0, 0);
  const last = out + (count << 2);
  const mask: u64 = ((<u64>1) << width) - 1;
  let at = out;
  while ((index != 0 || width > WIDEST) && at < last) {
    const bit = index * width;
    store<u32>(at, <u32>((load<u64>(base + (bit >> 3)) >> (bit & 7)) & mask));
    at += 4;
    index = (index + 1) & 7;
    if (index == 0) base += width;
  }
  if (at < last) {
    const way = WAYS + (width << 6);
    const pick = v128.load(way);
    const factor = v128.load(way, 16);
    const pickLast = v128.load(way, 32);
    const factorLast = v128.load(way, 48);
    const masks = i32x4.splat(<i32>mask);
    const half = (width << 2) >> 3;
    while (true) {
      const first = i32x4.mul(i8x16.swizzle(v128.load(base), pick), factor);
      v128.store(at, v128.and(i32x4.shr_u(first, 7), masks));
      const second = i32x4.mul(i8x16.swizzle(v128.load(base + half), pickLast), factorLast);
      v128.store(at, v128.and(i32x4.shr_u(second, 7), masks), 16);
      if (at + 32 > last) {
        index = <u32>(last - at) >> 2;
        break;
      }
      at += 32;
      base += width;
      if (at == last) break;
    }
  }
  store<usize>(stream, base, BASE);
  store<u32>(stream, index, INDEX);
}

/** Values of a page at most, and more. */
const MOST: u32 = 0x7ffffff8;

/** What was wrong. */
const FULL: u32 = 0;
const TOO_FEW: u32 = 1;
const RUN_ENDS: u32 = 2;
const TOO_LONG: u32 = 3;
const PACKED_END: u32 = 4;
const NO_ENTRY: u32 = 5;

/** Throws. */
// @ts-ignore: decorator
@external('env', 'fail')
declare function fail(what: u32, one: u32, other: u32): void;
