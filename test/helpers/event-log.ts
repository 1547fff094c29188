/** What a backend of log records has: it keeps one event per id, as one that deduplicates does. */
import { COST_COLUMNS } from '../../pipelines/focus/columns.ts';
import { decimal, formatDecimal, sum } from '../../pipelines/focus/decimal.ts';
import type { Costs } from './world.ts';

/** An event as it came in OTLP JSON. */
export interface Event {
  readonly name: string;
  readonly uid: string;
  readonly attributes: Readonly<Record<string, string | number>>;
}

/** Events by id. */
export class EventLog {
  readonly events = new Map<string, Event>();
  /** Ids that came twice with different content: a backend would not know which is right. */
  readonly contradictions: string[] = [];

  /** Takes in lines of OTLP JSON. */
  take(lines: string): void {
    for (const event of eventsIn(lines)) this.add(event);
  }

  add(event: Event): void {
    const known = this.events.get(event.uid);
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(event))
      this.contradictions.push(event.uid);
    this.events.set(event.uid, event);
  }

  named(name: 'charge' | 'correction'): readonly Event[] {
    return [...this.events.values()].filter((event) => event.name.endsWith(`.${name}`));
  }

  /** Sums of the cost columns over all events. */
  costs(): Costs {
    return Object.fromEntries(
      COST_COLUMNS.map((column) => {
        const attribute = `focus.${column.replace(/Cost$/, '_cost').toLowerCase()}`;
        const values = [...this.events.values()].map(({ attributes }) => attributes[attribute]);
        return [column, formatDecimal(sum(values.map((value) => decimal(String(value ?? 0)))))];
      }),
    );
  }
}

/** The events in lines of OTLP JSON. */
export function eventsIn(lines: string): readonly Event[] {
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => (JSON.parse(line) as Request).resourceLogs)
    .flatMap(({ scopeLogs }) => scopeLogs)
    .flatMap(({ logRecords }) => logRecords)
    .map(({ eventName, attributes }) => {
      const read = Object.fromEntries(
        attributes.map(({ key, value }) => [key, value.stringValue ?? value.doubleValue ?? '']),
      );
      return { name: eventName, uid: String(read['log.record.uid']), attributes: read };
    });
}

interface Request {
  readonly resourceLogs: readonly {
    readonly scopeLogs: readonly {
      readonly logRecords: readonly {
        readonly eventName: string;
        readonly attributes: readonly {
          readonly key: string;
          readonly value: { readonly stringValue?: string; readonly doubleValue?: number };
        }[];
      }[];
    }[];
  }[];
}
