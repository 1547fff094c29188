import {
  type Clock,
  type Http,
  type HttpStream,
  Unavailable,
} from '../../../pipelines/plugin/index.ts';
import { objectAt, parseObject, textAt } from '../../kit/json.ts';
import {
  type Answer,
  bodyFrom,
  collected,
  leadsOut,
  PATIENCE_MS,
  type Request,
} from '../../kit/objects/rest.ts';
import type { ObjectStore, StoredObject } from '../../kit/objects/store.ts';
import { type Refusal, refusalOf, refused } from './answers.ts';
import type { Identity } from './credentials.ts';
import { signedHeaders } from './signed.ts';

/** A bucket, and how it is reached. */
export interface Bucket {
  readonly namespace: string;
  /** Base URL; undefined: the one of the region. */
  readonly endpoint: string | undefined;
  /** Who asks; `renew`: the last answer was refused. */
  readonly identity: (options: { readonly renew: boolean }) => Promise<Identity>;
  /** `receivers.<id>`, for errors. */
  readonly path: string;
  readonly http: Http;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** A page of a listing has at most 1,000 objects. */
const MAX_PAGE = 8 * 1024 * 1024;
const FIELDS = 'name,etag,size,timeCreated';

/** The bucket of a tenancy by the REST API of OCI Object Storage. Source: its reference, ListObjects and GetObject. */
export function ociStore(bucket: Bucket): ObjectStore {
  return {
    async *list(prefix) {
      for (let start: string | undefined; ; ) {
        const { objects, next } = await page(bucket, { prefix, start });
        yield* objects.filter(({ key }) => !leadsOut(key));
        if (next === undefined) return;
        if (next === start) throw new Unavailable(`the listing does not go on after ${next}`);
        start = next;
      }
    },
    async read(key, maxBytes) {
      const stream = await get(bucket, { key, maxBytes });
      if (stream === undefined) return undefined;
      return { bytes: await collected(stream.body), etag: stream.headers.etag ?? '' };
    },
    async open({ key, etag }, { from, signal }) {
      const range = from > 0 ? { range: `bytes=${from}-` } : {};
      const stream = await get(bucket, { key, headers: { 'if-match': etag, ...range }, signal });
      return stream === undefined ? undefined : bodyFrom(stream, from);
    },
  };
}

async function page(
  bucket: Bucket,
  { prefix, start }: { readonly prefix: string; readonly start: string | undefined },
): Promise<{ readonly objects: readonly StoredObject[]; readonly next: string | undefined }> {
  const query = { fields: FIELDS, prefix, ...(start !== undefined && { start }) };
  const answer = await ask(bucket, { path: `?${queryOf(query)}`, maxBytes: MAX_PAGE });
  if (answer.stream === undefined) throw await errorOf(bucket, answer.refusal, 'list');
  const listing = parseObject(await collected(answer.stream.body));
  if (!Array.isArray(listing?.objects))
    throw new Unavailable('Object Storage answered no listing of objects');
  return { objects: listing.objects.map(storedObject), next: textAt(listing.nextStartWith) };
}

function storedObject(entry: unknown): StoredObject {
  const { name, etag, size, timeCreated } = objectAt(entry) ?? {};
  const modifiedMs = Date.parse(textAt(timeCreated) ?? '');
  if (typeof name !== 'string' || typeof etag !== 'string' || !Number.isSafeInteger(size))
    throw new Unavailable('Object Storage listed an object without a name, etag or size');
  return { key: name, etag, bytes: Number(size), modifiedMs };
}

/** An object; undefined when it is gone or not what `if-match` says. */
async function get(
  bucket: Bucket,
  { key, ...request }: Omit<Request, 'url'> & { readonly key: string },
): Promise<HttpStream | undefined> {
  const path = `/${key.split('/').map(encodeURIComponent).join('/')}`;
  const answer = await ask(bucket, { path, ...request });
  if (answer.stream !== undefined) return answer.stream;
  const { status, code } = answer.refusal;
  if (code === 'ObjectNotFound' || status === 412 || status === 416) return undefined;
  throw await errorOf(bucket, answer.refusal, key);
}

type Path = Omit<Request, 'url'> & { readonly path: string };

/** Sends a signed request; once more with the key as it is now when it was not known. */
async function ask(bucket: Bucket, request: Path): Promise<Answer<Refusal>> {
  const answer = await askOnce(bucket, request, false);
  return answer.refusal?.status === 401 ? await askOnce(bucket, request, true) : answer;
}

async function askOnce(bucket: Bucket, request: Path, renew: boolean): Promise<Answer<Refusal>> {
  const { http, clock, namespace, identity } = bucket;
  const { path, headers, maxBytes, signal = bucket.signal } = request;
  const { signer, tenancy, region } = await identity({ renew });
  const base = bucket.endpoint?.replace(/\/+$/, '') ?? regional(region);
  const place = `/n/${encodeURIComponent(namespace)}/b/${encodeURIComponent(tenancy)}/o`;
  const url = new URL(`${base}${place}${path}`);
  const date = new Date(clock.now()).toUTCString();
  const stream = await http.stream({
    url: url.href,
    headers: { ...headers, ...signedHeaders(url, { signer, date }) },
    timeoutMs: PATIENCE_MS,
    signal,
    ...(maxBytes !== undefined && { maxBytes }),
  });
  if (stream.status === 200 || stream.status === 206) return { stream };
  return { refusal: refusalOf(stream, await collected(stream.body, MAX_PAGE)) };
}

async function errorOf(bucket: Bucket, refusal: Refusal, action: string): Promise<Error> {
  const { tenancy } = await bucket.identity({ renew: false });
  const { path, clock, namespace } = bucket;
  return refused(refusal, { path, action, bucket: `${namespace}/${tenancy}`, nowMs: clock.now() });
}

function regional(region: string): string {
  return `https://objectstorage.${encodeURIComponent(region)}.oraclecloud.com`;
}

/** Blanks as `%20`: what is signed is what is sent. */
function queryOf(query: Readonly<Record<string, string>>): string {
  return Object.entries(query)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join('&');
}
