/** The part of a Kubernetes API server that the receiver asks: lists in pages, watches, patches of a status, old versions that are forgotten, permissions that lack. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** An object as the API has it. */
export type Raw = Readonly<Record<string, unknown>> & {
  readonly metadata: Readonly<Record<string, unknown>>;
};

/** A server that runs. */
export interface KubeServer {
  readonly url: string;
  /** `GET /api/v1/pods?limit=500`, in order. */
  readonly requests: readonly string[];
  /** Adds or changes an object below a path such as `/api/v1/pods`. */
  put(path: string, object: Raw): void;
  /** The object that is there. */
  get(path: string, uid: string): Raw | undefined;
  /** Removes it. */
  remove(path: string, uid: string): void;
  /** Forgets all versions before now: lists and watches that go on from there are answered 410. */
  forget(): void;
  /** Ends the open watches in the middle. */
  cut(): void;
  /** What is answered to a path, in place of everything else; undefined takes it back. */
  answer(path: string, status: number | undefined, body?: unknown): void;
  close(): Promise<void>;
}

interface Event {
  readonly version: number;
  readonly path: string;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: Raw;
}

interface Watcher {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly response: ServerResponse;
}

/** Starts a server on a free loopback port. */
export async function startKubeServer(): Promise<KubeServer> {
  const requests: string[] = [];
  const objects = new Map<string, Map<string, Raw>>();
  const events: Event[] = [];
  const watchers = new Set<Watcher>();
  const answers = new Map<string, { readonly status: number; readonly body: unknown }>();
  let version = 1000;
  let oldest = 0;

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://kube');
    requests.push(`${request.method} ${request.url}`);
    const fixed = answers.get(url.pathname);
    if (fixed !== undefined) send(response, fixed.status, fixed.body);
    else if (request.method === 'PATCH') patch(url.pathname, request, response);
    else if (url.searchParams.get('watch') === 'true') watch(url, response);
    else list(url, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  function list({ pathname, searchParams }: URL, response: ServerResponse): void {
    const page = searchParams.get('continue')?.split('-').map(Number);
    const [first = 0, listed = version] = page ?? [];
    if (listed < oldest) {
      send(response, 410, status(410, 'continue is too old'));
      return;
    }
    const limit = Number(searchParams.get('limit') ?? 1e9);
    const all = [...(objects.get(pathname)?.values() ?? [])].filter((object) =>
      fits(object, searchParams),
    );
    const rest = all.length > first + limit ? `${first + limit}-${listed}` : undefined;
    send(response, 200, {
      metadata: { resourceVersion: String(listed), ...(rest && { continue: rest }) },
      items: all.slice(first, first + limit),
    });
  }

  function watch({ pathname, searchParams }: URL, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'application/json' });
    const since = Number(searchParams.get('resourceVersion'));
    if (since < oldest) {
      response.end(`${JSON.stringify({ type: 'ERROR', object: status(410, 'too old') })}\n`);
      return;
    }
    const watcher = { path: pathname, query: searchParams, response };
    for (const event of events) if (event.version > since) tell(watcher, event);
    response.write(
      `${JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: String(version) } } })}\n`,
    );
    watchers.add(watcher);
    response.once('close', () => watchers.delete(watcher));
  }

  /** A merge patch of a status; one that was made for another version is a conflict. */
  function patch(path: string, request: IncomingMessage, response: ServerResponse): void {
    const [, group, namespace, plural, name] =
      /^(.*)\/namespaces\/([^/]+)\/([^/]+)\/([^/]+)\/status$/.exec(path) ?? [];
    const list = `${group}/${plural}`;
    const known = [...(objects.get(list)?.values() ?? [])].find(
      ({ metadata }) => metadata.name === name && metadata.namespace === namespace,
    );
    text(request).then(
      (body) => {
        const change = JSON.parse(body) as Raw;
        if (known === undefined) send(response, 404, status(404, 'not found'));
        else if (change.metadata.resourceVersion !== known.metadata.resourceVersion)
          send(response, 409, status(409, 'it has been modified'));
        else send(response, 200, happen(list, 'MODIFIED', { ...known, status: change.status }));
      },
      () => response.destroy(),
    );
  }

  function happen(path: string, type: Event['type'], object: Raw): Raw {
    version += 1;
    const known = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
    const event = { version, path, type, object: known };
    events.push(event);
    const all = objects.get(path) ?? new Map<string, Raw>();
    objects.set(path, all);
    if (type === 'DELETED') all.delete(String(object.metadata.uid));
    else all.set(String(object.metadata.uid), known);
    for (const watcher of watchers) tell(watcher, event);
    return known;
  }

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    put(path, object) {
      const known = objects.get(path)?.has(String(object.metadata.uid)) === true;
      happen(path, known ? 'MODIFIED' : 'ADDED', object);
    },
    get: (path, uid) => objects.get(path)?.get(uid),
    remove(path, uid) {
      const known = objects.get(path)?.get(uid);
      if (known !== undefined) happen(path, 'DELETED', known);
    },
    forget() {
      version += 1;
      oldest = version;
      events.length = 0;
    },
    cut() {
      for (const { response } of watchers) response.destroy();
    },
    answer(path, code, body = {}) {
      if (code === undefined) answers.delete(path);
      else answers.set(path, { status: code, body });
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function tell({ path, query, response }: Watcher, event: Event): void {
  if (event.path !== path || !fits(event.object, query)) return;
  response.write(`${JSON.stringify({ type: event.type, object: event.object })}\n`);
}

function fits(object: Raw, query: URLSearchParams): boolean {
  const [field, wanted] = (query.get('fieldSelector') ?? '').split('=');
  if (field === 'metadata.name') return object.metadata.name === wanted;
  if (field === 'spec.nodeName')
    return (object.spec as { readonly nodeName?: unknown }).nodeName === wanted;
  return true;
}

function status(code: number, message: string) {
  return { kind: 'Status', status: 'Failure', code, message };
}

function send(response: ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
