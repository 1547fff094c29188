/** Bytes of requests that are in memory at the same time. */
export interface ByteBudget {
  /** False: there is no room for so many more. */
  take(bytes: number): boolean;
  give(bytes: number): void;
}

/** A budget of `max` bytes for all requests together. */
export function createByteBudget(max: number): ByteBudget {
  let used = 0;
  return {
    take(bytes) {
      if (used + bytes > max) return false;
      used += bytes;
      return true;
    },
    give(bytes) {
      used -= bytes;
    },
  };
}
