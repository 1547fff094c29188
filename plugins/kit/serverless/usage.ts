/** Usage of functions on its way through the spool: summed by minute within each push, and over pushes before it is delivered. */
import type { Pushed, Rewrite } from '../intake/index.ts';
import { type ChargeLine, NO_CHARGE } from './charge-line.ts';

/** What ran, where and how: everything by which charges are told apart. Names and values are the receiver's own. */
export type Subject = Readonly<Record<string, string>>;

/** Whole numbers that add up: requests, billed milliseconds, … */
export type Counts = Readonly<Record<string, number>>;

/** A single invocation, for those that become charges of their own. */
export interface Invocation {
  readonly id: string;
  /** When it began and ended, milliseconds. */
  readonly fromMs: number;
  readonly untilMs: number;
  readonly traceId: string | undefined;
  readonly spanId: string | undefined;
}

/** Usage to be charged: all of a subject in a minute, or one invocation of it. */
export interface Usage {
  readonly of: Subject;
  /** Charge period, ISO 8601. */
  readonly from: string;
  readonly until: string;
  readonly counts: Readonly<Record<string, bigint>>;
  readonly invocation?:
    | { readonly id: string; readonly traceId?: string; readonly spanId?: string }
    | undefined;
}

/** A minute in milliseconds. */
export const MINUTE_MS = 60_000;
/** What is quoted of a text that cannot be read. */
const LONGEST_QUOTE = 2048;

/** A line of the spool. */
type Line =
  | (Omit<Usage, 'counts'> & { readonly counts: Counts })
  | { readonly problem: string; readonly text: string };

/** Sums what one push says. */
export class Tally {
  readonly #lines: Line[] = [];
  readonly #minutes = new Map<
    string,
    { readonly of: Subject; readonly minute: number; readonly counts: Record<string, number> }
  >();

  /** Counts usage in the minute that the time (milliseconds) lies in; `key` stands for the subject. */
  add(key: string, of: Subject, atMs: number, counts: Counts): void {
    const minute = Math.floor(atMs / MINUTE_MS);
    const place = `${minute} ${key}`;
    const known = this.#minutes.get(place);
    if (known === undefined) {
      this.#minutes.set(place, { of, minute, counts: { ...counts } });
      return;
    }
    for (const name in counts) known.counts[name] = (known.counts[name] ?? 0) + (counts[name] ?? 0);
  }

  /** Usage that becomes a charge of its own. */
  addOne(of: Subject, { id, fromMs, untilMs, traceId, spanId }: Invocation, counts: Counts): void {
    this.#lines.push({
      of,
      from: new Date(fromMs).toISOString(),
      until: new Date(untilMs).toISOString(),
      counts,
      invocation: {
        id,
        ...(traceId !== undefined && { traceId }),
        ...(spanId !== undefined && { spanId }),
      },
    });
  }

  /** Something that should have been a report, and is none: it becomes a dead letter. */
  addProblem(problem: string, text: string): void {
    this.#lines.push({ problem, text: text.slice(0, LONGEST_QUOTE) });
  }

  /** The records of the push; `id` says which push it is. The same push gives the same records. */
  records(id: string): readonly Pushed[] {
    const minutes = [...this.#minutes.values()].map(({ of, minute, counts }): Line => {
      const [from, until] = [minute, minute + 1].map((at) => new Date(at * MINUTE_MS));
      return { of, from: from?.toISOString() ?? '', until: until?.toISOString() ?? '', counts };
    });
    return [...minutes, ...this.#lines].map((value, i) => ({
      ids: [`${id}/${i}`],
      bucket: 'from' in value ? value.from.slice(0, 16) : '',
      value: { ...value },
    }));
  }
}

/** Adds up the lines of a segment, and makes charges of them. Single invocations and problems go through as they are. */
export function chargesOf(charge: (usage: Usage) => readonly ChargeLine[]): Rewrite {
  return async function* rewrite(lines) {
    const sums = new Map<string, Usage & { readonly counts: Record<string, bigint> }>();
    for await (const text of lines) {
      const line = JSON.parse(text) as Line;
      if ('problem' in line) yield* texts([{ ...NO_CHARGE, ...line }]);
      else if (line.invocation !== undefined) yield* texts(charge(asUsage(line)));
      else addUp(sums, asUsage(line));
    }
    for (const usage of sums.values()) yield* texts(charge(usage));
  };
}

function asUsage({ of, from, until, counts, invocation }: Exclude<Line, { problem: string }>) {
  const whole = Object.entries(counts).map(([name, count]) => [name, BigInt(count)] as const);
  return { of, from, until, counts: Object.fromEntries(whole), invocation };
}

function addUp(
  sums: Map<string, Usage & { readonly counts: Record<string, bigint> }>,
  usage: Usage,
): void {
  const key = JSON.stringify([usage.from, usage.of]);
  const known = sums.get(key);
  if (known === undefined) {
    sums.set(key, { ...usage, counts: { ...usage.counts } });
    return;
  }
  for (const [name, count] of Object.entries(usage.counts))
    known.counts[name] = (known.counts[name] ?? 0n) + count;
}

function texts(lines: readonly ChargeLine[]): readonly string[] {
  return lines.map((line) => JSON.stringify(line));
}
