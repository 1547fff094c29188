import { randomUUID } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Context, Misconfigured } from '../../../pipelines/plugin/index.ts';
import type { Settings } from './settings.ts';

/** Whether the other side is an agent, too. */
export function forwards({ backend_profile }: Pick<Settings, 'backend_profile'>): boolean {
  return backend_profile === 'focusd';
}

/** The name by which the other agent knows this one: as configured, or one that is made up once and kept. */
export async function agentName({ config, folder, id }: Context<Settings>): Promise<string> {
  if (config.agent !== undefined) return checked(config.agent, `exporters.${id}.agent`);
  const path = join(folder, 'agent-id');
  const known = await readFile(path, 'utf8').catch(() => '');
  if (/^[0-9a-f-]{36}$/.test(known)) return known;
  const made = randomUUID();
  await writeFile(`${path}.new`, made, { mode: 0o600, flush: true });
  await rename(`${path}.new`, path);
  return made;
}

function checked(name: string, path: string): string {
  if (/^[\w.:@-]{1,128}$/.test(name)) return name;
  throw new Misconfigured(`no name of an agent: ${name}`, {
    path,
    hint: 'letters, digits and _ . : @ - only, for example the id of the account',
  });
}
