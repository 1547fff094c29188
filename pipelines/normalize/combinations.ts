/**
 * Distinct combinations of codes over several columns: the table behind every expression of more than one column.
 * Hot: typed arrays, indexed loops. Few distinct codes meet in a table that is indexed directly, more in a hash table by all their bits in one word,
 * those of which there are too many for a word in a hash table that compares them one by one.
 */

import { grown, release } from '../focus/grown.ts';

/** One input: a code per row, what the code stands for (equal values, equal number), and a bound of those numbers. */
export interface CombinationInput {
  readonly codes: Uint32Array;
  readonly remap: Uint32Array | undefined;
  /** All numbers are smaller. */
  readonly size: number;
}

/** More distinct combinations than this, and the table starts anew: memory stays bounded whatever the bill. */
export const MAX_COMBINATIONS = 1 << 18;

/** Combinations of codes that together need no more bits are looked up directly. */
const DIRECT_BITS = 16;
/** Combinations of codes that together need no more bits are looked up by a word that has them all. */
const PACKED_BITS = 31;
const PRIME = 0x9e3779b1 | 0;

/** Gives every distinct combination a number, from 0, in order of appearance. */
export class Combinations {
  /** Combination of each row of the last batch. */
  codes = new Uint32Array(0);
  /** First row of the last batch that showed each new combination, in order. */
  readonly fresh: number[] = [];
  size = 0;
  readonly #inputs: number;
  #tuples: Uint32Array<ArrayBuffer>[];
  #hashes = new Int32Array(64);
  /** Direct: number + 1 by the codes' bits. Packed: bits and number + 1 by turns, open addressing. Hashed: number + 1, open addressing. */
  #slots = new Uint32Array(0);
  /** Bits of each input while all of them fit into a word. */
  #bits: number[] | undefined = [];
  #isDirect = true;
  #mixed = new Int32Array(0);

  constructor(inputs: number) {
    this.#inputs = inputs;
    this.#tuples = Array.from({ length: inputs }, () => new Uint32Array(64));
  }

  /** Numbers the rows of a batch; `fresh` lists a row for each combination seen for the first time. */
  number(inputs: readonly CombinationInput[], rows: number): void {
    if (this.codes.length < rows) {
      this.codes = new Uint32Array(rows);
      this.#mixed = new Int32Array(rows);
    }
    this.fresh.length = 0;
    this.#fitBits(inputs);
    if (this.#bits === undefined) this.#hashed(inputs, rows);
    else {
      pack(this.#mixed, inputs, { rows, bits: this.#bits });
      if (this.#isDirect) this.#direct(inputs, rows);
      else this.#packed(inputs, rows);
    }
  }

  /** The number that input `input` has in a combination. */
  part(combination: number, input: number): number {
    return (this.#tuples[input] as Uint32Array)[combination] as number;
  }

  #direct(inputs: readonly CombinationInput[], rows: number): void {
    const mixed = this.#mixed;
    const { codes } = this;
    const slots = this.#slots;
    for (let row = 0; row < rows; row++) {
      const slot = mixed[row] as number;
      let stored = slots[slot] as number;
      if (stored === 0) {
        stored = this.#add(inputs, row) + 1;
        slots[slot] = stored;
      }
      codes[row] = stored - 1;
    }
  }

  #packed(inputs: readonly CombinationInput[], rows: number): void {
    const mixed = this.#mixed;
    const { codes } = this;
    let slots = this.#slots;
    let mask = slots.length - 2;
    for (let row = 0; row < rows; row++) {
      const word = mixed[row] as number;
      let slot = slotOf(word, mask);
      while (slots[slot + 1] !== 0 && slots[slot] !== word) slot = (slot + 2) & mask;
      if (slots[slot + 1] === 0) {
        slots[slot] = word;
        slots[slot + 1] = this.#add(inputs, row) + 1;
        codes[row] = this.size - 1;
        if (this.size * 4 > slots.length) {
          this.#repack(this.#bits as number[], slots.length * 2);
          slots = this.#slots;
          mask = slots.length - 2;
        }
      } else codes[row] = (slots[slot + 1] as number) - 1;
    }
  }

  #hashed(inputs: readonly CombinationInput[], rows: number): void {
    const mixed = this.#mixed;
    mixed.fill(0x811c9dc5 | 0, 0, rows);
    for (const input of inputs) mix(mixed, input, rows);
    const { codes } = this;
    for (let row = 0; row < rows; row++) {
      const same =
        row > 0 &&
        mixed[row] === mixed[row - 1] &&
        this.#equals(codes[row - 1] as number, inputs, row);
      codes[row] = same ? (codes[row - 1] as number) : this.#find(inputs, row);
    }
  }

  #find(inputs: readonly CombinationInput[], row: number): number {
    const hash = this.#mixed[row] as number;
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = (hash ^ (hash >>> 15)) & mask; ; slot = (slot + 1) & mask) {
      const stored = slots[slot] as number;
      if (stored === 0) {
        const entry = this.#add(inputs, row);
        this.#hashes[entry] = hash;
        slots[slot] = entry + 1;
        if (this.size * 2 > slots.length) this.#rehash(slots.length * 4);
        return entry;
      }
      if (this.#hashes[stored - 1] === hash && this.#equals(stored - 1, inputs, row))
        return stored - 1;
    }
  }

  #equals(entry: number, inputs: readonly CombinationInput[], row: number): boolean {
    for (let i = 0; i < inputs.length; i++) {
      if ((this.#tuples[i] as Uint32Array)[entry] !== keyOf(inputs[i] as CombinationInput, row))
        return false;
    }
    return true;
  }

  #add(inputs: readonly CombinationInput[], row: number): number {
    const entry = this.size++;
    if (entry >= this.#hashes.length) this.#growEntries();
    for (let i = 0; i < inputs.length; i++)
      (this.#tuples[i] as Uint32Array)[entry] = keyOf(inputs[i] as CombinationInput, row);
    this.fresh.push(row);
    return entry;
  }

  /** Gives the inputs the bits they need; goes over to hashing when it would get too large; never back. */
  #fitBits(inputs: readonly CombinationInput[]): void {
    const known = this.#bits;
    if (known === undefined || fits(known, inputs)) return;
    const bits = inputs.map(({ size }, i) => Math.max(known[i] ?? 0, bitsFor(size)));
    const total = bits.reduce((sum, count) => sum + count, 0);
    if (total > PACKED_BITS) {
      this.#bits = undefined;
      this.#rehash(Math.max(128, 2 ** bitsFor(this.size * 4 + 1)));
      return;
    }
    this.#bits = bits;
    this.#isDirect = total <= DIRECT_BITS;
    if (!this.#isDirect) {
      this.#repack(bits, Math.max(256, 2 ** bitsFor(this.size * 8 + 1)));
      return;
    }
    this.#slots = new Uint32Array(2 ** total);
    for (let entry = 0; entry < this.size; entry++)
      this.#slots[this.#place(entry, bits)] = entry + 1;
  }

  #repack(bits: readonly number[], length: number): void {
    const slots = new Uint32Array(length);
    const mask = length - 2;
    for (let entry = 0; entry < this.size; entry++) {
      const word = this.#place(entry, bits);
      let slot = slotOf(word, mask);
      while (slots[slot + 1] !== 0) slot = (slot + 2) & mask;
      slots[slot] = word;
      slots[slot + 1] = entry + 1;
    }
    this.#slots = slots;
  }

  #place(entry: number, bits: readonly number[]): number {
    let slot = 0;
    for (let i = 0; i < this.#inputs; i++)
      slot = (slot << (bits[i] as number)) | ((this.#tuples[i] as Uint32Array)[entry] as number);
    return slot;
  }

  #rehash(length: number): void {
    const slots = new Uint32Array(length);
    const mask = length - 1;
    for (let entry = 0; entry < this.size; entry++) {
      const hash = this.#hashOf(entry);
      this.#hashes[entry] = hash;
      let slot = (hash ^ (hash >>> 15)) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry + 1;
    }
    release(this.#slots);
    this.#slots = slots;
  }

  #hashOf(entry: number): number {
    let mixed = 0x811c9dc5 | 0;
    for (const tuple of this.#tuples) {
      const hash = Math.imul(mixed ^ (tuple[entry] as number), PRIME);
      mixed = hash ^ (hash >>> 13);
    }
    return mixed;
  }

  #growEntries(): void {
    const length = this.#hashes.length * 2;
    this.#hashes = grown(this.#hashes, length);
    this.#tuples = this.#tuples.map((tuple) => grown(tuple, length));
  }
}

/** Where a word is looked for first: in two slots, its bits and its number. */
function slotOf(word: number, mask: number): number {
  const hash = Math.imul(word, PRIME);
  return ((hash ^ (hash >>> 15)) << 1) & mask;
}

/** Whether these are the bits that the inputs need, or more. */
function fits(bits: readonly number[], inputs: readonly CombinationInput[]): boolean {
  if (bits.length !== inputs.length) return false;
  for (let i = 0; i < bits.length; i++)
    if (bitsFor((inputs[i] as CombinationInput).size) > (bits[i] as number)) return false;
  return true;
}

/** Puts the bits of all inputs into the word of each row. */
function pack(
  words: Int32Array,
  inputs: readonly CombinationInput[],
  { rows, bits }: { readonly rows: number; readonly bits: readonly number[] },
): void {
  let empty = true;
  for (let i = 0; i < inputs.length; i++) {
    const shift = bits[i] as number;
    if (shift === 0) continue;
    place(words, inputs[i] as CombinationInput, { rows, shift, empty });
    empty = false;
  }
  if (empty) words.fill(0, 0, rows);
}

interface Place {
  readonly rows: number;
  readonly shift: number;
  readonly empty: boolean;
}

/** Takes an input into the hash of each row. A loop of its own: V8 threw the code of two, one in the other, away again and again. */
function mix(mixed: Int32Array, { codes, remap }: CombinationInput, rows: number): void {
  for (let row = 0; row < rows; row++) {
    const code = codes[row] as number;
    const part = remap === undefined ? code : (remap[code] as number);
    const hash = Math.imul((mixed[row] as number) ^ part, PRIME);
    mixed[row] = hash ^ (hash >>> 13);
  }
}

/** Puts an input's bits behind those that are there. */
function place(
  mixed: Int32Array,
  { codes, remap }: CombinationInput,
  { rows, shift, empty }: Place,
): void {
  if (empty && remap === undefined)
    for (let row = 0; row < rows; row++) mixed[row] = codes[row] as number;
  else if (empty)
    for (let row = 0; row < rows; row++)
      mixed[row] = (remap as Uint32Array)[codes[row] as number] as number;
  else if (remap === undefined)
    for (let row = 0; row < rows; row++)
      mixed[row] = ((mixed[row] as number) << shift) | (codes[row] as number);
  else
    for (let row = 0; row < rows; row++)
      mixed[row] = ((mixed[row] as number) << shift) | (remap[codes[row] as number] as number);
}

function keyOf({ codes, remap }: CombinationInput, row: number): number {
  const code = codes[row] as number;
  return remap === undefined ? code : (remap[code] as number);
}

/** Bits that hold every number below `size`. */
export function bitsFor(size: number): number {
  return 32 - Math.clz32(Math.max(0, size - 1));
}
