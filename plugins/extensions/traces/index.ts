import {
  type Context,
  defineExtension,
  errorName,
  type Opened,
} from '../../../pipelines/plugin/index.ts';
import { createByteBudget } from '../../kit/intake/byte-budget.ts';
import type { Listener } from '../../kit/intake/listener.ts';
import { listenForGrpc } from './grpc-intake.ts';
import { type IntakeListenerOptions, listenForHttp } from './http-intake.ts';
import { keysOf, SERVICE_ATTRIBUTES, SPAN_KEY_ATTRIBUTES, serviceOf } from './identity.ts';
import { createIntake, type Take } from './intake.ts';
import { keysSetting, limitsOf, requestsSetting, type Settings, settings } from './settings.ts';
import { createSpanReader } from './span-reader.ts';
import { openStore } from './store.ts';
import { createTraceIndex, type TraceIndex } from './trace-index.ts';

export default defineExtension({
  type: 'traces',
  summary: 'Takes OTLP traces in and remembers which services ran on which resource in which hour.',
  stability: 'beta',
  config: settings,

  async open(context): Promise<Opened> {
    const path = `extensions.${context.id}`;
    const keys = keysSetting(context.config, path);
    const requests = requestsSetting(context.config, path);
    const index = openIndex(context, keys);
    const stop = new AbortController();
    try {
      const listeners = await listen(context, intakeOf(context, { index, keys, requests }));
      const flushing = keepFlushing(context, index, stop.signal);
      return {
        async close() {
          stop.abort();
          await Promise.all(listeners.map((listener) => listener.close()));
          await flushing;
          index.close(context.clock.now());
        },
      };
    } catch (error) {
      index.close(context.clock.now());
      throw error;
    }
  },
});

function openIndex(
  { config, folder, clock, log, meter, id }: Context<Settings>,
  keys: ReadonlySet<string>,
): TraceIndex {
  const evicted = meter.createCounter('focusd.traces.evicted', { unit: '{cell}' });
  const dropped = meter.createCounter('focusd.traces.dropped', { unit: '{span}' });
  const store = openStore(folder, {
    nowMs: clock.now(),
    onDamaged: (aside, reason) =>
      log.error('damaged trace index set aside, a new one begins', {
        component: id,
        aside,
        reason,
      }),
  });
  const index = createTraceIndex({
    store,
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

async function listen(context: Context<Settings>, take: Take): Promise<readonly Listener[]> {
  const { config, log, id, once } = context;
  const path = `extensions.${id}`;
  const budget = createByteBudget(config.max_in_flight);
  const optionsOf = (protocol: 'http' | 'grpc'): IntakeListenerOptions => ({
    endpoint: config[protocol].endpoint,
    cert: config.tls.cert,
    key: config.tls.key,
    maxBody: config.max_body,
    maxConnections: config.max_connections,
    budget,
    path: `${path}.${protocol}`,
    log,
    take,
    token: config.token,
  });
  const open: Listener[] = [];
  try {
    if (!once && config.http.endpoint !== 'off') open.push(await listenForHttp(optionsOf('http')));
    if (!once && config.grpc.endpoint !== 'off') open.push(await listenForGrpc(optionsOf('grpc')));
    return open;
  } catch (error) {
    await Promise.all(open.map((listener) => listener.close()));
    throw error;
  }
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
      const reason = error instanceof Error ? error.message : String(error);
      log.error('the trace index cannot be written', {
        component: id,
        reason,
        error: errorName(error),
      });
    }
  }
}
