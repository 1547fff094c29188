import { isDeepStrictEqual } from 'node:util';
import { formatDecimal } from '../../../../pipelines/focus/index.ts';
import { type Clock, errorName, type Unavailable } from '../../../../pipelines/plugin/index.ts';
import { createLimit } from '../../../kit/limit.ts';
import { type ApiServer, refusal } from '../api-server.ts';
import type { Hour } from '../hour.ts';
import type { UsageRecord } from '../line.ts';
import { follow } from '../reflect.ts';
import type { Settings } from '../settings.ts';
import { allocationOf, type CostAllocation, PATH } from './cost-allocation.ts';
import { CountedHours } from './counted-hours.ts';
import { statusOf } from './status.ts';
import { Tally } from './tally.ts';

/** What the controller works with. */
export interface ControllerOptions {
  readonly api: ApiServer;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Where it keeps what it has counted. */
  readonly folder: string;
  readonly config: Pick<Settings, 'currency' | 'page_size' | 'cost_allocations'>;
}

/** Statuses that are written at a time. */
const PARALLEL = 4;

/** Keeps the status of each `CostAllocation` at what was counted. What goes wrong here stops nothing else: `trouble` says it. */
export class AllocationController {
  readonly #options: ControllerOptions;
  readonly #counted: CountedHours;
  readonly #known = new Map<string, CostAllocation>();
  readonly #limit = createLimit(PARALLEL);
  #tally = new Tally();
  #away: Unavailable | undefined;
  #refused: string | undefined;

  private constructor(options: ControllerOptions, counted: CountedHours) {
    this.#options = options;
    this.#counted = counted;
  }

  /** The controller of the settings; undefined when they want none. */
  static async open(options: ControllerOptions): Promise<AllocationController | undefined> {
    const { enabled, days } = options.config.cost_allocations;
    if (!enabled) return undefined;
    return new AllocationController(options, await CountedHours.open(options.folder, days));
  }

  /** What keeps it from its work at the moment. */
  get trouble(): string | undefined {
    return this.#away?.message ?? this.#refused;
  }

  /** Follows the objects until the signal ends it; `listed` is called once they are known, or cannot be. */
  async follow(listed: () => void): Promise<void> {
    const { api, clock, signal, config } = this.#options;
    let seen = new Set<string>();
    await follow(
      { path: PATH, pageSize: config.page_size },
      {
        changed: (raw) => {
          const allocation = allocationOf(raw);
          seen.add(allocation.uid);
          this.#known.set(allocation.uid, allocation);
        },
        removed: (raw) => void this.#known.delete(allocationOf(raw).uid),
        listing: () => {
          seen = new Set();
        },
        listed: () => {
          for (const uid of this.#known.keys()) if (!seen.has(uid)) this.#known.delete(uid);
          seen = new Set();
          listed();
        },
        touch: (trouble) => {
          this.#away = trouble;
          listed();
        },
      },
      { api, clock, signal },
    );
  }

  /** The charges of an hour as they are, counted on their way; `counted` makes them count. */
  *counting(lines: Iterable<UsageRecord>): Generator<UsageRecord> {
    this.#tally = new Tally();
    yield* this.#tally.through(lines);
  }

  /** The charges of the hour went by. */
  async counted(hour: Hour): Promise<void> {
    const costs = [...this.#known.values()]
      .filter(({ problem }) => problem === undefined)
      .map((one) => [one.uid, formatDecimal(this.#tally.costOf(one, hour))] as const);
    this.#tally = new Tally();
    await this.#counted.add(hour.start, new Map(costs));
  }

  /** Writes every status that is not what it should be. One that was changed meanwhile is left to the next time, when the change is known. */
  async reconcile(): Promise<void> {
    this.#refused = undefined;
    const work = [...this.#known.values()].map((one) => this.#limit.run(() => this.#write(one)));
    await Promise.all(work);
  }

  async #write(allocation: CostAllocation): Promise<void> {
    const { api, clock, config } = this.#options;
    const { namespace, name, uid, version, status } = allocation;
    const desired = statusOf(allocation, {
      days: this.#counted.daysOf(uid),
      currency: config.currency,
      nowMs: clock.now(),
      most: config.cost_allocations.days,
    });
    if (isDeepStrictEqual(status, desired)) return;
    const path = PATH.replace(/[^/]+$/, `namespaces/${namespace}/$&/${name}/status`);
    try {
      const answer = await api.patch(path, {
        metadata: { resourceVersion: version, uid },
        status: desired,
      });
      if (answer.status === 200) this.#written(answer.body);
      else if (answer.status !== 409 && answer.status !== 404) throw refusal(path, answer, 'PATCH');
    } catch (error) {
      if (errorName(error) !== 'Unavailable') throw error;
      this.#refused = (error as Error).message;
    }
  }

  /** What the server made of it, unless the watch was faster. */
  #written(body: Parameters<typeof allocationOf>[0]): void {
    const now = allocationOf(body);
    if (this.#known.has(now.uid)) this.#known.set(now.uid, now);
  }
}
