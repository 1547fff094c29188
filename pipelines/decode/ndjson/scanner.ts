import { BadPart } from '../../plugin/errors.ts';
import { BatchRows } from '../batch-rows.ts';
import type { Cells } from '../cells.ts';
import type { RowScanner } from '../text-source.ts';
import type { Window } from '../window.ts';
import { Frame } from './frame.ts';
import { INCOMPLETE, INVALID, JsonReader } from './json-reader.ts';
import { type ColumnSet, Objects } from './objects.ts';

/** How objects follow one another: one per line, or one behind the other, in an array, wrapped. */
type Layout = 'lines' | 'framed';

/** An object of 64 MiB is no charge any more. */
export const OBJECT_BYTES = 64 * 1024 * 1024;

const LF = 10;
const OPEN_BRACKET = 91;
const OPEN_BRACE = 123;

/**
 * Fills one batch after the other from objects. A bad line is refused and the rest goes on; elsewhere what is no JSON
 * leaves nothing to hold on to: it throws a `BadPart`. Values that are no objects are refused.
 */
export class ObjectScanner implements RowScanner {
  readonly rows: BatchRows;
  readonly #window: Window;
  readonly #reader: JsonReader;
  readonly #objects: Objects;
  readonly #path: string;
  readonly #maxBytes: number;
  readonly #frame: Frame;
  #layout: Layout | undefined;
  /** Within a line that is too long. */
  #skipping = false;

  constructor(window: Window, set: ColumnSet, maxBytes = OBJECT_BYTES) {
    this.#window = window;
    this.#reader = new JsonReader(window);
    this.#objects = new Objects(window, this.#reader, set);
    this.#frame = new Frame(window, this.#reader, (message) => this.#broken(message));
    this.#path = set.path;
    this.#maxBytes = maxBytes;
    this.rows = new BatchRows(set.batchRows);
  }

  get columns(): readonly Cells[] {
    return this.#objects.columns;
  }

  get keep(): number {
    return this.#window.start;
  }

  moved(): void {}

  restart(): void {
    for (const column of this.columns) column.restart();
    this.rows.restart();
  }

  scan(): boolean {
    while (!this.rows.isFull()) if (!this.#next()) return this.#pause();
    return true;
  }

  /** Nothing complete is left in the window. */
  #pause(): false {
    const { start, end, ended } = this.#window;
    if (!ended) {
      if (end - start > this.#maxBytes) this.#tooLong();
      return false;
    }
    if (start < end) throw this.#broken('the file ends within an object');
    if (this.#frame.isOpen) throw this.#broken('the file ends within the array');
    return false;
  }

  /** Reads one value, or one mark between values; false when it is not complete. */
  #next(): boolean {
    const window = this.#window;
    if (this.#skipping) return this.#skipLine();
    this.#reader.limit = window.end;
    window.start = this.#reader.skipSpace(window.start);
    if (window.start === window.end) return false;
    this.#layout ??= this.#detect();
    if (this.#layout === undefined) return false;
    if (this.#layout === 'lines') return this.#line();
    const step = this.#frame.step();
    if (step === 'passed') return true;
    return step !== 'wait' && this.#value(step === 'row');
  }

  /** The layout by the first line; undefined when it is not complete. */
  #detect(): Layout | undefined {
    const { bytes, start, end, ended } = this.#window;
    const reader = this.#reader;
    if (bytes[start] === OPEN_BRACKET) return 'framed';
    const wraps = bytes[start] === OPEN_BRACE ? this.#frame.wraps(start) : false;
    if (wraps !== false) return wraps && 'framed';
    const line = lineEnd(this.#window);
    if (line === end && !ended) return undefined;
    reader.limit = line;
    const first = reader.value(start);
    if (first >= 0) {
      const rest = reader.skipSpace(first);
      return rest < line && bytes[rest] === OPEN_BRACE ? 'framed' : 'lines';
    }
    reader.limit = end;
    const whole = first === INVALID ? INVALID : reader.value(start);
    if (whole === INCOMPLETE && !ended) return undefined;
    return whole === INVALID ? 'lines' : 'framed';
  }

  #line(): boolean {
    const window = this.#window;
    const reader = this.#reader;
    const { start, bytes } = window;
    const end = lineEnd(window);
    if (end === window.end) return false;
    reader.limit = end;
    if (bytes[start] !== OPEN_BRACE) this.#refuse('expected an object', start, end);
    else {
      const stop = this.#objects.read(start, this.rows.count);
      if (stop < 0)
        this.#refuse(stop === INVALID ? reader.error : 'the object does not end', start, end);
      else if (reader.skipSpace(stop) < end) this.#refuseTail(start, end);
      else this.rows.accept(end - start);
    }
    window.start = end + 1;
    return true;
  }

  #refuseTail(start: number, end: number): void {
    for (const column of this.columns) column.unset(this.rows.count);
    this.#refuse('something follows the object on its line', start, end);
  }

  #value(isRow: boolean): boolean {
    const window = this.#window;
    const { start } = window;
    const stop = isRow ? this.#objects.read(start, this.rows.count) : this.#reader.value(start);
    if (stop === INVALID) throw this.#broken(this.#reader.error);
    if (stop < 0) return false;
    if (isRow) this.rows.accept(stop - start);
    else this.#refuse('expected an object that is a row', start, stop);
    this.#frame.passed();
    window.start = stop;
    return true;
  }

  #refuse(message: string, start: number, end: number): void {
    this.rows.refuse({ reason: 'invalid_json', message }, { window: this.#window, start, end });
  }

  #broken(message: string): BadPart {
    const row = this.rows.number + 1;
    return new BadPart(`row ${row}: invalid JSON: ${message}`, { path: this.#path, row });
  }

  #tooLong(): void {
    const window = this.#window;
    const message = `an object of more than ${this.#maxBytes} bytes`;
    if (this.#layout !== 'lines') throw this.#broken(message);
    if (!this.#skipping) this.#refuse(message, window.start, window.end);
    this.#skipping = true;
    window.start = window.end;
  }

  #skipLine(): boolean {
    const window = this.#window;
    const end = lineEnd(window);
    this.#skipping = end === window.end;
    window.start = this.#skipping ? end : end + 1;
    return !this.#skipping;
  }
}

function lineEnd({ bytes, start, end }: Window): number {
  return Math.min(bytes.indexOf(LF, start), end);
}
