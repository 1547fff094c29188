import type { Clock } from '../pipelines/plugin/contract.ts';
import type { DeliveryUnderWay } from '../pipelines/plugin/inspection.ts';
import { runKey } from './fingerprints.ts';
import type { RunEvents, RunId } from './pipeline-run.ts';
import type { Committed } from './state/state.ts';
import type { Reading } from './telemetry.ts';

/** What the receivers' ways through the pipelines are at: one delivery each at a time. */
export class UnderWay {
  readonly #clock: Clock;
  readonly #runs = new Map<string, RunId>();
  readonly #deliveries = new Map<string, DeliveryUnderWay>();
  /** End of the newest charge by way, milliseconds. */
  readonly #newest = new Map<string, number>();

  constructor(clock: Clock, committed: readonly Committed[]) {
    this.#clock = clock;
    for (const delivery of committed) this.#note(delivery);
  }

  /** A way begins. */
  opened({ pipeline, receiver }: RunId): void {
    this.#runs.set(runKey({ pipeline, receiver }), { pipeline, receiver });
  }

  /** A way is no more. */
  closed(run: RunId): void {
    this.#runs.delete(runKey(run));
    this.#deliveries.delete(runKey(run));
  }

  /** Deliveries that are on their way now. */
  list(): readonly DeliveryUnderWay[] {
    return [...this.#deliveries.values()];
  }

  /** Seconds that the delivery of each way has been under way; 0 where none is. */
  deliveryAges(): readonly Reading[] {
    return [...this.#runs].map(([key, run]) => {
      const since = this.#deliveries.get(key)?.since;
      return [since === undefined ? 0 : this.#secondsSince(since), { ...run }];
    });
  }

  /** Seconds since the newest charge of each way that has brought any. */
  dataAges(): readonly Reading[] {
    return [...this.#runs].flatMap(([key, run]): Reading[] => {
      const newest = this.#newest.get(key);
      return newest === undefined ? [] : [[this.#secondsSince(newest), { ...run }]];
    });
  }

  /** Events that are noted before anybody else is told. */
  events(events: RunEvents): RunEvents {
    return {
      ...events,
      started: (run, delivery) => {
        const { scope, revision, parts } = delivery;
        const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
        const about = { scope, revision, files: parts.length, bytes, rows: 0 };
        this.#deliveries.set(runKey(run), { ...run, ...about, since: this.#clock.now() });
        events.started?.(run, delivery);
      },
      progress: (run, rows) => {
        const known = this.#deliveries.get(runKey(run));
        if (known !== undefined)
          this.#deliveries.set(runKey(run), { ...known, rows: known.rows + rows });
        events.progress?.(run, rows);
      },
      committed: (run, committed, stages) => {
        this.#note(committed);
        events.committed?.(run, committed, stages);
      },
      ended: (run) => {
        this.#deliveries.delete(runKey(run));
        events.ended?.(run);
      },
    };
  }

  #note({ pipeline, receiver, dataUntilMs }: Committed): void {
    const key = runKey({ pipeline, receiver });
    if (Number.isFinite(dataUntilMs))
      this.#newest.set(key, Math.max(dataUntilMs, this.#newest.get(key) ?? dataUntilMs));
  }

  #secondsSince(ms: number): number {
    return Math.max(0, (this.#clock.now() - ms) / 1000);
  }
}
