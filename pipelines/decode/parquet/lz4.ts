/**
 * Inflates one LZ4 block without a frame (Parquet's LZ4_RAW) to exactly `size` bytes; throws when it does not say so many.
 * Format: lz4 block format description, github.com/lz4/lz4.
 */
export function inflateLz4(input: Uint8Array, size: number): Uint8Array {
  const output = new Uint8Array(size);
  let at = 0;
  let out = 0;

  function length(start: number): number {
    let sum = start;
    for (let byte = start === 15 ? 255 : 0; byte === 255; sum += byte) {
      if (at >= input.length) throw new Error('LZ4 data end within a length');
      byte = input[at++] as number;
    }
    return sum;
  }

  while (at < input.length) {
    const token = input[at++] as number;
    const literals = length(token >> 4);
    if (at + literals > input.length || out + literals > size)
      throw new Error('LZ4 literals reach beyond their page');
    output.set(input.subarray(at, at + literals), out);
    at += literals;
    out += literals;
    if (at === input.length) break;
    if (at + 2 > input.length) throw new Error('LZ4 data end within an offset');
    const offset = (input[at] as number) | ((input[at + 1] as number) << 8);
    at += 2;
    const end = out + length(token & 15) + 4;
    if (offset === 0 || offset > out || end > size)
      throw new Error('an LZ4 match reaches beyond its page');
    // Byte by byte: a match may repeat what it has just written.
    for (; out < end; out++) output[out] = output[out - offset] as number;
  }
  return output.subarray(0, out);
}
