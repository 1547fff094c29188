import { brotliDecompressSync, unzipSync, zstdDecompressSync } from 'node:zlib';
import { snappyUncompressor } from 'hysnappy';
import { HeldZstd, type Target } from './held-zstd.ts';
import { inflateLz4 } from './lz4.ts';

type Inflate = (input: Uint8Array, size: number) => Uint8Array;

/** WebAssembly with its own memory: one per thread. */
let snappy: Inflate | undefined;
/** Likewise. */
let zstd: HeldZstd | undefined;

const CODECS: Readonly<Record<string, Inflate>> = {
  SNAPPY: (input, size) => {
    const said = snappyLength(input);
    if (said !== size)
      throw new Error(`a page inflates to ${said} bytes, not to ${size} as it says`);
    snappy ??= snappyUncompressor();
    return snappy(input, size);
  },
  GZIP: (input, size) => unzipSync(input, limits(size)),
  ZSTD: (input, size) => zstdDecompressSync(input, limits(size)),
  LZ4_RAW: inflateLz4,
  BROTLI: (input, size) => brotliDecompressSync(input, limits(size)),
};

/** Whether pages of this codec can be read. */
export function knownCodec(codec: string): boolean {
  return codec === 'UNCOMPRESSED' || Object.hasOwn(CODECS, codec);
}

/** Inflates `input` to exactly the target's size. */
export function decompress(codec: string, input: Uint8Array, to: Target): void {
  if (codec === 'ZSTD' && to.size > 0 && inflatesHeld(input, to)) return;
  const inflate = CODECS[codec];
  const bytes = inflate === undefined || to.size === 0 ? input : inflate(input, to.size);
  if (bytes.length !== to.size && to.size > 0)
    throw new Error(`a page inflates to ${bytes.length} bytes, not to ${to.size} as it says`);
  if (to.size > 0) to.output.set(bytes, to.at);
}

/** Inflates by the thread's open decompressor; false: there is none. One that threw is not used again. */
function inflatesHeld(input: Uint8Array, to: Target): boolean {
  zstd ??= HeldZstd.open();
  const held = zstd;
  if (held === undefined) return false;
  zstd = undefined;
  held.inflate(input, to);
  zstd = held;
  return true;
}

/** One buffer of the right size instead of many small ones. */
function limits(size: number): { readonly maxOutputLength: number; readonly chunkSize: number } {
  return { maxOutputLength: Math.max(size, 1), chunkSize: Math.max(size + 1, 64) };
}

/** The length that stands before snappy's data. */
function snappyLength(input: Uint8Array): number {
  let length = 0;
  for (let i = 0; i < 5; i++) {
    const byte = input[i] ?? 0;
    length += (byte & 127) * 2 ** (7 * i);
    if (byte < 128) return length;
  }
  return Number.NaN;
}
