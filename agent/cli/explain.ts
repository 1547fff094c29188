import type { Configuration } from '../../config/validate.ts';
import { uidPrefix } from '../../pipelines/engine/delivery-ids.ts';
import { type ReadBatch, readCharges } from '../../pipelines/engine/read-charges.ts';
import { equalChargesMemory } from '../../pipelines/identify/index.ts';
import { Misconfigured, Unavailable } from '../../pipelines/plugin/errors.ts';
import { changedParts } from '../changed-parts.ts';
import { configure } from '../configure.ts';
import { pipelineSettings } from '../stages.ts';
import type { Committed, State } from '../state/state.ts';
import { version } from '../version.ts';
import { existingState } from './existing-state.ts';
import { type Explained, explainedCharge, explainedText, totalOf } from './explained-charge.ts';
import { progressLine } from './progress.ts';

interface Options {
  readonly config: string;
  readonly json?: boolean;
}

/**
 * Shows the whole way of a charge: file and row, the rule of each column, repairs, owner, the total it is in. Reads the raw parts of its scope
 * again. Throws `Unavailable` when it is not there any more.
 */
export async function explain(uid: string, options: Options): Promise<void> {
  const wanted = parsedUid(uid);
  const { configuration } = await configure(options.config, process.env);
  const state = await existingState(configuration);
  try {
    const explained = await found(wanted, { configuration, state });
    process.stdout.write(
      options.json === true ? `${JSON.stringify(explained, null, 2)}\n` : explainedText(explained),
    );
  } finally {
    await state.close();
  }
}

/** The parts of an id. */
interface WantedCharge {
  readonly uid: string;
  readonly scope: string;
  /** The four words of what it says. */
  readonly hash: readonly number[];
  readonly ordinal: number;
}

const UID = /^([0-9a-f]{20})-([0-9a-f]{32})(?:-(\d+))?(?:\.[rc]\d+)?$/;

function parsedUid(uid: string): WantedCharge {
  const [, scope, hash, ordinal = '1'] = UID.exec(uid.trim()) ?? [];
  if (scope === undefined || hash === undefined)
    throw new Misconfigured(`"${uid}" is no id of a charge`, {
      hint: 'it is the attribute log.record.uid of its log record; focusd tap shows some',
    });
  const words = [0, 8, 16, 24].map((at) => Number.parseInt(hash.slice(at, at + 8), 16) | 0);
  return { uid: uid.trim(), scope, hash: words, ordinal: Number(ordinal) };
}

interface Known {
  readonly configuration: Configuration;
  readonly state: State;
}

async function found(wanted: WantedCharge, { configuration, state }: Known): Promise<Explained> {
  const deliveries = (await state.deliveries()).filter(
    (delivery) => uidPrefix({ ...delivery, delivery }) === wanted.scope,
  );
  const [delivery] = deliveries;
  if (delivery === undefined)
    throw new Unavailable(
      `no delivery that is committed here has charges that begin with ${wanted.scope}: it is of another agent, or of a delivery whose place another took`,
    );
  const place = await search(wanted, delivery, configuration);
  const total = totalOf(await state.totalsOf(delivery.id), place.charge);
  return { uid: wanted.uid, ...aboutDelivery(delivery, configuration), ...place, ...total };
}

function aboutDelivery(
  { pipeline, receiver, scope, revision, mode, committedMs, id }: Committed,
  { pipelines }: Configuration,
): Explained['delivery'] extends infer D ? { readonly delivery: D } : never {
  const exporters = pipelines.find(({ name }) => name === pipeline)?.exporters ?? [];
  const committed = new Date(committedMs).toISOString();
  return {
    delivery: { id, pipeline, receiver, scope, revision, mode, committed, exporters },
  };
}

async function search(
  wanted: WantedCharge,
  delivery: Committed,
  configuration: Configuration,
): Promise<ReturnType<typeof explainedCharge>> {
  const pipeline = configuration.pipelines.find(({ name }) => name === delivery.pipeline);
  const settings = pipelineSettings(configuration, pipeline, version());
  const equalCharges = equalChargesMemory();
  const progress = progressLine('looked at');
  const { parts } = delivery.summary;
  const changed = await changedParts(parts);
  for (const { path, mapping = 'auto', refused } of parts) {
    if (refused !== undefined) continue;
    for await (const batch of readCharges({ path, mapping, settings, equalCharges })) {
      progress.add(batch.charges.rows);
      const row = rowOf(batch, wanted);
      if (row === undefined) continue;
      progress.end();
      const about = { path, changed: changed.includes(path), tags: settings.attribute.tags };
      return explainedCharge(batch, row, about);
    }
  }
  progress.end();
  throw new Unavailable(
    `no charge of ${delivery.scope} says this any more: revision ${delivery.revision} was committed ${new Date(delivery.committedMs).toISOString()}${changed.length === 0 ? '' : `; changed or gone since: ${changed.join(', ')}`}`,
  );
}

function rowOf(
  { charges, ids: { hashes, ordinals } }: ReadBatch,
  { hash, ordinal }: WantedCharge,
): number | undefined {
  for (let row = 0, at = 0; row < charges.rows; row++, at += 4) {
    if (hashes[at] !== hash[0] || hashes[at + 1] !== hash[1] || hashes[at + 2] !== hash[2])
      continue;
    if (hashes[at + 3] === hash[3] && ordinals[row] === ordinal) return row;
  }
  return undefined;
}
