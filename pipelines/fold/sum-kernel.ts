/** Adds amounts to sums of groups in WebAssembly; its source is `assembly/sums.ts`. The sums live in its memory, columns of a batch are copied there. */
import type { AmountColumn } from '../focus/batch.ts';
import { IdleKernels, instantiate, KernelMemory, NO_REGION } from '../focus/wasm.ts';
import { SUMS_WASM } from './sums-wasm.ts';

/** What `assembly/sums.ts` exports. */
interface Loops {
  add(
    sums: number,
    stride: number,
    row: number,
    rows: number,
    groupOf: number,
    codes: number,
    states: number,
    whole: number,
    nano: number,
    atto: number,
    full: number,
  ): number;
}

/** Rows of a column, and what of which group they are added to. */
export interface Adding {
  readonly column: AmountColumn;
  readonly groupOf: Uint32Array;
  readonly rows: number;
  /** Of the limbs of a group, the first to add to; of `stride`. */
  readonly offset: number;
  readonly stride: number;
  /** An integer part of more than this should be settled. */
  readonly full: number;
}

const FIRST_BYTES = 1 << 20;
const FIRST_ROWS = 4_096;

/** The memory and the loop over it. */
export class SumKernel {
  readonly #memory: KernelMemory;
  readonly #loops: Loops;
  #groupOf = NO_REGION;
  #codes = NO_REGION;
  #states = NO_REGION;
  #whole = NO_REGION;
  #nano = NO_REGION;
  #atto = NO_REGION;
  #sums = NO_REGION;
  #count = 0;

  constructor() {
    const { exports, memory } = instantiate<Loops>(SUMS_WASM, FIRST_BYTES);
    this.#loops = exports;
    this.#memory = new KernelMemory(memory);
    this.clear();
  }

  /** Bytes of the memory. */
  get size(): number {
    return this.#memory.size;
  }

  /** Forgets everything. */
  clear(): void {
    this.#memory.clear();
    this.#groupOf = this.#codes = this.#states = NO_REGION;
    this.#whole = this.#nano = this.#atto = this.#sums = NO_REGION;
    this.#count = 0;
    // The sums come last, where they can grow without being copied.
    this.#reserve(FIRST_ROWS, FIRST_ROWS);
  }

  /** So many limbs; those that come new are 0. The array is void once there are more, or rows were added. */
  limbs(count: number): Float64Array<ArrayBuffer> {
    const before = this.#count;
    if (count > before) {
      this.#sums = this.#memory.fit(this.#sums, count * 8, before * 8);
      this.#count = count;
    }
    const limbs = new Float64Array(this.#memory.buffer, this.#sums.at, this.#count);
    return count > before ? limbs.fill(0, before) : limbs;
  }

  /** Adds rows; calls `stopped` after each one whose amount is too long for limbs, or whose sum is to be settled. Null and invalid entries count as nothing. */
  add({ column, groupOf, rows, ...to }: Adding, stopped: (row: number) => void): void {
    const { codes, values } = column;
    const { size, state, whole, nano, atto } = values;
    this.#reserve(rows, size);
    const { buffer } = this.#memory;
    new Uint32Array(buffer, this.#groupOf.at, rows).set(groupOf.subarray(0, rows));
    new Uint32Array(buffer, this.#codes.at, rows).set(codes.subarray(0, rows));
    new Uint8Array(buffer, this.#states.at, size).set(state.subarray(0, size));
    new Float64Array(buffer, this.#whole.at, size).set(whole.subarray(0, size));
    new Float64Array(buffer, this.#nano.at, size).set(nano.subarray(0, size));
    new Float64Array(buffer, this.#atto.at, size).set(atto.subarray(0, size));
    for (let row = 0; row < rows; row++) {
      row = this.#loops.add(
        this.#sums.at + to.offset * 8,
        to.stride * 8,
        row,
        rows,
        this.#groupOf.at,
        this.#codes.at,
        this.#states.at,
        this.#whole.at,
        this.#nano.at,
        this.#atto.at,
        to.full,
      );
      if (row < rows) stopped(row);
    }
  }

  #reserve(rows: number, entries: number): void {
    const memory = this.#memory;
    this.#groupOf = memory.fit(this.#groupOf, rows * 4);
    this.#codes = memory.fit(this.#codes, rows * 4);
    this.#states = memory.fit(this.#states, entries);
    this.#whole = memory.fit(this.#whole, entries * 8);
    this.#nano = memory.fit(this.#nano, entries * 8);
    this.#atto = memory.fit(this.#atto, entries * 8);
  }
}

const idle = new IdleKernels(() => new SumKernel(), { most: 2, mostBytes: 16 << 20 });

/** A kernel of its own for a fold. */
export function takeSumKernel(): SumKernel {
  return idle.take();
}

/** Gives a kernel back; its memory belongs to the next. */
export function returnSumKernel(kernel: SumKernel): void {
  kernel.clear();
  idle.giveBack(kernel);
}
