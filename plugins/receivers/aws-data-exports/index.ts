import { type Context, defineReceiver } from '../../../pipelines/plugin/index.ts';
import { manifestSets } from '../../kit/objects/manifest-sets.ts';
import { probeOf } from '../../kit/objects/probe.ts';
import { receiveSets } from '../../kit/objects/receive.ts';
import { monthBefore } from '../../kit/objects/rest.ts';
import { receivingBy } from '../../kit/objects/settings.ts';
import type { Look, ObjectStore } from '../../kit/objects/store.ts';
import { credentialSource } from './credentials.ts';
import { s3Store } from './s3-store.ts';
import { type Settings, settings } from './settings.ts';

export default defineReceiver({
  type: 'aws-data-exports',
  summary: 'AWS Data Exports (FOCUS, CUR 2.0) and legacy Cost and Usage Reports, from S3.',
  stability: 'alpha',
  config: settings,

  receive(context, cursor) {
    const { config } = context;
    const { mapping } = config;
    return receiveSets({ context, ...open(context), mapping, ...receivingBy(config) }, cursor);
  },

  async probe(context) {
    const { bucket, prefix = '' } = context.config;
    return probeOf(`s3://${bucket}/${prefix}`, await open(context).look());
  },
});

/** The bucket, and how bills are found in it. */
function open(context: Context<Settings>): {
  readonly store: ObjectStore;
  readonly look: () => Promise<Look>;
} {
  const { config, clock, id } = context;
  const path = `receivers.${id}`;
  const credentials = credentialSource(config, { path, now: () => clock.now() });
  const store = s3Store({ ...context, settings: config, credentials, path });
  const search = manifestSets(store);
  const { prefix = '', look_back } = config;
  return {
    store,
    look: () => search({ prefix, since: monthBefore(clock.now(), look_back) }),
  };
}
