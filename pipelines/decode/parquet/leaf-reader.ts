/** Stored values of one column as codes. Hot: indexed loops over typed arrays. */
import type { RowGroupFacts } from './footer.ts';
import { Pages, type Run } from './pages.ts';
import type { PartFile } from './part-file.ts';
import type { Leaf } from './schema.ts';
import { longer, type Scratch } from './scratch.ts';
import { Appending, Interning, type Sink } from './sinks.ts';
import type { Store, StoreMaker, Values } from './stores.ts';

/** No code. */
const UNKNOWN = 0xffffffff;

/** False and true as bytes, with slack behind them. */
const BOOLEANS: Run = runOf(new Uint8Array([0, 1, 0, 0, 0, 0, 0, 0, 0, 0]), 2);

/** Reads the values of a leaf in order; the levels are read by its owner from `pages`. */
export class LeafReader {
  readonly pages: Pages;
  readonly leaf: Leaf;
  /** Remembers values over row groups. */
  interning: Interning;
  /** Dictionaries of this column hold more than is remembered: nothing more is, each chunk has codes of its own. */
  overflowed = false;
  /** Where codes of the current chunk come from: `interning`, or a store of this chunk alone. */
  sink: Sink;
  readonly #make: StoreMaker;
  readonly #scratch: Scratch;
  /** Code in `sink` of each entry of the chunk's dictionary. */
  #codes = new Uint32Array(16);
  #entries = 0;
  /** Where the kernel has those codes, and room for how many. */
  #table = 0;
  #room = 0;
  /** Entries of the chunk's dictionary. */
  get entries(): number {
    return this.#entries;
  }

  readonly #takeDictionary = (run: Run, count: number) => this.#dictionary(run, count);

  constructor(file: PartFile, leaf: Leaf, make: StoreMaker, shared: Scratch) {
    this.pages = new Pages(file, leaf, shared);
    this.leaf = leaf;
    this.#make = make;
    this.#scratch = shared;
    this.interning = new Interning(make(false));
    this.sink = this.interning;
  }

  /** Starts on the leaf's chunk of a row group. */
  open(group: RowGroupFacts, dataEnd: number): void {
    this.pages.open(group, dataEnd);
    this.sink = this.interning;
    this.#entries = 0;
    if (this.leaf.element.type === 'BOOLEAN') this.#dictionary({ ...BOOLEANS }, 2);
  }

  /** Opens the next page when needed; false: the chunk has no more values. `isKnown` as for the pages. */
  ready(isKnown?: () => boolean): boolean {
    return this.pages.ready(this.#takeDictionary, isKnown);
  }

  /**
   * The own code of each code of another column whose indices are the same; `same`: they are equal; undefined: the other
   * has one code where this column has two, or another dictionary altogether.
   */
  meaningOf(other: LeafReader): Uint32Array | 'same' | undefined {
    const entries = this.#entries;
    if (entries !== other.#entries) return undefined;
    const codes = this.#codes;
    const others = other.#codes;
    let most = 0;
    let same = true;
    for (let entry = 0; entry < entries; entry++) {
      const code = others[entry] as number;
      if (code > most) most = code;
      if (code !== codes[entry]) same = false;
    }
    if (same) return 'same';
    const meaning = new Uint32Array(most + 1).fill(UNKNOWN);
    meaning[0] = 0;
    for (let entry = 0; entry < entries; entry++) {
      const code = others[entry] as number;
      const own = codes[entry] as number;
      if (meaning[code] !== UNKNOWN && meaning[code] !== own) return undefined;
      meaning[code] = own;
    }
    return meaning;
  }

  /** Begins anew with what is remembered over row groups. */
  forget(): void {
    const { store } = this.sink;
    this.interning = new Interning(this.#make(false));
    this.sink = this.interning;
    for (let entry = 0; entry < this.#entries; entry++)
      this.#codes[entry] = this.sink.store.copy(store, this.#codes[entry] as number);
    this.#tell();
  }

  /** Puts the codes of the next `count` values that are not null at hand in the kernel; they are codes of `sink`. */
  codes(sink: Sink, count: number): void {
    if (count === 0) return;
    const { kernel, codes } = this.#scratch;
    if (this.pages.indexed) {
      kernel.call.codes(this.pages.indices.at, count, this.#table, this.#entries);
      if (sink !== this.sink) this.#copies(sink.store, kernel.codes(count));
    } else {
      sink.codes(this.#split(this.pages.plain, count), codes, 0);
      kernel.codes(count).set(codes.subarray(0, count));
    }
  }

  /** Likewise, but they go to `out` from `from` on. */
  codesTo(sink: Sink, count: number, out: Uint32Array, from: number): void {
    if (!this.pages.indexed) sink.codes(this.#split(this.pages.plain, count), out, from);
    else {
      this.codes(sink, count);
      out.set(this.#scratch.kernel.codes(count), from);
    }
  }

  #copies(store: Store, codes: Uint32Array): void {
    for (let i = 0; i < codes.length; i++)
      codes[i] = store.copy(this.sink.store, codes[i] as number);
  }

  /** Gives the kernel the codes of the dictionary. */
  #tell(): void {
    const { kernel } = this.#scratch;
    if (this.#entries > this.#room) {
      this.#room = this.#entries + (this.#entries >>> 2);
      this.#table = kernel.take(this.#room * 4);
    }
    kernel.words(this.#table, this.#entries).set(this.#codes.subarray(0, this.#entries));
  }

  /** Dictionary entries get codes in the part's memory while there is room, else in one of this chunk alone. */
  #dictionary(run: Run, count: number): void {
    const values = this.#split(run, count);
    this.#codes = longer(this.#codes, count);
    this.#entries = count;
    if (this.overflowed || !this.interning.codesWhileRoom(values, this.#codes, 0)) {
      if (!this.overflowed) this.interning = new Interning(this.#make(false));
      this.overflowed = true;
      this.sink = new Appending(this.#make(false));
      this.sink.codes(values, this.#codes, 0);
    }
    this.#tell();
  }

  /** Finds where the next `count` values of the run begin and end. */
  #split(run: Run, count: number): Values {
    const shared = this.#scratch;
    const { bytes, view, end } = run;
    const width = this.leaf.element.type === 'BOOLEAN' ? 1 : this.pages.width;
    if (count * Math.max(width, 1) > end - run.at)
      throw new Error('values reach beyond their page');
    shared.starts = longer(shared.starts, count);
    shared.ends = longer(shared.ends, count);
    const { starts, ends } = shared;
    let at = run.at;
    if (width > 0) {
      for (let i = 0; i < count; i++) {
        starts[i] = at;
        at += width;
        ends[i] = at;
      }
    } else {
      for (let i = 0; i < count; i++) {
        if (at + 4 > end) throw new Error('values reach beyond their page');
        const length = view.getUint32(at, true);
        at += 4;
        starts[i] = at;
        at += length;
        if (at > end) throw new Error('values reach beyond their page');
        ends[i] = at;
      }
    }
    run.at = at;
    return { bytes, view, starts, ends, count };
  }
}

function runOf(bytes: Uint8Array, end: number): Run {
  return { bytes, view: new DataView(bytes.buffer), at: 0, end };
}
