import { defineExtension, errorMessage } from '../../../pipelines/plugin/index.ts';
import { compareCharged } from './compare-charged.ts';
import { keepCurrent, readLists } from './keep-current.ts';
import { listSources } from './lists/sources.ts';
import { catalogMeters } from './meters.ts';
import { openPriceBook } from './price-book.ts';
import { SETTINGS } from './settings.ts';
import { BilledStore } from './store/billed.ts';
import { ChargedStore } from './store/charged.ts';
import { openCatalog } from './store/open.ts';

export default defineExtension({
  type: 'catalog',
  summary:
    'Price lists with their history (AWS, Azure, Google, your own, CI, serverless), and what bills charged for machines.',
  stability: 'alpha',
  config: SETTINGS,

  async open(context) {
    const { clock, config, folder, log, meter, once } = context;
    const sources = listSources(context);
    const database = openCatalog(folder);
    const charged = new ChargedStore(folder);
    const billed = new BilledStore(folder);
    const withinMs = config.charged_within;
    const meters = catalogMeters(meter, { database, charged, clock, withinMs });
    const stop = new AbortController();
    const signal = AbortSignal.any([context.signal, stop.signal]);
    const reading = { context, database, charged, meters, signal };
    if (once) await readLists(sources, reading);
    const kept = once ? Promise.resolve() : keepCurrent(sources, reading);
    const ended = kept.catch((error: unknown) => {
      const reason = errorMessage(error);
      if (!signal.aborted) log.error('no more price lists are read', { reason });
    });
    const comparing = compareCharged(reading);
    return {
      ...openPriceBook({ database, billed, clock, log, signal, withinMs }),
      charged: comparing.take,
      async close() {
        await comparing.idle();
        stop.abort();
        await ended;
        meters.close();
        charged.close();
        billed.close();
        database.close();
      },
    };
  },
});
