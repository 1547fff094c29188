/** A growing run of bytes to write into. Hot: plain fields; copies go in steps of eight into the slack behind the end. */
import { type Memory, PAGE } from '../focus/wasm.ts';

const encoder = new TextEncoder();

/** Copies longer than this are left to memmove. */
const LONG = 256;

/** Bytes behind the end that may be read and overwritten: the kernel copies in steps of sixteen. */
export const SLACK = 16;

/** Room must be reserved before anything is written; only `append`, `bytes` and `text` do so themselves. */
export class Bytes {
  buffer: Uint8Array<ArrayBuffer>;
  view: DataView<ArrayBuffer>;
  length = 0;

  readonly #memory: Memory | undefined;

  /** In a buffer of its own, of so many bytes or a given one, or in a WebAssembly memory. */
  constructor(capacity: number | ArrayBuffer = 1024, memory?: Memory) {
    this.#memory = memory;
    const own = typeof capacity === 'number' ? capacity + SLACK : capacity;
    this.buffer = new Uint8Array((memory?.buffer ?? own) as ArrayBuffer);
    this.view = new DataView(this.buffer.buffer);
  }

  /** Makes room for `more` bytes and the slack behind them. */
  reserve(more: number): void {
    const needed = this.length + more + SLACK;
    if (needed > this.buffer.length) this.#grow(needed);
  }

  /** Appends one byte; room must be there. */
  byte(value: number): void {
    this.buffer[this.length++] = value;
  }

  /** Appends a protobuf varint; room must be there. */
  varint(value: number): void {
    let rest = value;
    while (rest > 127) {
      this.buffer[this.length++] = (rest & 127) | 128;
      rest = rest >>> 7;
    }
    this.buffer[this.length++] = rest;
  }

  /** Appends a little-endian double; room must be there. */
  float64(value: number): void {
    this.view.setFloat64(this.length, value, true);
    this.length += 8;
  }

  /** Appends bytes [start, end) of `source`, which has eight readable bytes behind `end`; room must be there. */
  copy(source: Uint8Array, view: DataView, start: number, end: number): void {
    const count = end - start;
    const to = this.view;
    const at = this.length - start;
    if (count > LONG) this.buffer.set(source.subarray(start, end), this.length);
    else
      for (let from = start; from < end; from += 8)
        to.setBigInt64(at + from, view.getBigInt64(from, true), true);
    this.length += count;
  }

  /** Appends short ready bytes; reserves its room. */
  append(ready: {
    readonly buffer: Uint8Array;
    readonly view: DataView;
    readonly length: number;
  }): void {
    this.reserve(ready.length);
    this.copy(ready.buffer, ready.view, 0, ready.length);
  }

  /** Appends bytes. */
  bytes(source: Uint8Array): void {
    this.reserve(source.length);
    this.buffer.set(source, this.length);
    this.length += source.length;
  }

  /** Appends text as UTF-8. */
  text(text: string): void {
    this.reserve(text.length * 3);
    this.length += encoder.encodeInto(text, this.buffer.subarray(this.length)).written;
  }

  /** What was written, as a copy of its own. */
  slice(start = 0): Uint8Array<ArrayBuffer> {
    return this.buffer.slice(start, this.length);
  }

  /** Somebody made the WebAssembly memory grow: looks where it is now. */
  refresh(): void {
    if (this.#memory === undefined) return;
    this.buffer = new Uint8Array(this.#memory.buffer);
    this.view = new DataView(this.buffer.buffer);
  }

  #grow(needed: number): void {
    const memory = this.#memory;
    const old = this.buffer;
    if (memory !== undefined) {
      memory.grow(Math.ceil((Math.max(needed, old.length * 1.5) - old.length) / PAGE));
      return;
    }
    this.buffer = new Uint8Array(Math.max(needed, old.length * 2));
    this.buffer.set(old.subarray(0, this.length));
    this.view = new DataView(this.buffer.buffer);
  }
}

/** Bytes of a varint. */
export function varintSize(value: number): number {
  let size = 1;
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) size++;
  return size;
}
