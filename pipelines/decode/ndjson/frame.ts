/** What stands around objects that are no lines: arrays, and objects that wrap them, as APIs answer. */
import type { Window } from '../window.ts';
import { INCOMPLETE, INVALID, type JsonReader } from './json-reader.ts';

/** What stands at the beginning of the window: an object that is a row, something else, a mark that was passed, or too little to say. */
export type Step = 'row' | 'other' | 'passed' | 'wait';

/** An array of rows or maps; a map of rows by their names, as OpenCost answers; an object that holds such an array and things that are no rows. */
type Level = 'array' | 'map' | 'wrapper';

const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const OPEN_BRACKET = 91;
const CLOSE_BRACKET = 93;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;

/** Under these names APIs and tools put the records of an answer, in whatever case. */
const RECORDS = new Set(
  `data items records results result rows value values content response body payload charges costs usage usageitems lineitems
  entries elements focus`.split(/\s+/),
);

/** What has a cost of its own is a row, whatever else it holds. */
const CHARGE = 'billedcost';

/** Wrappers within wrappers: `{"data": {"items": […]}}`. */
const DEEPEST = 3;

/** Goes from row to row; the window begins behind white space. */
export class Frame {
  readonly #window: Window;
  readonly #reader: JsonReader;
  readonly #fail: (message: string) => Error;
  readonly #levels: Level[] = [];
  /** What comes next on the innermost level. */
  #awaits: 'first' | 'value' | 'member' | 'comma' = 'value';
  /** Whether the outermost values are wrappers; told by the first. */
  #wrapped: boolean | undefined;
  #over = false;

  constructor(window: Window, reader: JsonReader, fail: (message: string) => Error) {
    this.#window = window;
    this.#reader = reader;
    this.#fail = fail;
  }

  /** Within an array or an object that has to be closed. */
  get isOpen(): boolean {
    return this.#levels.length > 0;
  }

  /** Looks at what stands at the beginning of the window. */
  step(): Step {
    const { bytes, start } = this.#window;
    const level = this.#levels.at(-1);
    const byte = bytes[start];
    if (level === undefined) return this.#outermost(start);
    if (this.#awaits === 'member') return byte === OPEN_BRACE ? 'row' : 'other';
    const close = level === 'array' ? CLOSE_BRACKET : CLOSE_BRACE;
    if (this.#awaits !== 'value' && byte === close) return this.#close();
    if (this.#awaits === 'comma') {
      if (byte !== COMMA) throw this.#fail(`expected "," or "${String.fromCharCode(close)}"`);
      return this.#pass(start + 1, 'value');
    }
    if (level !== 'array') return this.#member(start, level);
    if (byte !== OPEN_BRACE) return 'other';
    const map = this.#isMap(start);
    if (map === undefined) return 'wait';
    if (!map) return 'row';
    this.#levels.push('map');
    return this.#pass(start + 1, 'first');
  }

  /** The row or the other value has been read. */
  passed(): void {
    this.#awaits = this.isOpen ? 'comma' : 'value';
  }

  /** Whether the object at `at` wraps records; undefined when that does not show yet. */
  wraps(at: number): boolean | undefined {
    const found = this.#records(at, 1);
    if (found === INCOMPLETE && !this.#window.ended) return undefined;
    return typeof found === 'object';
  }

  #outermost(start: number): Step {
    if (this.#over) throw this.#fail('something follows the array');
    const byte = this.#window.bytes[start];
    if (byte === OPEN_BRACKET && this.#wrapped === undefined) {
      this.#levels.push('array');
      return this.#pass(start + 1, 'first');
    }
    if (byte !== OPEN_BRACE) return 'other';
    if (this.#wrapped === false) return 'row';
    const found = this.#records(start, 1);
    if (found === INCOMPLETE && !this.#window.ended) return 'wait';
    this.#wrapped ??= typeof found === 'object';
    if (typeof found !== 'object') return this.#wrapped ? 'other' : 'row';
    for (let depth = 0; depth < found.depth; depth++) this.#levels.push('wrapper');
    this.#levels.push('array');
    return this.#pass(found.at + 1, 'first');
  }

  #pass(to: number, awaits: 'first' | 'value' | 'member' | 'comma'): Step {
    this.#window.start = to;
    this.#awaits = awaits;
    return 'passed';
  }

  #close(): Step {
    this.#levels.pop();
    this.#over = !this.isOpen && this.#wrapped === undefined;
    return this.#pass(this.#window.start + 1, this.isOpen ? 'comma' : 'value');
  }

  /** Passes the name of a member of a map, or a whole member of a wrapper that is no row. */
  #member(start: number, level: 'map' | 'wrapper'): Step {
    const reader = this.#reader;
    const value = this.#valueOf(start);
    const end = value < 0 || level === 'map' ? value : reader.value(value);
    if (end === INVALID) throw this.#fail(reader.error);
    if (end < 0) return 'wait';
    return this.#pass(end, level === 'map' ? 'member' : 'comma');
  }

  /** Where the value of the member at `start` begins. */
  #valueOf(start: number): number {
    const reader = this.#reader;
    let at = reader.expect(QUOTE, start);
    if (at >= 0) at = reader.string(at);
    if (at >= 0) at = reader.expect(COLON, reader.skipSpace(at));
    if (at >= 0) at = reader.skipSpace(at + 1);
    return at >= reader.limit ? INCOMPLETE : at;
  }

  /** The array of records in the object at `start` and in how many objects it is; INVALID where there is none. */
  #records(start: number, depth: number): Records | number {
    const reader = this.#reader;
    const { bytes } = this.#window;
    let at = reader.skipSpace(start + 1);
    for (;;) {
      const value = this.#valueOf(at);
      if (value < 0) return value;
      const name = this.#nameAt(at);
      if (name === CHARGE) return INVALID;
      const isRecords = RECORDS.has(name);
      if (isRecords && bytes[value] === OPEN_BRACKET) {
        const first = reader.skipSpace(value + 1);
        if (first >= reader.limit) return INCOMPLETE;
        if (bytes[first] === OPEN_BRACE || bytes[first] === CLOSE_BRACKET)
          return { at: value, depth };
      }
      if (isRecords && bytes[value] === OPEN_BRACE && depth < DEEPEST) {
        const found = this.#records(value, depth + 1);
        if (found !== INVALID) return found;
      }
      const end = reader.value(value);
      at = end < 0 ? end : reader.skipSpace(end);
      if (at < 0) return at;
      if (at >= reader.limit) return INCOMPLETE;
      if (bytes[at] !== COMMA) return INVALID;
      at = reader.skipSpace(at + 1);
    }
  }

  /** The name whose quote stands at `at`, without case and underscores; only short ones are told apart. */
  #nameAt(at: number): string {
    const { bytes } = this.#window;
    const end = bytes.indexOf(QUOTE, at + 1);
    return this.#window
      .text(at + 1, end, 16)
      .toLowerCase()
      .replaceAll('_', '');
  }

  /** Whether the first member of the object is an object whose `name` is that of the member; undefined: it does not show yet. */
  #isMap(start: number): boolean | undefined {
    const reader = this.#reader;
    const { bytes, ended } = this.#window;
    const key = reader.skipSpace(start + 1);
    const value = this.#valueOf(key);
    if (value < 0 || bytes[value] !== OPEN_BRACE) return shows(value, ended);
    const inner = reader.skipSpace(value + 1);
    const named = this.#valueOf(inner);
    if (named < 0) return shows(named, ended);
    if (this.#nameAt(inner) !== 'name' || bytes[named] !== QUOTE) return false;
    const end = reader.string(named);
    if (end < 0) return shows(end, ended);
    const name = this.#window.text(named, end);
    return this.#window.text(key, key + Buffer.byteLength(name)) === name;
  }
}

interface Records {
  readonly at: number;
  readonly depth: number;
}

function shows(result: number, ended: boolean): false | undefined {
  return result === INCOMPLETE && !ended ? undefined : false;
}
