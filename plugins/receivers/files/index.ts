import { dirname, join } from 'node:path';
import { defineReceiver } from '../../../pipelines/plugin/contract.ts';
import { filePatterns, listFiles, watchFolders } from '../../kit/watch.ts';
import { bundlesOf } from './bundles.ts';
import { hashCache } from './hashes.ts';

/** Longest pause between two looks; changes are seen sooner, by the watch. */
const LOOK_EVERY_MS = 30_000;

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

  async *receive({ config, clock, folder, log, once, signal }) {
    const patterns = await filePatterns(config.paths, config.exclude);
    const hashes = await hashCache(join(folder, 'hashes.json'));
    const watch = once ? undefined : watchFolders(patterns.roots, signal);
    const offered = new Map<string, string>();
    try {
      while (!signal.aborted) {
        const seen = await listFiles(patterns);
        const { bundles, waiting } = await bundlesOf(seen, {
          scope: config.scope,
          settledBefore: clock.now() - config.settle,
        });
        if (seen.length === 0) log.warn('no file to read yet', { paths: config.paths });
        for (const { scope, parts, revision } of bundles) {
          const version = revision ?? (await hashes.of(parts, signal));
          if (offered.get(scope) === version) continue;
          yield {
            scope,
            revision: version,
            mode: 'snapshot' as const,
            mapping: config.mapping,
            cursor: '',
            parts: parts.map(({ path, bytes, modifiedMs }) => ({ path, bytes, modifiedMs })),
          };
          offered.set(scope, version);
          if (signal.aborted) return;
        }
        await hashes.save();
        if (once && waiting.length === 0) return;
        if (waiting.length > 0)
          log.debug('waiting for files that are still being written', {
            files: waiting.slice(0, 5),
            folders: [...new Set(waiting.map(dirname))].slice(0, 5),
          });
        if (waiting.length > 0 || watch === undefined)
          await clock.sleep(Math.max(20, Math.min(config.settle, 1_000)), signal);
        else await watch.changed(LOOK_EVERY_MS);
      }
    } finally {
      await watch?.close();
    }
  },
});
