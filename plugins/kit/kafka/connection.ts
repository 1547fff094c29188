import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { BaseOptions } from '@platformatic/kafka';
import { errorMessage, Misconfigured } from '../../../pipelines/plugin/index.ts';
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
  const brokers = brokersOf(config, path);
  return {
    clientId: 'focusd',
    bootstrapBrokers: brokers.map(({ host, port }) => ({ host, port })),
    connectTimeout: CONNECT_WITHIN_MS,
    timeout: CONNECT_WITHIN_MS,
    retries: RETRIES,
    retryDelay: RETRY_DELAY_MS,
    autocreateTopics: false,
    ...(await saslOptions(config, path)),
    ...(usesTls(config) && {
      tls: await tlsOptions(config, path),
      // An address is no name that TLS could be told.
      tlsServerName: config.tls.server_name ?? brokers.some(({ host }) => isIP(host) === 0),
    }),
  };
}

async function saslOptions(
  { sasl }: KafkaConfig,
  path: string,
): Promise<Pick<BaseOptions, 'sasl'>> {
  const { mechanism, username, password = '', token_file: file } = sasl;
  if (file !== undefined) {
    const token = () => tokenIn(file, `${path}.sasl.token_file`);
    await token();
    return { sasl: { mechanism: 'OAUTHBEARER', token } };
  }
  if (username === undefined) return {};
  return { sasl: { mechanism: MECHANISMS[mechanism], username, password } };
}

/** Tokens are short-lived: whoever issues them writes the file anew. */
async function tokenIn(file: string, path: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    const hint = 'have a token written there before the agent starts';
    throw new Misconfigured(`${file} cannot be read: ${errorMessage(cause)}`, {
      path,
      hint,
      cause,
    });
  });
  const token = text.trim();
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new Misconfigured(`${file} holds no token`, { path, hint: 'it is one line of ASCII' });
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
