import { createChecker, violationCounts } from '../check/index.ts';
import type { Batch } from '../focus/batch.ts';
import { columnsOf } from '../focus/columns.ts';
import type { TaskResult } from './protocol.ts';

/** Checks the charges of a task against the specification. */
export interface ChargeCheck {
  add(batch: Batch): void;
  /** How often each rule was violated. */
  finish(): TaskResult['violations'];
}

/** A check by the rules of FOCUS 1.2. */
export function createChargeCheck(): ChargeCheck {
  const checker = createChecker({ version: '1.2', columns: columnsOf('1.2') });
  return {
    add: (batch) => checker.add(batch),
    finish: () => violationCounts(checker.finish()),
  };
}
