import { objectOf } from './rows.ts';

/** How far the table was read. */
export interface Progress {
  /** Rows exported up to here are delivered. Absent: nothing is yet. */
  readonly since?: string;
  /** Of the look under way: months that are delivered, with their latest export time. */
  readonly done: Readonly<Record<string, string>>;
}

/** Reads a cursor; one of another making starts from nothing. */
export function readCursor(cursor: string | undefined): Progress {
  try {
    const { since, done } = objectOf(JSON.parse(cursor ?? '{}'));
    const months = Object.entries(objectOf(done)).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    );
    return { done: Object.fromEntries(months), ...(typeof since === 'string' && { since }) };
  } catch {
    return { done: {} };
  }
}

/** The cursor for a delivery. */
export function writeCursor({ since, done }: Progress): string {
  return JSON.stringify({ since, ...(Object.keys(done).length > 0 && { done }) });
}
