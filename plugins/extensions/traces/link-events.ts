import { createHash } from 'node:crypto';
import {
  attributeName,
  type Decimal,
  decimal,
  divide,
  formatDecimal,
  formatTime,
  toNumber,
  ZERO,
} from '../../../pipelines/focus/index.ts';
import type { LinkedDelivery, LogEvent, ResourceCost } from '../../../pipelines/plugin/index.ts';
import { confidenceOf } from './confidence.ts';
import { attributesOfService, type Derived } from './identity.ts';
import { REQUEST_PARTS } from './sampling.ts';
import type { Piece } from './share-cost.ts';
import { hex, TRACE_ID_BYTES } from './span-batch.ts';

const SHARE_PLACES = 15;

/** What the events of a cost are about. */
export interface EventSubject {
  readonly delivery: LinkedDelivery;
  readonly cost: ResourceCost;
  readonly found: Derived;
  /** Name of a service by its number. */
  readonly serviceName: (number: number) => string | undefined;
}

/** One `finops.link` event per piece: their costs add up to the cost. */
export function linkEvents(pieces: readonly Piece[], subject: EventSubject): readonly LogEvent[] {
  const about = aboutCost(subject.cost);
  const total = decimal(subject.cost.effectiveCost);
  return pieces.map((piece) => {
    const { sample } = piece;
    return {
      name: 'finops.link',
      timeMs: subject.cost.startMs,
      ...(sample && {
        traceId: sample.ids.subarray(0, TRACE_ID_BYTES),
        spanId: sample.ids.subarray(TRACE_ID_BYTES),
      }),
      attributes: {
        'log.record.uid': uidOf(piece, subject),
        ...about,
        ...serviceAttributes(piece, subject),
        ...linkAttributes(piece, subject.found, total),
      },
    };
  });
}

function aboutCost({ resourceId, startMs, endMs, currency, costSource }: ResourceCost) {
  return {
    ...named('ResourceId', resourceId),
    ...named('ChargePeriodStart', formatTime(startMs)),
    ...named('ChargePeriodEnd', formatTime(endMs)),
    ...named('BillingCurrency', currency),
    ...named('x_CostSource', costSource),
  };
}

function named(column: string, value: string | null | undefined): Readonly<Record<string, string>> {
  return value === null || value === undefined ? {} : { [attributeName(column)]: value };
}

function serviceAttributes({ service }: Piece, { serviceName }: EventSubject) {
  const name = service === undefined ? undefined : serviceName(service);
  return name === undefined ? {} : attributesOfService(name);
}

function linkAttributes(
  { amount, method, part, sample, weight, service }: Piece,
  { attribute }: Derived,
  total: Decimal,
): LogEvent['attributes'] {
  const share = toNumber(divide(amount, total, SHARE_PLACES) ?? ZERO);
  return {
    'finops.link.method': method,
    'finops.link.confidence': confidenceOf(method, attribute),
    'finops.link.found_by': attribute,
    'finops.link.part': part,
    ...(service === undefined && { 'finops.link.reason': part }),
    'finops.link.share': share,
    ...(weight !== undefined && { 'finops.link.weight': weight / 1e6 }),
    ...(sample && {
      'finops.link.requests': sample.requests / REQUEST_PARTS,
      'finops.link.span.start': formatTime(sample.startMs) ?? '',
      'finops.link.span.duration': sample.durationUs / 1e6,
    }),
    'finops.link.cost': toNumber(amount),
    'finops.link.cost.decimal': formatDecimal(amount),
  };
}

/** The same for the same part of the same cost, however often a bill is restated. */
function uidOf(
  { service, part, sample }: Piece,
  { delivery, cost, serviceName }: EventSubject,
): string {
  const { pipeline, receiver, scope, mode, id } = delivery;
  const { resourceId, startMs, endMs, currency, costSource } = cost;
  const key = [
    [pipeline, receiver, scope, mode === 'append' ? id : null],
    [resourceId, startMs, endMs, currency, costSource],
    [service === undefined ? null : (serviceName(service) ?? null), part],
    sample === undefined ? null : hex(sample.ids),
  ];
  return createHash('sha256').update(JSON.stringify(key)).digest('hex').slice(0, 32);
}
