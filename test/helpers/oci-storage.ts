/** Object Storage of OCI as far as a test needs it; the interop tests hold it against Oracle's own client. */
import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';

/** The example key of draft-cavage-http-signatures, which Oracle's documentation signs its examples with. */
export const EXAMPLE_KEY = readFileSync(
  new URL(
    '../../plugins/receivers/oci-focus/testdata/reports/published-example-key.pem',
    import.meta.url,
  ),
  'utf8',
);
export const TENANCY =
  'ocid1.tenancy.oc1..aaaaaaaaba3pv6wkcr4jqae5f15p2b2m2yt2j6rx32uzr4h25vqstifsfdsq';
export const USER = 'ocid1.user.oc1..aaaaaaaat5nvwcna5j6aqzjcaty5eqbb6qt2jvpkanghtgdaqedqw3rynjq';
export const FINGERPRINT = '73:61:a2:21:67:e0:df:be:7e:4b:93:1e:15:98:a5:b7';
/** Settings that the storage accepts. */
export const CREDENTIALS = { user: USER, fingerprint: FINGERPRINT, private_key: EXAMPLE_KEY };

/** An object of the fake bucket. */
interface Stored {
  readonly content: Uint8Array;
  readonly etag: string;
  readonly created: string;
}

type Failure =
  | { readonly status: number; readonly code: string; readonly headers?: Record<string, string> }
  | 'cut';

/** A bucket that a test fills. */
export interface OciStorage {
  readonly url: string;
  readonly objects: Map<string, Stored>;
  readonly asked: { readonly path: string; readonly range: string | undefined }[];
  put(name: string, content: string | Uint8Array, created?: string): void;
  /** What comes instead of an answer; `cut`: half of an object. */
  fail: (path: string) => Failure | undefined;
  /** Keys of tokens that are taken beside the API key; undefined: the token has expired. */
  tokenKey: (token: string) => KeyObject | undefined;
}

/** Object Storage of OCI: two objects to a page, etags, ranges; whoever signs wrongly is refused. */
export async function fakeOciStorage(t: Test): Promise<OciStorage> {
  const fake: OciStorage = {
    url: '',
    objects: new Map(),
    asked: [],
    put(name, content, created = '2026-09-16T06:00:00.000Z') {
      const etag = createHash('sha256').update(content).digest('hex').slice(0, 8);
      fake.objects.set(name, { content: Buffer.from(content), created, etag });
    },
    fail: () => undefined,
    tokenKey: () => undefined,
  };
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    const url = new URL(path, 'http://localhost');
    fake.asked.push({ path, range: request.headers.range });
    const refuse = (status: number, code: string, headers = {}) =>
      response
        .writeHead(status, { date: new Date(NOW).toUTCString(), ...headers })
        .end(JSON.stringify({ code, message: `it is ${code}` }));
    const failure = fake.fail(path);
    if (failure !== undefined && failure !== 'cut')
      return refuse(failure.status, failure.code, failure.headers);
    if (!isSigned(request, fake)) return refuse(401, 'NotAuthenticated');
    const [, name] = new RegExp(`^/n/bling/b/${TENANCY}/o(?:/(.+))?$`).exec(url.pathname) ?? [];
    if (name === undefined) return response.end(JSON.stringify(listing(fake, url.searchParams)));
    const object = fake.objects.get(decodeURIComponent(name));
    if (object === undefined) return refuse(404, 'ObjectNotFound');
    const wanted = request.headers['if-match'] ?? object.etag;
    if (wanted !== object.etag) return refuse(412, 'IfMatchFailed');
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? '0');
    const bytes = object.content.subarray(from);
    response.writeHead(from > 0 ? 206 : 200, {
      etag: object.etag,
      'content-length': bytes.length,
    });
    if (failure === undefined) return response.end(bytes);
    response.write(bytes.subarray(0, 4));
    setTimeout(() => response.destroy(), 20);
    return response;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return Object.assign(fake, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  });
}

const NOW = Date.UTC(2026, 8, 17, 12);
const PAGE = 2;

function listing({ objects }: OciStorage, query: URLSearchParams): object {
  const [prefix, start] = [query.get('prefix') ?? '', query.get('start') ?? ''];
  const names = [...objects.keys()].filter((name) => name.startsWith(prefix) && name >= start);
  const shown = names.toSorted().slice(0, PAGE);
  const next = names.toSorted()[PAGE];
  return {
    objects: shown.map((name) => {
      const { content, etag, created } = objects.get(name) ?? {
        content: '',
        etag: '',
        created: '',
      };
      return { name, etag, size: content.length, timeCreated: created };
    }),
    ...(next !== undefined && { nextStartWith: next }),
  };
}

/** Checks the signature as the service does: over what came, with the public key. */
function isSigned({ url, headers }: IncomingMessage, { tokenKey }: OciStorage): boolean {
  const { authorization = '', date, host } = headers;
  const [, keyId] = /keyId="([^"]+)"/.exec(authorization) ?? [];
  const [, signature = ''] = /signature="([^"]+)"/.exec(authorization) ?? [];
  const text = `date: ${date}\n(request-target): get ${url}\nhost: ${host}`;
  const key =
    keyId === `${TENANCY}/${USER}/${FINGERPRINT}`
      ? createPublicKey(EXAMPLE_KEY)
      : tokenKey(keyId?.replace(/^ST\$/, '') ?? '');
  return (
    key !== undefined && verify('sha256', Buffer.from(text), key, Buffer.from(signature, 'base64'))
  );
}
