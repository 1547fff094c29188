/** A number and what it is about. */
export interface Point {
  readonly attributes: Readonly<Record<string, string | boolean>>;
  readonly startMs: number;
  readonly endMs: number;
  readonly value: number;
}

/** A metric and its points; a `sum` is cumulative and goes up and down. */
export interface PointMetric {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly kind: 'sum' | 'gauge';
  readonly points: readonly Point[];
}
