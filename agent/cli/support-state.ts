import { createHash } from 'node:crypto';
import type { Configuration } from '../../config/validate.ts';
import { checkChain } from '../state/audit-chain.ts';
import type { State } from '../state/state.ts';
import { existingState } from './existing-state.ts';
import { letterFiles } from './letter-files.ts';
import { json, noFile, reasonOf, type SupportFile } from './support-file.ts';

/** Deliveries that are told in full; of older ones only the number. */
const MOST_DELIVERIES = 1_000;

/** What the state and the dead letters hold, without a total and without a row. */
export async function stateFiles(configuration: Configuration): Promise<readonly SupportFile[]> {
  const letters = (await letterFiles(configuration)).map(
    ({ path: _, costs: __, unknown: ___, ...file }) => file,
  );
  return [...committed(configuration), json('dead-letters.json', letters)];
}

function committed(configuration: Configuration): readonly SupportFile[] {
  let state: State | undefined;
  try {
    state = existingState(configuration);
    return [
      json('deliveries.json', deliveries(state)),
      json('cursors.json', cursors(state, configuration)),
      json('audit.json', auditHead(state)),
    ];
  } catch (error) {
    return [noFile('state', reasonOf(error))];
  } finally {
    state?.close();
  }
}

function deliveries(state: State): object {
  const all = state.deliveries();
  const told = all.slice(-MOST_DELIVERIES).map(({ summary, replaced, ...delivery }) => {
    const { ledger: _, exporters: __, ...counts } = summary;
    return { ...delivery, ...counts, restated: replaced !== undefined };
  });
  return { deliveries: all.length, told };
}

/** Cursors may hold keys of the source: only whether they are the same is told. */
function cursors(state: State, { pipelines }: Configuration): readonly object[] {
  return pipelines.flatMap(({ name: pipeline, receivers }) =>
    receivers.map((receiver) => {
      const cursor = state.cursor(pipeline, receiver);
      if (cursor === undefined) return { pipeline, receiver };
      const sha256 = createHash('sha256').update(cursor).digest('hex').slice(0, 16);
      return { pipeline, receiver, length: cursor.length, sha256 };
    }),
  );
}

function auditHead(state: State): object {
  const { entries, head, broken } = checkChain(state.auditTrail());
  const kinds: Record<string, number> = {};
  for (const { kind } of entries) kinds[kind] = (kinds[kind] ?? 0) + 1;
  const last = entries.slice(-20).map(({ sequence, time, kind }) => ({ sequence, time, kind }));
  return { entries: entries.length, head, kinds, last, ...(broken && { broken }) };
}
