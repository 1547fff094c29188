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
import { type Refusal, refusalOf, refused } from './answers.ts';
import type { Authorize } from './credentials.ts';
import type { Settings } from './settings.ts';

/** A container, and how it is reached. */
export interface Container {
  readonly settings: Pick<Settings, 'container' | 'credentials'>;
  readonly authorize: Authorize;
  /** `receivers.<id>`, for errors. */
  readonly path: string;
  readonly http: Http;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** A page of a listing has at most 5,000 blobs. */
const MAX_PAGE = 64 * 1024 * 1024;
const VERSION = '2023-11-03';

/** A Blob container by its REST API. Source: Blob service REST API, List Blobs and Get Blob. */
export function blobStore(container: Container): ObjectStore {
  return {
    async *list(prefix) {
      for (let marker: string | undefined; ; ) {
        const { objects, next } = await page(container, { prefix, marker });
        yield* objects.filter(({ key }) => !leadsOut(key));
        if (next === undefined) return;
        marker = next;
      }
    },
    async read(key, maxBytes) {
      const stream = await get(container, { key, maxBytes });
      if (stream === undefined) return undefined;
      return { bytes: await collected(stream.body), etag: bare(stream.headers.etag ?? '') };
    },
    async open({ key, etag }, { from, signal }) {
      const range = from > 0 ? { range: `bytes=${from}-` } : {};
      const headers = { 'if-match': `"${etag}"`, ...range };
      const stream = await get(container, { key, headers, signal });
      return stream === undefined ? undefined : bodyFrom(stream, from);
    },
  };
}

async function page(
  container: Container,
  { prefix, marker }: { readonly prefix: string; readonly marker: string | undefined },
): Promise<{ readonly objects: readonly StoredObject[]; readonly next: string | undefined }> {
  const url = urlOf(container, '');
  const query = {
    restype: 'container',
    comp: 'list',
    ...(prefix !== '' && { prefix }),
    ...(marker !== undefined && { marker }),
  };
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  const answer = await ask(container, { url, maxBytes: MAX_PAGE });
  if (answer.stream === undefined) throw errorOf(container, answer.refusal, 'list');
  const tree = parseXml(await collectedText(answer.stream.body));
  const result = xmlAll(tree, 'EnumerationResults')[0];
  return {
    objects: xmlAll(xmlAll(result, 'Blobs')[0], 'Blob').map(storedObject),
    next: xmlText(result, 'NextMarker') || undefined,
  };
}

function storedObject(entry: XmlNode): StoredObject {
  return {
    key: xmlText(entry, 'Name') ?? '',
    bytes: Number(xmlText(entry, 'Properties', 'Content-Length')),
    etag: bare(xmlText(entry, 'Properties', 'Etag') ?? ''),
    modifiedMs: Date.parse(xmlText(entry, 'Properties', 'Last-Modified') ?? ''),
  };
}

/** Listings show it without the quotes that it has in headers. */
function bare(etag: string): string {
  return etag.replaceAll('"', '');
}

/** A blob; undefined when it is gone or not what `if-match` says. */
async function get(
  container: Container,
  { key, ...request }: Omit<Request, 'url'> & { readonly key: string },
): Promise<HttpStream | undefined> {
  const answer = await ask(container, { url: urlOf(container, key), ...request });
  if (answer.stream !== undefined) return answer.stream;
  const { status, code } = answer.refusal;
  if (code === 'BlobNotFound' || status === 412 || status === 416) return undefined;
  throw errorOf(container, answer.refusal, key);
}

function errorOf({ path, settings, clock }: Container, refusal: Refusal, action: string): Error {
  return refused(refusal, { path, settings, action, nowMs: clock.now() });
}

/** Sends a request; once more with a new token when the old one is no longer taken. */
async function ask(container: Container, request: Request): Promise<Answer<Refusal>> {
  const answer = await askOnce(container, request, false);
  return answer.refusal?.status === 401 ? await askOnce(container, request, true) : answer;
}

async function askOnce(
  container: Container,
  request: Request,
  renew: boolean,
): Promise<Answer<Refusal>> {
  const { http, clock, authorize } = container;
  const { maxBytes, signal = container.signal } = request;
  const date = new Date(clock.now()).toUTCString();
  const { url, headers } = await authorize(
    {
      url: request.url,
      headers: { ...request.headers, 'x-ms-date': date, 'x-ms-version': VERSION },
    },
    { renew },
  );
  const stream = await http.stream({
    url: url.href,
    headers,
    timeoutMs: PATIENCE_MS,
    signal,
    ...(maxBytes !== undefined && { maxBytes }),
  });
  if (stream.status === 200 || stream.status === 206) return { stream };
  return { refusal: refusalOf(stream, await collectedText(stream.body)) };
}

function urlOf({ settings }: Container, key: string): URL {
  const base = settings.container.replace(/\/+$/, '');
  return new URL(key === '' ? base : `${base}/${key.split('/').map(encodeURIComponent).join('/')}`);
}
