import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { add, decimal, formatDecimal, ZERO } from '../../../../pipelines/focus/index.ts';
import { objectAt, textAt } from '../../../kit/json.ts';
import { writeWhole } from '../hour-files.ts';
import { secondText } from '../line.ts';

/** What an allocation cost on a day. */
export interface DayCost {
  /** `2026-09-17`, UTC. */
  readonly date: string;
  /** Canonical decimal text. */
  readonly cost: string;
  /** Hours that were counted of it. */
  readonly hours: number;
}

/** Costs by uid of the allocation, day and hour of the day. */
type Counted = Record<string, Record<string, Record<string, string>>>;

const FILE = 'cost-allocations.json';

/** What was counted so far, on disk: an hour that is counted again takes its own place. */
export class CountedHours {
  readonly #folder: string;
  readonly #days: number;
  #counted: Counted;

  private constructor(folder: string, days: number, counted: Counted) {
    this.#folder = folder;
    this.#days = days;
    this.#counted = counted;
  }

  /** What is in a folder; at most that many days of each. What cannot be read begins anew: the objects have what was written to them. */
  static async open(folder: string, days: number): Promise<CountedHours> {
    const text = await readFile(join(folder, FILE), 'utf8').catch(() => '{}');
    let counted: Counted = {};
    try {
      counted = countedIn(JSON.parse(text));
    } catch {}
    return new CountedHours(folder, days, counted);
  }

  /** Takes the costs of an hour, by uid; those of allocations that are gone are forgotten. */
  async add(start: number, costs: ReadonlyMap<string, string>): Promise<void> {
    const [date = '', hour = ''] = [
      secondText(start).slice(0, 10),
      secondText(start).slice(11, 13),
    ];
    const counted: Counted = {};
    for (const [uid, cost] of costs) {
      const days = { ...this.#counted[uid] };
      days[date] = { ...days[date], [hour]: cost };
      const kept = Object.keys(days).toSorted().slice(-this.#days);
      counted[uid] = Object.fromEntries(kept.map((day) => [day, days[day] ?? {}]));
    }
    this.#counted = counted;
    await writeWhole(this.#folder, FILE, [JSON.stringify(counted)]);
  }

  /** The days of an allocation, oldest first. */
  daysOf(uid: string): readonly DayCost[] {
    const days = Object.entries(this.#counted[uid] ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
    return days.map(([date, hours]) => {
      const costs = Object.values(hours);
      const cost = formatDecimal(costs.map(decimal).reduce(add, ZERO));
      return { date, cost, hours: costs.length };
    });
  }
}

function countedIn(value: unknown): Counted {
  return Object.fromEntries(
    Object.entries(objectAt(value) ?? {}).map(([uid, days]) => [
      uid,
      Object.fromEntries(
        Object.entries(objectAt(days) ?? {}).map(([date, hours]) => [
          date,
          Object.fromEntries(
            Object.entries(objectAt(hours) ?? {}).map(([hour, cost]) => [
              hour,
              formatDecimal(decimal(textAt(cost) ?? '')),
            ]),
          ),
        ]),
      ),
    ]),
  );
}
