/**
 * Puts records together from ready runs of bytes: WebAssembly, about three times as fast as the same loops over DataViews, and
 * fast from the first row on. Its source is `assembly/records.ts`. One memory holds, from the start: what log records need (`otlp-logs`),
 * a scratch, the arena with the ready runs and everything else about a batch; behind what is used of it the block of records being written.
 */

import { IdleKernels, instantiate, type Memory } from '../focus/wasm.ts';
import { Bytes } from './bytes.ts';
import { RECORDS_WASM } from './records-wasm.ts';

/** Where the scratch is and where it ends. */
export const SCRATCH_START = 128;
export const SCRATCH_END = 1 << 16;

/** The memory and the loops over it. All positions are bytes from its start. */
export interface Kernel extends Loops {
  /** The block of records; it starts where the arena ends once nothing more is put there. */
  readonly out: Bytes;
  /** The ready runs, behind the scratch. */
  readonly arena: Bytes;
  /** Bytes of the memory. */
  readonly size: number;
}

/** What `assembly/records.ts` exports. */
interface Loops {
  missing(codes: number, bounds: number, rows: number, list: number): number;
  changes(codes: number, rows: number): number;
  mark(codes: number, rows: number, marks: number): void;
  cells(pieces: number, count: number, row: number, at: number): number;
  records(row: number, rows: number, at: number, enough: number, most: number): number;
}

const idle = new IdleKernels(newKernel, { most: 3, mostBytes: 32 << 20 });

/** A kernel of its own for an encoder, its arena empty. */
export function takeKernel(): Kernel {
  const kernel = idle.take();
  kernel.arena.length = SCRATCH_END;
  return kernel;
}

/** Gives a kernel back; its memory belongs to the next. */
export function returnKernel(kernel: Kernel): void {
  idle.giveBack(kernel);
}

function newKernel(): Kernel {
  const { exports, memory } = instantiate<Loops>(RECORDS_WASM, SCRATCH_END * 3);
  const users: Bytes[] = [];
  const shared: Memory = {
    get buffer() {
      return memory.buffer;
    },
    grow: (pages) => {
      const before = memory.grow(pages);
      for (const user of users) user.refresh();
      return before;
    },
  };
  const [out, arena] = [new Bytes(0, shared), new Bytes(0, shared)];
  users.push(out, arena);
  return {
    ...exports,
    out,
    arena,
    get size() {
      return memory.buffer.byteLength;
    },
  };
}
