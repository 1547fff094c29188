import { join } from 'node:path';

/** Folder of a component below the agent's storage; a receiver has one per pipeline: `id@pipeline`. */
export function componentFolder(storage: string, name: string): string {
  return join(storage, 'components', name.replaceAll('/', '__'));
}
