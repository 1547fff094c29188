import { Misconfigured } from '../../../pipelines/plugin/index.ts';
import type { Settings } from './settings.ts';

/** AWS credentials; `expiration` where they are for a time. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

/** Answers credentials that are good now; `renew` asks for others than those that were refused. */
export type CredentialSource = (options?: { readonly renew: boolean }) => Promise<Credentials>;

/** Credentials are renewed this long before they expire. */
const EARLY_MS = 5 * 60_000;

/**
 * Credentials as the settings say, by the providers of the AWS SDK (loaded at the first call). Throws `Misconfigured` when there are none:
 * nothing changes by waiting.
 */
export function credentialSource(
  { credentials, region }: Pick<Settings, 'credentials' | 'region'>,
  { path, now }: { readonly path: string; readonly now: () => number },
): CredentialSource {
  if ((credentials.access_key_id === undefined) !== (credentials.secret_access_key === undefined))
    throw new Misconfigured('an access key needs access_key_id and secret_access_key', {
      path: `${path}.credentials`,
    });
  let kept: Credentials | undefined;
  return async ({ renew } = { renew: false }) => {
    const isGood = (kept?.expiration?.getTime() ?? Number.POSITIVE_INFINITY) - EARLY_MS > now();
    if (kept !== undefined && isGood && !renew) return kept;
    kept = await provided(credentials, region).catch((cause: unknown) => {
      throw new Misconfigured(
        `no AWS credentials: ${cause instanceof Error ? cause.message : String(cause)}`,
        {
          path: `${path}.credentials`,
          hint: 'give the agent a role (IRSA, Pod Identity, instance profile), a profile, or an access key',
          cause,
        },
      );
    });
    return kept;
  };
}

async function provided(
  credentials: Settings['credentials'],
  region: string,
): Promise<Credentials> {
  const { fromNodeProviderChain, fromTemporaryCredentials } = await import(
    '@aws-sdk/credential-providers'
  );
  const { access_key_id: accessKeyId, secret_access_key: secretAccessKey, profile } = credentials;
  const own =
    accessKeyId !== undefined && secretAccessKey !== undefined
      ? async () => ({ accessKeyId, secretAccessKey })
      : fromNodeProviderChain({ ...(profile !== undefined && { profile }) });
  if (credentials.role_arn === undefined) return await own();
  return await fromTemporaryCredentials({
    masterCredentials: own,
    clientConfig: { region },
    params: {
      RoleArn: credentials.role_arn,
      RoleSessionName: 'focusd',
      ...(credentials.external_id !== undefined && { ExternalId: credentials.external_id }),
    },
  })();
}
