/** Remembers which text a combination of codes was written as. Hot: open addressing over typed arrays. */
import type { LeafRows } from './json-writer.ts';
import { longer } from './scratch.ts';

const MAX_ROWS = 64 * 1024;
const MAX_WORDS = 2 * 1024 * 1024;

/** Stands before the words of two leaves that are not taken in pairs; no first cell of a row is this. */
const NOT_PAIRS = 0xffffffff;

/** Combinations of levels and codes, each with the code of its text. */
export class RowMemory {
  /** Number + 1 of the combination in each slot. */
  #slots = new Uint32Array(1024);
  #hashes = new Uint32Array(512);
  /** Where the words of each combination begin; they end where the next begins. */
  #starts = new Uint32Array(513);
  #texts = new Uint32Array(512);
  #words = new Uint32Array(4096);
  #size = 0;
  /** The row that was looked for last: its words stand behind the last combination. */
  #length = 0;
  #hash = 0;
  #slot = 0;

  /** Whether it should be emptied before more is remembered. */
  get full(): boolean {
    return this.#size >= MAX_ROWS || (this.#starts[this.#size] as number) >= MAX_WORDS;
  }

  clear(): void {
    this.#size = 0;
    this.#slots.fill(0);
  }

  /** The code of the row's text, or -1 when it is new. */
  find(leaves: readonly LeafRows[], row: number): number {
    const [keys, values] = leaves;
    if (leaves.length !== 2 || !this.#collectPairs(keys as LeafRows, values as LeafRows, row))
      this.#collect(leaves, row);
    const mask = this.#slots.length - 1;
    const words = this.#words;
    const own = this.#starts[this.#size] as number;
    const length = this.#length;
    for (let slot = this.#hash & mask; ; slot = (slot + 1) & mask) {
      const number = (this.#slots[slot] as number) - 1;
      if (number < 0) {
        this.#slot = slot;
        return -1;
      }
      if (this.#hashes[number] !== this.#hash) continue;
      const start = this.#starts[number] as number;
      if ((this.#starts[number + 1] as number) - start !== length) continue;
      let i = 0;
      while (i < length && words[start + i] === words[own + i]) i++;
      if (i === length) return this.#texts[number] as number;
    }
  }

  /** Remembers the text of the row that was not found. */
  remember(text: number): void {
    const number = this.#size++;
    this.#hashes[number] = this.#hash;
    this.#texts[number] = text;
    this.#starts[number + 1] = (this.#starts[number] as number) + this.#length;
    this.#slots[this.#slot] = number + 1;
    if (this.#size * 2 >= this.#slots.length) this.#enlarge();
  }

  /** Writes the row's words behind the last combination and hashes them; where those of a leaf begin shows in their levels. */
  #collect(leaves: readonly LeafRows[], row: number): void {
    const own = this.#starts[this.#size] as number;
    let at = own;
    let hash = 0x811c9dc5;
    if (leaves.length === 2) {
      this.#words = longer(this.#words, at + 1);
      this.#words[at++] = NOT_PAIRS;
    }
    for (let leaf = 0; leaf < leaves.length; leaf++) {
      const { rowStarts, cells } = leaves[leaf] as LeafRows;
      const start = rowStarts[row] as number;
      const end = rowStarts[row + 1] as number;
      this.#words = longer(this.#words, at + end - start);
      const words = this.#words;
      for (let i = start; i < end; i++) {
        const cell = cells[i] as number;
        words[at++] = cell;
        hash = Math.imul(hash ^ cell, 0x9e3779b1);
        hash ^= hash >>> 15;
      }
    }
    this.#length = at - own;
    this.#hash = hash >>> 0;
  }

  /** The same for two leaves of one length, those of a map, in one go; false: their lengths differ. */
  #collectPairs(keys: LeafRows, values: LeafRows, row: number): boolean {
    const own = this.#starts[this.#size] as number;
    const start = keys.rowStarts[row] as number;
    const length = (keys.rowStarts[row + 1] as number) - start;
    const shift = (values.rowStarts[row] as number) - start;
    if ((values.rowStarts[row + 1] as number) - start - shift !== length) return false;
    this.#words = longer(this.#words, own + 2 * length);
    const words = this.#words;
    const { cells } = keys;
    const others = values.cells;
    let hash = 0x811c9dc5;
    let at = own;
    for (let i = start; i < start + length; i++) {
      const key = cells[i] as number;
      const value = others[i + shift] as number;
      words[at++] = key;
      words[at++] = value;
      hash = Math.imul(hash ^ value ^ Math.imul(key, 0x85ebca77), 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    this.#length = at - own;
    this.#hash = hash >>> 0;
    return true;
  }

  #enlarge(): void {
    const slots = new Uint32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let number = 0; number < this.#size; number++) {
      let slot = (this.#hashes[number] as number) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = number + 1;
    }
    this.#slots = slots;
    this.#hashes = longer(this.#hashes, slots.length / 2);
    this.#texts = longer(this.#texts, slots.length / 2);
    this.#starts = longer(this.#starts, slots.length / 2 + 1);
  }
}
