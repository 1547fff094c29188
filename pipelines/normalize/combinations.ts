/**
 * Distinct combinations of codes over several columns: the table behind every expression of more than one column.
 * Hot: typed arrays, indexed loops, one hash pass per input column.
 */

/** One input: a code per row, and optionally what the code stands for (equal values, equal number). */
export interface CombinationInput {
  readonly codes: Uint32Array;
  readonly remap: Uint32Array | undefined;
}

/** More distinct combinations than this, and the table starts anew: memory stays bounded whatever the bill. */
export const MAX_COMBINATIONS = 1 << 18;

const PRIME = 0x9e3779b1 | 0;

/** Gives every distinct combination a number, from 0, in order of appearance. */
export class Combinations {
  /** Combination of each row of the last batch. */
  codes = new Uint32Array(0);
  /** First row of the last batch that showed each new combination, in order. */
  readonly fresh: number[] = [];
  size = 0;
  #tuples: Uint32Array[];
  #hashes = new Int32Array(64);
  #slots = new Int32Array(128);
  #rowHashes = new Int32Array(0);
  #keys: Uint32Array[];

  constructor(inputs: number) {
    this.#tuples = Array.from({ length: inputs }, () => new Uint32Array(64));
    this.#keys = Array.from({ length: inputs }, () => new Uint32Array(0));
  }

  /** Numbers the rows of a batch; `fresh` lists a row for each combination seen for the first time. */
  number(inputs: readonly CombinationInput[], rows: number): void {
    if (this.codes.length < rows) this.#fit(rows);
    this.fresh.length = 0;
    this.#hash(inputs, rows);
    const keys = this.#keys;
    const codes = this.codes;
    for (let row = 0; row < rows; row++)
      codes[row] =
        row > 0 && sameKeys(keys, row - 1, row) ? (codes[row - 1] as number) : this.#find(row);
  }

  #find(row: number): number {
    const hash = this.#rowHashes[row] as number;
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = (hash ^ (hash >>> 15)) & mask; ; slot = (slot + 1) & mask) {
      const stored = slots[slot] as number;
      if (stored === 0) return this.#insert(row, hash, slot);
      if (this.#hashes[stored - 1] === hash && this.#equals(stored - 1, row)) return stored - 1;
    }
  }

  #equals(entry: number, row: number): boolean {
    for (let i = 0; i < this.#keys.length; i++) {
      if ((this.#tuples[i] as Uint32Array)[entry] !== (this.#keys[i] as Uint32Array)[row])
        return false;
    }
    return true;
  }

  #insert(row: number, hash: number, slot: number): number {
    const entry = this.size++;
    if (entry >= this.#hashes.length) this.#growEntries();
    this.#hashes[entry] = hash;
    for (let i = 0; i < this.#keys.length; i++)
      (this.#tuples[i] as Uint32Array)[entry] = (this.#keys[i] as Uint32Array)[row] as number;
    this.#slots[slot] = entry + 1;
    this.fresh.push(row);
    if (this.size * 2 > this.#slots.length) this.#growSlots();
    return entry;
  }

  #hash(inputs: readonly CombinationInput[], rows: number): void {
    const hashes = this.#rowHashes;
    hashes.fill(0x811c9dc5 | 0, 0, rows);
    for (let i = 0; i < inputs.length; i++) {
      const { codes, remap } = inputs[i] as CombinationInput;
      const key = this.#keys[i] as Uint32Array;
      if (remap === undefined) {
        for (let row = 0; row < rows; row++) key[row] = codes[row] as number;
      } else {
        for (let row = 0; row < rows; row++) key[row] = remap[codes[row] as number] as number;
      }
      for (let row = 0; row < rows; row++) {
        const mixed = Math.imul((hashes[row] as number) ^ (key[row] as number), PRIME);
        hashes[row] = mixed ^ (mixed >>> 13);
      }
    }
  }

  #fit(rows: number): void {
    this.codes = new Uint32Array(rows);
    this.#rowHashes = new Int32Array(rows);
    this.#keys = this.#keys.map(() => new Uint32Array(rows));
  }

  #growEntries(): void {
    const length = this.#hashes.length * 2;
    const hashes = new Int32Array(length);
    hashes.set(this.#hashes);
    this.#hashes = hashes;
    this.#tuples = this.#tuples.map((tuple) => {
      const larger = new Uint32Array(length);
      larger.set(tuple);
      return larger;
    });
  }

  #growSlots(): void {
    const slots = new Int32Array(this.#slots.length * 4);
    const mask = slots.length - 1;
    for (let entry = 0; entry < this.size; entry++) {
      const hash = this.#hashes[entry] as number;
      let slot = (hash ^ (hash >>> 15)) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry + 1;
    }
    this.#slots = slots;
  }
}

function sameKeys(keys: readonly Uint32Array[], a: number, b: number): boolean {
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as Uint32Array;
    if (key[a] !== key[b]) return false;
  }
  return true;
}
