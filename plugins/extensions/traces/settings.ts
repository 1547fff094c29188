import { type ConfigOf, Misconfigured, type Schema } from '../../../pipelines/plugin/index.ts';
import { OTLP_INTAKE_SETTINGS, OTLP_TLS_SETTINGS } from '../../kit/otlp-intake/settings.ts';
import { DEFAULT_KEYS, KEY_ATTRIBUTES } from './identity.ts';
import { REQUEST_PARTS } from './sampling.ts';
import type { IndexLimits } from './trace-index.ts';

/** Settings of the extension. */
export const settings = {
  http: {
    endpoint: {
      doc: 'Where it listens for OTLP/HTTP (POST /v1/traces); off: it does not.',
      format: 'text',
      default: '127.0.0.1:4328',
    },
  },
  grpc: {
    endpoint: {
      doc: 'Where it listens for OTLP/gRPC; off: it does not.',
      format: 'text',
      default: '127.0.0.1:4327',
    },
  },
  tls: OTLP_TLS_SETTINGS,
  ...OTLP_INTAKE_SETTINGS,
  keys: {
    doc: `Attributes by which resources are known: of ${KEY_ATTRIBUTES.join(', ')}.`,
    format: 'list',
    default: DEFAULT_KEYS,
  },
  usage_attribute: {
    doc: 'Numeric span attribute that says what a span used; services that share a resource pay by it.',
    format: 'text',
    default: null,
  },
  sampling_ratio: {
    doc: 'Part of the traces that arrive, where their tracestate does not say it: 0.1 makes ten of each.',
    format: 'text',
    default: '1',
  },
  samples: {
    doc: 'Spans that are shown of one resource and hour.',
    format: 'int',
    default: 5,
    min: 1,
    max: 100,
  },
  keep_samples: {
    doc: 'How long spans are remembered one by one: bills may be as late.',
    format: 'duration',
    default: '72h',
    min: '1h',
    max: '31d',
  },
  keep_totals: {
    doc: 'How long totals of resource, hour and service are remembered: bills may be restated as late.',
    format: 'duration',
    default: '35d',
    min: '1h',
    max: '400d',
  },
  max_size: {
    doc: 'Most bytes of the index on disk; over it the oldest hours are forgotten.',
    format: 'bytes',
    default: '256MiB',
    min: '1MiB',
  },
  max_resources: {
    doc: 'Most resources that are told apart; further ones are not linked.',
    format: 'int',
    default: 20_000,
    min: 10,
    max: 1_000_000,
  },
  idle: {
    doc: 'Time in which a resource did nothing: separate (not linked), owner (of its service, where it has only one) or spread (over its services).',
    format: 'choice',
    values: ['separate', 'owner', 'spread'],
    default: 'separate',
  },
  concurrency: {
    doc: 'Requests at a time with which a resource is full: with fewer a part of it is idle.',
    format: 'int',
    default: 1,
    min: 1,
    max: 100_000,
  },
  max_window: {
    doc: 'Charges of a longer period are not linked.',
    format: 'duration',
    default: '25h',
    min: '1m',
    max: '7d',
  },
  max_windows: {
    doc: 'Most resources × charge periods of one file of a bill that are linked.',
    format: 'int',
    default: 300_000,
    min: 1,
    max: 5_000_000,
  },
  events: {
    doc: 'Send links as finops.link events to the exporters that take OTLP logs.',
    format: 'flag',
    default: true,
  },
  exemplars: {
    doc: 'Spans shown with each point of finops.cost.linked, the dearest; 0: none.',
    format: 'int',
    default: 3,
    min: 0,
    max: 10,
  },
  daily_days: {
    doc: 'Charge days shown as metrics, counted back from today.',
    format: 'int',
    default: 35,
    min: 1,
    max: 400,
  },
  max_series: {
    doc: 'Most series of one metric; the smallest beyond it are summed up in otel.metric.overflow=true.',
    format: 'int',
    default: 2000,
    min: 10,
  },
  flush_every: {
    doc: 'What is only in memory is written this often; a crash loses no more.',
    format: 'duration',
    default: '5s',
    min: '100ms',
    max: '5m',
  },
} as const satisfies Schema;

/** The checked settings. */
export type Settings = ConfigOf<typeof settings>;

const HOUR_MS = 3_600_000;
const MOST_SERVICES = 10_000;

/** What bounds the index. */
export function limitsOf(config: Settings): IndexLimits {
  const sampleHours = Math.ceil(config.keep_samples / HOUR_MS);
  return {
    sampleHours,
    totalHours: Math.max(sampleHours, Math.ceil(config.keep_totals / HOUR_MS)),
    maxBytes: config.max_size,
    maxResources: config.max_resources,
    maxServices: Math.min(MOST_SERVICES, config.max_resources),
    samples: config.samples,
  };
}

/** The attributes that are keys. Throws `Misconfigured` when one is unknown. */
export function keysSetting({ keys }: Settings, path: string): ReadonlySet<string> {
  const known: readonly string[] = KEY_ATTRIBUTES;
  const unknown = keys.filter((key) => !known.includes(key));
  if (unknown.length > 0)
    throw new Misconfigured(`no attribute by which resources are known: ${unknown.join(', ')}`, {
      path: `${path}.keys`,
      hint: `there are ${known.join(', ')}`,
    });
  return new Set(keys);
}

/** What a span stands for, in parts of a request. Throws `Misconfigured` when the ratio is none. */
export function requestsSetting({ sampling_ratio: text }: Settings, path: string): number {
  const ratio = Number(text);
  if (!(ratio >= 1e-6 && ratio <= 1))
    throw new Misconfigured(`not a ratio: ${text}`, {
      path: `${path}.sampling_ratio`,
      hint: 'write a number over 0, and at most 1',
    });
  return Math.round(REQUEST_PARTS / ratio);
}
