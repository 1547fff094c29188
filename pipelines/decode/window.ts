import { SLACK } from '../focus/dictionary.ts';
import type { ByteReader } from './bytes.ts';

const QUOTE = 34;

/** Bytes of the window unless told otherwise; small enough to stay in the processor's cache. */
export const WINDOW_BYTES = 256 * 1024;

/**
 * The part of a text that is in memory: bytes [start, end), of which scanners consume by moving `start`. Behind `end`
 * stand a line end and a quote that are not part of the text, so that every search ends there at the latest, and SLACK
 * readable bytes.
 */
export class Window {
  bytes: Uint8Array;
  view: DataView;
  start = 0;
  end = 0;
  /** True: nothing follows `end`. */
  ended = false;
  /** What ends a line: LF, or CR. */
  newline = 10;
  readonly #reader: ByteReader;
  readonly #allocate: Allocate;

  constructor(reader: ByteReader, bytes = WINDOW_BYTES, allocate = onHeap) {
    this.#reader = reader;
    this.#allocate = allocate;
    this.bytes = allocate(bytes + ROOM);
    this.view = viewOf(this.bytes);
    this.#fence();
  }

  /** The same bytes stand in another buffer now. */
  rebase(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.view = viewOf(bytes);
  }

  /**
   * Reads on, at least as much as there is behind `keep`, so that scanning a growing row again stays cheap.
   * What stands before `keep` is dropped; answers by how many bytes everything moved to the front.
   */
  async fill(keep: number): Promise<number> {
    const kept = this.end - keep;
    this.#moveToFront(keep, kept);
    const least = Math.max(this.end + Math.max(1, kept), (this.bytes.length - ROOM) >> 1);
    while (this.end < least) {
      const count = await this.#reader.read(this.#room(), this.end);
      if (count === 0) {
        this.ended = true;
        break;
      }
      this.end += count;
    }
    this.#fence();
    return keep;
  }

  /** Lines end with this byte from now on. */
  endLinesWith(newline: number): void {
    this.newline = newline;
    this.#fence();
  }

  /** Puts a line end behind the last line where there is none; called once, when `ended`. */
  closeLastLine(): void {
    if (this.end === this.start || this.bytes[this.end - 1] === this.newline) return;
    this.bytes[this.end++] = this.newline;
    this.#fence();
  }

  /** The bytes [from, to) as text, at most `limit` of them. */
  text(from: number, to: number, limit = to - from): string {
    const end = Math.min(to, from + limit, this.end);
    const { buffer, byteOffset } = this.bytes;
    return Buffer.from(buffer, byteOffset + from, Math.max(0, end - from)).toString('utf8');
  }

  close(): Promise<void> {
    return this.#reader.close();
  }

  #moveToFront(keep: number, kept: number): void {
    const capacity = this.bytes.length - ROOM;
    if (kept * 2 > capacity) {
      const room = Math.max(kept * 2, Math.min(kept * 4, LARGE));
      this.rebase(this.#allocate(room + ROOM, this.bytes));
    }
    this.bytes.copyWithin(0, keep, this.end);
    this.start -= keep;
    this.end = kept;
  }

  /** Where a reader may write: the fence and a closing line end must fit behind. */
  #room(): Uint8Array {
    return this.bytes.subarray(0, this.bytes.length - SLACK * 2);
  }

  #fence(): void {
    this.bytes[this.end] = this.newline;
    this.bytes[this.end + 1] = QUOTE;
  }
}

/** Memory for a window of so many bytes, to begin with those of the smaller one before. */
export type Allocate = (bytes: number, before?: Uint8Array) => Uint8Array;

function onHeap(bytes: number, before?: Uint8Array): Uint8Array {
  const larger = new Uint8Array(bytes);
  if (before !== undefined) larger.set(before);
  return larger;
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** Windows grow twofold instead of fourfold from here on. */
const LARGE = 64 * 1024 * 1024;

/** Besides the text: the fence, and what a reader may need to see a whole character. */
const ROOM = 4 * SLACK;
