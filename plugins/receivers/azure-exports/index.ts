import { type Context, defineReceiver } from '../../../pipelines/plugin/index.ts';
import type { Manifest } from '../../kit/objects/manifest.ts';
import { manifestSets } from '../../kit/objects/manifest-sets.ts';
import { probeOf } from '../../kit/objects/probe.ts';
import { receiveSets } from '../../kit/objects/receive.ts';
import { monthBefore } from '../../kit/objects/rest.ts';
import type { Look, ObjectStore, StoredObject } from '../../kit/objects/store.ts';
import { blobStore } from './blob-store.ts';
import { authorizer } from './credentials.ts';
import { joined } from './joined.ts';
import { type Settings, settings } from './settings.ts';

export default defineReceiver({
  type: 'azure-exports',
  summary: 'Azure Cost Management exports (FOCUS, actual and amortized cost), from Blob storage.',
  stability: 'alpha',
  config: settings,

  receive(context, cursor) {
    const { config, log } = context;
    const { store, look } = open(context);
    const told = new Set<string>();
    return receiveSets(
      {
        context,
        store,
        look: async () => {
          const { doubled, ...found } = await look();
          for (const warning of doubled.filter((one) => !told.has(one))) {
            told.add(warning);
            log.warn('exports of one bill', { warning });
          }
          return found;
        },
        mapping: config.mapping,
        intervalMs: config.interval,
        parallel: config.parallel_downloads,
        maxBytes: config.max_bill,
      },
      cursor,
    );
  },

  async probe(context) {
    const { container, prefix = '' } = context.config;
    const { doubled, ...look } = await open(context).look();
    const probe = probeOf(`${container} ${prefix}`.trim(), look);
    return { ...probe, problems: [...probe.problems, ...doubled] };
  },
});

/** The container, and how bills are found in it. */
function open(context: Context<Settings>): {
  readonly store: ObjectStore;
  readonly look: () => Promise<Look & { readonly doubled: readonly string[] }>;
} {
  const { config, clock, id } = context;
  const path = `receivers.${id}`;
  const authorize = authorizer(config, { ...context, path: `${path}.credentials` });
  const store = blobStore({ ...context, settings: config, authorize, path });
  const search = manifestSets(store);
  const { prefix = '', look_back, mapping } = config;
  return {
    store,
    async look() {
      const found = await search({ prefix, since: monthBefore(clock.now(), look_back), scopeOf });
      return { ...found, ...(mapping === 'auto' ? joined(found.sets) : { doubled: [] }) };
    },
  };
}

/** `folder/export/20260901`: exports of different subscriptions may have the same name, but not the same folder. */
function scopeOf({ key }: StoredObject, { scope, period }: Manifest): string {
  const folder = /^(.+?)\/(\d{8})-\d{8}\//.exec(key);
  return folder === null || period === undefined ? scope : `${folder[1]}/${folder[2]}`;
}
