/** A file of an archive. */
export interface TarFile {
  /** Relative, `/` between folders, at most 100 bytes. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

const BLOCK = 512;

/** A POSIX tar archive (ustar) of plain files; all belong to nobody and are of the same time. */
export function tar(files: readonly TarFile[], timeMs: number): Uint8Array {
  const blocks = files.flatMap(({ path, bytes }) => [
    header(path, { size: bytes.length, timeMs }),
    bytes,
    new Uint8Array((BLOCK - (bytes.length % BLOCK)) % BLOCK),
  ]);
  return Buffer.concat([...blocks, new Uint8Array(2 * BLOCK)]);
}

function header(
  path: string,
  { size, timeMs }: { readonly size: number; readonly timeMs: number },
): Uint8Array {
  if (Buffer.byteLength(path) > 100) throw new RangeError(`${path} is too long for a tar archive`);
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, digits: number): string =>
    `${value.toString(8).padStart(digits, '0')}\0`;
  block.write(path, 0);
  block.write(octal(0o600, 7), 100);
  block.write(octal(0, 7), 108);
  block.write(octal(0, 7), 116);
  block.write(octal(size, 11), 124);
  block.write(octal(Math.floor(timeMs / 1000), 11), 136);
  block.write('        ', 148);
  block.write('0', 156);
  block.write('ustar\x0000', 257, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}
