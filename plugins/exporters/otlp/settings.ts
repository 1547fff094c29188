import {
  type ConfigOf,
  Misconfigured,
  type Schema,
  type Tls,
} from '../../../pipelines/plugin/index.ts';
import { metricSettings } from '../../kit/metric-settings.ts';
import { RETRY_SETTINGS } from '../../kit/retry-settings.ts';
import { TLS_SETTINGS, tlsOf } from '../../kit/tls-settings.ts';
import { BACKEND_NAMES } from './backend-profiles.ts';

/** Settings of the otlp exporter. */
export const settings = {
  endpoint: {
    doc: 'Where the backend listens. Default: http://localhost:4317 (grpc), http://localhost:4318 (http/protobuf).',
    format: 'url',
    default: null,
  },
  protocol: {
    doc: 'How records travel.',
    format: 'choice',
    values: ['grpc', 'http/protobuf'],
    default: 'grpc',
  },
  backend_profile: {
    doc: 'What the backend takes, so that nothing is refused: how totals are sent, how old a log record may be, how large a request.',
    format: 'choice',
    values: BACKEND_NAMES,
    default: 'generic',
  },
  agent: {
    doc: 'Name of this agent at the other one (backend_profile focusd). Agents that read the same bills in turn share one. Default: an id of its own, kept in its storage.',
    format: 'text',
    default: null,
  },
  compression: {
    doc: 'How records are compressed; zstd needs http/protobuf (its metrics travel as gzip).',
    format: 'choice',
    values: ['gzip', 'zstd', 'none'],
    default: 'gzip',
  },
  headers: {
    doc: 'Headers of every request, for example an API key.',
    format: 'secrets',
    default: {},
  },
  timeout: {
    doc: 'Longest time for one attempt.',
    format: 'duration',
    default: '30s',
    min: '1ms',
  },
  tls: TLS_SETTINGS,
  retry: RETRY_SETTINGS,
  logs: {
    enabled: { doc: 'Send each charge as a log record.', format: 'flag', default: true },
    max_batch_bytes: {
      doc: 'Largest request before compression. gRPC servers commonly refuse more than 4 MiB.',
      format: 'bytes',
      default: '3.5MiB',
      min: '64KiB',
    },
    max_age: {
      doc: 'Older charges carry the time at which they were read, as backends refuse old log records. Default: what the backend takes; generic: any age.',
      format: 'duration',
      default: null,
    },
    max_in_flight: {
      doc: 'Requests under way at a time.',
      format: 'int',
      default: 4,
      min: 1,
      max: 64,
    },
    restatement: {
      doc: 'What is sent of a restated bill. totals: all of its charges again; rows: those that are new, and corrections of those that vanished.',
      format: 'choice',
      values: ['totals', 'rows'],
      default: 'totals',
    },
  },
  metrics: {
    enabled: { doc: 'Send totals as metrics.', format: 'flag', default: true },
    interval: { doc: 'How often totals are sent.', format: 'duration', default: '60s', min: '1s' },
    ...metricSettings,
    event_time: {
      enabled: {
        doc: 'Send what charge days have come to as points of these days, too (finops.charge_day.cost), for backends that take points of the past.',
        format: 'flag',
        default: false,
      },
      days: {
        doc: 'Charge days that are sent so, counted back from today.',
        format: 'int',
        default: 35,
        min: 1,
        max: 36600,
      },
      max_age: {
        doc: 'Oldest point that is sent; what is older stays unsent. Default: what the backend takes; generic: any age.',
        format: 'duration',
        default: null,
      },
    },
    resource: {
      doc: 'Resource attributes of the metrics.',
      format: 'map',
      default: { 'service.name': 'focusd' },
    },
  },
} as const satisfies Schema;

/** The checked settings. */
export type Settings = ConfigOf<typeof settings>;

/** How to reach a backend. */
export interface Connection {
  readonly protocol: 'grpc' | 'http/protobuf';
  /** Without a trailing slash. */
  readonly endpoint: string;
  readonly compression: 'gzip' | 'zstd' | 'none';
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly tls: Tls | undefined;
}

/** The part of the settings that says where to and how; `path` names the component in errors. */
export function connectionOf(
  config: Pick<Settings, 'protocol' | 'compression' | 'headers' | 'timeout' | 'tls'> & {
    readonly endpoint: string | undefined;
  },
  path: string,
): Connection {
  const { protocol, compression } = config;
  if (protocol === 'grpc' && compression === 'zstd') {
    throw new Misconfigured('gRPC backends do not commonly take zstd', {
      path: `${path}.compression`,
      hint: 'use gzip, or protocol: http/protobuf',
    });
  }
  return {
    protocol,
    compression,
    endpoint: endpointOf(config, path),
    headers: lowerCased(config.headers),
    timeoutMs: config.timeout,
    tls: tlsOf(config.tls),
  };
}

const DEFAULT_ENDPOINTS = {
  grpc: 'http://localhost:4317',
  'http/protobuf': 'http://localhost:4318',
} as const;

function endpointOf(
  {
    protocol,
    endpoint,
  }: { readonly protocol: Connection['protocol']; readonly endpoint: string | undefined },
  path: string,
): string {
  const url = new URL(endpoint ?? DEFAULT_ENDPOINTS[protocol]);
  if (protocol === 'grpc' && url.pathname !== '/') {
    throw new Misconfigured('a gRPC endpoint has no path', {
      path: `${path}.endpoint`,
      hint: `${url.origin}, or protocol: http/protobuf`,
    });
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}
