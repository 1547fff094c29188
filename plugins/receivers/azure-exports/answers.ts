import { Misconfigured, Unavailable } from '../../../pipelines/plugin/index.ts';
import { parseXml, xmlText } from '../../kit/objects/xml.ts';
import { retryAfterMs } from '../../kit/retry.ts';
import type { Settings } from './settings.ts';

/** What Blob storage answered instead of what was asked for. */
export interface Refusal {
  readonly status: number;
  /** `BlobNotFound`, `ServerBusy`, … */
  readonly code: string;
  readonly message: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Where a refusal came up. */
export interface Asked {
  /** `receivers.<id>` */
  readonly path: string;
  readonly settings: Pick<Settings, 'container' | 'credentials'>;
  /** `list` or the name of a blob. */
  readonly action: string;
  readonly nowMs: number;
}

/** Clocks may differ by this much. */
const SKEW_MS = 15 * 60_000;

/** Reads an error of Blob storage: `<Error><Code>…</Code><Message>…</Message></Error>`, and the code in a header. */
export function refusalOf(
  {
    status,
    headers,
  }: { readonly status: number; readonly headers: Readonly<Record<string, string>> },
  body: string,
): Refusal {
  const error = parseXml(body);
  return {
    status,
    headers,
    code: headers['x-ms-error-code'] ?? xmlText(error, 'Error', 'Code') ?? '',
    message: (xmlText(error, 'Error', 'Message') ?? '').split('\n')[0] ?? '',
  };
}

/** The error of a refusal: what the operator can mend, and how; anything else is tried again. Source: Blob service error codes. */
export function refused(refusal: Refusal, asked: Asked): Misconfigured | Unavailable {
  const { status, code, message, headers } = refusal;
  const { container } = asked.settings;
  const what = `Blob storage refused ${asked.action} in ${container.replace(/\?.*/s, '')}`;
  const said = `${what}: HTTP ${status} ${code} ${message}`.trim();
  const remedy = remedyOf(refusal, asked);
  if (remedy !== undefined)
    return new Misconfigured(said, { path: `${asked.path}.${remedy[0]}`, hint: remedy[1] });
  const retryAfter = retryAfterMs(headers['retry-after'], asked.nowMs);
  return new Unavailable(said, retryAfter === undefined ? {} : { retryAfter });
}

/** The setting that is concerned, and what to do. */
function remedyOf(
  refusal: Refusal,
  asked: Asked,
): readonly [setting: string, hint: string] | undefined {
  const { status, code, message } = refusal;
  const isUnknown =
    code === 'AuthenticationFailed' || /failed to authenticate|time frame/i.test(message);
  if (isUnknown || code === 'InvalidAuthenticationInfo') return unauthenticated(refusal, asked);
  return (
    REMEDIES[code] ??
    (status === 401 || status === 403 ? unauthenticated(refusal, asked) : undefined)
  );
}

const ROLE = 'Storage Blob Data Reader';
const REMEDIES: Readonly<Record<string, readonly [string, string]>> = {
  AuthorizationPermissionMismatch: [
    'credentials',
    `give the identity the role "${ROLE}" on the container (it takes up to 10 minutes to hold); a SAS needs the permissions read and list`,
  ],
  AuthorizationFailure: [
    'container',
    `the firewall of the storage account keeps this machine out, or the identity lacks the role "${ROLE}": allow its network or a private endpoint`,
  ],
  KeyBasedAuthenticationNotPermitted: [
    'credentials.kind',
    'the storage account allows no keys: use managed-identity, workload-identity or client-secret',
  ],
  InsufficientAccountPermissions: [
    'credentials',
    'the SAS needs the permissions read and list on the container',
  ],
  AuthorizationProtocolMismatch: ['container', 'the SAS allows only https: write https:'],
  AuthorizationSourceIPMismatch: [
    'credentials.sas',
    'the SAS does not allow the address of this machine',
  ],
  AccountIsDisabled: ['container', 'the storage account is disabled'],
  ContainerNotFound: ['container', 'there is no such container; look for a misspelling'],
  ResourceNotFound: ['container', 'there is no such account or container; look for a misspelling'],
  InvalidResourceName: [
    'container',
    'write the URL of a container: https://account.blob.core.windows.net/container',
  ],
  InvalidUri: [
    'container',
    'write the URL of a container: https://account.blob.core.windows.net/container',
  ],
};

/** Credentials that the store does not believe: mostly for the time. */
function unauthenticated(
  { headers }: Refusal,
  { settings: { credentials }, nowMs }: Asked,
): readonly [string, string] {
  const theirs = Date.parse(headers.date ?? '');
  if (Math.abs(theirs - nowMs) > SKEW_MS)
    return [
      'credentials',
      'the clock of this machine is wrong by more than 15 minutes; synchronise it',
    ];
  if (credentials.kind === 'sas') {
    const end = new URLSearchParams((credentials.sas ?? '').replace(/^\?/, '')).get('se');
    return end !== null && Date.parse(end) <= nowMs
      ? ['credentials.sas', `the SAS expired at ${end}: issue another one with read and list`]
      : [
          'credentials.sas',
          'the SAS is not valid for this container, not yet valid, or its key was renewed',
        ];
  }
  if (credentials.kind === 'shared-key')
    return ['credentials.account_key', 'the key does not belong to the account, or was renewed'];
  return [
    'credentials',
    `the account does not know the identity: it must belong to the tenant of the account and have the role "${ROLE}"`,
  ];
}
