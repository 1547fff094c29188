import type { Delivered, StageSettings, Target } from '../pipelines/engine/deliver.ts';
import { sendEvents } from '../pipelines/engine/send-events.ts';
import type { TracesOf } from '../pipelines/engine/worker-pool.ts';
import type { Logger } from '../pipelines/plugin/contract.ts';
import type { Linkable, LinkedDelivery, Linker } from '../pipelines/plugin/links.ts';

/** What links the deliveries of a run. */
export interface Linking {
  readonly id: { readonly pipeline: string; readonly receiver: string };
  /** Those of now: extensions may be closed and opened again while a run goes on. */
  readonly linkers: () => readonly Linker[];
  readonly targets: readonly Target[];
  readonly settings: StageSettings;
  readonly log: Logger;
}

/** The settings of the stages with what may be linked in the next delivery. */
export function withLinkable({ linkers, settings }: Linking): StageSettings {
  const all = linkers().flatMap((linker) => linker.linkable() ?? []);
  const [first, ...more] = all;
  if (first === undefined) return settings;
  return { ...settings, linkable: more.reduce(both, first) };
}

/** Who knows the traces of charges; undefined: nobody does. Of several linkers that know one the first holds. */
export function tracesOf({ linkers }: Pick<Linking, 'linkers'>): TracesOf | undefined {
  const know = (): readonly Linker[] => linkers().filter((linker) => linker.tracesOf !== undefined);
  if (know().length === 0) return undefined;
  return async (resources) => {
    const answers = await Promise.all(know().map((linker) => linker.tracesOf?.(resources)));
    return resources.map((_, i) => answers.flatMap((traces) => traces?.[i] ?? [])[0]);
  };
}

function both(a: Linkable, b: Linkable): Linkable {
  const isBounded = a.sinceMs !== undefined && b.sinceMs !== undefined;
  return {
    ...(isBounded && { sinceMs: Math.min(a.sinceMs, b.sinceMs) }),
    resources: new Set([...a.resources, ...b.resources]),
    maxWindowMs: Math.max(a.maxWindowMs, b.maxWindowMs),
    maxGroups: Math.max(a.maxGroups, b.maxGroups),
  };
}

/**
 * Links what a delivery came to and sends the links as log records; to be called before the delivery is committed, so that a delivery that
 * is taken again is linked again and counts once. Throws what exporters throw.
 */
export async function linkDelivery(
  { id, linkers, targets, settings, log }: Linking,
  { info, resources }: Pick<Delivered, 'info' | 'resources'>,
): Promise<void> {
  const delivery: LinkedDelivery = { ...info, pipeline: id.pipeline };
  for (const linker of linkers()) {
    const { events, commit } = await linker.link(delivery, resources);
    await sendEvents(events, {
      targets,
      info: { ...info, id: `${info.id}-links`, scope: `${info.scope}/links`, mode: 'append' },
      settings,
      refused: (exporter, rows, reason) =>
        log.error('backend refused links', { ...id, scope: info.scope, exporter, rows, reason }),
    });
    commit();
  }
}
