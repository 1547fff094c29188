/** How what a list says of one price goes on from what is known of it. Pure. */

/** From `at` on (milliseconds) it costs that much; undefined: it is not for sale. */
export interface Step {
  readonly at: number;
  readonly price: string | undefined;
}

/** What was in force last, since when. */
export interface Known {
  readonly since: number;
  readonly price: string | undefined;
}

/** A step that is news. */
export interface Change extends Step {
  /** What it cost until then. */
  readonly before: string | undefined;
}

/** A price with the time it holds, half-open. */
export interface Stated {
  readonly from: number;
  readonly to?: number;
  readonly price: string;
}

/**
 * The statements of a list about one price as steps: each holds until the next begins or its own end, whichever is first.
 * Of those that begin together the last one holds.
 */
export function stepsOf(stated: readonly Stated[]): readonly Step[] {
  const sorted = stated.toSorted((a, b) => a.from - b.from);
  return sorted.flatMap(({ from, to, price }, i) => {
    const next = sorted[i + 1]?.from ?? Number.POSITIVE_INFINITY;
    if (next <= from) return [];
    const step = { at: from, price };
    return to === undefined || to >= next ? [step] : [step, { at: to, price: undefined }];
  });
}

/** What changes. What was known is not touched: a step that began earlier counts from then on. Steps are in order of time. */
export function changesOf(known: Known | undefined, steps: readonly Step[]): readonly Change[] {
  let { since, price: before } = known ?? { since: Number.NEGATIVE_INFINITY, price: undefined };
  const changes: Change[] = [];
  for (const [i, { at, price }] of steps.entries()) {
    const isOver = (steps[i + 1]?.at ?? Number.POSITIVE_INFINITY) <= since;
    if (isOver || price === before) continue;
    since = Math.max(at, since);
    changes.push({ at: since, price, before });
    before = price;
  }
  return changes;
}
