import {
  type Advice,
  type ConfigOf,
  Misconfigured,
  type Schema,
} from '../../../pipelines/plugin/index.ts';
import { type Endpoint, isLoopback, parseEndpoint } from '../endpoint.ts';
import { TLS_SETTINGS, tlsOf } from '../tls-settings.ts';

/** Settings of a connection to Kafka. */
export const KAFKA_SETTINGS = {
  brokers: {
    doc: 'Brokers to ask for the others, any is enough: `host:9092`.',
    format: 'list',
    default: ['127.0.0.1:9092'],
  },
  sasl: {
    mechanism: {
      doc: 'How the agent proves who it is.',
      format: 'choice',
      values: ['plain', 'scram-sha-256', 'scram-sha-512'],
      default: 'plain',
    },
    username: {
      doc: 'Name of the user; without it there is no SASL.',
      format: 'text',
      default: null,
    },
    password: { doc: 'Its password.', format: 'secret', default: null },
    token_file: {
      doc: 'File with an OAuth 2.0 token, read anew each time the agent proves who it is: OAUTHBEARER, in place of a user and `mechanism`.',
      format: 'path',
      default: null,
    },
  },
  tls: {
    enabled: {
      doc: 'Encrypt, and verify the brokers; on as soon as another setting of TLS is there.',
      format: 'flag',
      default: false,
    },
    ...TLS_SETTINGS,
  },
} as const satisfies Schema;

/** The checked values of them. */
export type KafkaConfig = ConfigOf<typeof KAFKA_SETTINGS>;

/** The brokers; throws `Misconfigured` when one is none or the settings contradict each other. `path` names the component. */
export function brokersOf({ brokers, sasl }: KafkaConfig, path: string): readonly Endpoint[] {
  if ((sasl.username === undefined) !== (sasl.password === undefined))
    throw new Misconfigured('a user needs a password, and a password a user', {
      path: `${path}.sasl.${sasl.username === undefined ? 'username' : 'password'}`,
    });
  if (sasl.token_file !== undefined && sasl.username !== undefined)
    throw new Misconfigured('a token takes the place of a user', {
      path: `${path}.sasl.token_file`,
      hint: 'leave out sasl.username and sasl.password, or this',
    });
  if (brokers.length === 0)
    throw new Misconfigured('no broker is named', {
      path: `${path}.brokers`,
      hint: 'write host:9092',
    });
  return brokers.map((broker) => parseEndpoint(broker, `${path}.brokers`));
}

/** Whether connections are encrypted. */
export function usesTls({ tls }: KafkaConfig): boolean {
  return tls.enabled || tlsOf(tls) !== undefined;
}

/** Warns of what others on the way could read. */
export function adviseKafka(config: KafkaConfig): readonly Advice[] {
  const { password, token_file } = config.sasl;
  if ((password === undefined && token_file === undefined) || usesTls(config)) return [];
  if (config.brokers.every((broker) => isLoopback(broker.replace(/:\d+$/, '')))) return [];
  return [
    {
      path: 'tls.enabled',
      problem:
        'is off: the password, a proof of it, or the token goes to the brokers for anybody on the way to read',
      hint: 'set it to true',
    },
  ];
}
