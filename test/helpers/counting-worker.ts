/** Counts each of some charges once, in an order of its own, and answers their ordinals. */
import { parentPort, workerData } from 'node:worker_threads';
import { EqualCharges, type EqualChargesMemory } from '../../pipelines/identify/equal-charges.ts';

const { memory, charges, step } = workerData as {
  readonly memory: EqualChargesMemory;
  readonly charges: number;
  /** Has no divisor in common with `charges`. */
  readonly step: number;
};

const BATCH = 3_000;
const counter = new EqualCharges(memory);
const counted = new Uint32Array(charges);
for (let from = 0; from < charges; from += BATCH) {
  const rows = Math.min(BATCH, charges - from);
  const batch = Array.from({ length: rows }, (_, i) => ((from + i) * step) % charges);
  const hashes = batch.flatMap((charge) => [charge, Math.imul(charge, 0x9e3779b1), 0, 0]);
  const ordinals = new Uint32Array(rows);
  counter.count(Int32Array.from(hashes), rows, ordinals);
  for (const [row, charge] of batch.entries()) counted[charge] = ordinals[row] as number;
}
parentPort?.postMessage(counted);
