import { utcMilliseconds } from '../../focus/times.ts';

/** Start of the calendar month (UTC) that the time lies in, `after` months later; what is no time stays as it is. */
export function monthOf(ms: number, after: number): number {
  if (!Number.isFinite(ms)) return ms;
  const date = new Date(ms);
  const month = date.getUTCMonth() + after;
  return utcMilliseconds({
    year: date.getUTCFullYear() + Math.floor(month / 12),
    month: (month % 12) + 1,
    day: 1,
  });
}
