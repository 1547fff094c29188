import { type HttpStream, Unavailable } from '../../../pipelines/plugin/index.ts';
import { collected, PATIENCE_MS } from '../../kit/objects/rest.ts';
import type { ObjectStore, StoredObject } from '../../kit/objects/store.ts';
import { answerOf, type Hints, json, problem, type World } from './answers.ts';
import { objectOf } from './rows.ts';

/** A bucket, and where it is asked for. */
export interface Bucket {
  readonly name: string;
  /** Base URL, `https://storage.googleapis.com`. */
  readonly endpoint: string;
}

const HINTS: Hints = {
  forbidden: ['bucket', 'grant the account roles/storage.objectViewer on the bucket'],
  accessDenied: ['bucket', 'grant the account roles/storage.objectViewer on the bucket'],
  notFound: ['bucket', 'there is no such bucket: "gcloud storage ls" shows those there are'],
};

const MAX_REFUSAL = 1024 * 1024;

/** A bucket by the JSON API of Cloud Storage; an object's generation is its etag. Source: reference of objects.list and objects.get. */
export function gcsStore(world: World, bucket: Bucket): ObjectStore {
  const base = `${bucket.endpoint.replace(/\/+$/, '')}/storage/v1/b/${encodeURIComponent(bucket.name)}/o`;

  /** An object's bytes; undefined when it is gone or of another generation. */
  async function media(
    key: string,
    { query, range, signal = world.signal, maxBytes }: Media,
  ): Promise<HttpStream | undefined> {
    const stream = await world.http.stream({
      url: `${base}/${encodeURIComponent(key)}?${new URLSearchParams({ alt: 'media', ...query })}`,
      signal,
      timeoutMs: PATIENCE_MS,
      // As it is stored: the service would unpack what was stored packed.
      headers: { ...(await world.tokens.headers()), 'accept-encoding': 'gzip', ...range },
      ...(maxBytes !== undefined && { maxBytes }),
    });
    const { status, headers } = stream;
    if (status === 200 || status === 206) return stream;
    const refusal = await collected(stream.body, MAX_REFUSAL);
    if (status === 404 || status === 412 || status === 416) return undefined;
    if (status === 401) {
      world.tokens.forget();
      throw new Unavailable(`${key}: Google refused the token, a new one is asked for`);
    }
    throw problem({
      ...{ clock: world.clock, path: world.path, status, hints: HINTS },
      body: json(refusal) ?? {},
      retryAfter: headers['retry-after'],
    });
  }

  return {
    async *list(prefix) {
      for (let pageToken: string | undefined; ; ) {
        const query = new URLSearchParams({
          ...(prefix !== '' && { prefix }),
          ...(pageToken !== undefined && { pageToken }),
        });
        const { items, nextPageToken } = await answerOf(world, {
          url: `${base}?${query}`,
          hints: HINTS,
        });
        for (const item of Array.isArray(items) ? items : []) yield storedObject(item);
        if (typeof nextPageToken !== 'string' || nextPageToken === '') return;
        pageToken = nextPageToken;
      }
    },
    async read(key, maxBytes) {
      const stream = await media(key, { maxBytes });
      if (stream === undefined) return undefined;
      const bytes = await collected(stream.body, maxBytes);
      return { bytes, etag: stream.headers['x-goog-generation'] ?? '' };
    },
    async open({ key, etag }, { from, signal }) {
      const range = from > 0 ? { range: `bytes=${from}-` } : {};
      const stream = await media(key, { query: { ifGenerationMatch: etag }, range, signal });
      if (stream === undefined) return undefined;
      const generation = stream.headers['x-goog-generation'] ?? etag;
      if (generation !== etag) return undefined;
      if (from > 0 && stream.status !== 206)
        throw new Unavailable(`${key}: Cloud Storage did not go on at byte ${from}`);
      return stream.body;
    },
  };
}

interface Media {
  readonly query?: Readonly<Record<string, string>>;
  readonly range?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  readonly maxBytes?: number;
}

function storedObject(item: unknown): StoredObject {
  const { name, size, generation, updated } = objectOf(item);
  if (typeof name !== 'string' || typeof generation !== 'string')
    throw new Unavailable('Cloud Storage listed an object without a name or generation');
  return {
    key: name,
    bytes: Number(size),
    etag: generation,
    modifiedMs: Date.parse(String(updated)),
  };
}
