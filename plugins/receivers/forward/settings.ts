import { type ConfigOf, Misconfigured, type Schema } from '../../../pipelines/plugin/index.ts';
import { isLoopback, parseEndpoint } from '../../kit/endpoint.ts';
import { OTLP_INTAKE_SETTINGS, OTLP_TLS_SETTINGS } from '../../kit/otlp-intake/settings.ts';

/** Settings of the receiver. */
export const settings = {
  http: {
    endpoint: {
      doc: 'Where it listens for OTLP/HTTP (POST /v1/logs); off: it does not.',
      format: 'text',
      default: '127.0.0.1:4338',
    },
  },
  grpc: {
    endpoint: {
      doc: 'Where it listens for OTLP/gRPC; off: it does not.',
      format: 'text',
      default: '127.0.0.1:4337',
    },
  },
  tls: {
    ...OTLP_TLS_SETTINGS,
    client_ca: {
      doc: 'PEM file of the authority that signed the certificates of the agents (mTLS): nobody else may connect.',
      format: 'path',
      default: null,
    },
    agent_name: {
      doc: 'Which names in its certificate an agent may speak by: san: DNS names, URIs and e-mail addresses of its subjectAltName; cn: its common name; any: whatever its name is.',
      format: 'choice',
      values: ['any', 'san', 'cn'],
      default: 'any',
    },
    speaks_for: {
      doc: 'Name in a certificate and the agents that it may speak for, separated by commas, where they are not that name itself; *: any. For a collector in between.',
      format: 'map',
      default: {},
    },
  },
  ...OTLP_INTAKE_SETTINGS,
  deliver_every: {
    doc: 'Longest pause until a delivery that came whole counts.',
    format: 'duration',
    default: '2s',
    min: '50ms',
    max: '1h',
  },
  spool_size: {
    doc: 'Over so many bytes of charges that do not count yet, no further delivery is begun: senders are asked to come again. Those that are begun may be finished.',
    format: 'bytes',
    default: '4GiB',
    min: '1MiB',
  },
  keep_incomplete: {
    doc: 'A delivery of which something is missing is given up after this long without news.',
    format: 'duration',
    default: '14d',
    min: '1m',
  },
  remember: {
    doc: 'Charges of deliveries that add up (pushes, hours of a cluster) count once within this time, whoever brings them.',
    format: 'duration',
    default: '35d',
    min: '1m',
  },
} as const satisfies Schema;

/** The checked settings. */
export type Settings = ConfigOf<typeof settings>;

/** Throws `Misconfigured` when anybody could send charges, or nothing could be taken. */
export function checkSettings(config: Settings, path: string): void {
  const wrong = (name: string, message: string, hint: string) =>
    new Misconfigured(message, { path: `${path}.${name}`, hint });
  for (const protocol of ['http', 'grpc'] as const) {
    const { endpoint } = config[protocol];
    if (endpoint === 'off') continue;
    const { host } = parseEndpoint(endpoint, `${path}.${protocol}.endpoint`);
    if (!isLoopback(host) && config.tls.client_ca === undefined && config.token === undefined)
      throw wrong(
        'tls.client_ca',
        `${endpoint} can be reached from other machines, and anybody there could send charges`,
        'set tls.client_ca (with cert and key) or token, or listen on 127.0.0.1',
      );
  }
  if (config.tls.agent_name !== 'any' && config.tls.client_ca === undefined)
    throw wrong(
      'tls.agent_name',
      'names in certificates say nothing when nobody has to show one',
      'set tls.client_ca (with cert and key)',
    );
  if (config.tls.agent_name === 'any' && Object.keys(config.tls.speaks_for).length > 0)
    throw wrong('tls.speaks_for', 'any agent is let in under any name', 'set tls.agent_name');
  if (config.http.endpoint === 'off' && config.grpc.endpoint === 'off')
    throw wrong('grpc.endpoint', 'it listens nowhere', 'set http.endpoint or grpc.endpoint');
  if (config.max_in_flight < config.max_body)
    throw wrong(
      'max_in_flight',
      'the largest request would not fit into it',
      'write at least what max_body says',
    );
}
