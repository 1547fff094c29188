import { join } from 'node:path';
import type { AgentSettings } from '../config/schema.ts';
import { errorMessage, errorName, Misconfigured } from '../pipelines/plugin/errors.ts';
import { type DeadLetters, openDeadLetters } from './dead-letters.ts';
import { lockFolder } from './state/lock.ts';
import { openStateOf } from './state/open-state.ts';
import type { State } from './state/state.ts';

/** What of an agent outlives it. */
export interface Storage {
  readonly state: State;
  readonly deadLetters: DeadLetters;
  /** Another agent may use the folder. */
  close(): Promise<void>;
}

/** Opens the storage folder for this agent alone; throws `Misconfigured` when it cannot be used. `mask` takes secrets out of dead letters. */
export async function openStorage(
  storage: AgentSettings['storage'],
  mask: (text: string) => string,
): Promise<Storage> {
  const { folder, max_dead_letters } = storage;
  const undo: (() => unknown)[] = [];
  try {
    const unlock = lockFolder(folder);
    undo.unshift(unlock);
    const state = await openStateOf(storage);
    undo.unshift(() => state.close());
    const deadLetters = openDeadLetters(join(folder, 'deadletters'), max_dead_letters, mask);
    const close = async (): Promise<void> => {
      await state.close();
      unlock();
    };
    return { state, deadLetters, close };
  } catch (error) {
    for (const one of undo) await one();
    throw errorName(error) === 'Unavailable' ? error : unusable(folder, error);
  }
}

/** What stands in the way of a folder, as the operator's affair. */
export function unusable(folder: string, cause: unknown): unknown {
  if (errorName(cause) === 'Misconfigured') return cause;
  const reason = errorMessage(cause);
  return new Misconfigured(`${folder} cannot be used: ${reason}`, {
    path: 'storage.folder',
    hint: 'focusd needs a folder of its own that it can write to, on a disk with room',
    cause,
  });
}
