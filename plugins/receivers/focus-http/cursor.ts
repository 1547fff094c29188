import { createHash } from 'node:crypto';
import { objectAt, parseObject, textAt } from '../../kit/json.ts';
import type { Validators } from './bill.ts';
import type { Period } from './periods.ts';
import type { Settings } from './settings.ts';

/** A bill that is delivered. */
export interface Done extends Validators {
  readonly revision: string;
}

/** Hash of what decides on the answer: with another URL, what is known of the old one says nothing. */
export function questionOf({ url, items, paging, accept }: Settings): string {
  const text = JSON.stringify([url, items, paging, accept]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** The bills that are delivered, by period; none when the question was another one. */
export function readCursor(cursor: string | undefined, question: string): Map<string, Done> {
  const known = parseObject(new TextEncoder().encode(cursor ?? ''));
  if (known?.question !== question) return new Map();
  return new Map(
    Object.entries(objectAt(known.done) ?? {}).flatMap(([period, entry]) => {
      const { revision, etag, modified } = objectAt(entry) ?? {};
      const of = textAt(revision);
      return of === undefined
        ? []
        : [[period, doneOf({ revision: of, etag: textAt(etag), modified: textAt(modified) })]];
    }),
  );
}

/** The cursor for a delivery: periods that are no longer asked for are left out, so that it stays small. */
export function writeCursor(
  done: ReadonlyMap<string, Done>,
  { question, periods }: { readonly question: string; readonly periods: readonly Period[] },
): string {
  const asked = new Set(periods.map(({ name }) => name));
  const kept = [...done].filter(([period]) => asked.has(period));
  return JSON.stringify({ question, done: Object.fromEntries(kept) });
}

/** What is to be known of a bill. */
export function doneOf({
  revision,
  etag,
  modified,
}: {
  readonly revision: string;
  readonly etag?: string | undefined;
  readonly modified?: string | undefined;
}): Done {
  return {
    revision,
    ...(etag !== undefined && { etag }),
    ...(modified !== undefined && { modified }),
  };
}
