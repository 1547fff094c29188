import { createHash } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Context,
  type Delivery,
  Misconfigured,
  type Part,
  type ReceiverContext,
  Unavailable,
} from '../../../pipelines/plugin/index.ts';
import { jittered } from '../jitter.ts';
import { download } from './download.ts';
import type { FileSet, Look, ObjectStore } from './store.ts';
import { twinsOf } from './twins.ts';

/** How bills come out of an object store. */
export interface Receiving {
  readonly context: Pick<Context<unknown>, 'id' | 'clock' | 'log' | 'signal' | 'once' | 'folder'> &
    Pick<ReceiverContext<unknown>, 'sharing' | 'room'>;
  readonly store: ObjectStore;
  /** Finds the bills that are there. */
  readonly look: () => Promise<Look>;
  /** Name of the mapping, or `auto`. */
  readonly mapping: string;
  /** Pause between two looks, milliseconds; a tenth more or less by chance, so that agents do not knock together. */
  readonly intervalMs: number;
  /** Objects on their way at the same time. */
  readonly parallel: number;
  /** Most bytes of one bill on the local disk (setting `max_bill`). */
  readonly maxBytes: number;
  /** Leave the present version of each bill on the disk once it is committed, for `focusd audit`. Default no. */
  readonly keep?: boolean;
  /** Between 0 and 1, for the jitter. */
  readonly random?: () => number;
}

/** Pause before another look at what another agent is at. */
const ELSEWHERE_MS = 5_000;

/** Looks in a row at a bill that is written anew each time it is read. */
const MOST_CHANGES = 3;

/**
 * Looks for bills, downloads each new version, delivers it whole and removes the download once it is committed (or replaced, with `keep`). A version that changes while
 * it is read is thrown away and looked for again. The cursor holds the revisions that are done, by scope.
 */
export async function* receiveSets(
  options: Receiving,
  cursor: string | undefined,
): AsyncGenerator<Delivery> {
  const { clock, signal, once } = options.context;
  const done = new Map(Object.entries(doneBy(cursor)));
  const tell = teller(options);
  for (let changes = 0; ; ) {
    await options.context.room();
    const shared = await options.context.sharing?.look();
    const look = await options.look();
    tell(look);
    const wanted = look.sets.filter(({ scope, revision }) => done.get(scope) !== revision);
    await sweep(options, options.keep === true ? look.sets : wanted);
    const arrived = progressOf(options, wanted);
    let changed = false;
    let elsewhere = false;
    for (const set of wanted) {
      await options.context.room();
      const claim = await shared?.claim({ ...set, mode: 'snapshot' });
      if (claim === 'done') done.set(set.scope, set.revision);
      if (claim === 'elsewhere') elsewhere = true;
      if (claim === 'done' || claim === 'elsewhere') continue;
      const parts = await bring(options, set, arrived);
      if (parts === undefined) changed = true;
      else {
        done.set(set.scope, set.revision);
        const { mapping = options.mapping } = set;
        yield deliveryOf(set, { parts, mapping, cursor: cursorOf(done, look) });
        if (options.keep !== true)
          await rm(folderOf(options, set), { recursive: true, force: true });
      }
    }
    changes = changed ? changes + 1 : 0;
    if (changes >= MOST_CHANGES)
      throw new Unavailable('a bill is written anew each time it is read; it is tried again later');
    if (changed) continue;
    if (elsewhere) {
      await clock.sleep(ELSEWHERE_MS, signal);
      continue;
    }
    if (once) return;
    await clock.sleep(jittered(options.intervalMs, options.random), signal);
  }
}

function deliveryOf(
  { scope, revision }: FileSet,
  more: Pick<Delivery, 'parts' | 'mapping' | 'cursor'>,
): Delivery {
  return { scope, revision, mode: 'snapshot', ...more };
}

/** The parts of a bill on the local disk; undefined when it has changed since it was listed. */
async function bring(
  options: Receiving,
  set: FileSet,
  arrived: Progress,
): Promise<readonly Part[] | undefined> {
  const { store, parallel, context } = options;
  const { signal, log } = context;
  checkSize(options, set);
  const folder = folderOf(options, set);
  const parts = await download(store, set.objects, {
    ...{ folder, parallel, signal },
    arrived: (bytes) => arrived(set, bytes),
  });
  if (parts !== undefined && (await isMarked(store, set))) return parts;
  log.info('bill changed while it was read, it is read again', { scope: set.scope });
  await rm(folder, { recursive: true, force: true });
  return undefined;
}

/** Whether the marker is still what it was when it was listed. */
async function isMarked(store: ObjectStore, { marker }: FileSet): Promise<boolean> {
  if (marker === undefined) return true;
  const now = await store.read(marker.key, marker.bytes * 2 + 1024);
  return now?.etag === marker.etag;
}

function checkSize({ maxBytes, context }: Receiving, { scope, objects }: FileSet): void {
  const bytes = bytesOf(objects);
  if (bytes <= maxBytes) return;
  throw new Misconfigured(`the bill ${scope} is ${bytes} bytes long, more than may be downloaded`, {
    path: `receivers.${context.id}.max_bill`,
    hint: `make room on the disk and set it to ${bytes} or more`,
  });
}

const PROGRESS_EVERY_MS = 5_000;

/** Told of bytes that came of a bill. */
type Progress = (set: FileSet, bytes: number) => void;

/** Says every few seconds how far the downloads of a look are. */
function progressOf({ context }: Receiving, wanted: readonly FileSet[]): Progress {
  const { clock, log } = context;
  const total = wanted.reduce((sum, { objects }) => sum + bytesOf(objects), 0);
  const files = wanted.reduce((sum, { objects }) => sum + objects.length, 0);
  const started = clock.now();
  let came = 0;
  let told = started;
  return ({ scope }, bytes) => {
    came += bytes;
    const now = clock.now();
    if (now - told < PROGRESS_EVERY_MS) return;
    told = now;
    const etaSeconds = Math.ceil(((now - started) / 1000) * (total / Math.max(came, 1) - 1));
    const bills = wanted.length;
    log.info('bill is downloaded', { scope, bills, files, bytes: came, of: total, etaSeconds });
  };
}

function bytesOf(objects: FileSet['objects']): number {
  return objects.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Tells what is waited for; each thing once. */
function teller({ context: { log, once } }: Receiving): (look: Look) => void {
  const told = new Set<string>();
  return ({ sets, incomplete, listed }) => {
    if (sets.length === 0 && incomplete.length === 0 && !told.has(''))
      log.warn('no bill to read yet', { objects: listed });
    told.add('');
    for (const { account, period, scopes } of twinsOf(sets)) {
      const key = JSON.stringify(scopes);
      if (!told.has(key))
        log.warn('same bill twice, its charges count twice', { account, period, scopes });
      told.add(key);
    }
    for (const { marker, missing } of incomplete) {
      if (told.has(`${marker}\n${missing}`)) continue;
      told.add(`${marker}\n${missing}`);
      if (once)
        log.warn('bill left out, its manifest names an object that is not there', {
          marker,
          missing,
        });
      else
        log.info('bill waited for, its manifest names an object that is not there yet', {
          marker,
          missing,
        });
    }
  };
}

/** Removes the downloads of bills that are no longer wanted. */
async function sweep(options: Receiving, wanted: readonly FileSet[]): Promise<void> {
  const keep = new Set(wanted.map((set) => folderOf(options, set)));
  const parent = join(options.context.folder, PARTS);
  for (const name of await readdir(parent).catch(() => [])) {
    const folder = join(parent, name);
    if (!keep.has(folder)) await rm(folder, { recursive: true, force: true });
  }
}

const PARTS = 'parts';

function folderOf({ context }: Receiving, { scope, revision }: FileSet): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([scope, revision]))
    .digest('hex');
  return join(context.folder, PARTS, hash.slice(0, 24));
}

/** Bills that the store no longer shows are left out, so that the cursor stays small. */
function cursorOf(done: ReadonlyMap<string, string>, { sets }: Look): string {
  const shown = new Set(sets.map(({ scope }) => scope));
  return JSON.stringify(Object.fromEntries([...done].filter(([scope]) => shown.has(scope))));
}

function doneBy(cursor: string | undefined): Readonly<Record<string, string>> {
  return cursor === undefined || cursor === ''
    ? {}
    : (JSON.parse(cursor) as Readonly<Record<string, string>>);
}
