import { readFile, rename, writeFile } from 'node:fs/promises';
import {
  add,
  COST_COLUMNS,
  type CostColumn,
  type Decimal,
  decimal,
  formatDecimal,
  subtract,
  ZERO,
} from '../../../../pipelines/focus/index.ts';
import { type DayCost, pointTime } from './charge-days.ts';
import type { RefusedAlone } from './refused-apart.ts';

/** A point that stands refused, and what the backend has instead. */
export interface StandingRefusal extends RefusedAlone<DayCost> {
  /** What the backend lacks, exact. */
  readonly missing: string;
}

/** What a backend has been told of charge days. */
export interface Told {
  /** Days that it knows of. */
  days(): readonly string[];
  /** Leaves alone, for good, what lies outside of these days. */
  keep(range: { readonly first: string; readonly last: string }): void;
  /** Forgets what is no more and does not have to be told: the backend never had it, or has it as 0. */
  forget(day: string, now: ReadonlyMap<string, DayCost>): void;
  /** What it has to be told so that it has the day as it is; what is no more is told as 0. */
  changes(day: string, now: ReadonlyMap<string, DayCost>): readonly DayCost[];
  /** When points of the day may stand so that they are the last of it; undefined: not yet. */
  nextTime(day: string, nowMs: number): number | undefined;
  /** Points were sent for this time; some of them were refused. */
  note(
    day: string,
    sent: {
      readonly timeMs: number;
      readonly points: readonly DayCost[];
      readonly refused: readonly RefusedAlone<DayCost>[];
    },
  ): void;
  refused(day: string): readonly StandingRefusal[];
  /** Exact sums of what it has, and of what it refused and lacks. */
  costs(column: CostColumn): { readonly exported: Decimal; readonly refused: Decimal };
  /** Keeps it on disk, if anything changed. */
  save(): Promise<void>;
}

interface Entry {
  readonly point: Omit<DayCost, 'cost'>;
  /** What the backend has. */
  has?: string;
  refused?: RefusedAlone<DayCost>;
}

interface Day {
  /** Of the newest points. */
  timeMs: number;
  readonly entries: Map<string, Entry>;
}

/** What is known of an earlier run is read from the file; what was refused is not in it: it is tried again. A file that makes no sense counts as none. */
export async function openTold(path: string): Promise<Told> {
  const days = parsed(await readFile(path, 'utf8').catch(() => ''));
  let isChanged = false;

  function dayOf(day: string): Day {
    const known = days.get(day) ?? { timeMs: 0, entries: new Map<string, Entry>() };
    days.set(day, known);
    return known;
  }

  return {
    days: () => [...days.keys()],
    keep({ first, last }) {
      for (const day of days.keys())
        if (day < first || day > last) isChanged = days.delete(day) || isChanged;
    },
    forget(day, now) {
      const entries = days.get(day)?.entries ?? new Map<string, Entry>();
      for (const [series, { has, refused }] of entries) {
        const isNothing = has === undefined || (has === '0' && refused === undefined);
        if (isNothing && !now.has(series)) isChanged = entries.delete(series) || isChanged;
      }
    },
    changes(day, now) {
      const entries = days.get(day)?.entries ?? new Map<string, Entry>();
      const moved = [...now.values()].filter((point) => {
        const entry = entries.get(point.series);
        return (entry?.refused?.point.cost ?? entry?.has) !== point.cost;
      });
      const gone = [...entries.values()].filter(
        ({ point, has, refused }) =>
          !now.has(point.series) && has !== undefined && (refused?.point.cost ?? has) !== '0',
      );
      return [...moved, ...gone.map(({ point }) => ({ ...point, cost: '0' }))];
    },
    nextTime(day, nowMs) {
      const time = pointTime(day, nowMs);
      if (time === undefined) return undefined;
      const next = Math.max(time, (days.get(day)?.timeMs ?? 0) + 1);
      return next <= nowMs ? next : undefined;
    },
    note(day, { timeMs, points, refused }) {
      isChanged = true;
      const known = dayOf(day);
      known.timeMs = timeMs;
      const why = new Map(refused.map((one) => [one.point.series, one]));
      for (const { cost, ...point } of points) {
        const no = why.get(point.series);
        const has = no === undefined ? cost : known.entries.get(point.series)?.has;
        known.entries.set(point.series, {
          point,
          ...(has !== undefined && { has }),
          ...(no && { refused: no }),
        });
      }
    },
    refused: (day) =>
      [...(days.get(day)?.entries.values() ?? [])].flatMap((entry) =>
        entry.refused === undefined
          ? []
          : [{ ...entry.refused, missing: formatDecimal(missing(entry)) }],
      ),
    costs(column) {
      let exported = ZERO;
      let refused = ZERO;
      for (const { entries } of days.values())
        for (const entry of entries.values()) {
          if (entry.point.column !== column) continue;
          exported = add(exported, decimal(entry.has ?? '0'));
          refused = add(refused, missing(entry));
        }
      return { exported, refused };
    },
    async save() {
      if (!isChanged) return;
      await writeFile(`${path}.new`, written(days), { mode: 0o600, flush: true });
      await rename(`${path}.new`, path);
      isChanged = false;
    },
  };
}

function missing({ has, refused }: Entry): Decimal {
  if (refused === undefined) return ZERO;
  return subtract(decimal(refused.point.cost), decimal(has ?? '0'));
}

/** Series stand in the file once, days refer to them by number. */
interface File {
  readonly series: readonly Omit<DayCost, 'cost'>[];
  readonly days: Readonly<
    Record<
      string,
      { readonly timeMs: number; readonly has: readonly (readonly [number, string])[] }
    >
  >;
}

function written(days: ReadonlyMap<string, Day>): string {
  const series = new Map<string, { readonly index: number; readonly point: Entry['point'] }>();
  const told = [...days].map(([day, { timeMs, entries }]) => {
    const has = [...entries.values()].flatMap((entry) => {
      if (entry.has === undefined) return [];
      const known = series.get(entry.point.series) ?? { index: series.size, point: entry.point };
      series.set(entry.point.series, known);
      return [[known.index, entry.has] as const];
    });
    return [day, { timeMs, has }] as const;
  });
  const file: File = {
    series: [...series.values()].map(({ point }) => point),
    days: Object.fromEntries(told),
  };
  return JSON.stringify(file);
}

function parsed(text: string): Map<string, Day> {
  const days = new Map<string, Day>();
  try {
    const file: File = JSON.parse(text);
    for (const [day, { timeMs, has }] of Object.entries(file.days)) {
      const entries = has.map(([index, cost]) => entryOf(file.series[index], cost));
      days.set(day, { timeMs, entries: new Map(entries) });
    }
    return days;
  } catch {
    return new Map();
  }
}

/** Throws where the file does not hold what it should. */
function entryOf(point: Omit<DayCost, 'cost'> | undefined, cost: string): [string, Entry] {
  const isPoint =
    typeof point?.series === 'string' && COST_COLUMNS.includes(point.column) && !!point.attributes;
  if (!isPoint) throw new Error('not what was written');
  return [point.series, { point, has: formatDecimal(decimal(cost)) }];
}
