import type { FileSet } from '../../kit/objects/store.ts';

/** Mapping of an actual-cost export beside an amortized one of the same bill: the fees of commitments only. */
const FEES = 'azure-cost-fees';

/**
 * Joins the legacy exports of a bill: where actual and amortized cost of one billing scope and month are there, the amortized one gives all
 * charges but the fees of reservations and savings plans, and the actual one only these. Each stays a scope of its own: they are written at different times.
 */
export function joined(sets: readonly FileSet[]): readonly FileSet[] {
  const amortized = new Set(sets.filter(isOf('amortizedcost')).map(billOf));
  const isFees = (set: FileSet): boolean =>
    isOf('actualcost')(set) && set.account !== undefined && amortized.has(billOf(set));
  return sets.map((set) => (isFees(set) ? feesOf(set) : set));
}

function isOf(type: string): (set: FileSet) => boolean {
  return (set) => set.type?.toLowerCase() === type;
}

function billOf({ account, period }: FileSet): string {
  return `${account} ${period}`;
}

/** With the other mapping it is another version of the bill. */
function feesOf(set: FileSet): FileSet {
  return { ...set, mapping: FEES, share: 'fees', revision: `${set.revision}+fees` };
}
