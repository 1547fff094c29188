/**
 * Groups that are found by their tuples packed into 64 bits each. The loops over rows are WebAssembly: `assembly/keys.ts`. Number tables and
 * groups live in its memory, codes are copied there.
 */
import { IdleKernels, instantiate, KernelMemory, NO_REGION, type Region } from '../focus/wasm.ts';
import { KEYS_WASM } from './keys-wasm.ts';

/** A column of the tuple that differs within a batch. */
export interface Varying {
  /** Where it stands in the tuple. */
  readonly at: number;
  readonly codes: Uint32Array;
  /** Number of its value by code, for so many codes. */
  readonly ofCode: Uint32Array;
  readonly size: number;
  /** Whether `ofCode` has other numbers than before; else there are only more of them. */
  readonly transient: boolean;
}

/** What `assembly/keys.ts` exports. */
interface Loops {
  begin(keys: number, rows: number, low: number, high: number): void;
  pack(keys: number, rows: number, codes: number, numbers: number, shift: number): void;
  assign(
    keys: number,
    rows: number,
    slots: number,
    mask: number,
    known: number,
    groups: number,
    groupOf: number,
  ): number;
  index(slots: number, mask: number, known: number, groups: number): void;
}

/** The place of a number in a key. */
interface Place {
  readonly word: 0 | 1;
  readonly shift: number;
  readonly bits: number;
}

/** Numbers by code that are in the memory. */
interface Table {
  region: Region;
  of: Uint32Array | undefined;
  size: number;
}

const WORD_BITS = 31;
const SLOT_BYTES = 16;
const FIRST_BYTES = 1 << 18;

/** The memory and the loops over it. */
class Kernel {
  readonly loops: Loops;
  readonly memory: KernelMemory;

  constructor() {
    const { exports, memory } = instantiate<Loops>(KEYS_WASM, FIRST_BYTES);
    this.loops = exports;
    this.memory = new KernelMemory(memory);
  }

  get size(): number {
    return this.memory.size;
  }
}

const idle = new IdleKernels(() => new Kernel(), { most: 2, mostBytes: 16 << 20 });

/** Groups are numbered from 0 in order of appearance. */
export class PackedGroups {
  size = 0;
  readonly #width: number;
  readonly #kernel = idle.take();
  #places: readonly Place[] = [];
  readonly #tables = new Map<number, Table>();
  /** Keys of the groups. */
  #known = NO_REGION;
  #slots = NO_REGION;
  #slotCount = 0;
  #keys = NO_REGION;
  #codes = NO_REGION;
  #groupOf = NO_REGION;

  /** Groups of tuples of `width` numbers. */
  constructor(width: number) {
    this.#width = width;
  }

  /** Whether tuples fit into a key; `sizes`: how many numbers each place of the tuple has. */
  fits(sizes: readonly number[]): boolean {
    const places = this.#places;
    if (places.length > 0 && sizes.every((size, at) => size <= 2 ** (places[at]?.bits ?? -1)))
      return true;
    const wider = placesFor(sizes);
    if (wider === undefined) return false;
    const tuples = this.tuples();
    this.#places = wider;
    this.#pack(tuples);
    return true;
  }

  /** The group of each row goes to `groupOf`. `tuple` has the numbers that are the same on every row. */
  assign(rows: number, { varying, tuple, groupOf }: Assigning): void {
    this.#reserve(rows);
    const { loops, memory } = this.#kernel;
    const differs = new Set(varying.map(({ at }) => at));
    const key: [number, number] = [0, 0];
    for (const [at, { word, shift }] of this.#places.entries())
      if (!differs.has(at)) key[word] |= (tuple[at] as number) << shift;
    loops.begin(this.#keys.at, rows, ...key);
    let there: Uint32Array | undefined;
    for (const one of varying) {
      const { word, shift } = this.#places[one.at] as Place;
      const numbers = this.#numbers(one);
      if (one.codes !== there) memory.words(this.#codes, rows).set(one.codes.subarray(0, rows));
      there = one.codes;
      loops.pack(this.#keys.at, rows, this.#codes.at, numbers.at, shift + word * 32);
    }
    const [slots, known] = [this.#slots.at, this.#known.at];
    const mask = this.#slotCount - 1;
    const into = this.#groupOf;
    this.size = loops.assign(this.#keys.at, rows, slots, mask, known, this.size, into.at);
    groupOf.set(memory.words(into, rows));
  }

  /** The groups' tuples one after the other. */
  tuples(): Uint32Array<ArrayBuffer> {
    const { size } = this;
    const width = this.#width;
    const keys = this.#kernel.memory.words(this.#known, size * 2);
    const tuples = new Uint32Array(size * width);
    for (const [at, { word, shift, bits }] of this.#places.entries()) {
      const mask = 2 ** bits - 1;
      for (let group = 0; group < size; group++)
        tuples[group * width + at] = ((keys[group * 2 + word] as number) >>> shift) & mask;
    }
    return tuples;
  }

  /** Lets go of the memory; nothing may be asked after that. */
  close(): void {
    const kernel = this.#kernel;
    kernel.memory.clear();
    idle.giveBack(kernel);
  }

  /** Makes the keys anew. */
  #pack(tuples: Uint32Array): void {
    const { size } = this;
    const keys = this.#kernel.memory.words(this.#known, size * 2).fill(0);
    for (const [at, { word, shift }] of this.#places.entries())
      for (let group = 0; group < size; group++)
        keys[group * 2 + word] =
          (keys[group * 2 + word] as number) |
          ((tuples[group * this.#width + at] as number) << shift);
    this.#index();
  }

  /** Makes room for rows that all have groups of their own. */
  #reserve(rows: number): void {
    const { memory } = this.#kernel;
    this.#keys = memory.fit(this.#keys, rows * 8);
    this.#codes = memory.fit(this.#codes, rows * 4);
    this.#groupOf = memory.fit(this.#groupOf, rows * 4);
    this.#known = memory.fit(this.#known, (this.size + rows) * 8, this.size * 8);
    const needed = (this.size + rows) * 2;
    if (needed <= this.#slotCount) return;
    this.#slotCount = 2 ** Math.ceil(Math.log2(needed));
    this.#slots = memory.fit(this.#slots, this.#slotCount * SLOT_BYTES);
    this.#index();
  }

  #index(): void {
    if (this.#slotCount === 0) return;
    const { loops, memory } = this.#kernel;
    memory.words(this.#slots, (this.#slotCount * SLOT_BYTES) / 4).fill(0);
    loops.index(this.#slots.at, this.#slotCount - 1, this.#known.at, this.size);
  }

  /** Where the numbers of a column are. */
  #numbers({ at, ofCode, size, transient }: Varying): Region {
    const { memory } = this.#kernel;
    let table = this.#tables.get(at);
    if (table === undefined) {
      table = { region: NO_REGION, of: undefined, size: 0 };
      this.#tables.set(at, table);
    }
    if (transient || table.of !== ofCode) table.size = 0;
    if (table.size >= size) return table.region;
    table.region = memory.fit(table.region, size * 4, table.size * 4);
    memory.words(table.region, size).set(ofCode.subarray(table.size, size), table.size);
    table.of = ofCode;
    table.size = size;
    return table.region;
  }
}

/** What a batch has. */
export interface Assigning {
  readonly varying: readonly Varying[];
  readonly tuple: Uint32Array;
  /** Overwritten. */
  readonly groupOf: Uint32Array;
}

/** Places with one bit to spare, so that they last; undefined when two words are too few even without. */
function placesFor(sizes: readonly number[]): readonly Place[] | undefined {
  return placed(sizes.map((size) => bitsFor(size) + 1)) ?? placed(sizes.map(bitsFor));
}

function placed(bits: readonly number[]): readonly Place[] | undefined {
  const used: [number, number] = [0, 0];
  const places: Place[] = [];
  for (const wanted of bits) {
    const word = used[0] + wanted <= WORD_BITS ? 0 : 1;
    if (used[word] + wanted > WORD_BITS) return undefined;
    places.push({ word, shift: used[word], bits: wanted });
    used[word] += wanted;
  }
  return places;
}

function bitsFor(size: number): number {
  return size <= 1 ? 0 : 32 - Math.clz32(size - 1);
}
