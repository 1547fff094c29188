import { Misconfigured, Unavailable } from '../../../pipelines/plugin/index.ts';
import { parseObject, textAt } from '../../kit/json.ts';
import { retryAfterMs } from '../../kit/retry.ts';

/** What Object Storage answered instead of what was asked for. */
export interface Refusal {
  readonly status: number;
  /** `BucketNotFound`, `NotAuthenticated`, … */
  readonly code: string;
  readonly message: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Reads an error of OCI: `{ "code": …, "message": … }`. */
export function refusalOf(
  {
    status,
    headers,
  }: { readonly status: number; readonly headers: Readonly<Record<string, string>> },
  body: Uint8Array,
): Refusal {
  const error = parseObject(body);
  return {
    ...{ status, headers },
    code: textAt(error?.code) ?? '',
    message: (textAt(error?.message) ?? '').slice(0, 500),
  };
}

/** Where a refusal came up. */
export interface Asked {
  /** `receivers.<id>` */
  readonly path: string;
  /** `list` or the name of an object. */
  readonly action: string;
  readonly bucket: string;
  readonly nowMs: number;
}

/** The error of a refusal: what the operator can mend, and how; anything else is tried again. Source: OCI documentation, "API Errors". */
export function refused(refusal: Refusal, asked: Asked): Misconfigured | Unavailable {
  const { status, code, message, headers } = refusal;
  const said =
    `Object Storage refused ${asked.action} in ${asked.bucket}: HTTP ${status} ${code} ${message}`.trim();
  const remedy = remedyOf(refusal, asked);
  if (remedy !== undefined)
    return new Misconfigured(said, { path: `${asked.path}.${remedy[0]}`, hint: remedy[1] });
  const retryAfter = retryAfterMs(headers['retry-after'], asked.nowMs);
  return new Unavailable(said, retryAfter === undefined ? {} : { retryAfter });
}

/** The setting that is concerned, and what to do. */
function remedyOf(
  { status, headers }: Refusal,
  { nowMs }: Asked,
): readonly [setting: string, hint: string] | undefined {
  if (status === 401) return unauthenticated(headers, nowMs);
  // A bucket that may not be seen is said not to be there.
  if (status === 403 || status === 404) return ['region', POLICY];
  return undefined;
}

/** Clocks may differ by this much. */
const SKEW_MS = 5 * 60_000;

function unauthenticated(
  headers: Refusal['headers'],
  nowMs: number,
): readonly [setting: string, hint: string] {
  const theirs = Date.parse(headers.date ?? '');
  return Math.abs(theirs - nowMs) > SKEW_MS
    ? ['credentials', 'the clock of this machine is wrong by more than 5 minutes; synchronise it']
    : [
        'credentials',
        'the key or token is not known: a key must stand among the API keys of the user, in that tenancy (a new one takes some minutes); a session token may have expired',
      ];
}

/** The tenancy that holds the reports of all. Source: OCI documentation, "Cost and Usage Reports Overview". */
const USAGE_REPORT =
  'ocid1.tenancy.oc1..aaaaaaaaned4fkpkisbwjlr56u7cj63lf3wffbilvqknstgtvzub7vhqkggq';
const POLICY = `region has to be the home region of the tenancy, and a policy in its root compartment has to say: "define tenancy usage-report as ${USAGE_REPORT}" and "endorse group GROUP to read objects in tenancy usage-report", with the group of the user (dynamic-group GROUP for an instance or resource)`;
