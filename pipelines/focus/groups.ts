/** Tuples of numbers → groups, by open addressing. Hot: plain fields and indexed loops. */
import { grown } from './grown.ts';

/** Groups are numbered from 0 in order of appearance. */
export class Groups {
  /** The group's tuple: `width` numbers from `group * width`. */
  tuples: Uint32Array<ArrayBuffer>;
  size = 0;
  readonly width: number;
  #slots = new Int32Array(256);
  #hashes = new Int32Array(128);

  constructor(width: number) {
    this.width = width;
    this.tuples = new Uint32Array(width * 128);
  }

  /** The group with the tuple at `tuple`, or -1. */
  find(tuple: Uint32Array, hash: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = slotOf(hash) & mask; ; slot = (slot + 1) & mask) {
      const group = (slots[slot] as number) - 1;
      if (group < 0) return -1;
      if (this.#hashes[group] === hash && this.#equals(group, tuple)) return group;
    }
  }

  /** Adds a group that `find` did not find. */
  add(tuple: Uint32Array, hash: number): number {
    const group = this.size++;
    if (group >= this.#hashes.length) this.#grow();
    this.tuples.set(tuple, group * this.width);
    this.#hashes[group] = hash;
    this.#place(group, hash);
    return group;
  }

  #equals(group: number, tuple: Uint32Array): boolean {
    const base = group * this.width;
    for (let i = 0; i < this.width; i++) if (this.tuples[base + i] !== tuple[i]) return false;
    return true;
  }

  #place(group: number, hash: number): void {
    const mask = this.#slots.length - 1;
    let slot = slotOf(hash) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = group + 1;
  }

  #grow(): void {
    const hashes = grown(this.#hashes, this.#hashes.length * 2);
    this.#hashes = hashes;
    this.tuples = grown(this.tuples, this.tuples.length * 2);
    this.#slots = grown(this.#slots, this.#slots.length * 2).fill(0);
    for (let group = 0; group < this.size - 1; group++) this.#place(group, hashes[group] as number);
  }
}

/** One odd multiplier per place in a tuple. */
const MULTIPLIERS = [
  0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f, 0x165667b1, 0xd3a2646d, 0xfd7046c5, 0xb55a4f09,
  0x7feb352d, 0x846ca68b, 0x31848bab, 0x2c1b3c6d,
] as const;

/** The hash of a tuple: the sum of its numbers, each times that of its place. */
export function hashOf(tuple: Uint32Array): number {
  let hash = 0;
  for (let i = 0; i < tuple.length; i++)
    hash =
      (hash + Math.imul((tuple[i] as number) + 1, MULTIPLIERS[i % MULTIPLIERS.length] as number)) |
      0;
  return hash;
}

function slotOf(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  return mixed ^ (mixed >>> 15);
}
