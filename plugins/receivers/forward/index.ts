import { join } from 'node:path';
import {
  defineReceiver,
  type Opened,
  type ReceiverContext,
} from '../../../pipelines/plugin/index.ts';
import type { Listener } from '../../kit/intake/listener.ts';
import { listenForOtlp } from '../../kit/otlp-intake/index.ts';
import { checkSettings, type Settings, settings } from './settings.ts';
import { speakers } from './speakers.ts';
import { ForwardStore } from './store/index.ts';
import { takeLogs } from './take-logs.ts';

export default defineReceiver({
  type: 'forward',
  summary: 'Charges that other agents forward by OTLP: their deliveries, whole or not at all.',
  stability: 'beta',
  config: settings,

  async *receive(context) {
    checkSettings(context.config, `receivers.${context.id}`);
    const { store } = await openCentral(context);
    const { clock, config, once, signal, room } = context;
    while (!signal.aborted) {
      await room();
      yield* store.deliveries();
      if (once) return;
      await clock.sleep(config.deliver_every, signal);
    }
  },
});

const NAME = 'central';

/** Listens as long as the instance runs, whatever becomes of a single attempt to deliver. */
async function openCentral(context: ReceiverContext<Settings>): Promise<Central> {
  const open = context.lasting.get(NAME);
  if (open instanceof Central) return open;
  const { clock, config, folder, log } = context;
  const store = new ForwardStore({
    folder: join(folder, 'deliveries'),
    clock,
    log,
    maxBytes: config.spool_size,
    incompleteMs: config.keep_incomplete,
    rememberMs: config.remember,
  });
  try {
    const central = new Central(store, await listen(context, store));
    context.lasting.hold(NAME, central);
    return central;
  } catch (error) {
    store.close();
    throw error;
  }
}

async function listen(
  { config, log, id, once, meter }: ReceiverContext<Settings>,
  store: ForwardStore,
): Promise<readonly Listener[]> {
  const records = meter.createCounter('focusd.forward.records', { unit: '{record}' });
  meter
    .createObservableGauge('focusd.forward.waiting', { unit: '{delivery}' })
    .addCallback((result) => result.observe(store.waiting().deliveries));
  if (once) return [];
  const take = takeLogs({
    store,
    count(count, result) {
      if (count > 0) records.add(count, { result });
    },
    log,
    maxBody: config.max_body,
    speaks: speakers(config.tls),
  });
  return await listenForOtlp(config, { signal: 'logs', take, log, path: `receivers.${id}` });
}

class Central implements Opened {
  readonly store: ForwardStore;
  readonly #listeners: readonly Listener[];

  constructor(store: ForwardStore, listeners: readonly Listener[]) {
    this.store = store;
    this.#listeners = listeners;
  }

  async close(): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.close()));
    this.store.close();
  }
}
