import type { Clock } from '../pipelines/plugin/contract.ts';
import type { ExporterTraffic, ReceiverTraffic } from '../pipelines/plugin/inspection.ts';
import { runKey } from './fingerprints.ts';
import type { RunEvents, RunId } from './pipeline-run.ts';

/** What came in and went out since the agent's start, and how fast of late. */
export class Traffic {
  readonly #clock: Clock;
  readonly #receivers = new Map<string, Counted<Omit<ReceiverTraffic, 'rowsPerSecond'>>>();
  readonly #exporters = new Map<string, Counted<Omit<ExporterTraffic, 'rowsPerSecond'>>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** By pipeline and receiver. */
  receivers(): readonly ReceiverTraffic[] {
    const now = this.#clock.now();
    return [...this.#receivers.values()].map(({ counts, rate }) => ({
      ...counts,
      rowsPerSecond: rate.perSecond(now),
    }));
  }

  exporters(): readonly ExporterTraffic[] {
    const now = this.#clock.now();
    return [...this.#exporters.values()].map(({ counts, rate }) => ({
      ...counts,
      rowsPerSecond: rate.perSecond(now),
    }));
  }

  /** A receiver's way through a pipeline begins. */
  opened(run: RunId, exporters: readonly string[]): void {
    this.#receiver(run);
    for (const exporter of exporters) this.#exporter(exporter);
  }

  /** Events that are counted before anybody else is told. */
  events(events: RunEvents): RunEvents {
    return {
      ...events,
      progress: (run, rows) => {
        this.#receiver(run).rate.add(rows, this.#clock.now());
        events.progress?.(run, rows);
      },
      written: (run, exporter, batch) => {
        const known = this.#exporter(exporter);
        const now = this.#clock.now();
        const { batches, rows, bytes } = known.counts;
        known.counts = {
          ...known.counts,
          batches: batches + 1,
          rows: rows + batch.rows,
          bytes: bytes + batch.bytes.length,
          lastWrite: now,
        };
        known.rate.add(batch.rows, now);
        events.written?.(run, exporter, batch);
      },
      rejectedBatch: (run, exporter, batch, rows) => {
        const known = this.#exporter(exporter);
        known.counts = { ...known.counts, refused: known.counts.refused + rows };
        events.rejectedBatch?.(run, exporter, batch, rows);
      },
      committed: (run, committed, stages) => {
        const known = this.#receiver(run);
        const { rows, deliveries } = known.counts;
        const { read, written, rejected } = committed.summary.rows;
        known.counts = {
          ...known.counts,
          deliveries: deliveries + 1,
          rows: {
            read: rows.read + read,
            written: rows.written + written,
            rejected: rows.rejected + rejected,
          },
          lastCommit: committed.committedMs,
        };
        events.committed?.(run, committed, stages);
      },
    };
  }

  #receiver({ pipeline, receiver }: RunId): Counted<Omit<ReceiverTraffic, 'rowsPerSecond'>> {
    return known(this.#receivers, runKey({ pipeline, receiver }), {
      pipeline,
      receiver,
      deliveries: 0,
      rows: { read: 0, written: 0, rejected: 0 },
    });
  }

  #exporter(exporter: string): Counted<Omit<ExporterTraffic, 'rowsPerSecond'>> {
    const nothing = { exporter, batches: 0, rows: 0, bytes: 0, refused: 0 };
    return known(this.#exporters, exporter, nothing);
  }
}

interface Counted<T> {
  counts: T;
  readonly rate: Rate;
}

function known<T>(map: Map<string, Counted<T>>, key: string, nothing: T): Counted<T> {
  const counted = map.get(key) ?? { counts: nothing, rate: new Rate() };
  map.set(key, counted);
  return counted;
}

const SECONDS = 60;

/** Counts over the last minute, by second. */
class Rate {
  readonly #counts = new Float64Array(SECONDS);
  #second = 0;

  add(count: number, nowMs: number): void {
    this.#turn(nowMs);
    this.#counts[this.#second % SECONDS] = (this.#counts[this.#second % SECONDS] ?? 0) + count;
  }

  perSecond(nowMs: number): number {
    this.#turn(nowMs);
    return this.#counts.reduce((sum, count) => sum + count, 0) / SECONDS;
  }

  /** Empties the seconds that have come since. */
  #turn(nowMs: number): void {
    const second = Math.floor(nowMs / 1000);
    const passed = Math.min(SECONDS, Math.max(0, second - this.#second));
    for (let i = 1; i <= passed; i++) this.#counts[(second - passed + i) % SECONDS] = 0;
    this.#second = Math.max(this.#second, second);
  }
}
