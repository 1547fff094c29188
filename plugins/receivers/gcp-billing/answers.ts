import type { Clock, Context, HttpRequest } from '../../../pipelines/plugin/contract.ts';
import { Misconfigured, Unavailable } from '../../../pipelines/plugin/errors.ts';
import { retryAfterMs, retrying } from '../../kit/retry.ts';
import { objectOf } from './rows.ts';
import type { Tokens } from './tokens.ts';

/** What a call needs of its world. */
export type World = Pick<Context<never>, 'http' | 'clock' | 'log' | 'signal'> & {
  readonly tokens: Tokens;
  /** `receivers.<id>`, for errors. */
  readonly path: string;
};

/** Calls that fail are tried again for this long; what they were part of need not be read anew then. */
const PATIENCE = { initialMs: 1_000, maxMs: 30_000, maxElapsedMs: 180_000 };
/** Answers are limited to some 20 MB by BigQuery. */
const MAX_BYTES = 64 * 1024 * 1024;
const TIMEOUT_MS = 90_000;

/**
 * The answer of a Google API as JSON, tried again while the other side is unavailable. Throws `Misconfigured` with what to grant or to set,
 * `Unavailable` for anything that may pass.
 */
export async function answerOf(world: World, request: Call): Promise<Answer> {
  const { clock, log, signal, tokens } = world;
  const attempt = async (): Promise<Answer> => {
    // The library has its own patience.
    const headers = await tokens.headers();
    return await retrying(() => call(world, request, headers), {
      ...PATIENCE,
      clock,
      signal,
      onRetry: ({ message }, pauseMs) =>
        log.warn('Google is asked again', { reason: message, pauseMs }),
    });
  };
  return await attempt().catch((error: unknown) => {
    if (!(error instanceof Refused)) throw error;
    tokens.forget();
    return attempt();
  });
}

/** A request, and what its refusals mean where that differs from BigQuery's. */
type Call = Pick<HttpRequest, 'url' | 'method' | 'body'> & { readonly hints?: Hints };
type Answer = Readonly<Record<string, unknown>>;

/** The token was refused; a new one may help. */
class Refused extends Misconfigured {}

async function call(
  { http, clock, signal, path }: World,
  request: Call,
  headers: Readonly<Record<string, string>>,
): Promise<Answer> {
  const { hints, ...sent } = request;
  const response = await http.request({
    ...sent,
    signal,
    maxBytes: MAX_BYTES,
    timeoutMs: TIMEOUT_MS,
    headers: {
      ...headers,
      ...(request.body !== undefined && { 'content-type': 'application/json' }),
    },
  });
  const body = json(response.body);
  if (response.status === 200 && body !== undefined) return body;
  throw problem({
    ...{ clock, hints, path },
    status: response.status,
    body: body ?? {},
    retryAfter: response.headers['retry-after'],
  });
}

/** The body as an object; undefined when it is no JSON. */
export function json(body: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    return objectOf(JSON.parse(new TextDecoder().decode(body)));
  } catch {
    return undefined;
  }
}

/** Reasons that pass by themselves. Source: BigQuery's table of error messages. */
const PASSING = new Set([
  'rateLimitExceeded',
  'quotaExceeded',
  'backendError',
  'internalError',
  'jobBackendError',
  'jobInternalError',
  'jobRateLimitExceeded',
  'tableUnavailable',
  'resourcesExceeded',
  'timeout',
]);

/** What an operator can do about the others, by reason: the setting, and what to do. */
export type Hints = Readonly<Record<string, readonly [setting: string, hint: string]>>;

const HINTS: Hints = {
  accessDenied: [
    'table',
    'grant the account roles/bigquery.dataViewer on the dataset and roles/bigquery.jobUser on the project that pays for the query',
  ],
  notFound: [
    'table',
    'look it up by "bq ls PROJECT:DATASET"; an export that was switched on today has no table yet',
  ],
  bytesBilledLimitExceeded: ['maximum_bytes_billed', 'raise maximum_bytes_billed'],
  billingNotEnabled: ['project', 'the project that pays for the query needs a billing account'],
  authError: ['credentials_file', 'the token was refused: look at the account and at the clock'],
};

/** The error that an answer stands for. */
export function problem(answer: {
  readonly clock: Clock;
  /** `receivers.<id>` */
  readonly path: string;
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly retryAfter: string | undefined;
  readonly hints?: Hints | undefined;
}): Error {
  const { status } = answer;
  const error = objectOf(answer.body.error);
  const [first] = Array.isArray(error.errors) ? error.errors : [];
  const reason = String(objectOf(first).reason ?? error.status ?? '');
  const said = `Google answered ${status}${reason === '' ? '' : ` ${reason}`}: ${String(error.message ?? 'no reason given').slice(0, 500)}`;
  if (PASSING.has(reason) || status === 408 || status === 429 || status >= 500 || status < 400) {
    const retryAfter = retryAfterMs(answer.retryAfter, answer.clock.now());
    return new Unavailable(said, retryAfter === undefined ? {} : { retryAfter });
  }
  const hints = { ...HINTS, ...answer.hints };
  const [setting, hint] = hints[reason] ?? hints[BY_STATUS[status] ?? ''] ?? ['table', undefined];
  const Problem = status === 401 ? Refused : Misconfigured;
  return new Problem(said, {
    path: `${answer.path}.${setting}`,
    ...(hint !== undefined && { hint }),
  });
}

const BY_STATUS: Readonly<Record<number, string>> = {
  401: 'authError',
  403: 'accessDenied',
  404: 'notFound',
};
