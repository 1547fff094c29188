/** What is known of one resource in one hour: exact totals by service, and a sample of spans. */
import { ID_BYTES, TRACE_ID_BYTES } from './span-batch.ts';

/** Exact sums of the spans of a service; whole numbers, so that they do not depend on the order. */
export interface ServiceTotals {
  readonly service: number;
  /** Spans that started in the hour, as received. */
  count: number;
  errors: number;
  /** Time under way within the hour, as received: seconds, and nanoseconds below a second. */
  seconds: number;
  nanos: number;
  /** The same in microseconds, times what each span stands for in parts of a request. */
  busy: number;
  /** What the spans stand for, in parts of a request. */
  requests: number;
  /** Sum of the usage attribute in thousandths, times what each span stands for in parts of a request. */
  usage: number;
}

/** A span of the sample. */
export interface Sample {
  /** Trace id and span id. */
  readonly ids: Uint8Array;
  readonly service: number;
  readonly startMs: number;
  readonly durationUs: number;
  /** In parts of a request. */
  readonly requests: number;
  /** Its part of `busy`; at least 1. */
  readonly weight: number;
  /** The smaller, the more it belongs into the sample. */
  readonly rank: number;
}

/** Totals and sample. */
export interface Cell {
  readonly services: ServiceTotals[];
  /** By rank; one more than are shown: its rank tells how much the others stand for. Undefined: no longer kept. */
  samples: Sample[] | undefined;
}

/** A span as it is added to a cell. */
export interface Addition {
  readonly service: number;
  readonly isFirstHour: boolean;
  readonly error: boolean;
  /** Part of it that lies within the hour, nanoseconds. */
  readonly partNs: number;
  readonly requests: number;
  readonly usage: number;
}

/** Services told apart in one cell; further ones count as `OTHER_SERVICES`. */
const MOST_SERVICES = 64;
/** Number of the service that stands for those that are one too many, and for spans without a service. */
export const OTHER_SERVICES = 0;

export function emptyCell(): Cell {
  return { services: [], samples: [] };
}

/** Adds a span to the sums; answers its weight. */
export function addToTotals(cell: Cell, span: Addition): number {
  const totals = totalsOf(cell, span.service);
  if (span.isFirstHour) {
    totals.count += 1;
    totals.errors += span.error ? 1 : 0;
    totals.requests += span.requests;
    totals.usage += span.usage * span.requests;
  }
  const nanos = totals.nanos + (span.partNs % 1e9);
  totals.nanos = nanos % 1e9;
  totals.seconds += Math.floor(span.partNs / 1e9) + Math.floor(nanos / 1e9);
  const weight = Math.round(span.partNs / 1e3) * span.requests;
  totals.busy += weight;
  return Math.max(1, weight);
}

function totalsOf({ services }: Cell, service: number): ServiceTotals {
  for (const totals of services) if (totals.service === service) return totals;
  if (services.length >= MOST_SERVICES && service !== OTHER_SERVICES)
    return totalsOf({ services, samples: undefined }, OTHER_SERVICES);
  const totals = {
    service,
    count: 0,
    errors: 0,
    seconds: 0,
    nanos: 0,
    busy: 0,
    requests: 0,
    usage: 0,
  };
  services.push(totals);
  return totals;
}

/**
 * The rank of a span in a weighted sample without replacement: -ln(u) / weight, where u is a hash of its id. The spans with the
 * smallest ranks are the sample, whatever the order they came in (Efraimidis and Spirakis, "Weighted random sampling with a reservoir", 2006).
 */
export function rankOf(ids: Uint8Array, at: number, weight: number): number {
  const high = mixed(word(ids, at + TRACE_ID_BYTES));
  const low = mixed(word(ids, at + TRACE_ID_BYTES + 4) ^ Math.imul(high, 0x9e3779b1));
  const uniform = ((high >>> 0) * 2_097_152 + (low >>> 11) + 0.5) / 9_007_199_254_740_992;
  return -Math.log(uniform) / weight;
}

function word(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

function mixed(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x7feb352d);
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b);
  return hash ^ (hash >>> 16);
}

/** Puts a span into the sample if its rank is small enough; a span that is in it stays there once. */
export function addToSample(samples: Sample[], sample: Sample, most: number): void {
  let at = samples.length;
  while (at > 0 && (samples[at - 1] as Sample).rank > sample.rank) at--;
  const before = samples[at - 1];
  if (before !== undefined && before.rank === sample.rank && isSame(before.ids, sample.ids)) return;
  samples.splice(at, 0, sample);
  if (samples.length > most) samples.pop();
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < ID_BYTES; i++) if (a[i] !== b[i]) return false;
  return true;
}
