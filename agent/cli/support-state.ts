import { createHash } from 'node:crypto';
import type { Configuration } from '../../config/validate.ts';
import { errorMessage } from '../../pipelines/plugin/errors.ts';
import { checkChain } from '../state/audit-chain.ts';
import type { State } from '../state/state.ts';
import { existingState } from './existing-state.ts';
import { letterFiles } from './letter-files.ts';
import { json, noFile, type SupportFile } from './support-file.ts';

/** Deliveries that are told in full; of older ones only the number. */
const MOST_DELIVERIES = 1_000;

/** What the state and the dead letters hold, without a total and without a row. */
export async function stateFiles(configuration: Configuration): Promise<readonly SupportFile[]> {
  const letters = (await letterFiles(configuration)).map(
    ({ path: _, costs: __, unknown: ___, ...file }) => file,
  );
  return [...(await committed(configuration)), json('dead-letters.json', letters)];
}

async function committed(configuration: Configuration): Promise<readonly SupportFile[]> {
  let state: State | undefined;
  try {
    state = await existingState(configuration);
    return [
      json('deliveries.json', await deliveries(state)),
      json('cursors.json', await cursors(state, configuration)),
      json('audit.json', await auditHead(state)),
    ];
  } catch (error) {
    return [noFile('state', errorMessage(error))];
  } finally {
    await state?.close();
  }
}

async function deliveries(state: State): Promise<object> {
  const all = await state.deliveries();
  const told = all.slice(-MOST_DELIVERIES).map(({ summary, replaced, ...delivery }) => {
    const { ledger: _, exporters: __, ...counts } = summary;
    return { ...delivery, ...counts, restated: replaced !== undefined };
  });
  return { deliveries: all.length, told };
}

/** Cursors may hold keys of the source: only whether they are the same is told. */
async function cursors(state: State, { pipelines }: Configuration): Promise<readonly object[]> {
  const ways = pipelines.flatMap(({ name: pipeline, receivers }) =>
    receivers.map((receiver) => ({ pipeline, receiver })),
  );
  return await Promise.all(
    ways.map(async (way) => {
      const cursor = await state.cursor(way.pipeline, way.receiver);
      if (cursor === undefined) return way;
      const sha256 = createHash('sha256').update(cursor).digest('hex').slice(0, 16);
      return { ...way, length: cursor.length, sha256 };
    }),
  );
}

async function auditHead(state: State): Promise<object> {
  const { entries, head, broken } = checkChain(await state.auditTrail());
  const kinds: Record<string, number> = {};
  for (const { kind } of entries) kinds[kind] = (kinds[kind] ?? 0) + 1;
  const last = entries.slice(-20).map(({ sequence, time, kind }) => ({ sequence, time, kind }));
  return { entries: entries.length, head, kinds, last, ...(broken && { broken }) };
}
