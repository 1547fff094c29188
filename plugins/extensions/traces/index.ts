import {
  type Context,
  defineExtension,
  errorMessage,
  errorName,
  type Linker,
  type Opened,
} from '../../../pipelines/plugin/index.ts';
import { listenForOtlp, type Take } from '../../kit/otlp-intake/index.ts';
import { keysOf, SERVICE_ATTRIBUTES, SPAN_KEY_ATTRIBUTES, serviceOf } from './identity.ts';
import { createIntake } from './intake.ts';
import { createLinkPoints } from './link-points.ts';
import { type LinkStore, openLinkStore } from './link-store.ts';
import { type LinkerOptions, linkableOf, linkCosts, tracesOf } from './linker.ts';
import { keysSetting, limitsOf, requestsSetting, type Settings, settings } from './settings.ts';
import { createSpanReader } from './span-reader.ts';
import { openStore } from './store.ts';
import { createTraceIndex, type TraceIndex } from './trace-index.ts';

export default defineExtension({
  type: 'traces',
  summary:
    'Takes OTLP traces in and links the cost of resources to the services and traces that caused it.',
  stability: 'beta',
  config: settings,

  async open(context): Promise<Opened> {
    const { clock } = context;
    const path = `extensions.${context.id}`;
    const keys = keysSetting(context.config, path);
    const requests = requestsSetting(context.config, path);
    const index = openIndex(context, keys);
    const stop = new AbortController();
    let links: LinkStore | undefined;
    try {
      links = openLinkStore(databaseOf(context));
      const linker = linkerOf(context, { index, links, signal: stop.signal });
      const listeners = await listen(context, intakeOf(context, { index, keys, requests }));
      const flushing = keepFlushing(context, index, stop.signal);
      return {
        linker,
        async close() {
          stop.abort();
          await Promise.all(listeners.map((listener) => listener.close()));
          await flushing;
          links?.close();
          index.close(clock.now());
        },
      };
    } catch (error) {
      links?.close();
      index.close(clock.now());
      throw error;
    }
  },
});

/** Where the extension keeps what it knows. */
function databaseOf({ folder, clock, log, id }: Context<Settings>) {
  return {
    folder,
    nowMs: clock.now(),
    onDamaged: (aside: string, reason: string) =>
      log.error('damaged file set aside, a new one begins', { component: id, aside, reason }),
  };
}

function linkerOf(
  { config, clock }: Context<Settings>,
  of: { readonly index: TraceIndex; readonly links: LinkStore; readonly signal: AbortSignal },
): Linker {
  const { sampleHours, totalHours, samples } = limitsOf(config);
  const options: LinkerOptions = {
    index: of.index,
    store: of.links,
    clock,
    signal: of.signal,
    sharing: { idle: config.idle, concurrency: config.concurrency, samples },
    bounds: { maxWindowMs: config.max_window, maxGroups: config.max_windows },
    events: config.events,
    sampleHours,
    totalHours,
    days: config.daily_days,
    exemplars: config.exemplars,
  };
  const points = createLinkPoints(of.links, {
    maxSeries: config.max_series,
    days: config.daily_days,
    exemplars: config.exemplars,
  });
  return {
    linkable: () => linkableOf(options),
    link: (delivery, costs) => linkCosts(options, delivery, costs),
    tracesOf: (resources) => tracesOf(options, resources),
    points: (pipelines, nowMs) => (of.signal.aborted ? [] : points.at(pipelines, nowMs)),
  };
}

function openIndex(context: Context<Settings>, keys: ReadonlySet<string>): TraceIndex {
  const { config, log, meter, id } = context;
  const evicted = meter.createCounter('focusd.traces.evicted', { unit: '{cell}' });
  const dropped = meter.createCounter('focusd.traces.dropped', { unit: '{span}' });
  const index = createTraceIndex({
    store: openStore(databaseOf(context)),
    limits: limitsOf(config),
    naming: { keysOf: (attributes) => keysOf(attributes, keys), serviceOf },
    events: {
      evicted(cells, reason) {
        evicted.add(cells, { reason });
        if (reason === 'size')
          log.warn('the trace index is full, its oldest hours are forgotten', {
            component: id,
            cells,
          });
      },
      dropped(spans, reason) {
        dropped.add(spans, { reason });
        log.warn('spans beyond a limit are not linked', { component: id, spans, reason });
      },
    },
  });
  const gauge = (name: 'resources' | 'bytes', unit: string): void =>
    meter
      .createObservableGauge(`focusd.traces.${name}`, { unit })
      .addCallback((result) => result.observe(index.stats()[name]));
  gauge('resources', '{resource}');
  gauge('bytes', 'By');
  return index;
}

function intakeOf(
  { config, clock, log, meter }: Context<Settings>,
  of: {
    readonly index: TraceIndex;
    readonly keys: ReadonlySet<string>;
    readonly requests: number;
  },
): Take {
  const spans = meter.createCounter('focusd.traces.spans', { unit: '{span}' });
  const reader = createSpanReader({
    resourceAttributes: [...new Set([...of.keys, ...SPAN_KEY_ATTRIBUTES, ...SERVICE_ATTRIBUTES])],
    spanAttributes: SPAN_KEY_ATTRIBUTES,
    usageAttribute: config.usage_attribute,
    requests: of.requests,
  });
  return createIntake({
    reader,
    add: (batch) => of.index.add(batch, clock.now()),
    count(count, result) {
      if (count > 0) spans.add(count, { result });
    },
    log,
    maxBody: config.max_body,
  });
}

async function listen({ config, log, id, once }: Context<Settings>, take: Take) {
  if (once) return [];
  return await listenForOtlp(config, { signal: 'traces', take, log, path: `extensions.${id}` });
}

/** Until the instance stops; what cannot be written now stays in memory for the next time. */
async function keepFlushing(
  { config, clock, log, id }: Context<Settings>,
  index: TraceIndex,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await clock.sleep(config.flush_every, signal);
      index.flush(clock.now());
    } catch (error) {
      if (signal.aborted) return;
      const reason = errorMessage(error);
      log.error('the trace index cannot be written', {
        component: id,
        reason,
        error: errorName(error),
      });
    }
  }
}
