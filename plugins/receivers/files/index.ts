import { defineReceiver, type Logger } from '../../../pipelines/plugin/contract.ts';
import { filePatterns, listFiles, watchFolders } from '../../kit/watch.ts';
import { type Bundles, bundlesOf } from './bundles.ts';
import { openOffers } from './offers.ts';
import { settling } from './settling.ts';

/** Longest pause between two looks; changes are seen sooner, by the watch. */
const LOOK_EVERY_MS = 30_000;
/** Pause before another look at what another agent is at. */
const ELSEWHERE_MS = 1_000;

export default defineReceiver({
  type: 'files',
  summary:
    'Bills in folders: CSV, NDJSON and Parquet, compressed or not, with the provider manifests beside them.',
  stability: 'beta',
  config: {
    paths: {
      doc: 'Files, folders (everything below) and globs that are watched.',
      format: 'paths',
    },
    exclude: { doc: 'Globs of files that are left alone.', format: 'list', default: [] },
    mapping: {
      doc: 'Mapping of every file, or `auto`: found by its columns.',
      format: 'text',
      default: 'auto',
    },
    scope: {
      doc: 'What a new version replaces: the same file, or everything in the same folder. Manifests say it themselves.',
      format: 'choice',
      values: ['file', 'folder'],
      default: 'file',
    },
    settle: {
      doc: 'A file is read once it has not changed for this long.',
      format: 'duration',
      default: '2s',
    },
  },

  async probe({ config }) {
    const seen = await listFiles(await filePatterns(config.paths, config.exclude));
    const { scope } = config;
    const { bundles, incomplete, outshone } = await bundlesOf(seen, {
      scope,
      isSettled: () => true,
    });
    return {
      source: `${seen.length} files in ${config.paths.join(', ')}`,
      bills: bundles.map(({ scope, parts, manifest }) => ({
        scope,
        revision: manifest?.revision ?? 'by content',
        files: parts.length,
        bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
      })),
      problems: [
        ...incomplete.map(
          ({ manifest, missing }) => `${manifest} names ${missing}, which is not there`,
        ),
        ...outshone.map(
          ({ manifest, by }) =>
            `${manifest} is left out: the export of ${by} has the same name; configure a receiver for each`,
        ),
      ],
    };
  },

  async *receive({ config, clock, folder, log, once, signal, sharing, room }) {
    const patterns = await filePatterns(config.paths, config.exclude);
    const { scope, mapping } = config;
    const offers = await openOffers({ folder, mapping, scope, log });
    const settled = settling(config.settle);
    const say = speaker(log, { once, paths: config.paths });
    const watch = once ? undefined : watchFolders(patterns.roots, signal);
    try {
      while (!signal.aborted) {
        const look = await sharing?.look();
        const seen = await listFiles(patterns);
        const isSettled = settled(seen, clock.now());
        const found = await bundlesOf(seen, { scope, isSettled });
        say(seen.length, found);
        for (const bundle of found.bundles) {
          await room();
          yield* offers.of(bundle, { signal, look });
          if (signal.aborted) return;
        }
        const { elsewhere } = await offers.end();
        if (elsewhere > 0) await clock.sleep(ELSEWHERE_MS, signal);
        else if (found.settling.length > 0)
          await clock.sleep(Math.max(20, Math.min(config.settle, 1_000)), signal);
        else if (watch === undefined) return;
        else await watch.changed(LOOK_EVERY_MS);
      }
    } finally {
      await watch?.close();
    }
  },
});

/** Tells what is waited for or left alone; each thing once. */
function speaker(
  log: Logger,
  { once, paths }: { readonly once: boolean; readonly paths: readonly string[] },
): (files: number, found: Bundles) => void {
  const told = new Set<string>();
  const tell = (key: string, how: () => void): void => {
    if (told.has(key)) return;
    told.add(key);
    how();
  };
  return (files, { incomplete, unnamed, outshone, settling: writing }) => {
    if (files === 0) tell('none', () => log.warn('no file to read yet', { paths }));
    else told.delete('none');
    for (const { manifest, missing } of incomplete)
      tell(`${manifest}\n${missing}`, () =>
        once
          ? log.warn('bill left out, its manifest names a file that is not there', {
              manifest,
              missing,
            })
          : log.info('bill waited for, its manifest names a file that is not there yet', {
              manifest,
              missing,
            }),
      );
    for (const { manifest, by } of outshone)
      tell(`${manifest}\n${by}`, () =>
        log.warn('bill left out, another export has its name; configure a receiver for each', {
          manifest,
          by,
        }),
      );
    for (const path of unnamed)
      tell(path, () =>
        log.warn('file left alone, the manifest of its folder does not name it', { path }),
      );
    for (const path of writing)
      tell(path, () => log.debug('file is still being written, it is waited for', { path }));
  };
}
