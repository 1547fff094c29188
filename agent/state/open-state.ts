import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentSettings } from '../../config/schema.ts';
import { Misconfigured } from '../../pipelines/plugin/errors.ts';
import { openState } from './sqlite-state.ts';
import type { State } from './state.ts';

type Storage = AgentSettings['storage'];

/** Opens (or makes) the state of an agent where `storage` says. */
export async function openStateOf(storage: Storage): Promise<State> {
  const { folder, state } = storage;
  if (state !== undefined) return await (await postgres()).openShared({ ...storage, state });
  return openState(join(folder, 'state'));
}

/** The state that an agent with these settings left, or `Misconfigured` when there is none. It may be read while the agent runs. */
export async function existingStateOf(storage: Storage): Promise<State> {
  const { state } = storage;
  if (state !== undefined) return await (await postgres()).existingShared({ ...storage, state });
  const folder = join(storage.folder, 'state');
  if (existsSync(join(folder, 'state.sqlite'))) return openState(folder, { checked: false });
  throw new Misconfigured(`there is no state in ${folder}`, {
    path: 'storage.folder',
    hint: 'run the agent with this configuration first',
  });
}

/** Loaded only where it is used: the client takes memory and time. */
function postgres(): Promise<typeof import('./postgres/open-shared.ts')> {
  return import('./postgres/open-shared.ts');
}
