import type { Http } from '../../../pipelines/plugin/index.ts';
import { createPolledApi, type PolledApi } from '../../kit/polled-api.ts';

/** Whom to ask, as whom. */
export interface ApiOptions {
  readonly http: Http;
  readonly api: string;
  readonly token: string;
  readonly signal: AbortSignal;
  /** Milliseconds since 1970, for limits that say when they end. */
  readonly now: () => number;
}

/** GitHub's REST API. */
export type Api = PolledApi;

const VERSION = '2022-11-28';

/** A client of it; throws as `createPolledApi` says. */
export function createApi({ http, api, token, signal, now }: ApiOptions): Api {
  return createPolledApi({
    http,
    base: api,
    signal,
    now,
    headers: {
      accept: 'application/vnd.github+json',
      authorization: `Bearer ${token}`,
      'x-github-api-version': VERSION,
    },
    limit: { remaining: 'x-ratelimit-remaining', reset: 'x-ratelimit-reset' },
  });
}
