import type { FileSet } from '../../kit/objects/store.ts';

/** Mapping of an actual-cost export beside an amortized one of the same bill: the fees of commitments only. */
const FEES = 'azure-cost-fees';

/** What came of looking at all exports together. */
export interface Joined {
  readonly sets: readonly FileSet[];
  /** Exports that say the same twice, in words. */
  readonly doubled: readonly string[];
}

/**
 * Joins the legacy exports of a bill: where actual and amortized cost of one billing scope and month are there, the amortized one gives all
 * charges but the fees of reservations and savings plans, and the actual one only these. Each stays a scope of its own: they are written at different times.
 */
export function joined(sets: readonly FileSet[]): Joined {
  const bills = Map.groupBy(sets, ({ dataset, period }) => `${dataset?.account} ${period}`);
  const doubled: string[] = [];
  const amortized = new Set<string>();
  for (const [bill, of] of bills) {
    if (of[0]?.dataset === undefined) continue;
    const kinds = Map.groupBy(of, ({ dataset }) => dataset?.type.toLowerCase() ?? '');
    if (kinds.has('amortizedcost')) amortized.add(bill);
    if (isDoubled(kinds)) doubled.push(inWords(of));
  }
  const isFees = (set: FileSet): boolean =>
    set.dataset?.type.toLowerCase() === 'actualcost' &&
    amortized.has(`${set.dataset.account} ${set.period}`);
  return { sets: sets.map((set) => (isFees(set) ? feesOf(set) : set)), doubled };
}

/** With the other mapping it is another version of the bill. */
function feesOf(set: FileSet): FileSet {
  return { ...set, mapping: FEES, revision: `${set.revision}+fees` };
}

function isDoubled(kinds: ReadonlyMap<string, readonly FileSet[]>): boolean {
  const focus = kinds.has('focuscost');
  const legacy = kinds.has('actualcost') || kinds.has('amortizedcost');
  const costs = ['focuscost', 'actualcost', 'amortizedcost', 'usage'];
  return (focus && legacy) || costs.some((kind) => (kinds.get(kind)?.length ?? 0) > 1);
}

function inWords(sets: readonly FileSet[]): string {
  const scopes = sets.map(({ scope, dataset }) => `${scope} (${dataset?.type})`).join(', ');
  return `the same charges are counted twice: ${scopes} are of one bill; set prefix to one of the exports`;
}
