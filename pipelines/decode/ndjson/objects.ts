/** Objects become rows: a column per key of the outermost object. Hot: the key expected next is compared as bytes. */
import { BadPart } from '../../plugin/errors.ts';
import { Cells } from '../cells.ts';
import type { Window } from '../window.ts';
import { INCOMPLETE, type JsonReader } from './json-reader.ts';
import { ScratchText } from './scratch-text.ts';

const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;
const NULL_LETTER = 110;
const MAX_COLUMNS = 10_000;

/** Where the columns stand and how new ones come to be. */
export interface ColumnSet {
  readonly path: string;
  readonly batchRows: number;
  /** Grows with `columns`. */
  readonly names: string[];
  /** Whether a column is decoded. */
  readonly isWanted: (name: string) => boolean;
  /** Hears of each column found while rows are read. */
  readonly onNew: () => void;
}

/** Puts the members of objects into columns. */
export class Objects {
  readonly columns: Cells[] = [];
  readonly #window: Window;
  readonly #reader: JsonReader;
  readonly #set: ColumnSet;
  readonly #scratch: ScratchText;
  /** The keys as they stand, and the column of each key. */
  readonly #keys: Uint8Array[] = [];
  readonly #byName = new Map<string, number>();

  constructor(window: Window, reader: JsonReader, set: ColumnSet) {
    this.#window = window;
    this.#reader = reader;
    this.#set = set;
    this.#scratch = new ScratchText(window);
    for (const name of set.names) this.#add(name);
  }

  /** Reads the object at `start` into row `row`; answers its end, INCOMPLETE or INVALID, and then the row is as before. */
  read(start: number, row: number): number {
    const end = this.#members(start, row);
    if (end < 0) for (const column of this.columns) column.unset(row);
    return end;
  }

  #members(start: number, row: number): number {
    const reader = this.#reader;
    const { bytes } = this.#window;
    let at = reader.expect(OPEN_BRACE, start);
    if (at < 0) return at;
    at = reader.skipSpace(at + 1);
    if (at < reader.limit && bytes[at] === CLOSE_BRACE) return at + 1;
    for (let expected = 0; ; expected++) {
      const key = reader.expect(QUOTE, at);
      if (key < 0) return key;
      const keyEnd = reader.string(key);
      if (keyEnd < 0) return keyEnd;
      const escaped = reader.escaped;
      at = reader.expect(COLON, reader.skipSpace(keyEnd));
      if (at < 0) return at;
      at = reader.skipSpace(at + 1);
      if (!this.#isKey(expected, key + 1, keyEnd - 1))
        expected = this.#column(key, keyEnd, escaped);
      at = this.#value(at, row, this.columns[expected] as Cells);
      if (at < 0) return at;
      at = reader.skipSpace(at);
      if (at >= reader.limit) return INCOMPLETE;
      if (bytes[at] === CLOSE_BRACE) return at + 1;
      if (bytes[at] !== COMMA) return reader.expected('"," or "}"', at);
      at = reader.skipSpace(at + 1);
    }
  }

  #isKey(column: number, start: number, end: number): boolean {
    const key = this.#keys[column];
    if (key === undefined || key.length !== end - start) return false;
    const { bytes } = this.#window;
    for (let i = 0; i < key.length; i++) if (bytes[start + i] !== key[i]) return false;
    return true;
  }

  /** The column of the key whose quotes stand at `start` and before `end`. */
  #column(start: number, end: number, escaped: boolean): number {
    const text = this.#window.text(start, end);
    const name = escaped ? String(JSON.parse(text)) : text.slice(1, -1);
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    this.#set.names.push(name);
    this.#set.onNew();
    return this.#add(name);
  }

  #add(name: string): number {
    const { path, batchRows, isWanted } = this.#set;
    const column = this.columns.length;
    if (column === MAX_COLUMNS)
      throw new BadPart(`the objects have more than ${MAX_COLUMNS} different keys`, { path });
    this.columns.push(new Cells(name, batchRows, isWanted(name)));
    this.#keys.push(Buffer.from(JSON.stringify(name).slice(1, -1)));
    this.#byName.set(name, column);
    return column;
  }

  #value(start: number, row: number, column: Cells): number {
    const reader = this.#reader;
    const { bytes, view } = this.#window;
    reader.spaced = false;
    const end = reader.value(start);
    if (end < 0 || !column.wanted) return end;
    const first = bytes[start];
    if (first === NULL_LETTER) column.setNull(row);
    else if (first === QUOTE && reader.escaped) {
      const text = this.#scratch.unescape(start + 1, end - 1);
      column.set(row, text.view, 0, text.length);
    } else if (first === QUOTE) column.set(row, view, start + 1, end - 1);
    else if (reader.spaced) {
      const text = this.#scratch.compact(start, end);
      column.set(row, text.view, 0, text.length);
    } else column.set(row, view, start, end);
    return end;
  }
}
