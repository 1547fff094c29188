import type { SeenFile } from '../../kit/watch.ts';

/** What was seen of a file, and since when it looks like that. */
interface Known extends SeenFile {
  readonly since: number;
}

/**
 * Tells of each look which files nobody seems to write any more: their modification time is old enough, or they were seen unchanged for long
 * enough (clocks of other machines run ahead).
 */
export function settling(
  settleMs: number,
): (seen: readonly SeenFile[], now: number) => (file: SeenFile) => boolean {
  let known = new Map<string, Known>();
  return (seen, now) => {
    known = new Map(seen.map((file) => [file.path, { ...file, since: sinceWhen(file) ?? now }]));
    return ({ path, modifiedMs }) =>
      modifiedMs <= now - settleMs || (known.get(path)?.since ?? now) < now - settleMs;
  };

  function sinceWhen({ path, bytes, modifiedMs }: SeenFile): number | undefined {
    const before = known.get(path);
    const same = before?.bytes === bytes && before.modifiedMs === modifiedMs;
    return same ? before.since : undefined;
  }
}
