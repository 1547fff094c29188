/** Tuples of numbers packed into 64 bits each, with the group of every one seen. Hot: plain fields and indexed loops. */

/** A column of the tuple that differs within a batch. */
export interface Varying {
  /** Where it stands in the tuple. */
  readonly at: number;
  readonly codes: Uint32Array;
  /** Number of its value by code. */
  readonly ofCode: Uint32Array;
}

/** The place of a number in a key. */
interface Slot {
  readonly word: 0 | 1;
  readonly shift: number;
  readonly bits: number;
}

const WORD_BITS = 31;

/** Finds the groups of rows by their keys; what a key's group is has to be asked once. */
export class PackedKeys {
  #slots: readonly Slot[] = [];
  /** Low and high word of each key that is known, and its group + 1; 0 is free. */
  #low = new Int32Array(256);
  #high = new Int32Array(256);
  #groups = new Int32Array(256);
  #size = 0;
  /** The keys of the rows of a batch. */
  #rowLow = new Int32Array(0);
  #rowHigh = new Int32Array(0);

  /** Whether tuples fit into a key; `sizes`: how many numbers each place of the tuple has. */
  fits(sizes: readonly number[]): boolean {
    if (sizes.every((size, i) => size <= 2 ** (this.#slots[i]?.bits ?? -1))) return true;
    const slots = slotsFor(sizes);
    if (slots === undefined) return false;
    this.#slots = slots;
    this.#clear(this.#groups.length);
    return true;
  }

  /** The group of each row goes to `groupOf`. `tuple` has the numbers that are the same on every row; `groupFor` finds a tuple's group. */
  assign(
    rows: number,
    { varying, tuple, groupOf }: Assigning,
    groupFor: (tuple: Uint32Array) => number,
  ): void {
    this.#pack(rows, varying, tuple);
    const rowLow = this.#rowLow;
    const rowHigh = this.#rowHigh;
    let previous = -1;
    for (let row = 0; row < rows; row++) {
      const low = rowLow[row] as number;
      const high = rowHigh[row] as number;
      if (row === 0 || low !== rowLow[row - 1] || high !== rowHigh[row - 1]) {
        const slot = this.#find(low, high);
        previous = (this.#groups[slot] as number) - 1;
        if (previous < 0) {
          this.#unpack(low, high, tuple);
          previous = groupFor(tuple);
          this.#add(slot, { low, high, group: previous });
        }
      }
      groupOf[row] = previous;
    }
  }

  #pack(rows: number, varying: readonly Varying[], tuple: Uint32Array): void {
    if (this.#rowLow.length < rows) {
      this.#rowLow = new Int32Array(rows);
      this.#rowHigh = new Int32Array(rows);
    }
    const constant: [number, number] = [0, 0];
    const differs = new Set(varying.map(({ at }) => at));
    for (const [at, { word, shift }] of this.#slots.entries())
      if (!differs.has(at)) constant[word] |= (tuple[at] as number) << shift;
    this.#rowLow.fill(constant[0], 0, rows);
    this.#rowHigh.fill(constant[1], 0, rows);
    for (const { at, codes, ofCode } of varying) {
      const { word, shift } = this.#slots[at] as Slot;
      const into = word === 0 ? this.#rowLow : this.#rowHigh;
      for (let row = 0; row < rows; row++)
        into[row] = (into[row] as number) | ((ofCode[codes[row] as number] as number) << shift);
    }
  }

  #unpack(low: number, high: number, tuple: Uint32Array): void {
    for (let at = 0; at < this.#slots.length; at++) {
      const { word, shift, bits } = this.#slots[at] as Slot;
      tuple[at] = ((word === 0 ? low : high) >>> shift) & (2 ** bits - 1);
    }
  }

  /** Where the key is, or where it belongs. */
  #find(low: number, high: number): number {
    const groups = this.#groups;
    const mask = groups.length - 1;
    for (let slot = hash(low, high) & mask; ; slot = (slot + 1) & mask)
      if (groups[slot] === 0 || (this.#low[slot] === low && this.#high[slot] === high)) return slot;
  }

  #add(
    slot: number,
    { low, high, group }: { readonly low: number; readonly high: number; readonly group: number },
  ): void {
    this.#low[slot] = low;
    this.#high[slot] = high;
    this.#groups[slot] = group + 1;
    if (++this.#size * 2 > this.#groups.length) this.#enlarge();
  }

  #enlarge(): void {
    const low = this.#low;
    const high = this.#high;
    const groups = this.#groups;
    this.#clear(groups.length * 2);
    for (let at = 0; at < groups.length; at++) {
      if (groups[at] === 0) continue;
      const slot = this.#find(low[at] as number, high[at] as number);
      this.#low[slot] = low[at] as number;
      this.#high[slot] = high[at] as number;
      this.#groups[slot] = groups[at] as number;
      this.#size++;
    }
  }

  #clear(length: number): void {
    this.#low = new Int32Array(length);
    this.#high = new Int32Array(length);
    this.#groups = new Int32Array(length);
    this.#size = 0;
  }
}

/** What a batch has. */
export interface Assigning {
  readonly varying: readonly Varying[];
  /** Overwritten. */
  readonly tuple: Uint32Array;
  readonly groupOf: Uint32Array;
}

/** Places with one bit to spare, so that they last; undefined when two words are too few even without. */
function slotsFor(sizes: readonly number[]): readonly Slot[] | undefined {
  return placed(sizes.map((size) => bitsFor(size) + 1)) ?? placed(sizes.map(bitsFor));
}

function placed(bits: readonly number[]): readonly Slot[] | undefined {
  const used: [number, number] = [0, 0];
  const slots: Slot[] = [];
  for (const wanted of bits) {
    const word = used[0] + wanted <= WORD_BITS ? 0 : 1;
    if (used[word] + wanted > WORD_BITS) return undefined;
    slots.push({ word, shift: used[word], bits: wanted });
    used[word] += wanted;
  }
  return slots;
}

function bitsFor(size: number): number {
  return size <= 1 ? 0 : 32 - Math.clz32(size - 1);
}

function hash(low: number, high: number): number {
  const mixed = Math.imul(low ^ Math.imul(high, 0x85ebca77), 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}
