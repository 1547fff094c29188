/**
 * AssemblyScript, compiled to `../records-wasm.ts` by `npm run kernels`. Puts records together from ready runs of bytes, sixteen
 * bytes at a time. All positions are bytes of the one memory; `../kernel.ts` says what stands where. Copies read and write up to
 * fifteen bytes more than they have to.
 */

/** Where the description of log records stands, 32-bit words; the first is where `records` says how far it came. */
const END: usize = 0;
const HEAD: usize = 4;
const HEAD_BYTES: usize = 8;
/** Bytes of a record's length, a padded varint. */
const WIDTH: usize = 12;
/** Of the id's attribute: where it starts within the record, bytes of each of its three lengths, bytes of its key. */
const UID: usize = 16;
const UID_WIDTH: usize = 20;
const UID_KEY: usize = 24;
/** Per row: milliseconds as doubles, four words of hash, ordinals, revisions (0: all of the first). */
const TIMES: usize = 28;
const HASHES: usize = 32;
const ORDINALS: usize = 36;
const REVISIONS: usize = 40;
/** 0: none. */
const CORRECTION: usize = 44;
const PIECES: usize = 48;
const PIECE_COUNT: usize = 52;

/** What a piece is: a run by code, a run by row, a number by row behind a key, the same run on every row. */
const CODED: u32 = 0;
const BY_ROW: u32 = 1;
const AMOUNT: u32 = 2;

/** The first row from `row` on whose code has no run yet (a start of 0); `rows` when all have. */
export function missing(codes: usize, bounds: usize, row: u32, rows: u32): u32 {
  while (row < rows && load<u32>(bounds + ((<usize>load<u32>(codes + (<usize>row << 2))) << 3)) != 0) row++;
  return row;
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
    } else at = copy(from, load<usize>(piece, 12), at);
  }
  return at;
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
  const times = load<usize>(TIMES);
  const hashes = load<usize>(HASHES);
  const ordinals = load<usize>(ORDINALS);
  const revisions = load<usize>(REVISIONS);
  const correction = load<u32>(CORRECTION);
  const pieces = load<usize>(PIECES);
  const count = load<u32>(PIECE_COUNT);
  for (; row < rows; row++) {
    const r = <usize>row;
    let end = copy(head, headBytes, at);
    store<i64>(at + width + 2, (<i64>load<f64>(times + (r << 3))) * 1000000);
    end = hex(hashes + (r << 4), end);
    const ordinal = load<u32>(ordinals + (r << 2));
    if (ordinal != 1) end = marked(0, ordinal, end);
    if (revisions != 0) {
      const revision = load<u32>(revisions + (r << 2));
      if (revision != 1) end = marked(0x72, revision, end);
    }
    if (correction != 0) end = marked(0x63, correction, end);
    closeUid(at + uid, end);
    end = cells(pieces, count, r, end);
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
function padded(at: usize, width: usize, value: usize): void {
  const last = at + width - 1;
  for (; at < last; at++) {
    store<u8>(at, (value & 127) | 128);
    value >>= 7;
  }
  store<u8>(at, value);
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
