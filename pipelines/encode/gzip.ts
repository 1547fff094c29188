/**
 * gzip (RFC 1952) for records: twice as fast as zlib at its first level and hardly larger, because records repeat each other in long runs
 * at the same distance, which zlib looks for byte by byte. The loops are WebAssembly, `assembly/deflate.ts`.
 */
import { crc32 } from 'node:zlib';
import { instantiate } from '../focus/wasm.ts';
import { Bytes } from './bytes.ts';
import { DEFLATE_WASM } from './deflate-wasm.ts';
import { type Bits, codeLengths, codes, describedLengths, MOST_BITS } from './huffman.ts';

/** Where what is in the memory; see `assembly/deflate.ts`. */
const SLOTS_BYTES = 1 << 17;
const COUNTS = SLOTS_BYTES;
const CODES = COUNTS + 2048;
const WINDOW = 32_768;
const HISTORY = CODES + 2048;
const INPUT = HISTORY + WINDOW;
const BLOCK = 256 << 10;
const TOKENS = INPUT + BLOCK + 64;
const OUTPUT = TOKENS + BLOCK * 4 + 64;
const MEMORY = OUTPUT + BLOCK * 2;
/** Enough for a request of log records. */
const OUTPUT_BYTES = 512 << 10;

const LITERALS = 288;
const DISTANCES = 32;
const END_OF_BLOCK = 256;
/** ID, DEFLATE, no flags, no time, fastest algorithm, unknown system. */
const HEAD = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255);

interface Loops {
  tokenize(from: number, end: number, known: number, base: number, tokens: number): number;
  emit(tokens: number, end: number, out: number, pending: number, bits: number): number;
}

interface Deflater extends Loops {
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
  /** What comes out, until it is copied. */
  readonly out: Bytes;
}

/** One for the thread: nothing of a call is left for the next. */
let deflater: Deflater | undefined;

function newDeflater(): Deflater {
  const { exports, memory } = instantiate<Loops>(DEFLATE_WASM, MEMORY);
  return {
    ...exports,
    bytes: new Uint8Array(memory.buffer),
    words: new Uint32Array(memory.buffer),
    out: new Bytes(OUTPUT_BYTES),
  };
}

/** Bytes as a gzip file of one member. */
export function gzip(input: Uint8Array): Uint8Array<ArrayBuffer> {
  deflater ??= newDeflater();
  const { bytes, words } = deflater;
  const out = new BitWriter(deflater.out);
  out.bytes(HEAD);
  bytes.fill(0, 0, SLOTS_BYTES);
  let open: HuffmanCodes | undefined;
  for (let at = 0; at < input.length; at += BLOCK) {
    const some = input.subarray(at, at + BLOCK);
    if (at > 0) bytes.copyWithin(HISTORY, INPUT + BLOCK - WINDOW, INPUT + BLOCK);
    bytes.set(some, INPUT);
    words.fill(0, COUNTS / 4, CODES / 4);
    const end = deflater.tokenize(INPUT, INPUT + some.length, at, INPUT - at, TOKENS);
    const counts = words.subarray(COUNTS / 4, CODES / 4);
    if (open === undefined || !suits(open, counts)) {
      if (open !== undefined) out.put([open.endOfBlock]);
      open = codesFor(counts, at + BLOCK < input.length ? 1 : 0);
      words.set(open.codes, CODES / 4);
      out.put(open.header);
    }
    out.emitted(deflater, end);
  }
  if (open !== undefined) out.put([open.endOfBlock]);
  const crc = crc32(input);
  out.put(LAST_BLOCK);
  out.align();
  out.put(
    [crc, input.length].flatMap((word) => [
      [word & 0xffff, 16] as const,
      [word >>> 16, 16] as const,
    ]),
  );
  return out.slice();
}

/** An empty block that says that it is the last; those before need not know. */
const LAST_BLOCK: Bits = [
  [1, 1],
  [1, 2],
  [0, 7],
];

/** The codes of a DEFLATE block, which goes on as long as they suit what follows. */
interface HuffmanCodes {
  /** Lengths of the codes, and the codes, of literals and from LITERALS on of distances. */
  readonly lengths: Uint8Array;
  readonly codes: Uint32Array;
  readonly header: Bits;
  readonly endOfBlock: Bits[number];
}

/** Codes for symbols that occur so often and `spare` times more. */
function codesFor(counts: Uint32Array, spare: number): HuffmanCodes {
  const more = counts.map((count) => count + spare);
  more[END_OF_BLOCK] = 1;
  const literals = codeLengths(more.subarray(0, LITERALS - 2), MOST_BITS);
  const distances = codeLengths(more.subarray(LITERALS, LITERALS + DISTANCES - 2), MOST_BITS);
  const lengths = new Uint8Array(LITERALS + DISTANCES);
  lengths.set(literals);
  lengths.set(distances, LITERALS);
  const all = new Uint32Array(LITERALS + DISTANCES);
  all.set(codes(literals));
  all.set(codes(distances), LITERALS);
  const over = all[END_OF_BLOCK] as number;
  return {
    lengths,
    codes: all,
    header: [[0, 1], [2, 2], ...describedLengths(literals, distances)],
    endOfBlock: [over & 0xffff, over >>> 16],
  };
}

/** Whether the codes make the symbols at most a twentieth longer than codes of their own would. */
function suits({ lengths }: HuffmanCodes, counts: Uint32Array): boolean {
  let bits = 0;
  let least = 0;
  for (const [from, to] of [
    [0, LITERALS],
    [LITERALS, LITERALS + DISTANCES],
  ] as const) {
    let total = 0;
    for (let symbol = from; symbol < to; symbol++) total += counts[symbol] as number;
    for (let symbol = from; symbol < to; symbol++) {
      const count = counts[symbol] as number;
      const length = lengths[symbol] as number;
      if (count === 0) continue;
      if (length === 0) return false;
      bits += count * length;
      least += count * Math.log2(total / count);
    }
  }
  return bits <= least * 1.05 + HEADER_BITS;
}

/** About what the description of new codes takes. */
const HEADER_BITS = 1_000;

/** Bits behind one another, the lowest of a byte first. */
class BitWriter {
  readonly #out: Bytes;
  #held = 0;
  #count = 0;

  constructor(out: Bytes) {
    this.#out = out;
    out.length = 0;
  }

  /** At most sixteen at a time. */
  put(bits: Bits): void {
    this.#out.reserve(bits.length * 2 + 8);
    for (const [value, count] of bits) {
      this.#held |= value << this.#count;
      this.#count += count;
      while (this.#count >= 8) {
        this.#out.byte(this.#held & 255);
        this.#held >>>= 8;
        this.#count -= 8;
      }
    }
  }

  /** Whole bytes; only where a byte begins. */
  bytes(bytes: Uint8Array): void {
    this.#out.bytes(bytes);
  }

  /** The tokens that end at `end`. */
  emitted(deflater: Deflater, end: number): void {
    const bits = deflater.emit(TOKENS, end, OUTPUT, this.#held, this.#count);
    const whole = OUTPUT + (bits >>> 3);
    this.#out.bytes(deflater.bytes.subarray(OUTPUT, whole));
    this.#count = bits & 7;
    this.#held = (deflater.bytes[whole] as number) & ((1 << this.#count) - 1);
  }

  /** Fills the byte with zeros. */
  align(): void {
    if (this.#count > 0) this.put([[0, 8 - this.#count]]);
  }

  slice(): Uint8Array<ArrayBuffer> {
    return this.#out.slice();
  }
}
