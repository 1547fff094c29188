/** Runs at most so many at a time; the rest wait in order. */
export interface Limit {
  run<T>(work: () => Promise<T>): Promise<T>;
  /** Resolves when nothing runs or waits. */
  idle(): Promise<void>;
}

/** A limit of `max` at a time. */
export function createLimit(max: number): Limit {
  const waiting: (() => void)[] = [];
  const running = new Set<Promise<unknown>>();
  let free = Math.max(1, max);

  async function slot(): Promise<void> {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
  }

  function release(): void {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  }

  return {
    run(work) {
      const done = slot()
        .then(work)
        .finally(() => {
          running.delete(done);
          release();
        });
      running.add(done);
      return done;
    },
    async idle() {
      while (running.size > 0) await Promise.allSettled(running);
    },
  };
}
