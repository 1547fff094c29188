import { isIP } from 'node:net';
import type { BaseOptions } from '@platformatic/kafka';
import { readTls } from '../tls.ts';
import { tlsOf } from '../tls-settings.ts';
import { brokersOf, type KafkaConfig, usesTls } from './settings.ts';

const MECHANISMS = {
  plain: 'PLAIN',
  'scram-sha-256': 'SCRAM-SHA-256',
  'scram-sha-512': 'SCRAM-SHA-512',
} as const;

const CONNECT_WITHIN_MS = 10_000;
/** The first of a group finds that the coordinator is still being made. */
const RETRIES = 4;
const RETRY_DELAY_MS = 500;

/** What every client of Kafka is made with. Throws `Misconfigured`; `path` names the component. */
export async function kafkaOptions(config: KafkaConfig, path: string): Promise<BaseOptions> {
  const { sasl } = config;
  const brokers = brokersOf(config, path);
  return {
    clientId: 'focusd',
    bootstrapBrokers: brokers.map(({ host, port }) => ({ host, port })),
    connectTimeout: CONNECT_WITHIN_MS,
    timeout: CONNECT_WITHIN_MS,
    retries: RETRIES,
    retryDelay: RETRY_DELAY_MS,
    autocreateTopics: false,
    ...(sasl.username !== undefined && {
      sasl: {
        mechanism: MECHANISMS[sasl.mechanism],
        username: sasl.username,
        password: sasl.password ?? '',
      },
    }),
    ...(usesTls(config) && {
      tls: await tlsOptions(config, path),
      // An address is no name that TLS could be told.
      tlsServerName: config.tls.server_name ?? brokers.some(({ host }) => isIP(host) === 0),
    }),
  };
}

async function tlsOptions({ tls }: KafkaConfig, path: string): Promise<object> {
  const { ca, cert, key, rejectUnauthorized } = await readTls(tlsOf(tls), `${path}.tls`);
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    rejectUnauthorized,
  };
}
