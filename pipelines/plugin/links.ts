import type { DeliveryInfo } from './delivery.ts';
import type { PointMetric } from './points.ts';

/** What takes the cost of resources, to tie it to traces or to know it. It is told of each delivery after all its charges were read, before the delivery is committed. */
export interface Linker {
  /** By what the workers choose and group the charges of the next delivery; undefined: it wants none. */
  linkable(): Linkable | undefined;
  /** Links the costs of a delivery, which add up to its effective cost. Nothing counts before `commit`. Throws `Unavailable` once the extension is closed. */
  link(delivery: LinkedDelivery, costs: readonly ResourceCost[]): Promise<Linked>;
  /** The trace of each, where all of its cost is of one and that is sure; asked while charges are read, for their log records. Throws as `link` does. */
  tracesOf?(resources: readonly ChargedResource[]): Promise<readonly (SoleTrace | undefined)[]>;
  /** What was linked so far in these pipelines; asked when exporters send their metrics. */
  points(pipelines: readonly string[], nowMs: number): readonly PointMetric[];
}

/** Which delivery is linked. */
export type LinkedDelivery = Pick<
  DeliveryInfo,
  'id' | 'receiver' | 'scope' | 'mode' | 'observedMs'
> & { readonly pipeline: string };

/** Bounds of what workers hand back. */
export interface Linkable {
  /** Of the ResourceIds that may be linked, what stands behind the last `/` or `:` or behind the last but one, in lower case. */
  readonly resources: ReadonlySet<string>;
  /** Longer charge periods are not linked, milliseconds. */
  readonly maxWindowMs: number;
  /** Charge periods that start earlier are not linked, milliseconds; absent: all are. */
  readonly sinceMs?: number;
  /** Most resources × charge periods of one part; the cost beyond is summed up as `overflow`. */
  readonly maxGroups: number;
}

/**
 * Why charges are linked or not: `linkable`; `traced`: they carry the ids of their trace themselves; `no_resource`: they name none;
 * `no_spans`: no trace is known of their resource; `period`: their charge period is too long or too old; `overflow`: too many to tell apart.
 */
export type LinkClass = 'linkable' | 'traced' | 'no_resource' | 'no_spans' | 'period' | 'overflow';

/** The effective cost of charges with equal resource and charge period; those that are not linkable by charge day. */
export interface ResourceCost {
  readonly class: LinkClass;
  /** ResourceId; null when not linkable. */
  readonly resourceId: string | null;
  /** The charge period, milliseconds. */
  readonly startMs: number;
  readonly endMs: number;
  readonly currency: string | null;
  /** `x_CostSource`: keeps estimates apart from bills. */
  readonly costSource: string | null;
  readonly charges: number;
  /** Canonical decimal text. */
  readonly effectiveCost: string;
}

/** A resource in a charge period, milliseconds. */
export interface ChargedResource {
  readonly resourceId: string;
  readonly startMs: number;
  readonly endMs: number;
}

/** The one trace that a cost is of. */
export interface SoleTrace {
  /** In hex; `spanId` where the cost is of one span, too. */
  readonly traceId: string;
  readonly spanId?: string;
  /** How it was found, and how sure that is, as in `finops.link.method` and `.confidence`. */
  readonly method: string;
  readonly confidence: string;
}

/** What linking a delivery came to. */
export interface Linked {
  /** Log records that go to the exporters which take OTLP logs; gone through once for each of them. */
  readonly events: Iterable<LogEvent>;
  /** Makes it count in place of what was linked of the same delivery, or of older ones of a scope that is replaced. */
  commit(): void;
}

/** A log record beside the charges. */
export interface LogEvent {
  readonly name: string;
  /** When it happened, milliseconds. */
  readonly timeMs: number;
  /** Bytes. */
  readonly traceId?: Uint8Array;
  readonly spanId?: Uint8Array;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
}
