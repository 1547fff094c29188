import { readFileSync } from 'node:fs';
import type { Clock, ConfigOf, Delivery, Receiver, Schema } from '../../pipelines/plugin/index.ts';
import type { World } from './plugin-world.ts';

/** Runs a receiver in its world, telling what it delivers; `stop` ends it and closes the world. */
export function receiving<S extends Schema>(
  plugin: Receiver<S>,
  world: Omit<World<ConfigOf<S>>, 'clock'> & { readonly clock: Clock },
  onDelivery: (delivery: Delivery) => void,
): { stop(): Promise<void> } {
  const ended = (async () => {
    for await (const delivery of plugin.receive(world, undefined)) onDelivery(delivery);
  })().catch((error: unknown) => error);
  return {
    async stop() {
      world.stop.abort();
      await ended;
      await world.close();
    },
  };
}

/** The lines of a delivery's NDJSON. */
export function linesOf({ parts }: Delivery): Record<string, string>[] {
  return parts.flatMap(({ path }) =>
    readFileSync(path, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, string>),
  );
}
