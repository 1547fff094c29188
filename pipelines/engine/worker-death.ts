/** What an error is called that nobody in a worker waited for: the worker ends with it. */
const UNCAUGHT = 'ERR_WORKER_UNCAUGHT';

/** To be called in each worker: an error that ends it is told from one that its task threw. */
export function markUncaught(): void {
  process.on('uncaughtExceptionMonitor', (error) => {
    if (error instanceof Error) Object.assign(error, { code: UNCAUGHT });
  });
}

/** Why a worker ended in the middle of its task, as the reason for which the part is set aside; undefined: it did not, the error is another one. */
export function deathOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = 'code' in error ? error.code : undefined;
  if (code === UNCAUGHT) return `a worker ended over it: ${error.message}`;
  const isFull = error instanceof RangeError && /allocation failed/.test(error.message);
  if (code === 'ERR_WORKER_OUT_OF_MEMORY' || isFull)
    return 'it takes more memory than a worker has';
  return /^worker exited with code/.test(error.message) ? 'a worker ended over it' : undefined;
}
