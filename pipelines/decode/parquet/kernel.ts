/**
 * Reads levels and dictionary indices, makes codes of them and finds the rows of nested columns: WebAssembly with instructions
 * for four values at a time, two to four times as fast as the same in JavaScript, and fast from the first page on. Its memory
 * holds the streams (levels, indices) of the pages that are under way, the codes of each column's dictionary and the cells of
 * nested columns; beside them the levels and codes at hand, which the next call replaces.
 */
import { IdleKernels, instantiate, MemoryViews, MOST_PAGES } from '../../focus/wasm.ts';
import { VALUES_WASM } from './values-wasm.ts';

/** The functions of `assembly/values.ts`. Positions are bytes of the kernel's memory; a stream at 0 is one of zeros only. */
export interface KernelFunctions {
  /** Starts a stream on the bytes [at, end), with run headers. */
  open(stream: number, at: number, end: number, width: number): void;
  /** Starts a stream on bytes that are all bit-packed. */
  openPacked(stream: number, at: number, end: number, width: number): void;
  /** The value of the next `count` entries when they are one run, which is then behind; else -1 and nothing is consumed. */
  run(stream: number, count: number): number;
  /** Reads `count` indices; the entries of the table they point to are the codes at hand. */
  codes(stream: number, count: number, table: number, entries: number): void;
  /** Reads `count` levels of either kind; answers how many values have the highest definition, that is to say are there. */
  levels(repetition: number, definition: number, most: number, count: number): number;
  /** The codes at hand become those of `count` rows by the levels at hand: 0 where there is no value. */
  spread(count: number): void;
  /** Writes `count` cells of the levels and codes at hand, of which `present` are values. */
  compose(
    cells: number,
    count: number,
    present: number,
    most: number,
    definitionBits: number,
    levelBits: number,
  ): void;
  /** Notes at which of the cells [from, to) rows start, up to that behind the last; `started` did before, answers how many did by now. `mask` has the bits of the repetition. */
  startRows(
    cells: number,
    from: number,
    to: number,
    starts: number,
    started: number,
    rows: number,
    mask: number,
  ): number;
  /** Sets to 1 the byte of each row but the first that has other cells than the row before. */
  markChanges(cells: number, starts: number, rows: number, changed: number): void;
  /** The rows whose byte is 1 become those at hand; answers how many. */
  listChanges(changed: number, rows: number): number;
}

interface Functions extends KernelFunctions {
  /** Forgets everything; up to `values` levels and codes will be at hand. */
  begin(values: number): void;
  /** Memory for so many bytes; a little more can be written. */
  take(bytes: number): number;
  codesAt(): number;
  rowsAt(): number;
}

const FIRST_BYTES = 1 << 20;

const FAULTS = [
  'the pages under way do not fit into 2 GiB of memory',
  'a page has fewer values than it says',
  'a run ends too early',
  'a run has an impossible length',
  'packed values end too early',
] as const;

/** The kernel of one part at a time. */
export class Kernel {
  readonly call: KernelFunctions;
  readonly #functions: Functions;
  readonly #memory: MemoryViews;

  constructor() {
    const { exports, memory } = instantiate<Functions>(VALUES_WASM, FIRST_BYTES, {
      mostPages: MOST_PAGES,
      env: { fail },
    });
    this.#memory = new MemoryViews(memory);
    this.#functions = exports;
    this.call = this.#functions;
  }

  /** Bytes of its memory. */
  get size(): number {
    return this.#memory.size;
  }

  /** Forgets everything: the next part, of which up to `values` are read at once. */
  begin(values: number): void {
    this.#functions.begin(values);
  }

  /** Memory for so many bytes, until the part ends. Arrays that were had before are empty then, if it had to grow. */
  take(bytes: number): number {
    return this.#functions.take(bytes);
  }

  /** Its bytes [at, at + length). */
  bytes(at: number, length: number): Uint8Array {
    return this.#memory.bytes.subarray(at, at + length);
  }

  /** `count` words of 32 bits from byte `at` on. */
  words(at: number, count: number): Uint32Array {
    return this.#memory.words.subarray(at >> 2, (at >> 2) + count);
  }

  /** The codes at hand. */
  codes(count: number): Uint32Array {
    return this.words(this.#functions.codesAt(), count);
  }

  /** The codes of rows at hand, or the rows that `listChanges` found. */
  rows(count: number): Uint32Array {
    return this.words(this.#functions.rowsAt(), count);
  }
}

function fail(fault: number, index: number, entries: number): never {
  throw new Error(FAULTS[fault] ?? `index ${index >>> 0} into a dictionary of ${entries} entries`);
}

const idle = new IdleKernels(() => new Kernel(), { most: 2, mostBytes: 24 << 20 });

/** A kernel for one part, of which up to `values` values are read at once. */
export function takeKernel(values: number): Kernel {
  const kernel = idle.take();
  kernel.begin(values);
  return kernel;
}

/** Gives a kernel back; its memory belongs to the next part. */
export function returnKernel(kernel: Kernel): void {
  idle.giveBack(kernel);
}
