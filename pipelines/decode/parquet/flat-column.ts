/** A column with one value per row. Hot: indexed loops over typed arrays. */
import type { Column } from '../../focus/batch.ts';
import type { RowGroupFacts } from './footer.ts';
import type { Kernel } from './kernel.ts';
import { LeafReader } from './leaf-reader.ts';
import type { PartFile } from './part-file.ts';
import type { Leaf } from './schema.ts';
import type { Scratch } from './scratch.ts';
import { Appending, type Sink } from './sinks.ts';
import type { Store } from './stores.ts';
import { type Leader, TwinPages } from './twin-pages.ts';
import { storesOf } from './value-stores.ts';

/** Reads a column of the table a batch at a time. */
export interface ColumnReader {
  readonly name: string;
  readonly kind: Column['kind'];
  /** Starts on a row group. */
  open(group: RowGroupFacts, dataEnd: number): void;
  /** The next `rows` rows. */
  read(rows: number): Column;
  /** Rows in which bytes that are not UTF-8 were replaced, since last asked. */
  takeRepaired(): number;
  /** From now on it may be at another batch than the other columns. */
  leave(): void;
}

/** Values seen before it is decided whether they repeat. */
const TRIAL = 16 * 1024;

/** Reads a column that is not nested. */
export class FlatColumn implements ColumnReader, Leader {
  readonly name: string;
  readonly kind: Column['kind'];
  readonly leaf: LeafReader;
  readonly codes: Uint32Array;
  direct = false;
  readonly #kernel: Kernel;
  #twins: TwinPages;
  /** Has the same page under way: its codes stand for the indices of this one, too. */
  #leader: Leader | undefined;
  /** Column that was looked at for that last in this row group, and what its codes mean. */
  #asked: Leader | undefined;
  #meaning: Uint32Array | 'same' | undefined;
  readonly #isKnown = () => this.#follow();
  readonly #transient: Sink;
  readonly #optional: boolean;
  /** Values without a dictionary that were looked up in this trial, and what was known before it. */
  #tried = 0;
  #known = 0;
  /** Rows of the row group whose values stand in a dictionary. */
  #indexed = 0;
  /** They hardly repeat: an entry per row is cheaper. */
  #distinct = false;
  #repaired = 0;

  constructor(
    leaf: Leaf,
    from: {
      readonly name: string;
      readonly file: PartFile;
      readonly scratch: Scratch;
      readonly twins: TwinPages;
      readonly batchRows: number;
    },
  ) {
    this.name = from.name;
    const make = storesOf(leaf.element);
    this.leaf = new LeafReader(from.file, leaf, make, from.scratch);
    this.#kernel = from.scratch.kernel;
    this.#twins = from.twins;
    this.codes = new Uint32Array(from.batchRows);
    this.#transient = new Appending(make(true));
    this.kind = this.#transient.store.kind;
    this.#optional = leaf.maxDefinition > 0;
  }

  open(group: RowGroupFacts, dataEnd: number): void {
    this.leaf.open(group, dataEnd);
    this.#indexed = 0;
    this.#twins.clear();
    this.#leader = undefined;
    this.#asked = undefined;
    // What was tried is not looked for again.
    if (this.#distinct) this.leaf.forget();
  }

  read(rows: number): Column {
    const leaf = this.leaf;
    const { pages } = leaf;
    this.direct = false;
    if (!leaf.ready(this.#isKnown)) throw new Error('it has fewer values than rows');
    this.direct = (this.#distinct || leaf.overflowed) && !pages.indexed;
    const { direct } = this;
    if (direct) this.#transient.store.clear();
    let sink = direct ? this.#transient : leaf.sink;
    for (let row = 0; row < rows; ) {
      if (!leaf.ready(this.#isKnown)) throw new Error('it has fewer values than rows');
      const take = Math.min(rows - row, pages.left);
      if (pages.indexed) this.#indexed += take;
      else if (!direct && this.#leavesDictionary()) sink = new Appending(leaf.sink.store);
      if (this.#leader === undefined) this.#take(sink, row, take);
      else this.#copy(this.#leader.codes, row, take);
      pages.left -= take;
      row += take;
      if (!pages.indexed && !direct && !this.#distinct) this.#tried += take;
    }
    if (this.#tried > 0) this.#judge();
    if (sink.store.repaired.size > 0) this.#countRepaired(sink.store, rows);
    return this.#column(sink.store);
  }

  takeRepaired(): number {
    const repaired = this.#repaired;
    this.#repaired = 0;
    return repaired;
  }

  leave(): void {
    this.#twins = new TwinPages();
  }

  /** Looks for a column that has the page under way that is about to be inflated. */
  #follow(): boolean {
    const leader = this.direct ? undefined : this.#twins.leaderOf(this);
    if (leader !== undefined && leader !== this.#asked) {
      this.#asked = leader;
      this.#meaning = this.leaf.meaningOf(leader.leaf);
    }
    this.#leader = this.#meaning === undefined ? undefined : leader;
    return this.#leader !== undefined;
  }

  /** Whether the dictionary before a page without one shows that values hardly repeat. */
  #leavesDictionary(): boolean {
    if (this.#indexed >= TRIAL && this.leaf.entries * 2 > this.#indexed) this.#distinct = true;
    return this.#distinct;
  }

  /** Takes over what the leader read. */
  #copy(theirs: Uint32Array, row: number, count: number): void {
    const meaning = this.#meaning;
    const { codes } = this;
    const end = row + count;
    if (meaning === 'same') codes.set(theirs.subarray(row, end), row);
    else if (meaning !== undefined)
      for (let at = row; at < end; at++) codes[at] = meaning[theirs[at] as number] as number;
  }

  #take(sink: Sink, row: number, count: number): void {
    const { codes, leaf } = this;
    const { definition } = leaf.pages;
    const run = this.#optional ? definition.run(count) : 1;
    if (run === 0) codes.fill(0, row, row + count);
    else if (run === 1) leaf.codesTo(sink, count, codes, row);
    else {
      const kernel = this.#kernel;
      leaf.codes(sink, kernel.call.levels(0, definition.at, 1, count));
      kernel.call.spread(count);
      codes.set(kernel.rows(count), row);
    }
  }

  #judge(): void {
    const { interning } = this.leaf;
    const done = this.#tried >= TRIAL;
    if (interning.full || (done && interning.size - this.#known > this.#tried / 2))
      this.#distinct = true;
    if (!done) return;
    this.#tried = 0;
    this.#known = interning.size;
  }

  #countRepaired(store: Store, rows: number): void {
    for (let row = 0; row < rows; row++)
      if (store.repaired.has(this.codes[row] as number)) this.#repaired++;
  }

  #column(store: Store): Column {
    return { kind: store.kind, codes: this.codes, values: store.values } as Column;
  }
}
