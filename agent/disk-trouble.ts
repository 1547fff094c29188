/** What the system says of a disk that is full, over its quota, read-only or broken, or of a process with too many open files. */
const CODES: ReadonlySet<unknown> = new Set([
  'ENOSPC',
  'EDQUOT',
  'EFBIG',
  'EROFS',
  'EIO',
  'EMFILE',
  'ENFILE',
]);

/** The same of SQLite: busy, read-only, input/output error, full, cannot be opened. */
const SQLITE: ReadonlySet<number> = new Set([5, 8, 10, 13, 14]);

/** Whether a disk did not do what it was asked to: somebody will make room, so it is tried again. */
export function isDiskTrouble(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, errcode } = error as { readonly code?: unknown; readonly errcode?: unknown };
  // The low byte is the error, the others say more of it.
  return CODES.has(code) || (typeof errcode === 'number' && SQLITE.has(errcode & 0xff));
}
