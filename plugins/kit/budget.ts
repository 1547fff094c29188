/** Something that becomes points or is folded into the overflow. */
export interface Candidate {
  readonly key: string;
  /** The larger, the more it matters. */
  readonly weight: number;
  /** How many points it becomes. */
  readonly points: number;
}

/**
 * Chooses what is shown within a budget of points: first what was shown before (a series that comes and goes
 * would be counted twice while a backend still remembers it), then the heaviest. `reserved` points are for the overflow.
 */
export function withinBudget(
  candidates: readonly Candidate[],
  budget: {
    readonly limit: number;
    readonly reserved: number;
    readonly shown: ReadonlySet<string>;
  },
): ReadonlySet<string> {
  const order = [...candidates].sort(
    (a, b) =>
      Number(budget.shown.has(b.key)) - Number(budget.shown.has(a.key)) ||
      b.weight - a.weight ||
      (a.key < b.key ? -1 : 1),
  );
  const chosen = new Set<string>();
  let left = budget.limit - budget.reserved;
  for (const { key, points } of order) {
    if (points > left) continue;
    left -= points;
    chosen.add(key);
  }
  return chosen;
}
