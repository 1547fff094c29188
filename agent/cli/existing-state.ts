import type { Configuration } from '../../config/validate.ts';
import { existingStateOf } from '../state/open-state.ts';
import type { State } from '../state/state.ts';

/** The state that an agent with this configuration left, or `Misconfigured` when there is none. It may be read while the agent runs. */
export async function existingState({ storage }: Configuration): Promise<State> {
  return await existingStateOf(storage);
}
