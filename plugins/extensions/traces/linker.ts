import { createHash } from 'node:crypto';
import {
  add,
  type Decimal,
  decimal,
  formatDecimal,
  toNumber,
  ZERO,
} from '../../../pipelines/focus/index.ts';
import {
  type ChargedResource,
  type Clock,
  type Linkable,
  type Linked,
  type LinkedDelivery,
  type LogEvent,
  type ResourceCost,
  type SoleTrace,
  Unavailable,
} from '../../../pipelines/plugin/index.ts';
import { OTHER_SERVICES, type Sample } from './cell.ts';
import { type Derived, derivedKeys, lastSegment } from './identity.ts';
import { linkEvents } from './link-events.ts';
import { firstDay } from './link-points.ts';
import {
  dearest,
  type LinkedSpan,
  type LinkKey,
  type LinkStore,
  type ServiceHour,
} from './link-store.ts';
import { REQUEST_PARTS } from './sampling.ts';
import { oneTrace, type Piece, type Seen, type SharingSettings, shareCost } from './share-cost.ts';
import { hex, TRACE_ID_BYTES } from './span-batch.ts';
import { HOUR_MS, type TraceIndex } from './trace-index.ts';

/** How deliveries are linked. */
export interface LinkerOptions {
  readonly index: TraceIndex;
  readonly store: LinkStore;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly sharing: SharingSettings;
  readonly bounds: Pick<Linkable, 'maxWindowMs' | 'maxGroups'>;
  /** Whether links are sent as events. */
  readonly events: boolean;
  /** Hours whose spans are remembered one by one. */
  readonly sampleHours: number;
  /** Hours whose totals are remembered. */
  readonly totalHours: number;
  /** Charge days that are shown. */
  readonly days: number;
  /** Spans shown with a total. */
  readonly exemplars: number;
}

/** Resources × charge periods between two pauses: others want the thread too. */
const AT_A_TIME = 500;

/** What may be linked: the ends of the names of all resources that are known. */
export function linkableOf({ index, bounds }: LinkerOptions): Linkable {
  const resources = new Set<string>();
  for (const name of index.resources()) resources.add(lastSegment(name));
  resources.delete('');
  return { ...bounds, resources };
}

/** Links the costs of a delivery to what the index knows. */
export async function linkCosts(
  options: LinkerOptions,
  delivery: LinkedDelivery,
  costs: readonly ResourceCost[],
): Promise<Linked> {
  const linking = new Linking(options, delivery);
  for (const [i, cost] of costs.entries()) {
    if (i % AT_A_TIME === 0) await options.clock.sleep(0, options.signal).catch(closed);
    onDisk(() => linking.add(cost));
  }
  return linking.result();
}

/** The traces of resources whose whole cost in a charge period is of one. */
export async function tracesOf(
  options: LinkerOptions,
  resources: readonly ChargedResource[],
): Promise<readonly (SoleTrace | undefined)[]> {
  const traces: (SoleTrace | undefined)[] = [];
  for (const [i, resource] of resources.entries()) {
    if (i % AT_A_TIME === 0) await options.clock.sleep(0, options.signal).catch(closed);
    onDisk(() => traces.push(traceOf(options, resource)));
  }
  return traces;
}

function traceOf(options: LinkerOptions, resource: ChargedResource): SoleTrace | undefined {
  const { index, bounds, sharing, clock, sampleHours } = options;
  const hours = hoursOf(resource);
  // Most of a bill is older than spans are remembered one by one: then it need not be looked for.
  const isForgotten = hours.first < Math.floor(clock.now() / HOUR_MS) - sampleHours;
  if (isForgotten || resource.endMs - resource.startMs > bounds.maxWindowMs) return undefined;
  const seen = seenOf(index, resource.resourceId, hours);
  const trace = seen && oneTrace(seen, sharing);
  if (trace === undefined) return undefined;
  const { traceId, spanId, method, confidence } = trace;
  return {
    traceId: hex(traceId),
    ...(spanId && { spanId: hex(spanId) }),
    method,
    confidence,
  };
}

/** The first of the names of a resource under which spans were seen in the hours. */
function seenOf(index: TraceIndex, resourceId: string, { first, last }: Hours): Seen | undefined {
  for (const found of derivedKeys(resourceId)) {
    const cells = [];
    for (let hour = first; hour <= last; hour++) {
      const cell = index.cell(found.key, hour);
      if (cell !== undefined && cell.services.length > 0) cells.push(cell);
    }
    if (cells.length > 0) return { found, cells, hours: last - first + 1 };
  }
  return undefined;
}

/** A full or busy disk may come right: `Unavailable`, so that the delivery is tried again. */
function onDisk(work: () => void): void {
  try {
    work();
  } catch (cause) {
    const isDisk = cause instanceof Error && 'code' in cause && cause.code === 'ERR_SQLITE_ERROR';
    if (!isDisk) throw cause;
    throw new Unavailable(`links cannot be kept: ${cause.message}`, { cause });
  }
}

function closed(cause: unknown): never {
  throw new Unavailable('the extension that links was closed', { cause });
}

class Linking {
  readonly #options: LinkerOptions;
  readonly #delivery: LinkedDelivery;
  readonly #nowHour: number;
  readonly #sums = new Map<string, LinkSum>();
  readonly #hours = new Map<string, ServiceHour>();
  /** Costs whose links are not what was sent before: made anew when they are sent, for there may be millions. */
  readonly #changed: ResourceCost[] = [];
  readonly #sent = new Map<number, number>();

  constructor(options: LinkerOptions, delivery: LinkedDelivery) {
    this.#options = options;
    this.#delivery = delivery;
    this.#nowHour = Math.floor(options.clock.now() / HOUR_MS);
  }

  add(cost: ResourceCost): void {
    const { class: kind, resourceId, effectiveCost: amount } = cost;
    const isTooLong = cost.endMs - cost.startMs > this.#options.bounds.maxWindowMs;
    if (kind === 'traced') this.#count(cost, { method: 'id', amount });
    else if (kind !== 'linkable' || resourceId === null)
      this.#count(cost, { reason: kind, amount });
    else if (isTooLong) this.#count(cost, { reason: 'period', amount });
    else this.#link(cost, resourceId);
  }

  result(): Linked {
    const { store, clock, days, signal } = this.#options;
    const since = firstDay(clock.now(), days);
    const totals = [...this.#sums.values()].map(({ key, sum, spans }) => ({
      ...key,
      amount: formatDecimal(sum),
      spans,
    }));
    const hours = [...this.#hours.values()];
    return {
      events: { [Symbol.iterator]: () => this.#events() },
      commit: () => {
        if (signal.aborted) closed(signal.reason);
        onDisk(() => store.commit(this.#delivery, { totals, hours, sent: this.#sent }, since));
      },
    };
  }

  #link(cost: ResourceCost, resourceId: string): void {
    const hours = hoursOf(cost);
    const { totalHours, sampleHours, events } = this.#options;
    const seen = seenOf(this.#options.index, resourceId, hours);
    if (seen === undefined) {
      const reason = hours.first < this.#nowHour - totalHours ? 'expired' : 'no_spans';
      this.#count(cost, { reason, amount: cost.effectiveCost });
      return;
    }
    const pieces = shareCost(decimal(cost.effectiveCost), seen, this.#options.sharing);
    for (const piece of pieces) this.#countPiece(cost, piece, seen.found);
    this.#countHours(pieces, hours);
    const isRecent = hours.first >= this.#nowHour - sampleHours;
    if (events && isRecent && this.#isChanged(cost, pieces, seen)) this.#changed.push(cost);
  }

  *#events(): Generator<LogEvent> {
    for (const cost of this.#changed) {
      const seen = seenOf(this.#options.index, String(cost.resourceId), hoursOf(cost));
      if (seen === undefined) continue;
      const pieces = shareCost(decimal(cost.effectiveCost), seen, this.#options.sharing);
      yield* this.#eventsOf(cost, pieces, seen);
    }
  }

  #eventsOf(cost: ResourceCost, pieces: readonly Piece[], { found }: Seen): readonly LogEvent[] {
    return linkEvents(pieces, {
      delivery: this.#delivery,
      cost,
      found,
      serviceName: (number) => this.#serviceName(number) ?? undefined,
    });
  }

  #serviceName(number: number | undefined): string | null {
    if (number === undefined || number === OTHER_SERVICES) return null;
    return this.#options.index.service(number) ?? null;
  }

  #countPiece(cost: ResourceCost, piece: Piece, { attribute }: Derived): void {
    const { method, part, service } = piece;
    const sum = this.#count(cost, {
      amount: formatDecimal(piece.amount),
      ...(service === undefined
        ? { reason: part }
        : { method, part, foundBy: attribute, service: this.#serviceName(service) }),
    });
    if (piece.sample !== undefined)
      sum.spans = dearest(
        [...sum.spans, spanOf(piece.sample, piece.amount)],
        this.#options.exemplars,
      );
  }

  #count(cost: ResourceCost, of: Partial<LinkKey> & { readonly amount: string }): LinkSum {
    const { amount, ...rest } = of;
    const key: LinkKey = {
      day: new Date(cost.startMs).toISOString().slice(0, 10),
      service: null,
      method: 'none',
      foundBy: null,
      part: 'busy',
      reason: null,
      currency: cost.currency,
      costSource: cost.costSource,
      ...rest,
    };
    const name = JSON.stringify(key);
    const sum = this.#sums.get(name) ?? { key, sum: ZERO, spans: [] };
    this.#sums.set(name, sum);
    sum.sum = add(sum.sum, decimal(amount));
    return sum;
  }

  #countHours(pieces: readonly Piece[], { first, last }: Hours): void {
    for (const number of new Set(pieces.map(({ service }) => service))) {
      const service = this.#serviceName(number);
      if (service === null) continue;
      for (let hour = first; hour <= last; hour++) this.#countHour(service, hour);
    }
  }

  #countHour(service: string, hour: number): void {
    const key = `${hour} ${service}`;
    if (this.#hours.has(key)) return;
    const { index } = this.#options;
    const [totals] = index.cell(index.serviceResource(service), hour)?.services ?? [];
    const requests = (totals?.requests ?? 0) / REQUEST_PARTS;
    this.#hours.set(key, { service, hour, requests });
  }

  /** What was sent already, just like that, is not sent again. */
  #isChanged(cost: ResourceCost, pieces: readonly Piece[], seen: Seen): boolean {
    if (decimal(cost.effectiveCost).digits === 0n) return false;
    const { pipeline, receiver, scope, mode, id } = this.#delivery;
    const { resourceId, startMs, endMs, currency, costSource } = cost;
    const scoped = [pipeline, receiver, scope, mode === 'append' ? id : null];
    const key = numberOf([...scoped, resourceId, startMs, endMs, currency, costSource]);
    const events = this.#eventsOf(cost, pieces, seen);
    const digest = numberOf(events.map(({ attributes }) => attributes));
    if (this.#options.store.sent(key) === digest) return false;
    this.#sent.set(key, digest);
    return true;
  }
}

/** What was linked of a delivery so far by a key, and some spans of it. */
interface LinkSum {
  readonly key: LinkKey;
  sum: Decimal;
  spans: readonly LinkedSpan[];
}

function spanOf({ ids, startMs, durationUs }: Sample, amount: Decimal): LinkedSpan {
  return {
    traceId: hex(ids.subarray(0, TRACE_ID_BYTES)),
    spanId: hex(ids.subarray(TRACE_ID_BYTES)),
    timeMs: startMs + durationUs / 1000,
    cost: toNumber(amount),
  };
}

interface Hours {
  readonly first: number;
  readonly last: number;
}

/** The hours that a charge period touches. */
function hoursOf({ startMs, endMs }: Pick<ResourceCost, 'startMs' | 'endMs'>): Hours {
  return { first: Math.floor(startMs / HOUR_MS), last: Math.ceil(endMs / HOUR_MS) - 1 };
}

/** 48 bits of a hash. */
function numberOf(value: unknown): number {
  return createHash('sha256').update(JSON.stringify(value)).digest().readUIntBE(0, 6);
}
