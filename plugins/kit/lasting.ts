import type { Lasting, Opened } from '../../pipelines/plugin/index.ts';

/** A place for what an instance holds open; `close` closes all of it, the last opened first, and throws the first failure. */
export function createLasting(): Lasting & Opened {
  const held = new Map<string, Opened>();
  return {
    get: (name) => held.get(name),
    hold(name, opened) {
      if (held.has(name)) throw new Error(`${name} is held already`);
      held.set(name, opened);
    },
    async close() {
      const last = [...held.values()].toReversed();
      held.clear();
      const failures: unknown[] = [];
      for (const opened of last)
        await opened.close().catch((error: unknown) => failures.push(error));
      if (failures.length > 0) throw failures[0];
    },
  };
}
