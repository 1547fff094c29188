import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { errorMessage, Misconfigured, type Tls } from '../../pipelines/plugin/index.ts';

/** What `node:tls`, `node:http2` and undici want. */
export interface TlsOptions {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  readonly rejectUnauthorized: boolean;
}

/** Reads the PEM files of a TLS setting; `Misconfigured` names the setting that does not fit. */
export async function readTls(tls: Tls = {}, path = 'tls'): Promise<TlsOptions> {
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    throw new Misconfigured('a client certificate needs both cert and key', {
      path: `${path}.${tls.cert === undefined ? 'cert' : 'key'}`,
    });
  }
  const [ca, cert, key] = await Promise.all([
    pem(tls.ca, `${path}.ca`),
    pem(tls.cert, `${path}.cert`),
    pem(tls.key, `${path}.key`),
  ]);
  const files = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
  fits(files, path);
  return {
    ...files,
    ...(tls.serverName && { servername: tls.serverName }),
    rejectUnauthorized: tls.insecureSkipVerify !== true,
  };
}

async function pem(file: string | undefined, path: string): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const text = await readFile(file, 'utf8').catch((cause: Error) => {
    throw new Misconfigured(`cannot read ${file}: ${cause.message}`, { path, cause });
  });
  if (!text.includes('-----BEGIN ')) {
    throw new Misconfigured(`not a PEM file: ${file}`, {
      path,
      hint: 'convert DER or PKCS #12 files with openssl',
    });
  }
  return text;
}

function fits(files: { ca?: string; cert?: string; key?: string }, path: string): void {
  try {
    createSecureContext(files);
  } catch (cause) {
    const reason = errorMessage(cause);
    throw new Misconfigured(`the certificate, its key or the authority cannot be used: ${reason}`, {
      path,
      cause,
    });
  }
}
