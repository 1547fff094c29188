import { appendFile, open, readFile } from 'node:fs/promises';

/** Scopes that were delivered without a manifest: they are taken back when one comes to speak for them. Survives a crash. */
export interface LooseScopes {
  /** Notes a scope, on disk before this returns: it may be committed from now on. */
  add(scope: string): Promise<void>;
  delete(scope: string): Promise<void>;
  all(): readonly string[];
}

/** Opens the list: a line per change, `+"scope"` or `-"scope"`. A line that was cut off by a crash belongs to a scope that was not delivered. */
export async function looseScopes(path: string): Promise<LooseScopes> {
  const known = new Set<string>();
  const text = await readFile(path, 'utf8').catch(() => '');
  for (const line of text.split('\n')) {
    const scope = scopeOf(line);
    if (scope === undefined) continue;
    if (line.startsWith('+')) known.add(scope);
    else known.delete(scope);
  }
  const append = async (line: string): Promise<void> => {
    await appendFile(path, `\n${line}`, { mode: 0o600 });
    const file = await open(path, 'r');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  };
  return {
    add: async (scope) => {
      if (known.has(scope)) return;
      await append(`+${JSON.stringify(scope)}`);
      known.add(scope);
    },
    delete: async (scope) => {
      await append(`-${JSON.stringify(scope)}`);
      known.delete(scope);
    },
    all: () => [...known],
  };
}

function scopeOf(line: string): string | undefined {
  try {
    const scope: unknown = JSON.parse(line.slice(1));
    return typeof scope === 'string' ? scope : undefined;
  } catch {
    return undefined;
  }
}
