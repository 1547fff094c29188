import { Misconfigured } from '../../../pipelines/plugin/index.ts';

/** A time that one answer speaks for. */
export interface Period {
  /** `2026-09`, `2026-09-17`; empty: all there is. */
  readonly name: string;
  /** Milliseconds, the end not included. */
  readonly startMs: number;
  readonly endMs: number;
}

/** The present period and those before it in UTC, oldest first; only one where the URL does not say for which it asks. */
export function periodsOf(
  {
    url,
    period,
    look_back,
  }: { readonly url: string; readonly period: string; readonly look_back: number },
  nowMs: number,
): readonly Period[] {
  if (period === 'all') return [{ name: '', startMs: 0, endMs: nowMs }];
  const count = placeholdersIn(url).length === 0 ? 0 : look_back;
  return Array.from({ length: count + 1 }, (_, index) => periodAt(period, nowMs, count - index));
}

function periodAt(period: string, nowMs: number, back: number): Period {
  const now = new Date(nowMs);
  const [year, month, day] = [now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()];
  const at = (count: number): number =>
    period === 'day' ? Date.UTC(year, month, day - count) : Date.UTC(year, month - count, 1);
  const startMs = at(back);
  const name = new Date(startMs).toISOString().slice(0, period === 'day' ? 10 : 7);
  return { name, startMs, endMs: at(back - 1) };
}

const DAY_MS = 86_400_000;

const PLACEHOLDERS: Readonly<Record<string, (period: Period) => string>> = {
  start: ({ startMs }) => second(startMs),
  end: ({ endMs }) => second(endMs),
  start_date: ({ startMs }) => date(startMs),
  end_date: ({ endMs }) => date(endMs),
  last_date: ({ endMs }) => date(endMs - DAY_MS),
  month: ({ startMs }) => date(startMs).slice(0, 7),
};

/** The URL that asks for a period. */
export function filled(url: string, period: Period): URL {
  return new URL(
    url.replaceAll(PLACEHOLDER, (_, name: string) =>
      encodeURIComponent(PLACEHOLDERS[name]?.(period) ?? ''),
    ),
  );
}

/** Throws `Misconfigured` when the URL asks for what there is not, or for a period that it is not told. */
export function checkPlaceholders(url: string, period: string, path: string): void {
  const names = placeholdersIn(url);
  const strange = names.find((name) => !Object.hasOwn(PLACEHOLDERS, name));
  if (strange !== undefined)
    throw new Misconfigured(`{${strange}} stands for nothing`, {
      path: `${path}.url`,
      hint: `there are ${Object.keys(PLACEHOLDERS)
        .map((name) => `{${name}}`)
        .join(', ')}`,
    });
  if (period === 'all' && names.length > 0)
    throw new Misconfigured('the URL asks for a period, and the answer is to be all there is', {
      path: `${path}.period`,
      hint: 'set it to month or day, or take the placeholders out of url',
    });
}

const PLACEHOLDER = /\{([a-z_]+)\}/g;

function placeholdersIn(url: string): readonly string[] {
  return [...url.matchAll(PLACEHOLDER)].map(([, name = '']) => name);
}

function second(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

function date(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
