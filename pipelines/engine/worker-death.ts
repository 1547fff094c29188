/** Why a worker ended in the middle of its task, as the reason for which the part is set aside; undefined: it did not, the error is another one. */
export function deathOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY')
    return 'it takes more memory than a worker has';
  return /^worker exited with code/.test(error.message) ? 'a worker ended over it' : undefined;
}
