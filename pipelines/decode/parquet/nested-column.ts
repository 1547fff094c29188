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
import type { Kernel } from './kernel.ts';
import { LeafReader } from './leaf-reader.ts';
import type { PartFile } from './part-file.ts';
import { RowMemory } from './row-memory.ts';
import type { Leaf, TopColumn } from './schema.ts';
import type { Scratch } from './scratch.ts';

const MAX_BYTES = 4 * 1024 * 1024;
/** Stored values of one batch of one leaf. */
const MAX_VALUES = 1 << 24;
/** So many equal rows are faster filled by the engine than one by one. */
const LONG = 32;
/** Rows seen before it is decided whether they repeat. */
const TRIAL = 16 * 1024;

/** Reads a column of maps, lists or structs. */
export class NestedColumn implements ColumnReader {
  readonly name: string;
  readonly kind = 'text';
  readonly #leaves: readonly NestedLeaf[];
  readonly #writer: JsonWriter;
  readonly #codes: Uint32Array;
  readonly #kernel: Kernel;
  /** Where the kernel has a byte per row, 1 for one that is another than the one before. */
  readonly #changed: number;
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
    this.#kernel = from.scratch.kernel;
    this.#changed = this.#kernel.take(from.batchRows);
  }

  open(group: RowGroupFacts, dataEnd: number): void {
    for (const leaf of this.#leaves) leaf.open(group, dataEnd);
  }

  read(rows: number): Column {
    if (this.#texts.used > MAX_BYTES || this.#memory.full) this.#forget();
    let renewed = false;
    for (const leaf of this.#leaves) if (leaf.readRows(rows)) renewed = true;
    for (const leaf of this.#leaves) {
      leaf.show(rows);
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

  /** It has nothing in common with others. */
  leave(): void {}

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
    const kernel = this.#kernel;
    kernel.bytes(this.#changed, rows).fill(0).fill(1, 0, 1);
    for (const leaf of this.#leaves) leaf.markChanges(this.#changed, rows);
    const changes = kernel.rows(kernel.call.listChanges(this.#changed, rows));
    for (let i = 0; i < changes.length; i++) {
      const row = changes[i] as number;
      const end = i + 1 < changes.length ? (changes[i + 1] as number) : rows;
      let code = memory.find(this.#leaves, row);
      if (code < 0) {
        const length = this.#writer.write(row);
        code = length === 0 ? 0 : texts.intern(this.#writer.bytes, 0, length);
        memory.remember(code);
      }
      if (end - row > LONG) codes.fill(code, row, end);
      else for (let at = row; at < end; at++) codes[at] = code;
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
  cells: Uint32Array = new Uint32Array(0);
  readonly bits: CellBits;
  rowStarts: Uint32Array = new Uint32Array(0);
  readonly #reader: LeafReader;
  readonly #kernel: Kernel;
  /** Where the kernel has the cells, with room for how many, and the first of each row and behind the last. */
  #cells: number;
  #room = 4096;
  readonly #rowStarts: number;
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
    this.#kernel = from.scratch.kernel;
    this.#cells = this.#kernel.take(this.#room * 4);
    this.#rowStarts = this.#kernel.take((from.batchRows + 1) * 4);
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
    this.#held().copyWithin(0, this.#taken);
    this.#filled -= this.#taken;
    const { interning, pages, sink } = this.#reader;
    if (sink === interning && interning.full && !pages.indexed) this.#forgetValues();
    let started = 0;
    for (let at = 0; started <= rows; ) {
      started = this.#startRows(started, rows, at);
      at = this.#filled;
      if (started > rows || this.#more()) continue;
      if (started < rows) throw new Error('it has fewer values than rows');
      this.#kernel.words(this.#rowStarts, rows + 1)[rows] = this.#filled;
      break;
    }
    const starts = this.#kernel.words(this.#rowStarts, rows + 1);
    if (starts[0] !== 0) throw new Error('its first value continues a row');
    this.#taken = starts[rows] as number;
    const renewed = this.#fragments !== this.fragments;
    this.#fragments = this.fragments;
    return renewed;
  }

  /** Lets the cells of the rows be seen; until the kernel's memory grows. */
  show(rows: number): void {
    this.cells = this.#held();
    this.rowStarts = this.#kernel.words(this.#rowStarts, rows + 1);
  }

  /** Marks each of the rows, but for the first, that has other values than the one before. */
  markChanges(changed: number, rows: number): void {
    this.#kernel.call.markChanges(this.#cells, this.#rowStarts, rows, changed);
  }

  #held(): Uint32Array {
    return this.#kernel.words(this.#cells, this.#filled);
  }

  /** Finds where rows start among the stored values from `from` on, up to that behind the last; answers how many did by now. */
  #startRows(started: number, rows: number, from: number): number {
    const mask = ((1 << this.bits.levels) - 1) & (-1 << this.bits.definition);
    const { call } = this.#kernel;
    const starts = this.#rowStarts;
    return call.startRows(this.#cells, from, this.#filled, starts, started, rows, mask);
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
    const cells = this.#held();
    for (let at = 0; at < cells.length; at++) {
      const cell = cells[at] as number;
      cells[at] = (reader.sink.store.copy(store, cell >>> levels) << levels) | (cell & mask);
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
    this.#fit(from + take);
    const most = leaf.maxDefinition;
    const { call } = this.#kernel;
    const present = call.levels(pages.repetition.at, pages.definition.at, most, take);
    reader.codes(reader.sink, present);
    const { definition, levels } = this.bits;
    if (this.fragments.size > 2 ** (32 - levels))
      throw new Error('it has too many different values for its depth');
    call.compose(this.#cells + from * 4, take, present, most, definition, levels);
    pages.left -= take;
    this.#filled = from + take;
    return true;
  }

  #fit(cells: number): void {
    if (cells <= this.#room) return;
    this.#room = Math.max(cells, this.#room * 2);
    const at = this.#kernel.take(this.#room * 4);
    this.#kernel.words(at, this.#filled).set(this.#held());
    this.#cells = at;
  }
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
