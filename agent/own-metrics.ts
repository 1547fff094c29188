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

/** Every metric of the agent itself. Those named after an exporter, extension or receiver are made by the plugins that know them. */
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
    doc: 'What could not be taken in, by kind: row, part (a file), message (of a bus), delivery (set aside or failed). Rows over `focusd.rows.read` are SLI M8, the ingest error rate.',
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
    doc: 'Metric points that a backend refused (by partial success; points of charge days, also otherwise).',
  },
  'focusd.exporter.event_time.cost': {
    kind: 'observed-sum',
    unit: '{currency}',
    doc: 'Money of the points of charge days (`metrics.event_time` of `otlp`) by exporter, cost column and stage: exported (the backend has it), refused (it is in the dead letters). Together they are what these days have come to.',
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
  'focusd.intake.records': {
    kind: 'counter',
    unit: '{record}',
    doc: 'What was pushed to receivers, by result: kept, duplicate, full (to come again), ignored (no charge), refused (by reason).',
  },
  'focusd.kubernetes.unpriced': {
    kind: 'counter',
    unit: 'h',
    doc: 'Hours of nodes and volumes for which no price is known, by kind: they are dead letters (receiver `kubernetes`).',
  },
  'focusd.traces.spans': {
    kind: 'counter',
    unit: '{span}',
    doc: 'Spans by result: kept, inner (part of another one), rejected, refused (to come again). Extension `traces`.',
  },
  'focusd.traces.dropped': {
    kind: 'counter',
    unit: '{span}',
    doc: 'Spans of resources or services beyond the limits, by reason: kept as far as there was room.',
  },
  'focusd.traces.evicted': {
    kind: 'counter',
    unit: '{cell}',
    doc: 'Resources × hours that lost their sample or all, by reason: age or size.',
  },
  'focusd.traces.resources': {
    kind: 'gauge',
    unit: '{resource}',
    doc: 'Resources of which spans are remembered.',
  },
  'focusd.traces.bytes': { kind: 'gauge', unit: 'By', doc: 'Size of the index of traces.' },
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
