import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { errorMessage, Misconfigured, type Opened } from '../../pipelines/plugin/index.ts';
import { formatEndpoint, parseEndpoint } from './endpoint.ts';

/** What a page says. */
export interface Page {
  readonly status: number;
  /** Sent as JSON, unless `html` is there. */
  readonly body?: unknown;
  readonly html?: string;
}

/** What was asked for. */
export interface PageRequest {
  /** Without the query. */
  readonly path: string;
  readonly host: string | undefined;
}

/** Where pages are served, and what they say. */
export interface PagesOptions {
  readonly endpoint: string;
  /** Full path of the setting `endpoint`, for errors. */
  readonly path: string;
  readonly page: (request: PageRequest) => Page;
}

const HEADERS_WITHIN_MS = 10_000;
const MAX_CONNECTIONS = 64;

/** Serves pages that are only looked at. Throws `Misconfigured` when it cannot listen. */
export async function servePages({
  endpoint,
  path,
  page,
}: PagesOptions): Promise<Opened & { readonly address: string }> {
  const server = createServer((request, response) => answer(request, response, page));
  server.headersTimeout = HEADERS_WITHIN_MS;
  server.maxConnections = MAX_CONNECTIONS;
  server.listen(parseEndpoint(endpoint, path));
  try {
    await once(server, 'listening');
  } catch (cause) {
    const reason = errorMessage(cause);
    const hint = 'is another focusd running? Give this one another port';
    throw new Misconfigured(`cannot listen on ${endpoint}: ${reason}`, { path, hint, cause });
  }
  const { address: host, port } = server.address() as AddressInfo;
  return {
    address: formatEndpoint({ host, port }),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function answer(
  { method, url = '/', headers }: IncomingMessage,
  response: ServerResponse,
  page: PagesOptions['page'],
): void {
  const readOnly = method === 'GET' || method === 'HEAD';
  const { status, body, html }: Page = readOnly
    ? made(page, { path: url.split('?', 1)[0] ?? '/', host: headers.host })
    : { status: 405, body: { error: 'only GET and HEAD' } };
  const text = html ?? `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    'content-type': html === undefined ? 'application/json' : 'text/html; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(html !== undefined && { 'content-security-policy': PLAIN }),
    ...(!readOnly && { allow: 'GET, HEAD' }),
  });
  response.end(method === 'HEAD' ? undefined : text);
}

/** While an agent stops, what is asked for may be closed already. */
function made(page: PagesOptions['page'], request: PageRequest): Page {
  try {
    return page(request);
  } catch (error) {
    return { status: 503, body: { error: errorMessage(error) } };
  }
}

/** No script, no picture, nothing from elsewhere, in no frame. */
const PLAIN = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
