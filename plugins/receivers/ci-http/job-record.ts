import { decimal, divide, formatDecimal } from '../../../pipelines/focus/index.ts';
import type { Pushed } from '../../kit/intake/index.ts';
import type { Payload } from './payload.ts';

/** What decides the price of a job. */
export interface JobSettings {
  readonly provider: string;
  readonly service: string;
  /** Account of payloads that do not name one. */
  readonly account: string | undefined;
  readonly currency: string;
  /** Runner → price of a minute. */
  readonly prices: Readonly<Record<string, string>>;
  /** Price of a minute of other runners; undefined: not known. */
  readonly price: string | undefined;
  readonly round_up: 'none' | 'second' | 'minute';
}

/** Milliseconds of the unit in which a job is billed. */
const UNITS_MS = { none: 1n, second: 1_000n, minute: 60_000n } as const;
const MINUTE: ReturnType<typeof decimal> = decimal('60000');
const PLACES = 12;
/** Numbers from there on are milliseconds since 1970, smaller ones seconds. */
const MILLISECONDS_FROM = 1e11;

/** The record of a finished job; undefined when it has no id. Every field is always there, null when unknown. */
export function jobRecord(payload: Payload, settings: JobSettings): Pushed | undefined {
  const id = payload.text('id');
  if (id === undefined) return undefined;
  const { provider, service, currency } = settings;
  const repository = payload.text('repository');
  return {
    ids: [`job ${id}`],
    value: {
      ci_provider: provider,
      ci_service: service,
      ci_job: payload.text('name') ?? id,
      ci_resource: repository === undefined ? id : `${repository}/${id}`,
      account: payload.text('account') ?? settings.account ?? null,
      account_type: 'Organization',
      currency,
      ...lengthOf(payload, settings),
      ...priceOf(payload, settings),
      ...traceOf(payload),
      tags: tagsOf(payload),
    },
  };
}

function lengthOf(payload: Payload, { round_up }: JobSettings) {
  const start = milliseconds(payload.text('started_at'));
  const duration = Number(payload.text('duration_ms'));
  const end = milliseconds(payload.text('completed_at')) ?? (start ?? Number.NaN) + duration;
  const ms = start === undefined || !(end >= start) ? undefined : BigInt(Math.round(end - start));
  const seconds = ms === undefined ? null : formatDecimal({ digits: ms, scale: 3 });
  return {
    started_at: isoTime(start),
    completed_at: isoTime(end),
    seconds,
    quantity: ms === undefined ? null : minutesOf(ms, UNITS_MS[round_up]),
    unit: 'Minutes',
  };
}

/** Each job counts whole units, at least one of them. */
function minutesOf(ms: bigint, unit: bigint): string {
  const units = (ms + unit - 1n) / unit || 1n;
  const minutes = divide({ digits: units * unit, scale: 0 }, MINUTE, PLACES);
  return formatDecimal(minutes ?? decimal('0'));
}

function priceOf(payload: Payload, { prices, price }: JobSettings) {
  const runners = payload.texts('runner');
  const named = runners.find((runner) => Object.hasOwn(prices, runner));
  const found = named === undefined ? price : prices[named];
  return {
    runner: runners.join(',') || null,
    sku: named ?? (runners.join(',') || 'runner'),
    price: found ?? null,
    price_source: found === undefined ? 'unknown' : 'configured',
  };
}

/** The ids as they stand, or those in a W3C `traceparent`. */
function traceOf(payload: Payload) {
  const parent = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-/.exec(
    payload.text('traceparent') ?? '',
  );
  const trace = /^[0-9a-f]{32}$/.exec(payload.text('trace_id') ?? '')?.[0] ?? parent?.[1];
  const span = /^[0-9a-f]{16}$/.exec(payload.text('span_id') ?? '')?.[0] ?? parent?.[2];
  return { trace_id: trace ?? null, span_id: trace === undefined ? null : (span ?? null) };
}

function tagsOf(payload: Payload): Readonly<Record<string, string>> {
  const tags = {
    repository: payload.text('repository'),
    branch: payload.text('branch'),
    actor: payload.text('actor'),
    runner_labels: payload.text('runner'),
    conclusion: payload.text('conclusion'),
    'cicd.pipeline.run.id': payload.text('run'),
    'cicd.pipeline.task.run.id': payload.text('id'),
  };
  return Object.fromEntries(
    Object.entries(tags).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}

/** ISO 8601, `2026-09-17 10:00:00 UTC`, or seconds or milliseconds since 1970. */
function milliseconds(text: string | undefined): number | undefined {
  const number = Number(text);
  if (text !== undefined && Number.isFinite(number))
    return number >= MILLISECONDS_FROM ? number : number * 1000;
  const iso = text?.replace(/ UTC$/, 'Z').replace(/^(\d{4}-\d\d-\d\d) /, '$1T');
  const ms = Date.parse(iso ?? '');
  return Number.isFinite(ms) ? ms : undefined;
}

function isoTime(ms: number | undefined): string | null {
  return ms === undefined || !Number.isFinite(ms) || Math.abs(ms) > 8.64e15
    ? null
    : new Date(ms).toISOString();
}
