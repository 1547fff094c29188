import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { snappyCompressor } from 'hysnappy';

/** How pages are compressed. */
export type Compression = 'zstd' | 'snappy' | 'gzip' | 'none';

/** Names of the format. */
export const CODEC = {
  zstd: 'ZSTD',
  snappy: 'SNAPPY',
  gzip: 'GZIP',
  none: 'UNCOMPRESSED',
} as const satisfies Readonly<Record<Compression, string>>;

/** WebAssembly with its own memory: one per thread. */
let snappy: ((input: Uint8Array) => Uint8Array) | undefined;

/** The bytes compressed, in memory of their own. */
export function compress(bytes: Uint8Array, how: Compression): Uint8Array {
  switch (how) {
    case 'zstd':
      return zstdCompressSync(bytes, {
        params: { [constants.ZSTD_c_compressionLevel]: 1 },
        chunkSize: roomy(bytes),
      });
    case 'gzip':
      return gzipSync(bytes, { level: 1, chunkSize: roomy(bytes) });
    case 'snappy':
      snappy ??= snappyCompressor();
      return snappy(bytes);
    case 'none':
      return bytes.slice();
  }
}

/** One buffer is enough for the result. */
function roomy(bytes: Uint8Array): number {
  return Math.max(1024, bytes.length + (bytes.length >>> 3) + 128);
}
