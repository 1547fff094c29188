/**
 * AssemblyScript, compiled to `../records-wasm.ts` by `npm run kernels`. Puts records together from ready runs of bytes, sixteen
 * bytes at a time. All positions are bytes of the one memory; `../kernel.ts` says what stands where. Copies read and write up to
 * fifteen bytes more than they have to.
 */

/** Where the description of log records stands, 32-bit words; the first is where `records` says how far it came. */
const END: usize = 0;
/** What every record starts with, up to its first piece. */
const HEAD: usize = 4;
const HEAD_BYTES: usize = 8;
/** Bytes of a record's length, a padded varint. */
const WIDTH: usize = 12;
/** Of the id's attribute: what stands before the hash, bytes of each of its three lengths, bytes of its key. */
const UID: usize = 16;
const UID_BYTES: usize = 20;
const UID_WIDTH: usize = 24;
const UID_KEY: usize = 28;
/** Per row: milliseconds as doubles, four words of hash, ordinals, revisions (0: all of the first). */
const TIMES: usize = 32;
const HASHES: usize = 36;
const ORDINALS: usize = 40;
const REVISIONS: usize = 44;
/** 0: none. */
const CORRECTION: usize = 48;
const PIECES: usize = 52;
const PIECE_COUNT: usize = 56;
/** How many of the pieces, the first ones, mostly are those of the row before, and per row a word that is 0 where all of them are. */
const STEADY: usize = 60;
const CHANGES: usize = 64;

/** What a piece is: a run by code, a run by row, a number by row behind a key, the same run on every row. */
const CODED: u32 = 0;
const BY_ROW: u32 = 1;
const AMOUNT: u32 = 2;
const LITERAL: u32 = 3;
/** A run with a number by row at some places of it; a text by code as an attribute. */
const AMOUNTS: u32 = 4;

/** Lists the codes of the rows that have no run yet (a start of 0) and marks them with another start; answers how many there are. */
export function missing(codes: usize, bounds: usize, rows: u32, list: usize): u32 {
  const first = list;
  const last = codes + (<usize>rows << 2);
  for (let at = codes; at < last; at += 4) {
    // Those that are the same as the ones before.
    while (at != codes && at + 16 <= last && v128.all_true<u32>(v128.eq<u32>(v128.load(at), v128.load(at - 4))))
      at += 16;
    if (at == last) break;
    const code = load<u32>(at);
    const start = bounds + (<usize>code << 3);
    if (load<u32>(start) != 0) continue;
    store<u32>(start, 1);
    store<u32>(list, code);
    list += 4;
  }
  return <u32>(list - first) >> 2;
}

/** How many rows have another code than the one before. Up to twelve bytes behind the codes are read. */
export function changes(codes: usize, rows: u32): u32 {
  let counts = i32x4.splat(0);
  const last = codes + ((<usize>rows) << 2);
  let at = codes + 4;
  for (; at + 16 <= last; at += 16)
    counts = i32x4.sub(counts, v128.not(v128.eq<u32>(v128.load(at), v128.load(at - 4))));
  let count =
    i32x4.extract_lane(counts, 0) +
    i32x4.extract_lane(counts, 1) +
    i32x4.extract_lane(counts, 2) +
    i32x4.extract_lane(counts, 3);
  for (; at < last; at += 4) count += i32(load<u32>(at) != load<u32>(at - 4));
  return count;
}

/** Marks the rows that have another code than the one before. Up to twelve bytes behind the marks are written. */
export function mark(codes: usize, rows: u32, marks: usize): void {
  const last = codes + ((<usize>rows) << 2);
  marks += 4;
  for (let at = codes + 4; at < last; at += 16) {
    const other = v128.xor(v128.load(at), v128.load(at - 4));
    v128.store(marks, v128.or(v128.load(marks), other));
    marks += 16;
  }
}

/** Writes the cells of a row to `at`; answers where they end. */
export function cells(pieces: usize, count: u32, row: usize, at: usize): usize {
  const last = pieces + ((<usize>count) << 4);
  for (let piece = pieces; piece < last; piece += 16) {
    const kind = load<u32>(piece);
    const by = load<usize>(piece, 4);
    const from = load<usize>(piece, 8);
    if (kind == CODED) {
      const bounds = from + ((<usize>load<u32>(by + (row << 2))) << 3);
      const start = load<usize>(bounds);
      at = copy(start, load<usize>(bounds, 4) - start, at);
    } else if (kind == AMOUNT) {
      const value = load<f64>(by + (row << 3));
      if (value != value) continue;
      at = copy(from, load<usize>(piece, 12), at);
      store<f64>(at, value);
      at += 8;
    } else if (kind == BY_ROW) {
      const bounds = by + (row << 3);
      const start = load<usize>(bounds);
      at = copy(start, load<usize>(bounds, 4) - start, at);
    } else if (kind == LITERAL) at = copy(from, load<usize>(piece, 12), at);
    else if (kind == AMOUNTS) at = amounts(by, from, load<usize>(piece, 12), row, at);
    else at = text(by, from, row, at);
  }
  return at;
}

/** `holes`: how many, then where the numbers of each are by row and where it ends in the run. */
@inline
function amounts(holes: usize, run: usize, bytes: usize, row: usize, at: usize): usize {
  const end = copy(run, bytes, at);
  const last = holes + 4 + (load<usize>(holes) << 3);
  for (let hole = holes + 4; hole < last; hole += 8)
    store<u64>(at + load<usize>(hole, 4), load<u64>(load<usize>(hole) + (row << 3)));
  return end;
}

/** An attribute with a text; `about`: where the entries start and end, what that counts from, the key and its bytes. Nothing for null. */
function text(codes: usize, about: usize, row: usize, at: usize): usize {
  const entry = (<usize>load<u32>(codes + (row << 2))) << 2;
  const start = load<usize>(load<usize>(about) + entry);
  const end = load<usize>(load<usize>(about, 4) + entry);
  if (start > end) return at;
  const bytes = end - start;
  const key = load<usize>(about, 16);
  const value: usize = 1 + varintBytes(bytes) + bytes;
  store<u8>(at, 0x32);
  at = varint(at + 1, key + varintBytes(value) + value);
  at = varint(copy(load<usize>(about, 12), key, at), value);
  store<u8>(at, 0x0a);
  return copy(load<usize>(about, 8) + start, bytes, varint(at + 1, bytes));
}

/**
 * Writes log records of rows from `row` on to `at` until they take `enough` bytes, but no record that ends behind `most`.
 * Answers the first row that is not written.
 */
export function records(row: u32, rows: u32, at: usize, enough: usize, most: usize): u32 {
  const head = load<usize>(HEAD);
  const headBytes = load<usize>(HEAD_BYTES);
  const width = load<usize>(WIDTH);
  const uid = load<usize>(UID);
  const uidBytes = load<usize>(UID_BYTES);
  const times = load<usize>(TIMES);
  const hashes = load<usize>(HASHES);
  const ordinals = load<usize>(ORDINALS);
  const revisions = load<usize>(REVISIONS);
  const correction = load<u32>(CORRECTION);
  const steady = load<u32>(STEADY);
  const changed = load<usize>(CHANGES);
  const pieces = load<usize>(PIECES);
  const others = pieces + ((<usize>steady) << 4);
  const count = load<u32>(PIECE_COUNT) - steady;
  closeUid(uid, uid + uidBytes + 32);
  let before: usize = 0;
  let beforeBytes: usize = 0;
  for (; row < rows; row++) {
    const r = <usize>row;
    let end: usize;
    if (before != 0 && (steady == 0 || load<u32>(changed + (r << 2)) == 0)) end = copyLong(before, beforeBytes, at);
    else {
      end = cells(pieces, steady, r, copyLong(head, headBytes, at));
      beforeBytes = end - at;
    }
    before = at;
    store<i64>(at + width + 2, (<i64>load<f64>(times + (r << 3))) * 1000000);
    const uidAt = end;
    end = hex(hashes + (r << 4), copy(uid, uidBytes, end));
    const plain = end;
    const ordinal = load<u32>(ordinals + (r << 2));
    if (ordinal != 1) end = marked(0, ordinal, end);
    if (revisions != 0) {
      const revision = load<u32>(revisions + (r << 2));
      if (revision != 1) end = marked(0x72, revision, end);
    }
    if (correction != 0) end = marked(0x63, correction, end);
    if (end != plain) closeUid(uidAt, end);
    end = cells(others, count, r, end);
    padded(at + 1, width, end - at - 1 - width);
    if (end > most) break;
    at = end;
    if (at >= enough) {
      row++;
      break;
    }
  }
  store<usize>(END, at);
  return row;
}

/** The lengths of the id's attribute, its value and its text. */
function closeUid(start: usize, end: usize): void {
  const width = load<usize>(UID_WIDTH);
  const keyValue = start + 1;
  const value = keyValue + width + 2 + load<usize>(UID_KEY) + 1;
  const text = value + width + 1;
  padded(keyValue, width, end - keyValue - width);
  padded(value, width, end - value - width);
  padded(text, width, end - text - width);
}

/** A varint of exactly `width` bytes. */
@inline
function padded(at: usize, width: usize, value: usize): void {
  const last = at + width - 1;
  for (; at < last; at++) {
    store<u8>(at, (value & 127) | 128);
    value >>= 7;
  }
  store<u8>(at, value);
}

@inline
function varint(at: usize, value: usize): usize {
  for (; value > 127; value >>= 7) store<u8>(at++, (value & 127) | 128);
  store<u8>(at, value);
  return at + 1;
}

@inline
function varintBytes(value: usize): usize {
  let bytes: usize = 1;
  for (; value > 127; value >>= 7) bytes++;
  return bytes;
}

/** Four 32-bit words as 32 hexadecimal digits. */
function hex(words: usize, at: usize): usize {
  const bytes = i8x16.swizzle(
    v128.load(words),
    i8x16(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12),
  );
  const digits = i8x16(48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 97, 98, 99, 100, 101, 102);
  const high = i8x16.swizzle(digits, i8x16.shr_u(bytes, 4));
  const low = i8x16.swizzle(digits, v128.and(bytes, i8x16.splat(15)));
  v128.store(at, i8x16.shuffle(high, low, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
  v128.store(at, i8x16.shuffle(high, low, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31), 16);
  return at + 32;
}

/** `-` and a number, or `.`, a letter and a number. */
function marked(letter: u32, value: u32, at: usize): usize {
  if (letter == 0) store<u8>(at++, 45);
  else {
    store<u16>(at, 46 | (letter << 8));
    at += 2;
  }
  let end = at + 1;
  for (let rest = value; rest >= 10; rest /= 10) end++;
  let rest = value;
  for (let digit = end - 1; digit >= at; digit--) {
    store<u8>(digit, 48 + (rest % 10));
    rest /= 10;
  }
  return end;
}

@inline
function copy(from: usize, bytes: usize, at: usize): usize {
  const end = at + bytes;
  do {
    v128.store(at, v128.load(from));
    from += 16;
    at += 16;
  } while (at < end);
  return end;
}

/** The same for long runs. */
@inline
function copyLong(from: usize, bytes: usize, at: usize): usize {
  const end = at + bytes;
  for (; at + 64 <= end; at += 64) {
    v128.store(at, v128.load(from));
    v128.store(at, v128.load(from, 16), 16);
    v128.store(at, v128.load(from, 32), 32);
    v128.store(at, v128.load(from, 48), 48);
    from += 64;
  }
  copy(from, end - at, at);
  return end;
}
