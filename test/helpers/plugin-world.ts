/** A world for plugins under test: settings checked as the agent does, a turned clock, a log to look into. */
import { createNoopMeter } from '@opentelemetry/api';
import { readConfiguration } from '../../config/read.ts';
import { checkSettings } from '../../config/settings.ts';
import { decimal } from '../../pipelines/focus/index.ts';
import {
  type Clock,
  type ConfigOf,
  type DeliveryInfo,
  type EncodedBatch,
  type EventBatch,
  type ExporterContext,
  type ExtensionContext,
  type Inspection,
  NO_PRICES,
  type ReceiverContext,
  type RefusedMessage,
  type RefusedPoint,
  type Schema,
  TOTAL_DIMENSIONS,
  type Total,
  type TotalDimension,
  type TotalsView,
} from '../../pipelines/plugin/index.ts';
import { createHttp } from '../../plugins/kit/http.ts';
import { createLasting } from '../../plugins/kit/lasting.ts';

/** Settings as an operator writes them, checked against a plugin's schema. Throws with every problem. */
export async function checkedSettings<const S extends Schema>(
  plugin: { readonly config: S },
  written: object,
): Promise<ConfigOf<S>> {
  const text = JSON.stringify(written);
  const raw = await readConfiguration({ text, folder: process.cwd(), file: 'test' }, {});
  const problems: string[] = raw.problems.map(({ problem }) => problem);
  const { settings } = checkSettings({
    schema: plugin.config,
    node: raw.root,
    path: 'test',
    folder: process.cwd(),
    report: ({ path, problem }) => void problems.push(`${path}: ${problem}`),
  });
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return settings as ConfigOf<S>;
}

/** A clock that jumps: sleeping takes no time, and is written down. */
export interface TurnedClock extends Clock {
  readonly slept: number[];
  set(ms: number): void;
}

/** Starts at 2026-09-17T12:00:00Z; `onSleep` may change the world before the sleeper wakes. */
export function turnedClock(
  onSleep: (count: number) => void | Promise<void> = () => {},
): TurnedClock {
  const slept: number[] = [];
  let now = Date.UTC(2026, 8, 17, 12);
  return {
    slept,
    now: () => now,
    set(ms) {
      now = ms;
    },
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      slept.push(ms);
      now += ms;
      await onSleep(slept.length);
      await new Promise((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
    },
  };
}

/** A line of the log. */
export interface Line {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** The context of a plugin, with what a test wants to look into. */
export interface World<Config>
  extends ReceiverContext<Config>,
    ExporterContext<Config>,
    ExtensionContext<Config> {
  /** Sent log records. */
  readonly sent: readonly EventBatch[];
  /** Dead letters of messages. */
  readonly refused: readonly RefusedMessage[];
  /** Dead letters of metric points, by day. */
  readonly refusedPoints: ReadonlyMap<string, readonly RefusedPoint[]>;
  readonly clock: TurnedClock;
  readonly lines: readonly Line[];
  /** What did not go well, one after the other. */
  readonly troubles: readonly (string | undefined)[];
  readonly stop: AbortController;
  close(): Promise<void>;
}

/** A world around checked settings. */
export function worldOf<Config>(
  config: Config,
  options: {
    readonly id?: string;
    readonly clock?: TurnedClock;
    readonly once?: boolean;
    readonly folder?: string;
  } = {},
): World<Config> {
  const lines: Line[] = [];
  const at =
    (level: string) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}) =>
      void lines.push({ level, message, fields });
  const stop = new AbortController();
  const http = createHttp();
  const lasting = createLasting();
  const sent: EventBatch[] = [];
  const troubles: (string | undefined)[] = [];
  const refused: RefusedMessage[] = [];
  const refusedPoints = new Map<string, readonly RefusedPoint[]>();
  return {
    id: options.id ?? 'test',
    config,
    log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') },
    meter: createNoopMeter(),
    http,
    clock: options.clock ?? turnedClock(),
    signal: stop.signal,
    once: options.once ?? false,
    folder: options.folder ?? '.',
    lasting,
    prices: NO_PRICES,
    trouble: (reason) => void troubles.push(reason),
    troubles,
    events: { send: async (batch) => void sent.push(batch) },
    sent,
    refuse: async (message) => void refused.push(message),
    room: async () => {},
    refused,
    refusePoints: async (day, points) => void refusedPoints.set(day, points),
    refusedPoints,
    lines,
    stop,
    async close() {
      await lasting.close();
      await http.close();
    },
  };
}

/** A total of some dimensions; costs not given are those of `BilledCost`. */
export function total(
  dimensions: Partial<Record<TotalDimension, string>>,
  rest: {
    readonly billed: string;
    readonly effective?: string;
    readonly list?: string;
    readonly contracted?: string;
    readonly period?: string;
    readonly day?: string;
    readonly charges?: number;
    readonly overflow?: boolean;
  },
): Total {
  const { billed, effective = billed, list = billed, contracted = billed } = rest;
  const all: Partial<Record<TotalDimension, string>> = { BillingCurrency: 'USD', ...dimensions };
  return {
    dimensions: TOTAL_DIMENSIONS.map((name) => all[name] ?? null),
    billingPeriod: rest.period ?? '2026-09-01',
    day: rest.day ?? '2026-09-10',
    charges: rest.charges ?? 1,
    overflow: rest.overflow ?? false,
    costs: {
      BilledCost: decimal(billed),
      EffectiveCost: decimal(effective),
      ListCost: decimal(list),
      ContractedCost: decimal(contracted),
    },
  };
}

/** Totals that a test can replace. */
export interface TestTotals extends TotalsView {
  replace(totals: readonly Total[]): void;
}

/** A view of these totals. */
export function totalsOf(
  totals: readonly Total[],
  sources: ReturnType<TotalsView['sources']> = [],
): TestTotals {
  let current = totals;
  let version = 1;
  return {
    get version() {
      return version;
    },
    totals: (since = '') => current.filter(({ billingPeriod }) => billingPeriod >= since),
    sources: () => sources,
    replace(next) {
      current = next;
      version += 1;
    },
  };
}

/** A delivery of one scope. */
export function deliveryOf(given: Partial<DeliveryInfo> = {}): DeliveryInfo {
  return {
    id: 'd1',
    receiver: 'files',
    scope: '123/2026-09',
    revision: 'r1',
    mode: 'snapshot',
    observedMs: Date.UTC(2026, 8, 17),
    ...given,
  };
}

/** A batch of these bytes. */
export function encodedBatch(
  bytes: Uint8Array | string,
  given: Partial<EncodedBatch> = {},
): EncodedBatch {
  const all = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes;
  return { bytes: all, rows: 1, part: 0, sequence: 0, rawBytes: all.length, costs: {}, ...given };
}

/** An agent that has just been started, as it would be inspected. */
export function inspection(differing: Partial<Inspection> = {}): Inspection {
  return {
    version: '1.2.3',
    now: Date.UTC(2026, 8, 17, 12),
    started: Date.UTC(2026, 8, 17, 11),
    ready: true,
    process: {
      pid: 1,
      node: 'v24.0.0',
      platform: 'linux x64',
      rssBytes: 80 * 1024 * 1024,
      cpuSeconds: 1.5,
      workers: 2,
    },
    components: [],
    receivers: [],
    exporters: [],
    queues: [],
    underWay: [],
    scopes: [],
    deadLetters: { files: 0, bytes: 0 },
    settings: '',
    log: [],
    ...differing,
  };
}
