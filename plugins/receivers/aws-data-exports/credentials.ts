import { errorMessage, Misconfigured, Unavailable } from '../../../pipelines/plugin/index.ts';
import { objectAt } from '../../kit/json.ts';
import { errorCode } from '../../kit/network-errors.ts';
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
 * Credentials as the settings say, by the providers of the AWS SDK (loaded at the first call). Requests at the same time share them.
 * Throws `Misconfigured` when there are none or a role is refused, `Unavailable` when they cannot be renewed for now.
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
  let asking: Promise<Credentials> | undefined;
  const fresh = async (renew: boolean): Promise<Credentials> => {
    try {
      return await provided(credentials, region);
    } catch (cause) {
      if (kept !== undefined && !renew && untilMs(kept) > now()) return kept;
      throw explained(cause, { path: `${path}.credentials`, hadSome: kept !== undefined });
    }
  };
  return async ({ renew } = { renew: false }) => {
    if (kept !== undefined && !renew && untilMs(kept) - EARLY_MS > now()) return kept;
    asking ??= fresh(renew).finally(() => {
      asking = undefined;
    });
    kept = await asking;
    return kept;
  };
}

function untilMs({ expiration }: Credentials): number {
  return expiration?.getTime() ?? Number.POSITIVE_INFINITY;
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

/** What a token service refuses is for the operator to mend, and so is a machine that never had credentials; anything else passes. */
function explained(
  cause: unknown,
  { path, hadSome }: { readonly path: string; readonly hadSome: boolean },
): Misconfigured | Unavailable {
  const what = `no AWS credentials: ${errorMessage(cause)}`;
  const status = statusOf(cause);
  if (status !== undefined && status >= 400 && status < 500 && status !== 429)
    return new Misconfigured(what, { path, hint: REFUSED, cause });
  if (hadSome || status !== undefined || UNANSWERED.test(errorCode(cause) ?? ''))
    return new Unavailable(what, { cause });
  return new Misconfigured(what, { path, hint: NONE, cause });
}

/** What a service answered, in an error of the SDK. */
function statusOf(cause: unknown): number | undefined {
  const { httpStatusCode: status } = objectAt(objectAt(cause)?.$metadata) ?? {};
  return typeof status === 'number' ? status : undefined;
}

/** Codes of connections that failed. */
const UNANSWERED = /^(ECONN|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EPIPE)/;
const NONE =
  'give the agent a role (IRSA, Pod Identity, instance profile), a profile, or an access key';
const REFUSED =
  'the trust policy of the role must allow sts:AssumeRole to these credentials, with the same external_id; and they must be valid themselves';
