import { NOBODY_READS } from './exit-codes.ts';

/** Says an error to a person; answers the exit code. Misconfiguration is 2, anything else 1. */
export function report(error: unknown): number {
  if (!(error instanceof Error)) {
    process.stderr.write(`focusd: ${String(error)}\n`);
    return 1;
  }
  if ('code' in error && error.code === 'EPIPE') return NOBODY_READS;
  const hint = 'hint' in error && typeof error.hint === 'string' ? `\n  ${error.hint}` : '';
  const path =
    'path' in error && typeof error.path === 'string' && !error.message.includes(error.path)
      ? `${error.path}: `
      : '';
  const known =
    ['Misconfigured', 'Unavailable', 'Rejected', 'BadPart'].includes(error.name) ||
    isFileTrouble(error);
  process.stderr.write(
    known
      ? `focusd: ${path}${error.message}${hint}\n`
      : `focusd: ${error.stack ?? error.message}\n`,
  );
  return error.name === 'Misconfigured' ? 2 : 1;
}

/** What the file system refuses is nobody's bug: its message names the file and the reason. */
function isFileTrouble(error: Error): boolean {
  const { code, syscall, path } = error as NodeJS.ErrnoException;
  return typeof code === 'string' && typeof syscall === 'string' && typeof path === 'string';
}
