import { defineExtension } from '../../../pipelines/plugin/index.ts';
import { keepCurrent, readLists } from './keep-current.ts';
import { listSources } from './lists/sources.ts';
import { catalogMeters } from './meters.ts';
import { SETTINGS } from './settings.ts';
import { openCatalog } from './store/open.ts';

export default defineExtension({
  type: 'catalog',
  summary:
    'Price lists with their history: of AWS, Azure and Google, of your own, and of CI and serverless.',
  stability: 'alpha',
  config: SETTINGS,

  async open(context) {
    const { clock, folder, log, meter, once } = context;
    const sources = listSources(context);
    const database = openCatalog(folder);
    const stop = new AbortController();
    const meters = catalogMeters(meter, { database, clock });
    const signal = AbortSignal.any([context.signal, stop.signal]);
    const reading = { context, database, meters, signal };
    if (once) await readLists(sources, reading);
    const kept = once ? Promise.resolve() : keepCurrent(sources, reading);
    const ended = kept.catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      if (!signal.aborted) log.error('no more price lists are read', { reason });
    });
    return {
      async close() {
        stop.abort();
        await ended;
        meters.close();
        database.close();
      },
    };
  },
});
