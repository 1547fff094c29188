import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { createNoopMeter } from '@opentelemetry/api';
import { readConfiguration } from '../../config/read.ts';
import { checkSettings } from '../../config/settings.ts';
import {
  type Clock,
  type Delivery,
  NO_PRICES,
  type Opened,
  type Receiver,
  type ReceiverContext,
} from '../../pipelines/plugin/index.ts';
import { createLasting } from '../../plugins/kit/lasting.ts';
import { type ReceiverCase, recordedHttp } from './receiver-case.ts';

/** Longest time a receiver may take to end. */
const PATIENCE_MS = 20_000;
/** The clock starts a day ahead: what lies there has long settled. */
const AHEAD_MS = 86_400_000;

/** Runs until everything was delivered, is stopped by its signal, or is cut off after each delivery and started again. */
export type Play = 'whole' | 'abort' | 'resume';

/** Plays a case; answers what is wrong. */
export async function playCase(
  receiver: Receiver,
  of: ReceiverCase,
  play: Play,
): Promise<string | undefined> {
  const stage = await prepare(receiver, of);
  try {
    if (play === 'abort') return await abort(stage);
    if (play === 'resume') return await resume(stage);
    const found = (await take(stage, { cursor: undefined })).map((given) => seen(stage, given));
    return compare(of.expected, found);
  } finally {
    await rm(stage.root, { recursive: true, force: true });
  }
}

/** A copy of the case, and the settings that belong to it. */
interface Stage {
  readonly receiver: Receiver;
  readonly of: ReceiverCase;
  readonly root: string;
  readonly folder: string;
  readonly config: Readonly<Record<string, unknown>>;
}

async function prepare(receiver: Receiver, of: ReceiverCase): Promise<Stage> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'focusd-conformance-')));
  const folder = join(root, 'case');
  await cp(of.folder, folder, { recursive: true });
  const left = join(folder, 'state');
  if (existsSync(left)) await cp(left, join(root, 'state'), { recursive: true });
  else await mkdir(join(root, 'state'));
  const raw = await readConfiguration({ text: JSON.stringify(of.config), folder }, {});
  const problems: string[] = [];
  const { settings } = checkSettings({
    schema: receiver.config,
    node: raw.root,
    path: 'config.json:',
    folder,
    report: ({ path, problem }) => problems.push(`${path} ${problem}`),
  });
  if (problems.length > 0) throw new Error(problems.join('; '));
  return { receiver, of, root, folder, config: settings };
}

async function contextOf(
  { root, of, config }: Stage,
  { signal, once }: { readonly signal: AbortSignal; readonly once: boolean },
): Promise<ReceiverContext<never> & { readonly lasting: Opened }> {
  const folder = join(root, 'state');
  const silent = (): void => {};
  return {
    id: 'conformance',
    config: config as never,
    log: { debug: silent, info: silent, warn: silent, error: silent },
    meter: createNoopMeter(),
    http: recordedHttp(of.answers),
    clock: jumpingClock(of.now),
    signal,
    once,
    folder,
    lasting: createLasting(),
    prices: NO_PRICES,
    trouble: silent,
    room: async () => {},
    refuse: async ({ place, message }) => {
      throw new Error(`refused ${place}: ${message}`);
    },
  };
}

/** Sleeping takes no time. */
function jumpingClock(from: number = Date.now() + AHEAD_MS): Clock {
  let ahead = from - Date.now();
  return {
    now: () => Date.now() + ahead,
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      ahead += ms;
      await new Promise((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
    },
  };
}

/** What a receiver delivers from a cursor on, at most that much; then it is cut off as by a crash of what comes after it. */
async function take(
  stage: Stage,
  {
    cursor,
    most = Number.POSITIVE_INFINITY,
  }: { readonly cursor: string | undefined; readonly most?: number },
): Promise<readonly Delivery[]> {
  const stop = new AbortController();
  const context = await contextOf(stage, { signal: stop.signal, once: true });
  const deliveries: Delivery[] = [];
  try {
    await inTime(async () => {
      for await (const delivery of stage.receiver.receive(context, cursor)) {
        deliveries.push(delivery);
        if (deliveries.length >= most) break;
      }
    }, stop);
  } finally {
    await context.lasting.close();
  }
  return deliveries;
}

async function abort(stage: Stage): Promise<string | undefined> {
  const stop = new AbortController();
  const context = await contextOf(stage, { signal: stop.signal, once: false });
  try {
    await inTime(async () => {
      for await (const _ of stage.receiver.receive(context, undefined)) stop.abort();
      stop.abort();
    }, stop);
  } catch (error) {
    if (!stop.signal.aborted || (error as { readonly name?: string }).name === 'TimeoutError')
      throw error;
  } finally {
    await context.lasting.close();
  }
  return undefined;
}

/** Cut off after each delivery, it has delivered everything once it has gone on; what it gives again is the same. */
async function resume(stage: Stage): Promise<string | undefined> {
  const revisions = new Map<string, string>();
  for (let count = 1; count <= stage.of.expected.length; count++) {
    const before = await take(stage, { cursor: undefined, most: count });
    const after = await take(stage, { cursor: before.at(-1)?.cursor });
    for (const { scope, revision } of [...before, ...after]) {
      const known = revisions.get(scope);
      if (known !== undefined && known !== revision)
        return `${scope} has the revision ${known}, and ${revision} when it is read again`;
      revisions.set(scope, revision);
    }
    const all = new Map([...before, ...after].map((given) => [given.scope, seen(stage, given)]));
    const problem = compare(stage.of.expected, [...all.values()]);
    if (problem !== undefined) return `cut off after ${count}: ${problem}`;
  }
  return undefined;
}

/** A delivery as the case states it: paths relative to its folder. */
function seen({ folder }: Stage, delivery: Delivery): Readonly<Record<string, unknown>> {
  const { parts, scope, ...rest } = delivery;
  return {
    ...rest,
    scope: scope.replaceAll(`${folder}/`, '').replaceAll(folder, '.'),
    parts: parts.map(({ path }) => relative(folder, path)),
  };
}

/** In any order, each expected delivery is there, and no other. */
function compare(
  expected: ReceiverCase['expected'],
  found: readonly Readonly<Record<string, unknown>>[],
): string | undefined {
  const fits = (
    wanted: Readonly<Record<string, unknown>>,
    given: Readonly<Record<string, unknown>>,
  ) => Object.entries(wanted).every(([name, value]) => isDeepStrictEqual(given[name], value));
  const left = [...found];
  for (const wanted of expected) {
    const index = left.findIndex((given) => fits(wanted, given));
    if (index === -1) return `expected ${JSON.stringify(wanted)}, found ${JSON.stringify(left)}`;
    left.splice(index, 1);
  }
  return left.length === 0 ? undefined : `did not expect ${JSON.stringify(left)}`;
}

/** Runs to its end, or gives up and says so. */
async function inTime(run: () => Promise<void>, stop: AbortController): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    stop.abort();
    late.reject(new DOMException(`did not end within ${PATIENCE_MS / 1000} s`, 'TimeoutError'));
  }, PATIENCE_MS);
  try {
    await Promise.race([run(), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
