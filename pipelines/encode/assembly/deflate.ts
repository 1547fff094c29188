/**
 * AssemblyScript, compiled to `../deflate-wasm.ts` by `npm run kernels`. The two loops of a DEFLATE compressor (RFC 1951): finds
 * repetitions, and writes what was found as bits; `../gzip.ts` makes the Huffman codes in between. Repetitions are looked for at the
 * distance of the last one first, as records repeat each other with gaps. The memory begins with the tables below; where bytes, tokens and
 * bits are is told. Up to sixteen bytes behind the input are read.
 */

/** Position of the last occurrence by hash, 32-bit words, counted from the start of all input plus one; 0: none. */
const SLOTS: usize = 0;
const HASH_BITS = 15;
/** How often each literal or length, and each distance occurs: 288 and 32 words. */
const COUNTS: usize = 1 << 17;
const DISTANCE_COUNTS: usize = COUNTS + 288 * 4;
/** Their codes, as bits in the order of output with how many there are in the upper half: 288 and 32 words. */
const CODES: usize = COUNTS + 2048;
const DISTANCE_CODES: usize = CODES + 288 * 4;

const WINDOW: usize = 32768;
const SHORTEST: usize = 4;
const LONGEST: usize = 258;
/** Marks a token that is a repetition: then fifteen bits of distance - 1, then eight of length - 3. */
const REPEATS: u32 = 1 << 31;

/**
 * Takes the bytes [from, end) apart into tokens, 32-bit words from `tokens` on; answers where these end. The window's bytes before `from` are those
 * that came before; `base` is the position in the memory of the first byte of all input (a number that wraps around), `known` how many came before.
 */
export function tokenize(from: usize, end: usize, known: usize, base: usize, tokens: usize): usize {
  let at = from;
  let literals = from;
  let distance: usize = 0;
  const last = end - from < 8 ? from : end - 8;
  let misses: usize = 0;
  while (at < last) {
    const word = load<u32>(at);
    const position = at - base + 1;
    const slot = slotOf(word);
    const found = <usize>load<u32>(slot);
    store<u32>(slot, position);
    let match: usize = 0;
    if (distance != 0 && load<u32>(at - distance) == word) match = at - distance;
    else if (found != 0 && position - found <= WINDOW && load<u32>(base + found - 1) == word) match = base + found - 1;
    if (match == 0) {
      at += 1 + (misses >> 1);
      misses++;
      continue;
    }
    misses = 0;
    // What came before it, too.
    const oldest = from - min(known, WINDOW);
    while (at > literals && match > oldest && load<u8>(at - 1) == load<u8>(match - 1)) {
      at--;
      match--;
    }
    distance = at - match;
    tokens = literal(literals, at, tokens);
    const length = common(at, match, end);
    tokens = repeat(length, distance, tokens);
    at += length;
    literals = at;
    if (at < last) {
      const before = at - 2;
      store<u32>(slotOf(load<u32>(before)), before - base + 1);
    }
  }
  return literal(literals, end, tokens);
}

function literal(from: usize, end: usize, tokens: usize): usize {
  for (; from < end; from++) {
    const byte = <u32>load<u8>(from);
    store<u32>(tokens, byte);
    tokens += 4;
    count(COUNTS, byte);
  }
  return tokens;
}

/** A repetition in pieces of at most 258 bytes, none shorter than three. */
function repeat(length: usize, distance: usize, tokens: usize): usize {
  const symbol = distanceSymbol(<u32>distance - 1);
  while (length != 0) {
    let some = min(length, LONGEST);
    if (length - some != 0 && length - some < 3) some = length - 3;
    length -= some;
    store<u32>(tokens, REPEATS | ((<u32>distance - 1) << 8) | (<u32>some - 3));
    tokens += 4;
    count(COUNTS, lengthSymbol(<u32>some - 3));
    count(DISTANCE_COUNTS, symbol);
  }
  return tokens;
}

/** How many bytes from `a` on equal those from `b` on; at least four do. */
function common(a: usize, b: usize, end: usize): usize {
  let at = a + SHORTEST;
  b += SHORTEST;
  while (at < end) {
    const different = ~i8x16.bitmask(i8x16.eq(v128.load(at), v128.load(b))) & 0xffff;
    if (different != 0) return min(at + ctz(different), end) - a;
    at += 16;
    b += 16;
  }
  return end - a;
}

/** Writes tokens as bits to `out`, behind `bits` (less than eight) others; answers the end, in bits from `out` on. */
export function emit(tokens: usize, end: usize, out: usize, pending: u32, bits: u32): usize {
  let held = <u64>pending;
  let count = <u64>bits;
  const start = out;
  for (; tokens < end; tokens += 4) {
    const token = load<u32>(tokens);
    if (token < 256) {
      const code = load<u32>(CODES + (token << 2));
      held |= (<u64>(code & 0xffff)) << count;
      count += code >>> 16;
    } else {
      const length = token & 255;
      const code = load<u32>(CODES + (lengthSymbol(length) << 2));
      held |= (<u64>(code & 0xffff)) << count;
      count += code >>> 16;
      if (length >= 8 && length != 255) {
        const extra = 29 - clz(length);
        held |= (<u64>(length & ((1 << extra) - 1))) << count;
        count += extra;
      }
      const distance = (token >>> 8) & 0x7fff;
      const far = load<u32>(DISTANCE_CODES + (distanceSymbol(distance) << 2));
      held |= (<u64>(far & 0xffff)) << count;
      count += far >>> 16;
      if (distance >= 4) {
        const extra = 30 - clz(distance);
        held |= (<u64>(distance & ((1 << extra) - 1))) << count;
        count += extra;
      }
    }
    store<u64>(out, held);
    out += <usize>(count >> 3);
    held >>= count & ~7;
    count &= 7;
  }
  store<u64>(out, held);
  return ((out - start) << 3) + <usize>count;
}

@inline
function slotOf(word: u32): usize {
  return SLOTS + (((word * 0x9e3779b1) >>> (32 - HASH_BITS)) << 2);
}

@inline
function count(counts: usize, symbol: u32): void {
  const at = counts + (symbol << 2);
  store<u32>(at, load<u32>(at) + 1);
}

/** Of a length - 3: RFC 1951, 3.2.5. */
@inline
function lengthSymbol(length: u32): u32 {
  if (length < 4) return 257 + length;
  if (length == 255) return 285;
  const bits = 31 - clz(length);
  return 253 + (bits << 2) + ((length >>> (bits - 2)) & 3);
}

/** Of a distance - 1. */
@inline
function distanceSymbol(distance: u32): u32 {
  if (distance < 2) return distance;
  const bits = 31 - clz(distance);
  return (bits << 1) + ((distance >>> (bits - 1)) & 1);
}
