import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { errorMessage, type Logger, Misconfigured } from '../../../pipelines/plugin/index.ts';
import { formatEndpoint, parseEndpoint } from '../endpoint.ts';
import { readTls } from '../tls.ts';

/** Where a server listens, and what its settings are called in errors: `receivers.github-actions`. */
export interface Place {
  readonly endpoint: string;
  readonly path: string;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** PEM file of the authority of client certificates: only who has one may connect. */
  readonly clientCa?: string | undefined;
  readonly log: Logger;
}

/** Has a server listen; answers where it does. Throws `Misconfigured` when it cannot. */
export async function bind(server: Server, { endpoint, path, cert, log }: Place): Promise<string> {
  server.listen(parseEndpoint(endpoint, `${path}.endpoint`));
  try {
    await once(server, 'listening');
  } catch (cause) {
    const reason = errorMessage(cause);
    throw new Misconfigured(`cannot listen on ${endpoint}: ${reason}`, {
      path: `${path}.endpoint`,
      cause,
    });
  }
  const bound = server.address() as AddressInfo;
  const address = formatEndpoint({ host: bound.address, port: bound.port });
  log.info('listens for pushed records', { address });
  if (cert === undefined && !/^(127\.|\[?::1)/.test(address))
    log.warn('listens beyond this machine without TLS', { address });
  return address;
}

/** What a TLS server needs; undefined: it is none. Throws `Misconfigured` when the files do not fit. */
export async function certificateOf({ cert, key, clientCa, path }: Place) {
  if (cert === undefined && key === undefined && clientCa === undefined) return undefined;
  if (cert === undefined && clientCa !== undefined)
    throw new Misconfigured('client certificates need TLS, and that a certificate of its own', {
      path: `${path}.tls.cert`,
      hint: 'set tls.cert and tls.key',
    });
  const files = {
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(clientCa !== undefined && { ca: clientCa }),
  };
  const { cert: certificate, key: privateKey, ca } = await readTls(files, `${path}.tls`);
  const clients = ca === undefined ? {} : { ca, requestCert: true, rejectUnauthorized: true };
  return { cert: certificate, key: privateKey, minVersion: 'TLSv1.2', ...clients } as const;
}
