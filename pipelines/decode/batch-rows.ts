import type { RejectedRow } from './source.ts';
import type { Window } from './window.ts';

/** A batch ends early rather than stand for more bytes than this, or report more refused rows. */
const MAX_BYTES = 32 * 1024 * 1024;
const MAX_REJECTED = 1_000;
/** The row as it stood, in a refused row, has at most so many bytes. */
const RAW_BYTES = 64 * 1024;

/** Counts the rows of a part and of the batch at hand. */
export class BatchRows {
  /** Rows in the batch. */
  count = 0;
  /** Rows of the part so far, refused ones included. */
  number = 0;
  /** Number of each row of the batch in the part. */
  readonly numbers: Float64Array;
  #bytes = 0;
  #refused = 0;
  #rejected: RejectedRow[] = [];

  constructor(most: number) {
    this.numbers = new Float64Array(most);
  }

  /** Whether the batch has to end. */
  isFull(): boolean {
    return (
      this.count === this.numbers.length || this.#bytes > MAX_BYTES || this.#refused >= MAX_REJECTED
    );
  }

  /** One more row in the batch, of so many bytes. */
  accept(bytes: number): void {
    this.numbers[this.count++] = ++this.number;
    this.#bytes += bytes;
  }

  /** So many more rows in the batch, of so many bytes together. */
  acceptAll(rows: number, bytes: number): void {
    for (let i = 0; i < rows; i++) this.numbers[this.count++] = ++this.number;
    this.#bytes += bytes;
  }

  /** How many rows fit into the batch, and after how many bytes it ends. */
  get room(): { readonly rows: number; readonly bytes: number } {
    return { rows: this.numbers.length - this.count, bytes: MAX_BYTES - this.#bytes };
  }

  /** One more row that is refused: the bytes [start, end) of the window. */
  refuse(
    why: Pick<RejectedRow, 'reason' | 'message' | 'column'>,
    {
      window,
      start,
      end,
    }: { readonly window: Window; readonly start: number; readonly end: number },
  ): void {
    const { reason, message, column } = why;
    const raw = window.text(start, end, RAW_BYTES);
    const row = ++this.number;
    this.#rejected.push({ reason, message, row, ...(column === undefined ? {} : { column }), raw });
    this.#bytes += raw.length;
    this.#refused++;
  }

  /** The refused rows since the last call. */
  takeRejected(): RejectedRow[] {
    const taken = this.#rejected;
    this.#rejected = [];
    return taken;
  }

  /** Begins the next batch. */
  restart(): void {
    this.count = 0;
    this.#bytes = 0;
    this.#refused = 0;
  }
}
