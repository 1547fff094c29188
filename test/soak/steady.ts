/** Whether what a process holds stays what it is. */

/** A value at a time, seconds. */
export interface Sample {
  readonly at: number;
  readonly value: number;
}

/** What a series of samples comes to. */
export interface Judgement {
  readonly median: number;
  /** By the slope, over the whole time that was judged. */
  readonly growth: number;
  readonly isSteady: boolean;
}

/** Share of the time that an agent has to warm up. */
const WARM_UP = 1 / 3;

/** Judges the time after the warm-up: it may grow by no more than `most`, a share of the median. */
export function judge(samples: readonly Sample[], most: number): Judgement {
  const [first, last] = [samples[0]?.at ?? 0, samples.at(-1)?.at ?? 0];
  const judged = samples.filter(({ at }) => at >= first + (last - first) * WARM_UP);
  const middle = median(judged.map(({ value }) => value));
  const growth = slope(judged) * (last - (judged[0]?.at ?? 0));
  return { median: middle, growth, isSteady: growth <= middle * most };
}

/** Theil and Sen's: the median of the slopes of all pairs, which single peaks do not move. */
function slope(samples: readonly Sample[]): number {
  const slopes = samples.flatMap((from, i) =>
    samples.slice(i + 1).map((to) => (to.value - from.value) / (to.at - from.at)),
  );
  return median(slopes);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
