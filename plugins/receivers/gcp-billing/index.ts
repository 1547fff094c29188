import { type Context, defineReceiver, Misconfigured } from '../../../pipelines/plugin/index.ts';
import { probeOf } from '../../kit/objects/probe.ts';
import { receiveSets } from '../../kit/objects/receive.ts';
import { receivingBy } from '../../kit/objects/settings.ts';
import type { World } from './answers.ts';
import { type Bucket, gcsStore } from './gcs-store.ts';
import { monthsBefore } from './months.ts';
import { runSets } from './run-sets.ts';
import { type Settings, settings } from './settings.ts';
import { receiveTable, tableBills } from './table-bills.ts';
import { projectName, tableName } from './table-name.ts';
import { ANONYMOUS, googleTokens } from './tokens.ts';

export default defineReceiver({
  type: 'gcp-billing',
  summary:
    'Google Cloud bills from BigQuery (detailed, standard and FOCUS exports) or from files in Cloud Storage.',
  stability: 'beta',
  config: settings,

  receive(context, cursor) {
    const source = sourceOf(context);
    if (source.kind === 'table')
      return receiveTable(tableOf(context, source.table), context, cursor);
    const bucket = bucketOf(context, source.bucket);
    return receiveSets(
      { context, ...bucket, mapping: 'auto', ...receivingBy(context.config) },
      cursor,
    );
  },

  async probe(context) {
    const source = sourceOf(context);
    if (source.kind === 'table') return await tableOf(context, source.table)(undefined).probe();
    const { prefix = '' } = context.config;
    return probeOf(
      `gs://${source.bucket}/${prefix}`,
      await bucketOf(context, source.bucket).look(),
    );
  },
});

type Source =
  | { readonly kind: 'table'; readonly table: string }
  | { readonly kind: 'bucket'; readonly bucket: string };

function sourceOf({ config: { table, bucket }, id }: Context<Settings>): Source {
  if (table !== undefined && bucket === undefined) return { kind: 'table', table };
  if (bucket !== undefined && table === undefined) return { kind: 'bucket', bucket };
  throw new Misconfigured('one of table and bucket says where the bill is', {
    path: `receivers.${id}.table`,
    hint:
      table === undefined
        ? 'set table, or bucket'
        : 'take one of them out; two receivers read both',
  });
}

function worldOf({ config, id, http, clock, log, signal }: Context<Settings>): World {
  const path = `receivers.${id}`;
  const tokens = config.anonymous
    ? ANONYMOUS
    : googleTokens(config.credentials_file, `${path}.credentials_file`);
  return { http, clock, log, signal, tokens, path };
}

/** Opens the table at a cursor. */
function tableOf(
  context: Context<Settings>,
  name: string,
): (cursor: string | undefined) => ReturnType<typeof tableBills> {
  const { config, folder } = context;
  const world = worldOf(context);
  const table = tableName(name, `${world.path}.table`);
  const reading = {
    table,
    folder,
    project: projectName(config.project ?? table.project, `${world.path}.project`),
    location: config.location,
    endpoint: config.endpoint,
    maximumBytesBilled: config.maximum_bytes_billed,
    lookBack: config.look_back,
    keep: config.keep_bills,
  };
  return (cursor) => tableBills(world, reading, cursor);
}

/** The bucket, and how runs are found in it. */
function bucketOf(context: Context<Settings>, name: string) {
  const { config, clock } = context;
  const bucket: Bucket = { name, endpoint: config.storage_endpoint };
  const store = gcsStore(worldOf(context), bucket);
  const { prefix = '', marker, look_back } = config;
  const look = () =>
    runSets(store, { bucket: name, prefix, marker, since: monthsBefore(clock.now(), look_back) });
  return { store, look };
}
