import { access, constants } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Logger, Look } from '../../../pipelines/plugin/contract.ts';
import type { Delivery } from '../../../pipelines/plugin/delivery.ts';
import { Unavailable } from '../../../pipelines/plugin/errors.ts';
import type { Bundle } from './bundles.ts';
import { hashCache } from './hashes.ts';
import { looseScopes } from './loose-scopes.ts';

/** Makes deliveries of bundles. */
export interface Offers {
  /** What is new of a bundle, in the order it has to be delivered; nothing when it was delivered as it is. */
  of(bundle: Bundle, looking: Looking): AsyncGenerator<Delivery>;
  /** Ends a look: answers how many other agents are at. Throws `Unavailable` when files could not be read, after all others were. */
  end(): Promise<{ readonly elsewhere: number }>;
}

/** The look that a bundle was found by. */
export interface Looking {
  readonly signal: AbortSignal;
  /** Set where other agents may be at the same files. */
  readonly look?: Look | undefined;
}

/** Revision of a scope that a manifest came to speak for: nothing is left of it. */
const TAKEN_BACK = 'taken-back';

/** Opens what is remembered of earlier offers. */
export async function openOffers(options: {
  readonly folder: string;
  readonly mapping: string;
  readonly scope: 'file' | 'folder';
  readonly log: Logger;
}): Promise<Offers> {
  const { folder, mapping, log } = options;
  const hashes = await hashCache(join(folder, 'hashes.json'));
  const loose = await looseScopes(join(folder, 'loose-scopes.txt'));
  const offered = new Map<string, string>();
  const unreadable: string[] = [];
  let elsewhere = 0;
  const folderOf = options.scope === 'file' ? dirname : (scope: string) => scope;

  async function* offer(
    scope: string,
    revision: string,
    { parts, look }: { readonly parts: Bundle['parts']; readonly look: Look | undefined },
  ): AsyncGenerator<Delivery> {
    if (offered.get(scope) === revision) return;
    const claim = await look?.claim({ scope, revision, mode: 'snapshot' });
    if (claim === 'elsewhere') {
      elsewhere++;
      return;
    }
    const files = parts.map(({ path, bytes, modifiedMs }) => ({ path, bytes, modifiedMs }));
    if (claim !== 'done')
      yield { scope, revision, mode: 'snapshot', mapping, cursor: '', parts: files };
    offered.set(scope, revision);
  }

  /** What was read file by file before the manifest came would count twice. */
  async function* takeBack(
    { scope: by, manifest }: Bundle,
    look: Look | undefined,
  ): AsyncGenerator<Delivery> {
    const folders = new Set(manifest?.folders);
    for (const scope of loose.all().filter((one) => folders.has(folderOf(one)))) {
      log.info('bill taken back, a manifest speaks for it now', { scope, by });
      yield* offer(scope, TAKEN_BACK, { parts: [], look });
      if (offered.get(scope) === TAKEN_BACK) await loose.delete(scope);
    }
  }

  return {
    async *of(bundle, { signal, look }) {
      const { scope, parts, manifest } = bundle;
      try {
        for (const { path } of parts) await access(path, constants.R_OK);
        const revision = manifest?.revision ?? (await hashes.of(parts, signal));
        if (manifest === undefined) await loose.add(scope);
        else yield* takeBack(bundle, look);
        yield* offer(scope, revision, { parts, look });
      } catch (error) {
        if (!isFileError(error)) throw error;
        // Gone since it was listed: the next look tells more.
        if (error.code !== 'ENOENT') unreadable.push(error.message);
      }
    },
    async end() {
      await hashes.save();
      if (unreadable.length > 0)
        throw new Unavailable(`files cannot be read: ${unreadable.splice(0).join('; ')}`);
      const left = elsewhere;
      elsewhere = 0;
      return { elsewhere: left };
    },
  };
}

function isFileError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && 'code' in error && 'syscall' in error;
}
