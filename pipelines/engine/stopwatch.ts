/** Where a task's time goes: one stage runs at a time. */
export interface Stopwatch {
  /** Ends the stage under way and starts this one. */
  start(stage: string): void;
  /** Milliseconds by stage. */
  stop(): Record<string, number>;
}

/** A stopwatch that runs from its first `start`. */
export function stopwatch(): Stopwatch {
  const spent = new Map<string, number>();
  let stage: string | undefined;
  let since = 0;
  const end = (now: number): void => {
    if (stage !== undefined) spent.set(stage, (spent.get(stage) ?? 0) + now - since);
    since = now;
  };
  return {
    start: (next) => {
      end(performance.now());
      stage = next;
    },
    stop: () => {
      end(performance.now());
      stage = undefined;
      return Object.fromEntries([...spent].map(([name, ms]) => [name, Math.round(ms * 10) / 10]));
    },
  };
}
