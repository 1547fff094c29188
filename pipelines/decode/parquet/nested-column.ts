/**
 * A nested column as JSON text. Rows that are made of the same codes are the same text, which is written once.
 * Hot: indexed loops over typed arrays.
 */
import type { Column } from '../../focus/batch.ts';
import { Dictionary } from '../../focus/dictionary.ts';
import type { ColumnReader } from './flat-column.ts';
import type { RowGroupFacts } from './footer.ts';
import { fragmentStores } from './fragments.ts';
import { type CellBits, JsonWriter, type LeafRows } from './json-writer.ts';
import { LeafReader } from './leaf-reader.ts';
import type { PartFile } from './part-file.ts';
import { RowMemory } from './row-memory.ts';
import type { Leaf, TopColumn } from './schema.ts';
import { longer, type Scratch } from './scratch.ts';

const MAX_BYTES = 4 * 1024 * 1024;
/** Stored values of one batch of one leaf. */
const MAX_VALUES = 1 << 24;
/** Rows seen before it is decided whether they repeat. */
const TRIAL = 16 * 1024;

/** Reads a column of maps, lists or structs. */
export class NestedColumn implements ColumnReader {
  readonly name: string;
  readonly #leaves: readonly NestedLeaf[];
  readonly #writer: JsonWriter;
  readonly #codes: Uint32Array;
  /** 1 for a row that is another than the one before. */
  readonly #changed: Uint8Array;
  readonly #memory = new RowMemory();
  readonly #transient = new Dictionary({ transient: true });
  #texts = emptyTexts();
  #rows = 0;
  /** Rows hardly repeat: each is written for itself. */
  #distinct = false;
  #repaired = 0;

  constructor(
    column: TopColumn,
    from: { readonly file: PartFile; readonly scratch: Scratch; readonly batchRows: number },
  ) {
    this.name = column.name;
    this.#leaves = column.leaves.map(
      (leaf, index) => new NestedLeaf(leaf, isKey(column, index), from),
    );
    this.#writer = new JsonWriter(column.shape, this.#leaves);
    this.#codes = new Uint32Array(from.batchRows);
    this.#changed = new Uint8Array(from.batchRows).fill(1);
  }

  open(group: RowGroupFacts, dataEnd: number): void {
    for (const leaf of this.#leaves) leaf.open(group, dataEnd);
  }

  read(rows: number): Column {
    if (this.#texts.used > MAX_BYTES || this.#memory.full) this.#forget();
    let renewed = false;
    for (const leaf of this.#leaves) {
      if (leaf.readRows(rows)) renewed = true;
      this.#repaired += leaf.countRepaired();
    }
    if (renewed) this.#memory.clear();
    const values = this.#distinct ? this.#eachRow(rows) : this.#distinctRows(rows);
    return { kind: 'text', codes: this.#codes, values };
  }

  takeRepaired(): number {
    const repaired = this.#repaired;
    this.#repaired = 0;
    return repaired;
  }

  #eachRow(rows: number): Dictionary {
    const texts = this.#transient;
    texts.clear();
    texts.add(undefined);
    for (let row = 0; row < rows; row++) {
      const length = this.#writer.write(row);
      this.#codes[row] = length === 0 ? 0 : texts.addBytes(this.#writer.bytes, 0, length);
    }
    return texts;
  }

  #distinctRows(rows: number): Dictionary {
    const texts = this.#texts;
    const memory = this.#memory;
    const codes = this.#codes;
    const changed = this.#changed;
    changed.fill(0, 1, rows);
    for (const leaf of this.#leaves) leaf.markChanges(changed, rows);
    let code = -1;
    for (let row = 0; row < rows; row++) {
      if (changed[row] === 1) code = memory.find(this.#leaves, row);
      if (code < 0) {
        const length = this.#writer.write(row);
        code = length === 0 ? 0 : texts.intern(this.#writer.bytes, 0, length);
        memory.remember(code);
      }
      codes[row] = code;
    }
    this.#rows += rows;
    if (this.#rows >= TRIAL) {
      this.#distinct = texts.size > this.#rows / 2;
      this.#rows = this.#distinct ? this.#rows : Number.NEGATIVE_INFINITY;
    }
    return texts;
  }

  #forget(): void {
    this.#memory.clear();
    this.#texts = emptyTexts();
  }
}

/** The levels and codes of one leaf for the rows of a batch. */
class NestedLeaf implements LeafRows {
  cells = new Uint32Array(4096);
  readonly bits: CellBits;
  /** First stored value of each row, and behind the last. */
  readonly rowStarts: Uint32Array;
  readonly #reader: LeafReader;
  readonly #scratch: Scratch;
  /** Stored values read, and those of them that belong to rows given out. */
  #filled = 0;
  #taken = 0;
  /** What codes meant in the batch before. */
  #fragments: Dictionary | undefined;

  constructor(
    leaf: Leaf,
    key: boolean,
    from: { readonly file: PartFile; readonly scratch: Scratch; readonly batchRows: number },
  ) {
    const make = fragmentStores(leaf.element, key);
    this.#reader = new LeafReader(from.file, leaf, make, from.scratch);
    this.#scratch = from.scratch;
    this.rowStarts = new Uint32Array(from.batchRows + 1);
    if (leaf.maxDefinition > 255 || leaf.maxRepetition > 255)
      throw new Error('it is nested too deeply');
    const definition = bitWidth(leaf.maxDefinition);
    this.bits = { definition, levels: definition + bitWidth(leaf.maxRepetition) };
  }

  get fragments(): Dictionary {
    return this.#reader.sink.store.values as Dictionary;
  }

  open(group: RowGroupFacts, dataEnd: number): void {
    if (this.#reader.interning.full) this.#reader.forget();
    this.#reader.open(group, dataEnd);
    this.#filled = 0;
    this.#taken = 0;
  }

  /** Reads the stored values of the next rows; true: codes mean something else than before. */
  readRows(rows: number): boolean {
    this.cells.copyWithin(0, this.#taken, this.#filled);
    this.#filled -= this.#taken;
    const { interning, pages, sink } = this.#reader;
    if (sink === interning && interning.full && !pages.indexed) this.#forgetValues();
    let started = 0;
    for (let at = 0; started <= rows; ) {
      started = this.#startRows(started, { rows, from: at });
      at = this.#filled;
      if (started > rows || this.#more()) continue;
      if (started < rows) throw new Error('it has fewer values than rows');
      this.rowStarts[rows] = this.#filled;
      break;
    }
    if (this.rowStarts[0] !== 0) throw new Error('its first value continues a row');
    this.#taken = this.rowStarts[rows] as number;
    const renewed = this.#fragments !== this.fragments;
    this.#fragments = this.fragments;
    return renewed;
  }

  /** Sets `changed` to 1 for each of the rows, but for the first, that has other values than the one before. */
  markChanges(changed: Uint8Array, rows: number): void {
    const { cells, rowStarts } = this;
    if (rowStarts[rows] === rows) {
      for (let row = 1; row < rows; row++) if (cells[row] !== cells[row - 1]) changed[row] = 1;
      return;
    }
    let before = 0;
    let start = rowStarts[1] as number;
    for (let row = 1; row < rows; row++) {
      const end = rowStarts[row + 1] as number;
      const back = start - before;
      let at = start;
      if (end - start === back) while (at < end && cells[at] === cells[at - back]) at++;
      if (at < end || end - start !== back) changed[row] = 1;
      before = start;
      start = end;
    }
  }

  /** Finds where rows start among the stored values from `from` on, up to that behind the last; answers how many did by now. */
  #startRows(started: number, { rows, from }: { readonly rows: number; readonly from: number }) {
    const { cells, rowStarts } = this;
    const repetition = ((1 << this.bits.levels) - 1) & (-1 << this.bits.definition);
    const filled = this.#filled;
    let row = started;
    // Without a branch that could be guessed wrong once per row: what continues a row is overwritten by the next that does not.
    for (let at = from; at < filled && row <= rows; at++) {
      rowStarts[row] = at;
      row += (((cells[at] as number) & repetition) - 1) >>> 31;
    }
    return row;
  }

  /** Stored values of the rows in which something was replaced. */
  countRepaired(): number {
    const { repaired } = this.#reader.sink.store;
    if (repaired.size === 0) return 0;
    const { levels } = this.bits;
    let count = 0;
    for (let at = 0; at < this.#taken; at++)
      if (repaired.has((this.cells[at] as number) >>> levels)) count++;
    return count;
  }

  /** Too many distinct values without a dictionary: they are forgotten, but for those of rows not given out yet. */
  #forgetValues(): void {
    const reader = this.#reader;
    const { store } = reader.sink;
    const { levels } = this.bits;
    const mask = (1 << levels) - 1;
    reader.forget();
    for (let at = 0; at < this.#filled; at++) {
      const cell = this.cells[at] as number;
      this.cells[at] = (reader.sink.store.copy(store, cell >>> levels) << levels) | (cell & mask);
    }
  }

  /** Reads some more values; false: there are none. */
  #more(): boolean {
    const reader = this.#reader;
    const { pages, leaf } = reader;
    if (!reader.ready()) return false;
    const take = Math.min(pages.left, 4096);
    const from = this.#filled;
    if (from + take > MAX_VALUES) throw new Error(`some rows have more than ${MAX_VALUES} values`);
    this.cells = longer(this.cells, from + take);
    const { repetitions } = this.#scratch;
    const repeated = pages.repetition.run(take);
    if (repeated < 0) pages.repetition.read(repetitions, 0, take);
    else repetitions.fill(repeated, 0, take);
    const defined = pages.definition.run(take);
    if (defined < 0) this.#mixedCells(from, take);
    else if (defined === leaf.maxDefinition) this.#valueCells(from, take);
    else this.#emptyCells(from, take, defined);
    pages.left -= take;
    this.#filled = from + take;
    return true;
  }

  /** Cells with a value each. */
  #valueCells(from: number, count: number): void {
    this.#codes(count);
    const { cells } = this;
    const { codes, repetitions } = this.#scratch;
    const { definition, levels } = this.bits;
    const most = this.#reader.leaf.maxDefinition;
    for (let i = 0; i < count; i++)
      cells[from + i] =
        ((codes[i] as number) << levels) | ((repetitions[i] as number) << definition) | most;
  }

  /** Cells without a value: what they say is at one level. */
  #emptyCells(from: number, count: number, level: number): void {
    const { cells } = this;
    const { repetitions } = this.#scratch;
    const { definition } = this.bits;
    for (let i = 0; i < count; i++)
      cells[from + i] = ((repetitions[i] as number) << definition) | level;
  }

  #mixedCells(from: number, count: number): void {
    const { pages, leaf } = this.#reader;
    const { codes, definitions, repetitions } = this.#scratch;
    pages.definition.read(definitions, 0, count);
    const most = leaf.maxDefinition;
    let present = 0;
    for (let i = 0; i < count; i++) present += isEqual(definitions[i] as number, most);
    this.#codes(present);
    const { cells } = this;
    const { definition, levels } = this.bits;
    let next = 0;
    // Without branches: which rows have values cannot be guessed.
    for (let i = 0; i < count; i++) {
      const defined = definitions[i] as number;
      const isValue = isEqual(defined, most);
      const code = (codes[next] as number) & -isValue;
      next += isValue;
      cells[from + i] = (code << levels) | ((repetitions[i] as number) << definition) | defined;
    }
  }

  /** The codes of the next values that are there, to the scratch memory. */
  #codes(count: number): void {
    const reader = this.#reader;
    reader.codes(reader.sink, count, this.#scratch.codes, 0);
    if (this.fragments.size > 2 ** (32 - this.bits.levels))
      throw new Error('it has too many different values for its depth');
  }
}

/** 1 for equal levels, else 0. */
function isEqual(level: number, other: number): number {
  return ((level ^ other) - 1) >>> 31;
}

function emptyTexts(): Dictionary {
  const texts = new Dictionary();
  texts.add(undefined);
  return texts;
}

/** Whether the leaf is the key of a map: JSON wants it quoted. */
function isKey(column: TopColumn, index: number): boolean {
  const within = (shape: TopColumn['shape']): boolean => {
    if (index < shape.first || index >= shape.first + shape.count) return false;
    switch (shape.kind) {
      case 'leaf':
        return false;
      case 'struct':
        return shape.fields.some((field) => within(field.shape));
      case 'list':
        return within(shape.element);
      case 'map':
        return (
          (shape.key.kind === 'leaf' && shape.key.first === index) ||
          within(shape.key) ||
          (shape.value !== undefined && within(shape.value))
        );
    }
  };
  return within(column.shape);
}

function bitWidth(most: number): number {
  return 32 - Math.clz32(most);
}
