import { createHash } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Part } from '../../../pipelines/plugin/delivery.ts';
import { partsIn } from './month-files.ts';

/** A version of a month. */
export interface MonthVersion {
  readonly month: string;
  readonly revision: string;
}

/** Months on disk for `focusd audit`: of each the version that is committed. */
export interface KeptMonths {
  /** Moves the files of a month there; answers its parts in their new place. */
  put(from: string, version: MonthVersion): Promise<readonly Part[]>;
  /** The version is committed: those before it are removed. */
  committed(version: MonthVersion): Promise<void>;
}

/** Keeps months in a folder. */
export function keptMonths(folder: string): KeptMonths {
  const placeOf = ({ month, revision }: MonthVersion): string =>
    join(folder, hashed(month), hashed(revision));
  return {
    async put(from, version) {
      const place = placeOf(version);
      await rm(place, { recursive: true, force: true });
      await mkdir(from, { recursive: true, mode: 0o700 });
      await mkdir(dirname(place), { recursive: true, mode: 0o700 });
      await rename(from, place);
      return await partsIn(place);
    },
    async committed(version) {
      const place = placeOf(version);
      for (const name of await readdir(dirname(place))) {
        const other = join(dirname(place), name);
        if (other !== place) await rm(other, { recursive: true, force: true });
      }
    },
  };
}

function hashed(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 24);
}
