import {
  type ConfigOf,
  type Context,
  Misconfigured,
  type Schema,
  type Tls,
} from '../../../pipelines/plugin/index.ts';
import { metricSettings } from '../../kit/metric-settings.ts';
import type { Backoff } from '../../kit/retry.ts';
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
  tls: {
    ca: {
      doc: 'PEM file of the authority that signed the server certificate. Default: those of the system.',
      format: 'path',
      default: null,
    },
    cert: { doc: 'PEM file of the client certificate (mTLS).', format: 'path', default: null },
    key: { doc: 'PEM file of the key of the client certificate.', format: 'path', default: null },
    server_name: {
      doc: 'Name that the server certificate is for, when it is not the host of the endpoint.',
      format: 'text',
      default: null,
    },
    insecure_skip_verify: {
      doc: 'Accept any server certificate. Only for trying things out.',
      format: 'flag',
      default: false,
    },
  },
  retry: {
    initial_interval: {
      doc: 'Pause before the second attempt; it grows by half each time.',
      format: 'duration',
      default: '1s',
      min: '1ms',
    },
    max_interval: { doc: 'Longest pause between attempts.', format: 'duration', default: '30s' },
    max_elapsed_time: {
      doc: 'After this long the backend counts as down: charges wait on disk (`storage.max_queue`) and everything else goes on; 0: tries for ever, and holds up its pipelines.',
      format: 'duration',
      default: '15s',
    },
  },
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

/** How often and how long to try; a run that is to end does not try for ever. */
export function backoffOf({ config, once }: Pick<Context<Settings>, 'config' | 'once'>): Backoff {
  const { initial_interval, max_interval, max_elapsed_time } = config.retry;
  return {
    initialMs: initial_interval,
    maxMs: max_interval,
    maxElapsedMs: max_elapsed_time === 0 && once ? ONCE_ELAPSED_MS : max_elapsed_time,
  };
}

const ONCE_ELAPSED_MS = 15_000;
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

function tlsOf(tls: Settings['tls']): Tls | undefined {
  const set: Tls = {
    ...(tls.ca !== undefined && { ca: tls.ca }),
    ...(tls.cert !== undefined && { cert: tls.cert }),
    ...(tls.key !== undefined && { key: tls.key }),
    ...(tls.server_name !== undefined && { serverName: tls.server_name }),
    ...(tls.insecure_skip_verify && { insecureSkipVerify: true }),
  };
  return Object.keys(set).length === 0 ? undefined : set;
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}
