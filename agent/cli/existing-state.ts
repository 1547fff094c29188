import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Configuration } from '../../config/validate.ts';
import { Misconfigured } from '../../pipelines/plugin/errors.ts';
import { openState } from '../state/sqlite-state.ts';
import type { State } from '../state/state.ts';

/** The state that an agent with this configuration left, or `Misconfigured` when there is none. It may be read while the agent runs. */
export async function existingState({ storage }: Configuration): Promise<State> {
  const folder = join(storage.folder, 'state');
  if (!existsSync(join(folder, 'state.sqlite')))
    throw new Misconfigured(`there is no state in ${folder}`, {
      path: 'storage.folder',
      hint: 'run the agent with this configuration first',
    });
  return openState(folder);
}
