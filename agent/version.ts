import { readFileSync } from 'node:fs';

/** Version of this focusd, as its package says. */
export function version(): string {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      const found: unknown = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
      if (
        typeof found === 'object' &&
        found !== null &&
        'name' in found &&
        found.name === 'focusd' &&
        'version' in found
      )
        return String(found.version);
    } catch {}
  }
  return '0.0.0';
}
