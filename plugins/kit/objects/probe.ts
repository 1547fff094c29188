import type { Probe } from '../../../pipelines/plugin/index.ts';
import type { Look } from './store.ts';
import { twinsOf } from './twins.ts';

const NO_MANIFEST =
  'no object is a manifest of a bill: the prefix may be too deep, or the first export is not done';

/** What a look at a store says to a person; `unfit` says why the objects that are there are no bills. */
export function probeOf(
  source: string,
  { sets, incomplete, listed }: Look,
  unfit = NO_MANIFEST,
): Probe {
  const none =
    listed === 0
      ? 'there is no object below the prefix: correct it, or wait for the first export'
      : unfit;
  return {
    source: `${source}, ${listed} objects`,
    bills: sets.map(({ scope, revision, objects }) => ({
      scope,
      revision,
      files: objects.length,
      bytes: objects.reduce((sum, { bytes }) => sum + bytes, 0),
    })),
    problems: [
      ...incomplete.map(
        ({ marker, missing }) => `${marker} names ${missing}, which is not there (yet)`,
      ),
      ...twinsOf(sets).map(
        ({ account, scopes }) =>
          `${scopes.join(' and ')} are the bill of account ${account} twice: set prefix to one of the exports`,
      ),
      ...(sets.length + incomplete.length === 0 ? [none] : []),
    ],
  };
}
