/** Levels and dictionary indices as Parquet stores them. Hot: indexed loops over typed arrays. */
import type { Bytes } from '../bytes.ts';

/** Bits that values up to `max` take. */
export function bitWidth(max: number): number {
  return 32 - Math.clz32(max);
}

/** Appends the first `count` values in `width` bits each: one run when they are all equal, else bit-packed. */
export function writeHybrid(out: Bytes, values: Uint32Array, count: number, width: number): void {
  if (count === 0) return;
  const first = values[0] as number;
  let same = 1;
  while (same < count && values[same] === first) same++;
  if (same < count) {
    writePacked(out, values, count, width);
    return;
  }
  out.reserve(16);
  out.varint(count * 2);
  for (let bits = 0; bits < width; bits += 8) out.byte((first >>> bits) & 255);
}

function writePacked(out: Bytes, values: Uint32Array, count: number, width: number): void {
  const groups = (count + 7) >>> 3;
  const size = groups * width;
  out.reserve(size + 16);
  out.varint(groups * 2 + 1);
  const { buffer } = out;
  const end = out.length + size;
  let at = out.length;
  let bits = 0;
  let filled = 0;
  for (let i = 0; i < count; i++) {
    const value = values[i] as number;
    bits |= value << filled;
    filled += width;
    if (filled < 32) continue;
    buffer[at++] = bits & 255;
    buffer[at++] = (bits >>> 8) & 255;
    buffer[at++] = (bits >>> 16) & 255;
    buffer[at++] = bits >>> 24;
    filled -= 32;
    bits = filled === 0 ? 0 : value >>> (width - filled);
  }
  for (; filled > 0; filled -= 8) {
    buffer[at++] = bits & 255;
    bits >>>= 8;
  }
  buffer.fill(0, at, end);
  out.length = end;
}
