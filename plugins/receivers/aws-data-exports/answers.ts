import { Misconfigured, Unavailable } from '../../../pipelines/plugin/index.ts';
import { parseXml, xmlText } from '../../kit/objects/xml.ts';

/** What S3 answered instead of what was asked for. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  /** Region that the bucket lies in, where S3 says so. */
  readonly region: string | undefined;
  readonly retryAfterMs: number | undefined;
}

/** Reads an error of S3: `<Error><Code>…</Code><Message>…</Message></Error>`. */
export function refusalOf(
  {
    status,
    headers,
  }: { readonly status: number; readonly headers: Readonly<Record<string, string>> },
  body: string,
  retryAfterMs: number | undefined,
): Refusal {
  const error = parseXml(body);
  return {
    status,
    code: xmlText(error, 'Error', 'Code') ?? '',
    message: xmlText(error, 'Error', 'Message') ?? '',
    region: headers['x-amz-bucket-region'] ?? xmlText(error, 'Error', 'Region'),
    retryAfterMs,
  };
}

/** Credentials that were good once: others are asked for. */
export function isExpired({ code }: Refusal): boolean {
  return code === 'ExpiredToken' || code === 'TokenRefreshRequired' || code === 'InvalidToken';
}

/** Where a refusal came up. */
export interface Asked {
  /** `receivers.aws-data-exports/name` */
  readonly path: string;
  readonly bucket: string;
  /** Action of IAM that was needed. */
  readonly action: 's3:ListBucket' | 's3:GetObject';
  /** ARN that it was needed on. */
  readonly resource: string;
}

/** The error of a refusal: what the operator can mend, and how; anything else is tried again. Source: S3 API reference, error responses. */
export function refused(refusal: Refusal, asked: Asked): Misconfigured | Unavailable {
  const { status, code, message, retryAfterMs } = refusal;
  const what =
    `S3 refused ${asked.action} on ${asked.resource}: HTTP ${status} ${code} ${message}`.trim();
  const remedy = remedyOf(refusal, asked);
  if (remedy !== undefined) return new Misconfigured(what, remedy);
  return new Unavailable(what, { ...(retryAfterMs !== undefined && { retryAfter: retryAfterMs }) });
}

function remedyOf(
  { code, message, region, status }: Refusal,
  { path, bucket, action, resource }: Asked,
): { readonly path: string; readonly hint: string } | undefined {
  if (region !== undefined && REDIRECTS.has(code))
    return { path: `${path}.region`, hint: `the bucket lies in ${region}: set region: ${region}` };
  switch (code) {
    case 'NoSuchBucket':
      return {
        path: `${path}.bucket`,
        hint: `there is no bucket ${bucket}; look for a misspelling`,
      };
    case 'AccessDenied':
    case 'AllAccessDisabled':
      return {
        path: `${path}.credentials`,
        hint: /kms/i.test(message) ? KMS : policy(action, resource),
      };
    case 'KMS.DisabledException':
    case 'KMS.KMSInvalidStateException':
      return { path: `${path}.bucket`, hint: 'the KMS key of the objects is disabled; enable it' };
    case 'InvalidAccessKeyId':
    case 'SignatureDoesNotMatch':
      return {
        path: `${path}.credentials`,
        hint: 'the access key or its secret is wrong or deleted',
      };
    case 'RequestTimeTooSkewed':
      return {
        path,
        hint: 'the clock of this machine is wrong by more than 15 minutes; synchronise it',
      };
    default:
      return status === 403
        ? { path: `${path}.credentials`, hint: policy(action, resource) }
        : undefined;
  }
}

const REDIRECTS: ReadonlySet<string> = new Set([
  'PermanentRedirect',
  'TemporaryRedirect',
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
]);

const KMS =
  'the objects are encrypted with a KMS key: allow kms:Decrypt on it, in the policy of the role and of the key';

function policy(action: string, resource: string): string {
  const statement = { Effect: 'Allow', Action: action, Resource: resource };
  return `add to the policy of the role or user: ${JSON.stringify(statement)}; for a bucket set to requester pays also set request_payer: true`;
}
