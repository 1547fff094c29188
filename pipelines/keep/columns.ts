/** How the columns of a block are laid out: a head in JSON, then sections of bytes, each from a multiple of eight on. */

/** What a block says of a column. */
export interface ColumnHead {
  readonly name: string;
  readonly kind: 'text' | 'amount' | 'time';
  /** Number of its array of codes; -1: code 0 on every row. */
  readonly codes: number;
  /** Number of values that last; -1: they live for this block. */
  readonly id: number;
  /** The values [from, from + count) stand in this block; 0: it starts them. */
  readonly from: number;
  readonly count: number;
  /** Amounts too long for limbs, by their place behind `from`. */
  readonly big?: readonly (readonly [number, string])[];
}

/** What a block says of its columns. */
export interface Head {
  /** The values that last start anew. */
  readonly reset: boolean;
  /** Bytes of a code, per array of codes. */
  readonly widths: readonly number[];
  readonly columns: readonly ColumnHead[];
}

/** Bytes that a code takes when there are so many values. */
export function widthFor(size: number): number {
  if (size <= 256) return 1;
  return size <= 65_536 ? 2 : 4;
}

/** The codes of the first rows with so many bytes each. */
export function codesOfWidth(codes: Uint32Array, rows: number, width: number): Uint8Array {
  const narrow = width === 1 ? new Uint8Array(rows) : new Uint16Array(rows);
  const array = width === 4 ? codes.slice(0, rows) : narrow;
  if (width !== 4) array.set(codes.subarray(0, rows));
  return new Uint8Array(array.buffer, 0, array.byteLength);
}

/** Head and sections in one buffer. */
export function packed(head: Head, sections: readonly Uint8Array[]): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(head));
  const all = [Uint32Array.of(text.length), text, ...sections];
  const bytes = new Uint8Array(all.reduce((sum, { byteLength }) => sum + padded(byteLength), 0));
  let at = 0;
  for (const { buffer, byteOffset, byteLength } of all) {
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += padded(byteLength);
  }
  return bytes;
}

/** Reads what `packed` made, section by section. */
export class Sections {
  readonly head: Head;
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#at = 0;
    const [length = 0] = new Uint32Array(this.take(4));
    this.head = JSON.parse(Buffer.from(this.take(length)).toString()) as Head;
  }

  /** The next section, as a copy of its own. */
  take(length: number): ArrayBuffer {
    const { buffer, byteOffset } = this.#bytes;
    const start = byteOffset + this.#at;
    this.#at += padded(length);
    return buffer.slice(start, start + length) as ArrayBuffer;
  }
}

function padded(length: number): number {
  return Math.ceil(length / 8) * 8;
}
