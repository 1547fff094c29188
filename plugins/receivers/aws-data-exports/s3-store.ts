import type { Clock, Http, HttpStream } from '../../../pipelines/plugin/index.ts';
import {
  type Answer,
  bodyFrom,
  collected,
  collectedText,
  leadsOut,
  PATIENCE_MS,
  type Request,
} from '../../kit/objects/rest.ts';
import type { ObjectStore, StoredObject } from '../../kit/objects/store.ts';
import { parseXml, type XmlNode, xmlAll, xmlText } from '../../kit/objects/xml.ts';
import { retryAfterMs } from '../../kit/retry.ts';
import { type Asked, isExpired, type Refusal, refusalOf, refused } from './answers.ts';
import type { CredentialSource } from './credentials.ts';
import type { Settings } from './settings.ts';
import { signedHeaders } from './signed.ts';

/** A bucket, and how it is reached. */
export interface Bucket {
  readonly settings: Pick<Settings, 'bucket' | 'region' | 'endpoint' | 'request_payer'>;
  readonly credentials: CredentialSource;
  /** `receivers.<id>`, for errors. */
  readonly path: string;
  readonly http: Http;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Errors are short; a page of a listing has at most 1,000 keys of at most 1,024 bytes. */
const MAX_ANSWER = 16 * 1024 * 1024;

/** An S3 bucket by its REST API. Source: Amazon S3 API reference, ListObjectsV2 and GetObject. */
export function s3Store(bucket: Bucket): ObjectStore {
  return {
    async *list(prefix) {
      for (let token: string | undefined; ; ) {
        const { objects, next } = await page(bucket, { prefix, token });
        yield* objects.filter(({ key }) => !leadsOut(key));
        if (next === undefined) return;
        token = next;
      }
    },
    async read(key, maxBytes) {
      const answer = await get(bucket, { key, maxBytes });
      if (answer.stream === undefined) return undefined;
      const bytes = await collected(answer.stream.body);
      return { bytes, etag: answer.stream.headers.etag ?? '' };
    },
    async open({ key, etag }, { from, signal }) {
      const headers = { 'if-match': etag, ...(from > 0 && { range: `bytes=${from}-` }) };
      const { stream } = await get(bucket, { key, headers, signal });
      return stream === undefined ? undefined : bodyFrom(stream, from);
    },
  };
}

async function page(
  bucket: Bucket,
  { prefix, token }: { readonly prefix: string; readonly token: string | undefined },
): Promise<{ readonly objects: readonly StoredObject[]; readonly next: string | undefined }> {
  const url = urlOf(bucket, '');
  const query = {
    'list-type': '2',
    'encoding-type': 'url',
    ...(prefix !== '' && { prefix }),
    ...(token !== undefined && { 'continuation-token': token }),
  };
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  const resource = `arn:aws:s3:::${bucket.settings.bucket}`;
  const answer = await ask(bucket, { url, maxBytes: MAX_ANSWER });
  if (answer.stream === undefined)
    throw refused(answer.refusal, { ...askedOf(bucket), action: 's3:ListBucket', resource });
  const result = xmlAll(parseXml(await collectedText(answer.stream.body)), 'ListBucketResult')[0];
  const more = xmlText(result, 'IsTruncated') === 'true';
  return {
    objects: xmlAll(result, 'Contents').map(storedObject),
    next: more ? xmlText(result, 'NextContinuationToken') : undefined,
  };
}

function storedObject(entry: XmlNode): StoredObject {
  return {
    key: decodeURIComponent((xmlText(entry, 'Key') ?? '').replaceAll('+', ' ')),
    bytes: Number(xmlText(entry, 'Size')),
    etag: xmlText(entry, 'ETag') ?? '',
    modifiedMs: Date.parse(xmlText(entry, 'LastModified') ?? ''),
  };
}

/** An object; no stream when it is gone or not what `if-match` says. */
async function get(
  bucket: Bucket,
  { key, ...request }: Omit<Request, 'url'> & { readonly key: string },
): Promise<{ readonly stream: HttpStream | undefined }> {
  const answer = await ask(bucket, { url: urlOf(bucket, key), ...request });
  if (answer.stream !== undefined) return answer;
  const { status, code } = answer.refusal;
  if (code === 'NoSuchKey' || status === 412 || status === 416) return { stream: undefined };
  const resource = `arn:aws:s3:::${bucket.settings.bucket}/${key}`;
  throw refused(answer.refusal, { ...askedOf(bucket), action: 's3:GetObject', resource });
}

/** Sends a signed request; with other credentials once more when they have expired on the way. */
async function ask(bucket: Bucket, request: Request): Promise<Answer<Refusal>> {
  const answer = await askOnce(bucket, request, false);
  if (answer.refusal === undefined || !isExpired(answer.refusal)) return answer;
  return await askOnce(bucket, request, true);
}

async function askOnce(bucket: Bucket, request: Request, renew: boolean): Promise<Answer<Refusal>> {
  const { http, clock, settings } = bucket;
  const { url, headers, maxBytes, signal = bucket.signal } = request;
  const payer = settings.request_payer ? { 'x-amz-request-payer': 'requester' } : {};
  const signed = await signedHeaders(
    { url, headers: { ...headers, ...payer } },
    {
      credentials: await bucket.credentials({ renew }),
      region: settings.region,
      nowMs: clock.now(),
    },
  );
  const stream = await http.stream({
    url: url.href,
    headers: signed,
    timeoutMs: PATIENCE_MS,
    signal,
    ...(maxBytes !== undefined && { maxBytes }),
  });
  if (stream.status === 200 || stream.status === 206) return { stream };
  const wait = retryAfterMs(stream.headers['retry-after'], clock.now());
  return { refusal: refusalOf(stream, await collectedText(stream.body), wait) };
}

function askedOf({ path, settings }: Bucket): Pick<Asked, 'path' | 'bucket'> {
  return { path, bucket: settings.bucket };
}

/** `https://bucket.s3.region.amazonaws.com/key`; the bucket is in the path where the endpoint is set or its name has dots. */
function urlOf({ settings: { bucket, region, endpoint } }: Bucket, key: string): URL {
  const path = key.split('/').map(encoded).join('/');
  if (endpoint === undefined && !bucket.includes('.'))
    return new URL(`https://${bucket}.s3.${region}.amazonaws.com/${path}`);
  const base = endpoint?.replace(/\/+$/, '') ?? `https://s3.${region}.amazonaws.com`;
  return new URL(`${base}/${encoded(bucket)}/${path}`);
}

/** As S3 signs it. */
function encoded(segment: string): string {
  return encodeURIComponent(segment).replaceAll(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
