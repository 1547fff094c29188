import { type Context, defineReceiver } from '../../../pipelines/plugin/index.ts';
import { manifestSets } from '../../kit/objects/manifest-sets.ts';
import { probeOf } from '../../kit/objects/probe.ts';
import { receiveSets } from '../../kit/objects/receive.ts';
import { monthBefore } from '../../kit/objects/rest.ts';
import { receivingBy } from '../../kit/objects/settings.ts';
import type { FileSet, Look, ObjectStore } from '../../kit/objects/store.ts';
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
    const { config } = context;
    const { mapping } = config;
    return receiveSets({ context, ...open(context), mapping, ...receivingBy(config) }, cursor);
  },

  async probe(context) {
    const { container, prefix = '' } = context.config;
    return probeOf(`${container} ${prefix}`.trim(), await open(context).look());
  },
});

/** The container, and how bills are found in it. */
function open(context: Context<Settings>): {
  readonly store: ObjectStore;
  readonly look: () => Promise<Look>;
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
      const found = await search({ prefix, since: monthBefore(clock.now(), look_back) });
      const sets = found.sets.filter(isBill);
      return { ...found, sets: mapping === 'auto' ? joined(sets) : sets };
    },
  };
}

/** Exports that hold no charges. Source: Cost Management REST API, ExportType. */
const OTHERS: ReadonlySet<string> = new Set([
  'pricesheet',
  'reservationdetails',
  'reservationrecommendations',
  'reservationtransactions',
]);

function isBill({ type = '' }: FileSet): boolean {
  return !OTHERS.has(type.toLowerCase());
}
