import type { ConfigOf, Schema, Tls } from '../../pipelines/plugin/index.ts';

/** Settings of the TLS of a client. */
export const TLS_SETTINGS = {
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
} as const satisfies Schema;

/** What is set of them; undefined when nothing is. */
export function tlsOf(tls: ConfigOf<typeof TLS_SETTINGS>): Tls | undefined {
  const set: Tls = {
    ...(tls.ca !== undefined && { ca: tls.ca }),
    ...(tls.cert !== undefined && { cert: tls.cert }),
    ...(tls.key !== undefined && { key: tls.key }),
    ...(tls.server_name !== undefined && { serverName: tls.server_name }),
    ...(tls.insecure_skip_verify && { insecureSkipVerify: true }),
  };
  return Object.keys(set).length === 0 ? undefined : set;
}
