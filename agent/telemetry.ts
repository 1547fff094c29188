import { type Attributes, createNoopMeter, type Meter } from '@opentelemetry/api';
import type { AgentSettings } from '../config/schema.ts';
import { decimal, formatDecimal, negate } from '../pipelines/focus/decimal.ts';
import type { AgentView, Clock, Logger } from '../pipelines/plugin/contract.ts';
import type { EncodedBatch } from '../pipelines/plugin/delivery.ts';
import { type MoneySums, moneySums } from './ledger.ts';
import type { DeliverySummary } from './state/state.ts';

/** One of the agent's own metrics. */
export interface OwnMetric {
  /** `observed-sum` goes up and down. */
  readonly kind: 'counter' | 'observed-sum' | 'histogram' | 'gauge' | 'observed-counter';
  readonly unit: string;
  readonly doc: string;
  /** Only with `service.telemetry.metrics.level: detailed`. */
  readonly detailed?: boolean;
  /** Upper bounds of a histogram's buckets. */
  readonly buckets?: readonly number[];
}

/** From a tenth of a second to three days. */
const SECONDS = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3_600, 14_400, 43_200, 86_400, 259_200] as const;

/** Every metric of the agent itself. `focusd.exporter.*` and `focusd.catalog.*` are made by the plugins that know them. */
export const OWN_METRICS = {
  'focusd.rows.read': { kind: 'counter', unit: '{row}', doc: 'Rows read from bills.' },
  'focusd.rows.written': { kind: 'counter', unit: '{row}', doc: 'Charges made of them.' },
  'focusd.rows.rejected': {
    kind: 'counter',
    unit: '{row}',
    doc: 'Rows set aside as dead letters, by reason.',
  },
  'focusd.rows.dropped': {
    kind: 'counter',
    unit: '{row}',
    doc: 'Rows left out on purpose, by reason.',
  },
  'focusd.rows.unchanged': {
    kind: 'counter',
    unit: '{row}',
    doc: 'Charges of a restated scope that exporters with `restatement: rows` had already.',
  },
  'focusd.rows.corrected': {
    kind: 'counter',
    unit: '{row}',
    doc: 'Charges that vanished from a scope and were taken back by a correction.',
  },
  'focusd.parts.refused': {
    kind: 'counter',
    unit: '{part}',
    doc: 'Files that could not be read as a bill.',
  },
  'focusd.repairs': { kind: 'counter', unit: '{row}', doc: 'Rows repaired, by code.' },
  'focusd.violations': {
    kind: 'counter',
    unit: '{row}',
    doc: 'Rows that break a rule of the FOCUS specification, by rule.',
    detailed: true,
  },
  'focusd.ledger.cost': {
    kind: 'observed-sum',
    unit: '{currency}',
    doc: 'Money by stage (read, exported, rejected, dropped, reshaped) and cost column: read = the sum of the others.',
  },
  'focusd.ledger.exporter.cost': {
    kind: 'observed-sum',
    unit: '{currency}',
    doc: 'Exported money by exporter that takes charges, stage and cost column: exported (taken by the backend), refused (for good), uncertain (in batches taken in part), unchanged (sent with an earlier revision). These add up to `focusd.ledger.cost` with stage exported. Beside them corrected: sent to take back charges that vanished, negative where they cost something.',
  },
  'focusd.ledger.unbalanced': {
    kind: 'counter',
    unit: '{delivery}',
    doc: 'Committed deliveries whose accounts do not close: what was read is not what the totals hold + rejected + dropped + reshaped. Anything but 0 is a bug or a damaged machine.',
  },
  'focusd.deliveries': { kind: 'counter', unit: '{delivery}', doc: 'Deliveries committed.' },
  'focusd.deliveries.ended': {
    kind: 'counter',
    unit: '{delivery}',
    doc: 'Deliveries by outcome: whole (every row became a charge that every exporter took), partial (committed, but rows, files or charges were refused), set_aside (not readable whole, the older revision stays), failed (tried again). The share of whole is SLI M15, end-to-end success.',
  },
  'focusd.ingest.errors': {
    kind: 'counter',
    unit: '{error}',
    doc: 'What could not be taken in, by kind: row, part (a file), delivery (set aside or failed). Rows over `focusd.rows.read` are SLI M8, the ingest error rate.',
  },
  'focusd.normalization.latency': {
    kind: 'histogram',
    unit: 's',
    doc: 'SLI M2: time from when a delivery was there (its newest file changed, or the agent started if that was later) to its commit as FOCUS.',
    buckets: SECONDS,
  },
  'focusd.delivery.duration': {
    kind: 'histogram',
    unit: 's',
    doc: 'Time from taking a delivery to its commit.',
    buckets: SECONDS,
  },
  'focusd.delivery.age': {
    kind: 'gauge',
    unit: 's',
    doc: 'How long the delivery under way has been, by pipeline and receiver; 0: none is.',
  },
  'focusd.data.age': {
    kind: 'gauge',
    unit: 's',
    doc: 'Time since the end of the newest charge, by pipeline and receiver. Exporters send it by scope as `finops.data.age`.',
  },
  'focusd.dead_letters.size': { kind: 'gauge', unit: 'By', doc: 'Bytes of dead letters kept.' },
  'focusd.stage.cpu.time': {
    kind: 'counter',
    unit: 's',
    doc: 'Processor time of the workers, by stage.',
    detailed: true,
  },
  'focusd.receiver.retries': {
    kind: 'counter',
    unit: '{retry}',
    doc: 'Times a receiver was started again because something was unavailable.',
  },
  'focusd.export.batches': { kind: 'counter', unit: '{batch}', doc: 'Batches handed over.' },
  'focusd.export.rows': { kind: 'counter', unit: '{row}', doc: 'Charges handed over.' },
  'focusd.export.bytes': { kind: 'counter', unit: 'By', doc: 'Bytes handed over, as sent.' },
  'focusd.export.rows.rejected': {
    kind: 'counter',
    unit: '{row}',
    doc: 'Charges that a backend refused for good.',
  },
  'focusd.exporter.retries': {
    kind: 'counter',
    unit: '{retry}',
    doc: 'Requests tried again, by exporter and signal.',
  },
  'focusd.exporter.points.rejected': {
    kind: 'counter',
    unit: '{point}',
    doc: 'Metric points that a backend refused (partial success).',
  },
  'focusd.catalog.skus': {
    kind: 'gauge',
    unit: '{sku}',
    doc: 'SKUs that bills charged, by provider and result: known, unknown, renamed (another name than the price list has), price_differs. The share of unknown is M5, the mapping failure rate.',
  },
  'focusd.catalog.prices': {
    kind: 'gauge',
    unit: '{price}',
    doc: 'Prices in force, by price list (extension `catalog`).',
  },
  'focusd.catalog.age': {
    kind: 'gauge',
    unit: 's',
    doc: 'Time since a price list was last read, by list.',
  },
  'focusd.catalog.price.changes': {
    kind: 'counter',
    unit: '{price}',
    doc: 'Prices that moved, by provider; each is an event `finops.sku.price_changed` in the log.',
  },
  'focusd.catalog.renames': {
    kind: 'counter',
    unit: '{sku}',
    doc: 'SKUs whose seller gave them another name, by provider.',
  },
  'focusd.catalog.failures': {
    kind: 'counter',
    unit: '{reading}',
    doc: 'Price lists that could not be taken in; their older prices stay. By list.',
  },
  'focusd.component.status': {
    kind: 'gauge',
    unit: '1',
    doc: '1 for the status a component is in: starting, running, retrying, failed or stopped.',
  },
  'focusd.ready': {
    kind: 'gauge',
    unit: '1',
    doc: '1 once every component has been started, 0 before.',
  },
  'focusd.queue.length': {
    kind: 'gauge',
    unit: '{delivery}',
    doc: 'Deliveries of which charges wait for an exporter whose backend is down, by exporter.',
  },
  'focusd.queue.size': {
    kind: 'gauge',
    unit: 'By',
    doc: 'Bytes of charges that wait, by exporter; `storage.max_queue` is the limit.',
  },
  'focusd.queue.age': {
    kind: 'gauge',
    unit: 's',
    doc: 'How long the oldest of them have waited, by exporter; 0: none wait.',
  },
  'focusd.queue.cost': {
    kind: 'gauge',
    unit: '{currency}',
    doc: 'Money of the charges that wait, by exporter and cost column. It is part of what `focusd.ledger.exporter.cost` shows as exported: it is durable, and will be sent.',
  },
  'focusd.process.memory.rss': { kind: 'gauge', unit: 'By', doc: 'Resident memory.' },
  'focusd.process.memory.heap': {
    kind: 'gauge',
    unit: 'By',
    doc: 'Used JavaScript heap of the main thread.',
    detailed: true,
  },
  'focusd.process.cpu.time': {
    kind: 'observed-counter',
    unit: 's',
    doc: 'Processor time of all threads.',
  },
  'focusd.process.event_loop.utilization': {
    kind: 'gauge',
    unit: '1',
    doc: 'Share of time the main thread was busy since the last reading.',
  },
  'focusd.process.uptime': { kind: 'gauge', unit: 's', doc: 'Time since the agent started.' },
} as const satisfies Readonly<Record<string, OwnMetric>>;

/** Name of one of them. */
export type OwnMetricName = keyof typeof OWN_METRICS;

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
