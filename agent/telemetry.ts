import { type Attributes, createNoopMeter, type Meter } from '@opentelemetry/api';
import type { AgentSettings } from '../config/schema.ts';
import { decimal, formatDecimal, negate } from '../pipelines/focus/decimal.ts';
import type { AgentView, Clock, Logger } from '../pipelines/plugin/contract.ts';
import type { EncodedBatch } from '../pipelines/plugin/delivery.ts';
import { type MoneySums, moneySums } from './ledger.ts';
import { OWN_METRICS, type OwnMetric, type OwnMetricName } from './own-metrics.ts';
import type { DeliverySummary } from './state/state.ts';

/** A number and what it is about. */
export type Reading = readonly [number, Attributes];

/** Which pipeline and receiver something is about. */
export interface Origin {
  readonly pipeline: string;
  readonly receiver: string;
}

/** A batch that was refused, whole or in part, after its delivery was committed. */
export interface LateRefusal {
  readonly rows: number;
  readonly fate: 'refused' | 'uncertain';
  readonly costs: EncodedBatch['costs'];
}

/** How a delivery ended. */
export type Outcome = (typeof OUTCOMES)[number];

const OUTCOMES = ['whole', 'partial', 'set_aside', 'failed'] as const;

/** The agent's metrics about itself. */
export interface Telemetry {
  /** For what only a plugin knows. */
  meter(component: string): Meter;
  /** Shows the health of an agent's components. */
  observe(agent: AgentView): void;
  /** Shows a number that is read when somebody looks. */
  gauge(name: OwnMetricName, read: () => number, attributes?: Attributes): void;
  /** The same for numbers by attributes. */
  gauges(name: OwnMetricName, read: () => readonly Reading[]): void;
  /** A receiver's way through a pipeline begins: its counters stand at 0, so that the first thing they count is an increase. */
  opened(origin: Origin, exporters: readonly string[]): void;
  ended(origin: Origin, outcome: Outcome): void;
  unbalanced(origin: Origin): void;
  retried(receiver: string): void;
  refusedPart(origin: Origin): void;
  refusedMessage(origin: Origin): void;
  written(origin: Origin, exporter: string, batch: EncodedBatch): void;
  rejectedBatch(origin: Origin, exporter: string, rows: number): void;
  /** Charges that had waited were refused for good: their money was counted as exported. */
  refusedLate(origin: Origin, exporter: string, refused: LateRefusal): void;
  committed(
    origin: Origin,
    summary: DeliverySummary,
    stages: Readonly<Record<string, number>>,
  ): void;
  /** Where Prometheus can read them; undefined when it cannot. */
  readonly address: string | undefined;
  /** Sends what is left and stops listening. */
  close(): Promise<void>;
}

export type TelemetrySettings = Pick<AgentSettings['service']['telemetry'], 'metrics' | 'resource'>;

export interface TelemetryOptions {
  readonly settings: TelemetrySettings;
  readonly log: Logger;
  readonly clock: Clock;
  readonly version: string;
}

/** Starts the agent's own metrics as the settings say. The OpenTelemetry SDK is only loaded when somebody wants them. */
export async function startTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const { metrics } = options.settings;
  const wanted = metrics.address !== 'off' || metrics.otlp.endpoint !== undefined;
  if (metrics.level === 'none' || !wanted) return recorder(options, NOBODY);
  const { openOutlets } = await import('./telemetry-outlets.ts');
  return recorder(options, await openOutlets(options));
}

/** Where the metrics go. */
export interface Outlets {
  meter(name: string): Meter;
  readonly address: string | undefined;
  close(): Promise<void>;
}

const NOBODY: Outlets = {
  meter: () => createNoopMeter(),
  address: undefined,
  close: async () => undefined,
};

function recorder({ settings, clock }: TelemetryOptions, outlets: Outlets): Telemetry {
  const instruments = createInstruments(
    outlets.meter('focusd'),
    settings.metrics.level === 'detailed',
  );
  const { add, gauge } = instruments;
  const money = { stages: moneySums(), exporters: moneySums() };
  gauge('focusd.ledger.cost', money.stages.read);
  gauge('focusd.ledger.exporter.cost', money.exporters.read);
  observeProcess(instruments, clock);
  const started = clock.now();
  return {
    address: outlets.address,
    close: () => outlets.close(),
    meter: (component) => outlets.meter(`focusd/${component}`),
    gauge: (name, read, attributes = {}) => gauge(name, () => [[read(), attributes]]),
    gauges: gauge,
    observe(agent) {
      gauge('focusd.ready', () => [[Number(agent.ready()), {}]]);
      gauge('focusd.component.status', () =>
        agent.health().map(({ id, kind, status }) => [1, { component: id, kind, status }]),
      );
    },
    opened: (origin, exporters) => beginAtZero(add, origin, exporters),
    ended(origin, outcome) {
      add('focusd.deliveries.ended', 1, { ...origin, outcome });
      if (outcome === 'set_aside' || outcome === 'failed')
        add('focusd.ingest.errors', 1, { ...origin, kind: 'delivery' });
    },
    unbalanced: (origin) => add('focusd.ledger.unbalanced', 1, { ...origin }),
    retried: (receiver) => add('focusd.receiver.retries', 1, { receiver }),
    refusedPart(origin) {
      add('focusd.parts.refused', 1, { ...origin });
      add('focusd.ingest.errors', 1, { ...origin, kind: 'part' });
    },
    refusedMessage: (origin) => add('focusd.ingest.errors', 1, { ...origin, kind: 'message' }),
    written(origin, exporter, { rows, bytes }) {
      const about = { ...origin, exporter };
      add('focusd.export.batches', 1, about);
      add('focusd.export.rows', rows, about);
      add('focusd.export.bytes', bytes.length, about);
    },
    rejectedBatch: (origin, exporter, rows) =>
      add('focusd.export.rows.rejected', rows, { ...origin, exporter }),
    refusedLate(origin, exporter, { rows, fate, costs }) {
      add('focusd.export.rows.rejected', rows, { ...origin, exporter });
      for (const [column, cost] of Object.entries(costs)) {
        const about = { ...origin, exporter, column };
        money.exporters.add({ ...about, stage: 'exported' }, formatDecimal(negate(decimal(cost))));
        money.exporters.add({ ...about, stage: fate }, cost);
      }
    },
    committed(origin, summary, stages) {
      recordCommit(add, { origin, summary, stages });
      recordMoney(money, origin, summary);
      const there = Math.max(started, ...summary.parts.map(({ modifiedMs }) => modifiedMs));
      const latency = Math.max(0, clock.now() - there) / 1000;
      add('focusd.normalization.latency', latency, { ...origin });
    },
  };
}

/** What makes an instrument that is read when somebody looks. */
const OBSERVED = {
  counter: 'createObservableCounter',
  'observed-counter': 'createObservableCounter',
  'observed-sum': 'createObservableUpDownCounter',
  histogram: 'createObservableGauge',
  gauge: 'createObservableGauge',
} as const satisfies Record<OwnMetric['kind'], keyof Meter>;

type Add = (name: OwnMetricName, value: number, attributes: Attributes) => void;
type Gauge = (name: OwnMetricName, read: () => readonly Reading[]) => void;

/** Instruments are made when they are first used; what only `detailed` shows is not made otherwise. */
function createInstruments(
  meter: Meter,
  detailed: boolean,
): { readonly add: Add; readonly gauge: Gauge } {
  const made = new Map<OwnMetricName, (value: number, attributes: Attributes) => void>();
  const hidden = (name: OwnMetricName) =>
    !detailed && (OWN_METRICS[name] as OwnMetric).detailed === true;

  function make(name: OwnMetricName): (value: number, attributes: Attributes) => void {
    const { kind, unit, doc: description, buckets }: OwnMetric = OWN_METRICS[name];
    const described = { unit, description };
    if (kind === 'histogram') {
      const advice = buckets && { explicitBucketBoundaries: [...buckets] };
      const histogram = meter.createHistogram(name, { ...described, ...(advice && { advice }) });
      return (value, attributes) => histogram.record(value, attributes);
    }
    const sum = meter.createCounter(name, described);
    return (value, attributes) => sum.add(value, attributes);
  }

  return {
    add(name, value, attributes) {
      if (hidden(name)) return;
      const known = made.get(name) ?? make(name);
      made.set(name, known);
      known(value, attributes);
    },
    gauge(name, read) {
      if (hidden(name)) return;
      const { kind, unit, doc: description }: OwnMetric = OWN_METRICS[name];
      meter[OBSERVED[kind]](name, { unit, description }).addCallback((result) => {
        for (const [value, attributes] of read()) result.observe(value, attributes);
      });
    },
  };
}

function beginAtZero(add: Add, of: Origin, exporters: readonly string[]): void {
  const origin = { ...of };
  for (const outcome of OUTCOMES) add('focusd.deliveries.ended', 0, { ...origin, outcome });
  for (const kind of ['row', 'part', 'delivery'])
    add('focusd.ingest.errors', 0, { ...origin, kind });
  for (const name of ['focusd.rows.read', 'focusd.deliveries', 'focusd.ledger.unbalanced'] as const)
    add(name, 0, origin);
  for (const exporter of exporters) add('focusd.export.rows.rejected', 0, { ...origin, exporter });
  add('focusd.receiver.retries', 0, { receiver: of.receiver });
}

function recordCommit(
  add: Add,
  about: {
    readonly origin: Origin;
    readonly summary: DeliverySummary;
    readonly stages: Readonly<Record<string, number>>;
  },
): void {
  const { summary, stages } = about;
  const origin = { ...about.origin };
  const each = (
    name: OwnMetricName,
    key: string,
    counts: Readonly<Record<string, number>>,
    scale = 1,
  ) => {
    for (const [value, count] of Object.entries(counts)) {
      if (count > 0) add(name, count * scale, { ...origin, [key]: value });
    }
  };
  add('focusd.deliveries', 1, origin);
  add('focusd.delivery.duration', summary.ms / 1000, origin);
  add('focusd.rows.read', summary.rows.read, origin);
  add('focusd.ingest.errors', summary.rows.rejected, { ...origin, kind: 'row' });
  add('focusd.rows.written', summary.rows.written, origin);
  if (summary.restated !== undefined) {
    const { added, corrected } = summary.restated;
    add('focusd.rows.unchanged', summary.rows.written - added, origin);
    add('focusd.rows.corrected', corrected, origin);
  }
  each('focusd.rows.rejected', 'reason', summary.rejected);
  each('focusd.rows.dropped', 'reason', summary.dropped);
  each('focusd.repairs', 'code', summary.repairs);
  each('focusd.violations', 'rule', summary.violations);
  each('focusd.stage.cpu.time', 'stage', stages, 1 / 1000);
}

function recordMoney(
  money: { readonly stages: MoneySums; readonly exporters: MoneySums },
  origin: Origin,
  { ledger, exporters = {} }: DeliverySummary,
): void {
  for (const [column, entry] of Object.entries(ledger))
    for (const stage of LEDGER_STAGES) money.stages.add({ ...origin, column, stage }, entry[stage]);
  for (const [exporter, columns] of Object.entries(exporters))
    for (const [column, entry] of Object.entries(columns))
      for (const stage of EXPORTER_STAGES) {
        const amount = entry[stage];
        if (amount !== undefined)
          money.exporters.add({ ...origin, exporter, column, stage }, amount);
      }
}

const LEDGER_STAGES = ['read', 'exported', 'rejected', 'dropped', 'reshaped'] as const;
const EXPORTER_STAGES = ['exported', 'refused', 'uncertain', 'unchanged', 'corrected'] as const;

function observeProcess({ gauge }: { readonly gauge: Gauge }, clock: Clock): void {
  const started = clock.now();
  let last = performance.eventLoopUtilization();
  const seconds = ({ user, system }: NodeJS.CpuUsage) => (user + system) / 1e6;
  gauge('focusd.process.memory.rss', () => [[process.memoryUsage.rss(), {}]]);
  gauge('focusd.process.memory.heap', () => [[process.memoryUsage().heapUsed, {}]]);
  gauge('focusd.process.cpu.time', () => [[seconds(process.cpuUsage()), {}]]);
  gauge('focusd.process.uptime', () => [[(clock.now() - started) / 1000, {}]]);
  gauge('focusd.process.event_loop.utilization', () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return [[utilization, {}]];
  });
}

/** A meter that counts nothing, for components that are only looked at. */
export function silentMeter(): Meter {
  return createNoopMeter();
}
