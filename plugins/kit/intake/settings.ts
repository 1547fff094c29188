/** Settings of what is kept until it is delivered. */
export const SPOOL_SETTINGS = {
  seal_every: {
    doc: 'Pushed records are delivered this often.',
    format: 'duration',
    default: '5s',
    min: '100ms',
    max: '1h',
  },
  spool_size: {
    doc: 'Most bytes on disk that are not delivered yet; over it senders get 503.',
    format: 'bytes',
    default: '256MiB',
    min: '64KiB',
  },
  remember: {
    doc: 'A record that comes again within this time counts once.',
    format: 'duration',
    default: '24h',
    min: '1m',
  },
  remember_ids: {
    doc: 'Most ids that are remembered for it.',
    format: 'int',
    default: 200_000,
    min: 1_000,
  },
} as const;

/** Settings that every receiver has that listens for pushed records. */
export const INTAKE_SETTINGS = {
  endpoint: {
    doc: 'Where it listens for pushed records.',
    format: 'text',
    default: '127.0.0.1:9180',
  },
  tls: {
    cert: { doc: 'PEM file with the certificate of the listener.', format: 'path', default: null },
    key: { doc: 'PEM file with its private key.', format: 'path', default: null },
  },
  max_body: {
    doc: 'Larger requests are refused with 413.',
    format: 'bytes',
    default: '1MiB',
    min: '1KiB',
    max: '25MiB',
  },
  max_connections: {
    doc: 'Most connections at a time.',
    format: 'int',
    default: 256,
    min: 1,
    max: 65_536,
  },
  ...SPOOL_SETTINGS,
} as const;

/** The checked values of them. */
export interface SpoolConfig {
  readonly seal_every: number;
  readonly spool_size: number;
  readonly remember: number;
  readonly remember_ids: number;
}

/** The checked values of them. */
export interface IntakeConfig extends SpoolConfig {
  readonly endpoint: string;
  /** Where records are posted to: each receiver has a default of its own. */
  readonly path: string;
  readonly tls: { readonly cert: string | undefined; readonly key: string | undefined };
  readonly max_body: number;
  readonly max_connections: number;
  /** Bytes of requests in memory at a time; absent: as many as the connections bring. */
  readonly max_in_flight?: number;
}
