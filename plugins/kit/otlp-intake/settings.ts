/** The certificate of both listeners. */
export const OTLP_TLS_SETTINGS = {
  cert: { doc: 'PEM file with the certificate of both.', format: 'path', default: null },
  key: { doc: 'PEM file with its private key.', format: 'path', default: null },
} as const;

/** Settings that all have which take OTLP in. */
export const OTLP_INTAKE_SETTINGS = {
  token: {
    doc: 'Senders must show it as `authorization: Bearer …`.',
    format: 'secret',
    default: null,
  },
  max_body: {
    doc: 'Larger requests are refused, before and after they are inflated.',
    format: 'bytes',
    default: '8MiB',
    min: '1KiB',
    max: '64MiB',
  },
  max_in_flight: {
    doc: 'Bytes of requests in memory at a time; over it senders are asked to come again.',
    format: 'bytes',
    default: '64MiB',
    min: '1MiB',
  },
  max_connections: {
    doc: 'Most connections at a time, of each protocol.',
    format: 'int',
    default: 256,
    min: 1,
    max: 65_536,
  },
} as const;
