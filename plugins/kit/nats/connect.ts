import { readFile } from 'node:fs/promises';
import type { ConnectionOptions, NatsConnection } from '@nats-io/transport-node';
import { errorMessage, Misconfigured } from '../../../pipelines/plugin/index.ts';
import { readTls } from '../tls.ts';
import { tlsOf } from '../tls-settings.ts';
import { withNats } from './errors.ts';
import { checkNats, insistsOnTls, type NatsConfig } from './settings.ts';

/** A connection to a server of NATS. It is not made again when it is lost: whoever has it asks for another. */
export type { NatsConnection } from '@nats-io/transport-node';

/** How long a connection may take to come about. */
const CONNECT_WITHIN_MS = 10_000;

/** Connects to one of the servers. Throws `Misconfigured` or `Unavailable`; `path` names the component. */
export async function connectNats(config: NatsConfig, path: string): Promise<NatsConnection> {
  checkNats(config, path);
  const { connect } = await import('@nats-io/transport-node');
  const options: ConnectionOptions = {
    servers: [...config.servers],
    name: `focusd ${path}`,
    reconnect: false,
    timeout: CONNECT_WITHIN_MS,
    noAsyncTraces: true,
    ...(await authentication(config, path)),
    ...(insistsOnTls(config) && { tls: await tlsOptions(config, path) }),
  };
  return await withNats(path, () => connect(options));
}

async function authentication(
  { credentials, nkey, user, password, token }: NatsConfig,
  path: string,
): Promise<ConnectionOptions> {
  const { credsAuthenticator, nkeyAuthenticator } = await import('@nats-io/transport-node');
  if (token !== undefined) return { token };
  if (user !== undefined) return { user, pass: password ?? '' };
  const wrong = (name: string, cause: unknown) => {
    const reason = errorMessage(cause);
    return new Misconfigured(`cannot be used: ${reason}`, { path: `${path}.${name}`, cause });
  };
  try {
    if (nkey !== undefined) {
      const authenticator = nkeyAuthenticator(new TextEncoder().encode(nkey.trim()));
      authenticator('tried');
      return { authenticator };
    }
  } catch (cause) {
    throw wrong('nkey', cause);
  }
  try {
    if (credentials !== undefined) {
      const authenticator = credsAuthenticator(await readFile(credentials));
      authenticator('tried');
      return { authenticator };
    }
  } catch (cause) {
    throw wrong('credentials', cause);
  }
  return {};
}

/** What `node:tls` is given; the client of NATS passes on more than its type says. */
async function tlsOptions({ tls }: NatsConfig, path: string): Promise<object> {
  const { ca, cert, key, servername, rejectUnauthorized } = await readTls(
    tlsOf(tls),
    `${path}.tls`,
  );
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(servername !== undefined && { servername }),
    rejectUnauthorized,
  };
}
