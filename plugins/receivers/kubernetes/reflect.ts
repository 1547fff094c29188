import { type Clock, errorName, Unavailable } from '../../../pipelines/plugin/index.ts';
import { type JsonObject, objectAt, textAt } from '../../kit/json.ts';
import { type ApiServer, eventsOf, refusal } from './api-server.ts';

/** What is followed. */
export interface Followed {
  /** `/api/v1/pods`. */
  readonly path: string;
  /** `spec.nodeName=worker-1`; empty for all. */
  readonly fieldSelector?: string | undefined;
  readonly pageSize: number;
}

/** Told of what is there. */
export interface Mirror {
  /** An object is there, or has changed. */
  changed(object: JsonObject): void;
  /** An object is gone. */
  removed(object: JsonObject): void;
  /** All objects were told of since the list began: whatever was not told of was gone at `goneAtMs` or later. */
  listed(goneAtMs: number): void;
  /** A list begins. */
  listing(): void;
  /** It is in touch with the API server, or (with the reason) not. */
  touch(trouble?: Unavailable): void;
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
/** The API server ends a watch after this long; it is taken up again where it was. */
const WATCH_SECONDS = 300;

/** What it takes to follow. */
export interface Following {
  readonly api: ApiServer;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Keeps a mirror like what the API server has: a list in pages, then a watch from there on, taken up again at its last version; a version that the server
 * has forgotten is listed anew. Tries again for ever; ends with the signal, or throws what is nobody's fault but its own.
 */
export async function follow(
  followed: Followed,
  mirror: Mirror,
  { api, clock, signal }: Following,
): Promise<void> {
  const seen: Seen = { version: undefined, inTouch: clock.now() };
  let failures = 0;
  while (!signal.aborted) {
    try {
      if (seen.version === undefined) {
        mirror.listing();
        seen.version = await list(followed, mirror, api);
        mirror.listed(seen.inTouch);
      }
      mirror.touch();
      await watch({ ...followed, version: seen.version }, mirror, api, (version) => {
        failures = 0;
        seen.version = version;
        seen.inTouch = clock.now();
      });
    } catch (error) {
      if (signal.aborted) return;
      if (errorName(error) !== 'Unavailable') throw error;
      const trouble = error as Unavailable;
      failures += 1;
      mirror.touch(trouble);
      const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1));
      await clock.sleep(Math.max(pause, trouble.retryAfter ?? 0), signal).catch(() => {});
    }
  }
}

/** How far a watch has got, and when something was heard last, milliseconds. */
interface Seen {
  version: string | undefined;
  inTouch: number;
}

/** Tells of all objects, page by page; answers the version of the list. */
async function list(followed: Followed, mirror: Mirror, api: ApiServer): Promise<string> {
  for (let next: string | undefined = ''; ; ) {
    const path = pathOf(followed, { limit: String(followed.pageSize), continue: next });
    const page = await pageOf(api, path, mirror);
    next = textAt(page.continue);
    if (next === undefined) return textAt(page.resourceVersion) ?? '0';
  }
}

/** Tells of the objects of a page; answers its metadata. */
async function pageOf(api: ApiServer, path: string, mirror: Mirror): Promise<JsonObject> {
  const items = api.items(path);
  for (;;) {
    const { done, value } = await items.next();
    if (done !== true) {
      mirror.changed(value);
      continue;
    }
    if (!Array.isArray(value.items)) throw new Unavailable(`GET ${path}: no items in the answer`);
    return objectAt(value.metadata) ?? {};
  }
}

/** Tells of changes until the server ends the watch, and `at` which version it is after each; undefined: it is to be listed anew. */
async function watch(
  { version, ...followed }: Followed & { readonly version: string },
  mirror: Mirror,
  api: ApiServer,
  at: (version: string | undefined) => void,
): Promise<void> {
  const path = pathOf(followed, {
    watch: 'true',
    allowWatchBookmarks: 'true',
    resourceVersion: version,
    timeoutSeconds: String(WATCH_SECONDS),
  });
  const stream = await api.follow(path);
  if (stream.status !== 200) {
    for await (const _ of stream.body);
    if (stream.status === 410) return at(undefined);
    throw refusal(path, { status: stream.status, body: {} });
  }
  let last = version;
  for await (const { type, object } of eventsOf(stream)) {
    if (type === 'ERROR') {
      if (object.code === 410) return at(undefined);
      throw new Unavailable(`watch ${followed.path}: ${textAt(object.message) ?? 'failed'}`);
    }
    last = textAt(objectAt(object.metadata)?.resourceVersion) ?? last;
    if (type === 'ADDED' || type === 'MODIFIED') mirror.changed(object);
    else if (type === 'DELETED') mirror.removed(object);
    at(last);
  }
  at(last);
}

function pathOf(
  { path, fieldSelector }: Omit<Followed, 'pageSize'>,
  query: Readonly<Record<string, string>>,
): string {
  const all = { ...query, ...(fieldSelector !== undefined && { fieldSelector }) };
  const used = Object.entries(all).filter(([, value]) => value !== '');
  return `${path}?${new URLSearchParams(used)}`;
}
