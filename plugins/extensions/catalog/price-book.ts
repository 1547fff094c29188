import {
  type Clock,
  errorMessage,
  type Linker,
  type Logger,
  type PriceBook,
} from '../../../pipelines/plugin/index.ts';
import {
  type BilledHour,
  billedDays,
  billedHour,
  DAY_MS,
  HOUR_MS,
  LOOKED_AT_MS,
  resourceKey,
} from './billed-hours.ts';
import type { BilledStore } from './store/billed.ts';
import { machineFinder, saidMachine } from './store/machines.ts';
import type { Catalog } from './store/open.ts';

/** What the book is made from. */
export interface BookOptions {
  readonly database: Catalog;
  readonly billed: BilledStore;
  readonly clock: Clock;
  readonly log: Logger;
  /** Once it aborts, nothing is known any more. */
  readonly signal: AbortSignal;
  /** Days of a bill are remembered for so long, milliseconds. */
  readonly withinMs: number;
}

/** Most resources × charge periods of one file of a bill that are told apart. */
const MAX_GROUPS = 300_000;
/** What nobody has asked for in this time is not looked for any more. */
const ASKED_MS = 3 * DAY_MS;

/** The price book, and what it learns of bills by. */
export function openPriceBook(options: BookOptions): {
  readonly prices: PriceBook;
  readonly linker: Linker;
} {
  const { database, billed, clock, signal } = options;
  const find = machineFinder(database);
  const hours = new Map<string, BilledHour | undefined>();
  return {
    prices: {
      machine(asked) {
        const listed = signal.aborted ? undefined : find(asked);
        return listed && saidMachine(listed);
      },
      billed({ resourceId, currency, sinceMs }) {
        if (signal.aborted) return undefined;
        const resource = resourceKey(resourceId);
        billed.watch(resource, clock.now(), HOUR_MS);
        const key = JSON.stringify([resource, currency, sinceMs]);
        if (!hours.has(key)) hours.set(key, billedHour(billed.find(resource, currency), sinceMs));
        const hour = hours.get(key);
        return hour && { hourly: hour.hourly, source: `bill: ${hour.receiver} ${hour.day}` };
      },
    },
    linker: linkerOf(options, () => hours.clear()),
  };
}

function linkerOf(
  { billed, clock, log, signal, withinMs }: BookOptions,
  learned: () => void,
): Linker {
  return {
    linkable() {
      const resources = new Set<string>();
      for (const resource of billed.watched()) resources.add(/[^/:]*$/.exec(resource)?.[0] ?? '');
      resources.delete('');
      if (resources.size === 0 || signal.aborted) return undefined;
      const sinceMs = clock.now() - LOOKED_AT_MS;
      return { resources, sinceMs, maxWindowMs: DAY_MS, maxGroups: MAX_GROUPS };
    },
    async link(delivery, costs) {
      const days = [...billedDays(costs, (resource) => billed.has(resource))];
      return {
        events: [],
        commit() {
          if (signal.aborted) return;
          try {
            billed.take(delivery, days);
            billed.forget({ askedMs: clock.now() - ASKED_MS, dayMs: clock.now() - withinMs });
            learned();
          } catch (error) {
            const reason = errorMessage(error);
            log.error('what a bill charged for resources is not kept', { reason });
          }
          if (costs.some((cost) => cost.class === 'overflow'))
            log.warn('a bill has too many charges of resources that are asked for', {
              scope: delivery.scope,
              most: MAX_GROUPS,
            });
        },
      };
    },
    points: () => [],
  };
}
