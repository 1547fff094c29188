import type { Clock } from '../../../pipelines/plugin/index.ts';

/** A message that the server is told is worked on. */
export interface Working {
  working(): void;
}

/** Messages in hand. */
export interface InProgress {
  /** Answers what to call once the message is answered. */
  hold(message: Working): () => void;
  stop(): void;
}

/** Tells the server every so often which messages are still worked on, so that it does not deliver them to somebody else. */
export function keepInProgress({
  everyMs,
  clock,
}: {
  readonly everyMs: number;
  readonly clock: Clock;
}): InProgress {
  const held = new Set<Working>();
  const stopped = new AbortController();
  const tell = async (): Promise<void> => {
    for (;;) {
      await clock.sleep(everyMs, stopped.signal);
      for (const message of held) message.working();
    }
  };
  tell().catch(() => {});
  return {
    hold(message) {
      held.add(message);
      return () => void held.delete(message);
    },
    stop: () => stopped.abort(),
  };
}
