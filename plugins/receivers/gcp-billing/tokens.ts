import { readFile } from 'node:fs/promises';
import type { AwsClientOptions, IdentityPoolClientOptions } from 'google-auth-library';
import { Misconfigured, Unavailable } from '../../../pipelines/plugin/errors.ts';
import { objectOf } from './rows.ts';

/** Says who we are: Google's Application Default Credentials. */
export interface Tokens {
  /** Headers for a request; the token in them is fresh. Throws `Misconfigured` or `Unavailable`. */
  headers(): Promise<Readonly<Record<string, string>>>;
  /** The last token was refused: the next one is asked for anew. */
  forget(): void;
}

/** What the token may be used for; what it may see is up to the roles of the account. */
const SCOPES = [
  'https://www.googleapis.com/auth/bigquery',
  'https://www.googleapis.com/auth/devstorage.read_only',
];

/** Nobody: for an emulator. */
export const ANONYMOUS: Tokens = { headers: async () => ({}), forget: () => {} };

/**
 * Tokens by google-auth-library, loaded when first needed: the file (service account key, workload identity federation), else what
 * `GOOGLE_APPLICATION_CREDENTIALS` or `gcloud auth application-default login` names, else the metadata server of the machine. `path` is that of the setting, for errors.
 */
export function googleTokens(file: string | undefined, path: string): Tokens {
  let client: Promise<Client> | undefined;
  return {
    async headers() {
      try {
        client ??= open(file);
        const headers = await (await client).getRequestHeaders();
        if (headers.has('authorization')) return Object.fromEntries(headers.entries());
        throw new Error('the credentials give no token');
      } catch (error) {
        client = undefined;
        throw explained(error, { file, path });
      }
    },
    forget() {
      client = undefined;
    },
  };
}

interface Client {
  getRequestHeaders(): Promise<Headers>;
}

/** Only these two kinds of files: others could start programs, or are meant for people. */
async function open(file: string | undefined): Promise<Client> {
  const { AwsClient, GoogleAuth, IdentityPoolClient, JWT } = await import('google-auth-library');
  if (file === undefined) return await new GoogleAuth({ scopes: SCOPES }).getClient();
  const named = objectOf(JSON.parse(await readFile(file, 'utf8')));
  if (named.type === 'service_account') {
    const [email, key] = [String(named.client_email), String(named.private_key)];
    return new JWT({ email, key, scopes: SCOPES });
  }
  if (named.type !== 'external_account')
    throw new Error(`its type is ${named.type}, not service_account or external_account`);
  const isAws = objectOf(named.credential_source).environment_id !== undefined;
  const options = { ...named, scopes: SCOPES } as FederationOptions;
  return isAws ? new AwsClient(options) : new IdentityPoolClient(options);
}

/** The library checks them when it reads them. */
type FederationOptions = AwsClientOptions & IdentityPoolClientOptions;

/** What a token service answers when it is our fault. */
const REFUSED = new Set([400, 401, 403]);

/** Errors of the library's transport carry the request as `config`; all others are about what the operator wrote. */
function explained(
  error: unknown,
  { file, path }: { readonly file: string | undefined; readonly path: string },
): Error {
  const { message, status, config } = objectOf(error);
  const reason = typeof message === 'string' ? message : String(error);
  if (config !== undefined && !REFUSED.has(Number(status)))
    return new Unavailable(`no token from Google: ${reason}`, { cause: error });
  return new Misconfigured(`no credentials for Google: ${reason}`, {
    path,
    hint:
      file === undefined
        ? 'name a file in credentials_file or GOOGLE_APPLICATION_CREDENTIALS, or run where a service account is attached'
        : `look into ${file}: a service account key or a workload identity configuration`,
    cause: error,
  });
}
