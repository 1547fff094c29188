import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Paths of PEM files: an authority, and a server and a client that it vouches for. */
export interface Certificates {
  readonly ca: string;
  readonly serverCert: string;
  readonly serverKey: string;
  readonly clientCert: string;
  readonly clientKey: string;
}

/**
 * Makes an authority and certificates for `localhost` / `127.0.0.1` in a folder. Two folders give two
 * authorities that do not know each other.
 */
export async function makeCertificates(
  folder: string,
): Promise<Certificates | { readonly skip: string }> {
  await mkdir(folder, { recursive: true });
  try {
    await authority(folder);
    const server = await certificate(folder, 'server');
    const client = await certificate(folder, 'client');
    return {
      ca: join(folder, 'ca.pem'),
      serverCert: server.cert,
      serverKey: server.key,
      clientCert: client.cert,
      clientKey: client.key,
    };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return { skip: 'openssl is not installed' };
    }
    throw error;
  }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
const USAGE = { server: 'serverAuth', client: 'clientAuth' } as const;

async function authority(folder: string): Promise<void> {
  const out = ['-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2'];
  await openssl(folder, ['req', '-x509', ...NEW_KEY, ...out, '-subj', '/CN=focusd test authority']);
}

async function certificate(folder: string, role: keyof typeof USAGE) {
  const extensions = `subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=${USAGE[role]}\n`;
  await writeFile(join(folder, `${role}.ext`), extensions);
  const request = ['-keyout', `${role}.key`, '-out', `${role}.csr`, '-subj', `/CN=${role}`];
  await openssl(folder, ['req', ...NEW_KEY, ...request]);
  const signer = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2'];
  const files = ['-in', `${role}.csr`, '-out', `${role}.pem`, '-extfile', `${role}.ext`];
  await openssl(folder, ['x509', '-req', ...signer, ...files]);
  return { cert: join(folder, `${role}.pem`), key: join(folder, `${role}.key`) };
}

async function openssl(cwd: string, args: readonly string[]): Promise<void> {
  await promisify(execFile)('openssl', args, { cwd });
}
