/** Something that becomes points or is folded into the overflow. */
export interface Candidate {
  /** Asked for once or twice; it need not be kept. */
  readonly key: string;
  /** The larger, the more it matters. */
  readonly weight: number;
  /** How many points it becomes, one at least. */
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
  const { shown = [], others = [] } = Object.groupBy(candidates, ({ key }) =>
    budget.shown.has(key) ? 'shown' : 'others',
  );
  const chosen = new Set<string>();
  let left = budget.limit - budget.reserved;
  for (const all of [shown, others])
    for (const { key, points } of heaviestFirst(all)) {
      if (left < 1) return chosen;
      if (points > left) continue;
      left -= points;
      chosen.add(key);
    }
  return chosen;
}

/** Those of one weight by their keys, of which no more are made than needed. */
function* heaviestFirst(candidates: readonly Candidate[]): Generator<Candidate> {
  const order = candidates.toSorted((a, b) => b.weight - a.weight);
  for (let from = 0; from < order.length; ) {
    const { weight } = order[from] as Candidate;
    let to = from + 1;
    while (order[to]?.weight === weight) to++;
    const equal = order.slice(from, to);
    from = to;
    if (equal.length > 1)
      yield* equal
        .map(({ key, points }) => ({ key, weight, points }))
        .sort((a, b) => (a.key < b.key ? -1 : 1));
    else yield* equal;
  }
}
