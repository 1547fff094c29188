import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { errorMessage, Misconfigured } from '../../../pipelines/plugin/index.ts';
import { type Profile, profileIn, profileNames } from './profile.ts';
import type { Settings } from './settings.ts';
import type { Signer } from './signed.ts';

/** Who asks, and for what. */
export interface Identity {
  readonly signer: Signer;
  readonly tenancy: string;
  readonly region: string;
  /** When it has to be renewed, milliseconds; absent: it lasts. */
  readonly renewAtMs?: number;
}

type Asked = Pick<Settings, 'credentials' | 'tenancy' | 'region'>;

/**
 * The API key that the settings name, from a profile of the configuration file or from the settings themselves. Throws `Misconfigured` with
 * what is missing or does not fit together; `path` is `receivers.<id>`.
 */
export async function identityOf(settings: Asked, path: string): Promise<Identity> {
  const { credentials } = settings;
  const isOwn = credentials.user !== undefined || credentials.fingerprint !== undefined;
  const profile = isOwn ? {} : await profileOf(credentials, path);
  const wanted = (name: 'user' | 'fingerprint', at = `credentials.${name}`): string =>
    credentials[name] ?? profile[name] ?? missing(name, { at, isOwn, credentials, path });
  const place = (name: 'tenancy' | 'region'): string =>
    settings[name] ?? profile[name] ?? missing(name, { at: name, isOwn, credentials, path });
  const fingerprint = wanted('fingerprint');
  const key = await keyOf({ credentials, profile, path });
  checkFingerprint(key, { fingerprint, path });
  const tenancy = place('tenancy');
  const keyTenancy = profile.tenancy ?? tenancy;
  const keyId = `${keyTenancy}/${wanted('user')}/${fingerprint}`;
  return { signer: { keyId, key }, tenancy, region: place('region') };
}

async function profileOf(
  { config_file, profile: name }: Asked['credentials'],
  path: string,
): Promise<Profile> {
  const file = config_file ?? join(homedir(), '.oci', 'config');
  const at = `${path}.credentials`;
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Misconfigured(`the OCI configuration cannot be read: ${errorMessage(cause)}`, {
      path: `${at}.config_file`,
      hint: 'make one by "oci setup config", or set user, fingerprint and key_file',
      cause,
    });
  });
  const profile = profileIn(text, name);
  if (profile === undefined)
    throw new Misconfigured(`${file} has no profile ${name}`, {
      path: `${at}.profile`,
      hint: `it has: ${profileNames(text).join(', ') || 'none'}`,
    });
  if (profile.security_token_file !== undefined && profile.user === undefined)
    throw new Misconfigured(`the profile ${name} has a session token, which expires in an hour`, {
      path: `${at}.profile`,
      hint: 'use the profile of an API key, or credentials.auth: instance_principal or resource_principal',
    });
  return profile;
}

function missing(
  name: string,
  {
    at,
    isOwn,
    credentials,
    path,
  }: {
    readonly at: string;
    readonly isOwn: boolean;
    readonly credentials: Asked['credentials'];
    readonly path: string;
  },
): never {
  throw new Misconfigured(
    isOwn ? `${name} is missing` : `${name} is missing in the profile ${credentials.profile}`,
    {
      path: `${path}.${at}`,
      hint: 'an API key needs user, fingerprint, tenancy, region and a key',
    },
  );
}

async function keyOf({
  credentials,
  profile,
  path,
}: {
  readonly credentials: Asked['credentials'];
  readonly profile: Profile;
  readonly path: string;
}): Promise<KeyObject> {
  const file = credentials.key_file ?? atHome(profile.key_file);
  const at = `${path}.credentials.key_file`;
  if (credentials.private_key === undefined && file === undefined)
    throw new Misconfigured('no private key', { path: at, hint: 'set key_file or private_key' });
  try {
    const pem = credentials.private_key ?? (await readFile(file ?? '', 'utf8'));
    const passphrase = credentials.pass_phrase ?? profile.pass_phrase;
    const key = createPrivateKey({ key: pem, ...(passphrase !== undefined && { passphrase }) });
    if (key.asymmetricKeyType !== 'rsa') throw new Error(`it is ${key.asymmetricKeyType}, not rsa`);
    return key;
  } catch (cause) {
    throw new Misconfigured(`the private key cannot be read: ${errorMessage(cause)}`, {
      path: at,
      hint: 'a PEM file of an RSA key; pass_phrase if it is encrypted',
      cause,
    });
  }
}

/** A wrong pair is told at once: the service would only say that it does not know who asks. */
function checkFingerprint(
  key: KeyObject,
  { fingerprint, path }: { readonly fingerprint: string; readonly path: string },
): void {
  const der = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const real = createHash('md5')
    .update(der)
    .digest('hex')
    .replaceAll(/..(?=.)/g, '$&:');
  if (real === fingerprint.toLowerCase()) return;
  throw new Misconfigured(`the private key has the fingerprint ${real}, not ${fingerprint}`, {
    path: `${path}.credentials.fingerprint`,
    hint: 'name the key file that belongs to the fingerprint',
  });
}

/** `~/.oci/key.pem` of the configuration file. */
function atHome(path: string | undefined): string | undefined {
  return path?.startsWith('~/') === true ? join(homedir(), path.slice(2)) : path;
}
