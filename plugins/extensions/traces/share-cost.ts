/** Who caused the cost of a resource in a charge period, by what was seen of it. Pure. */
import { type Decimal, decimal } from '../../../pipelines/focus/index.ts';
import { type Cell, OTHER_SERVICES, type Sample, type ServiceTotals } from './cell.ts';
import { type Confidence, confidenceOf, type Method } from './confidence.ts';
import type { Derived } from './identity.ts';
import { REQUEST_PARTS } from './sampling.ts';
import { hex, TRACE_ID_BYTES } from './span-batch.ts';
import { split } from './split.ts';

/** What becomes of time in which a resource did nothing: a part of its own, its only service's, or everybody's. */
export type Idle = 'separate' | 'owner' | 'spread';

/** How costs are shared. */
export interface SharingSettings {
  readonly idle: Idle;
  /** Requests at a time with which a resource is full. */
  readonly concurrency: number;
  /** Spans shown of a cell. */
  readonly samples: number;
}

/** What was seen of a resource in a charge period. */
export interface Seen {
  readonly found: Derived;
  /** One per hour with spans. */
  readonly cells: readonly Cell[];
  /** Hours of the charge period. */
  readonly hours: number;
}

/** A part of the cost of a resource. */
export interface Piece {
  readonly amount: Decimal;
  readonly method: Method;
  /** Number of the service; undefined: nobody's. */
  readonly service: number | undefined;
  readonly part: 'busy' | 'idle';
  /** A span that stands for this part, and its weight: microseconds, with those that it stands for. */
  readonly sample?: Sample;
  readonly weight?: number;
}

const HOUR_US = 3_600e6;

/** The pieces of a cost; they add up to it exactly. Idle comes last. */
export function shareCost(
  amount: Decimal,
  seen: Seen,
  settings: SharingSettings,
): readonly Piece[] {
  const services = merged(seen.cells);
  const { samples, isWhole } = samplesOf(seen.cells, settings.samples);
  const method = isWhole && samples.length === 1 ? idMethod(seen.found) : methodOf(services);
  const busy = services.reduce((sum, one) => sum + BigInt(one.busy), 0n);
  const idle = seen.found.isByUse ? 0n : idleOf(busy, seen.hours, settings.concurrency);
  const [busyCost, idleCost] = split(amount, idle === 0n ? [1n, 0n] : [busy, idle]) as [
    Decimal,
    Decimal,
  ];
  const weights = weightsOf(method, services);
  const used = split(busyCost, weights).flatMap((cost, i) =>
    ofService(cost, { method, samples, totals: services[i] as ServiceTotals }),
  );
  return [...used, ...ofIdle(idleCost, { method, services, weights, idle: settings.idle })];
}

/** The one trace that all of a cost is of, and its span where that is one too. */
export interface OneTrace {
  readonly traceId: Uint8Array;
  readonly spanId?: Uint8Array;
  readonly method: Method;
  readonly confidence: Confidence;
}

/** Undefined where there are several, where idle is nobody's, where spans are not all known, and where the resource was found by a name that others may have. */
export function oneTrace(seen: Seen, settings: SharingSettings): OneTrace | undefined {
  const method = idMethod(seen.found);
  const confidence = confidenceOf(method, seen.found.attribute);
  const { samples, isWhole } = samplesOf(seen.cells, settings.samples);
  const [first] = samples;
  const isSure = isWhole && (confidence === 'exact' || confidence === 'high');
  if (first === undefined || !isSure) return undefined;
  const traceIds = samples.map(({ sample }) => hex(sample.ids.subarray(0, TRACE_ID_BYTES)));
  if (new Set(traceIds).size > 1) return undefined;
  const pieces = shareCost(decimal('1'), seen, settings);
  if (pieces.some(({ service }) => service === undefined)) return undefined;
  const { ids } = first.sample;
  return {
    traceId: ids.subarray(0, TRACE_ID_BYTES),
    ...(samples.length === 1 && { spanId: ids.subarray(TRACE_ID_BYTES) }),
    method,
    confidence,
  };
}

/** Weights are in microseconds times parts of a request. */
function idleOf(busy: bigint, hours: number, concurrency: number): bigint {
  const capacity = BigInt(hours * HOUR_US) * BigInt(REQUEST_PARTS * concurrency);
  return capacity > busy ? capacity - busy : 0n;
}

function merged(cells: readonly Cell[]): readonly ServiceTotals[] {
  const services = new Map<number, ServiceTotals>();
  for (const totals of cells.flatMap(({ services }) => services)) {
    const known = services.get(totals.service);
    if (known === undefined) services.set(totals.service, { ...totals });
    else {
      known.count += totals.count;
      known.busy += totals.busy;
      known.requests += totals.requests;
      known.usage += totals.usage;
    }
  }
  return [...services.values()].sort((a, b) => a.service - b.service);
}

interface Shown {
  readonly sample: Sample;
  readonly weight: number;
}

/**
 * The sample of a cell. If it is not all of its spans, each stands for others too: its weight is w / (1 - exp(-w * rank)) with the rank of the
 * first that is not shown, the unbiased estimate of bottom-k sampling (Cohen and Kaplan, "Summarizing data using bottom-k sketches", 2007).
 */
function shown({ samples = [] }: Cell, most: number): readonly Shown[] {
  const next = samples[most];
  return samples.slice(0, most).map((sample) => ({
    sample,
    weight:
      next === undefined ? sample.weight : sample.weight / -Math.expm1(-sample.weight * next.rank),
  }));
}

interface Samples {
  readonly samples: readonly Shown[];
  /** They are all there was: none is left out, and none stands for requests that were not sampled. */
  readonly isWhole: boolean;
}

function samplesOf(cells: readonly Cell[], most: number): Samples {
  const samples = together(cells.flatMap((cell) => shown(cell, most)));
  const isKnown = cells.every((cell) => cell.samples !== undefined && cell.samples.length <= most);
  const isWhole = isKnown && samples.every(({ sample }) => sample.requests <= REQUEST_PARTS);
  return { samples, isWhole };
}

/** A span that lasts over several hours is one. */
function together(samples: readonly Shown[]): readonly Shown[] {
  const spans = new Map<string, Shown>();
  for (const { sample, weight } of samples) {
    const key = hex(sample.ids);
    spans.set(key, { sample, weight: weight + (spans.get(key)?.weight ?? 0) });
  }
  return [...spans.values()];
}

/** Of a cost that is of one span. */
function idMethod({ isSame }: Derived): Method {
  return isSame ? 'id' : 'derived_id';
}

function methodOf(services: readonly ServiceTotals[]): Method {
  const [first, ...others] = services;
  if (first === undefined) return 'none';
  if (others.length === 0 && first.service !== OTHER_SERVICES) return 'sole_owner';
  if (services.every(({ usage }) => usage > 0)) return 'usage_weighted';
  return services.some(({ busy }) => busy > 0) ? 'duration_weighted' : 'count_weighted';
}

function weightsOf(method: Method, services: readonly ServiceTotals[]): readonly bigint[] {
  if (method === 'usage_weighted') return services.map(({ usage }) => BigInt(usage));
  if (method === 'count_weighted') return services.map(({ requests }) => BigInt(requests));
  return services.map(({ busy }) => BigInt(busy));
}

function ofService(
  cost: Decimal,
  of: {
    readonly method: Method;
    readonly samples: readonly Shown[];
    readonly totals: ServiceTotals;
  },
): readonly Piece[] {
  const { service } = of.totals;
  const own = of.samples.filter(({ sample }) => sample.service === service);
  const piece = { method: of.method, service, part: 'busy' } as const;
  if (own.length === 0) return [{ ...piece, amount: cost }];
  const weights = own.map(({ weight }) => BigInt(Math.max(1, Math.round(weight))));
  return split(cost, weights).map((amount, i) => {
    const { sample, weight } = own[i] as Shown;
    return { ...piece, amount, sample, weight: weight / REQUEST_PARTS };
  });
}

function ofIdle(
  cost: Decimal,
  of: {
    readonly method: Method;
    readonly services: readonly ServiceTotals[];
    readonly weights: readonly bigint[];
    readonly idle: Idle;
  },
): readonly Piece[] {
  if (cost.digits === 0n) return [];
  const isOwned = of.idle === 'spread' || (of.idle === 'owner' && of.services.length === 1);
  if (!isOwned) return [{ amount: cost, method: 'none', service: undefined, part: 'idle' }];
  return split(cost, of.weights).map((amount, i) => ({
    amount,
    method: of.method,
    service: of.services[i]?.service,
    part: 'idle',
  }));
}
