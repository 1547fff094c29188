/** A number and what it is about. */
export interface Point {
  readonly attributes: Readonly<Record<string, string | boolean>>;
  readonly startMs: number;
  readonly endMs: number;
  readonly value: number;
  /** Spans that stand for parts of the value, by time. */
  readonly exemplars?: readonly Exemplar[];
}

/** A span behind a value. */
export interface Exemplar {
  /** Of the span, milliseconds. */
  readonly timeMs: number;
  /** Its part. */
  readonly value: number;
  /** In hex. */
  readonly traceId: string;
  readonly spanId: string;
}

/** A metric and its points; a `sum` is cumulative and goes up and down. */
export interface PointMetric {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly kind: 'sum' | 'gauge';
  readonly points: readonly Point[];
}
