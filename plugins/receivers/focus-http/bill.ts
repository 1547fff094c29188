import { createHash } from 'node:crypto';
import { mkdir, rm, stat } from 'node:fs/promises';
import { Misconfigured, type Part, Unavailable } from '../../../pipelines/plugin/index.ts';
import { retrying } from '../../kit/retry.ts';
import { shown } from './asked.ts';
import { firstPage, nextPage } from './next-page.ts';
import { pageFetcher, type SavedPage } from './page.ts';
import type { Source } from './source.ts';

/** What tells whether an answer is still the same. */
export interface Validators {
  readonly etag?: string;
  readonly modified?: string;
}

/** The bill of a period on the local disk. */
export interface Bill extends Validators {
  /** Hash of its content. */
  readonly revision: string;
  /** Empty: nothing was charged. */
  readonly parts: readonly Part[];
}

/** The bill; or it has not changed, or there is none. */
export type Fetched = Bill | 'unchanged' | 'missing';

/** Which bill is fetched. */
export interface Wanted {
  readonly url: URL;
  /** Name of the period, for the log. */
  readonly period: string;
  /** Where its pages go; what lies there is removed. */
  readonly folder: string;
  /** Of the bill that is known. */
  readonly known: Validators;
}

/** Fetches all pages of a bill; only when the last one came whole is it one. Throws `Misconfigured` and `Unavailable`. */
export async function fetchBill(source: Source, wanted: Wanted): Promise<Fetched> {
  await rm(wanted.folder, { recursive: true, force: true });
  await mkdir(wanted.folder, { recursive: true, mode: 0o700 });
  const hash = createHash('sha256');
  const paths = new Set<string>();
  let validators: Validators = {};
  for await (const page of pagesOf(source, wanted)) {
    if (page === 'unchanged' || page === 'missing') return page;
    hash.update(`${page.hash},`);
    if (page.path !== undefined) paths.add(page.path);
    if (source.config.paging.kind === 'none') validators = validatorsIn(page);
  }
  const revision = hash.digest('hex').slice(0, 32);
  return { revision, parts: await Promise.all([...paths].map(partAt)), ...validators };
}

function validatorsIn({ headers }: SavedPage): Validators {
  const { etag, 'last-modified': modified } = headers;
  return { ...(etag !== undefined && { etag }), ...(modified !== undefined && { modified }) };
}

/** A page is asked for again for five minutes before the whole bill is given up for now; for one in a run that is to end. */
const PATIENCE = { initialMs: 1_000, maxMs: 60_000, maxElapsedMs: 5 * 60_000 };
const ONCE_ELAPSED_MS = 60_000;

async function* pagesOf(
  source: Source,
  { url, period, folder, known }: Wanted,
): AsyncGenerator<SavedPage | 'unchanged' | 'missing'> {
  const { config, world } = source;
  const start = firstPage(url, config.paging);
  const seen = new Set<string>();
  const account = accountOf(source, period);
  let last = '';
  for (let [next, number]: [URL | undefined, number] = [start, 0]; next !== undefined; number++) {
    if (seen.has(next.href)) throw new Unavailable(`${shown(next)}: the pages go in circles`);
    seen.add(next.href);
    const headers = number === 0 ? conditions(known) : {};
    const taken = account.page();
    const fetched = await retrying(
      pageFetcher(source, { url: next, number, headers, folder, taken }),
      {
        ...PATIENCE,
        ...(world.once && { maxElapsedMs: ONCE_ELAPSED_MS }),
        clock: world.clock,
        signal: world.signal,
        onRetry: ({ message }, pauseMs) =>
          world.log.warn('page is asked for again', {
            period,
            page: number + 1,
            reason: message,
            pauseMs,
          }),
      },
    );
    if (fetched.kind !== 'page') {
      if (number > 0) throw new Unavailable(`${shown(next)}: page ${number + 1} is not there`);
      yield fetched.kind;
      return;
    }
    if (config.paging.kind === 'page' && fetched.hasRows && fetched.hash === last)
      throw new Unavailable(`${shown(next)}: page ${number + 1} is the one before once more`);
    last = fetched.hash;
    yield fetched;
    next = nextPage(fetched, config.paging, start);
  }
}

/** Asks only for what has changed. */
function conditions({ etag, modified }: Validators): Readonly<Record<string, string>> {
  if (etag !== undefined) return { 'if-none-match': etag };
  return modified === undefined ? {} : { 'if-modified-since': modified };
}

const PROGRESS_EVERY_MS = 5_000;

/** Keeps account of the bytes of a bill: says every few seconds how many there are, and throws when they are too many. */
function accountOf(
  { config, path, world }: Source,
  period: string,
): { page(): (pageBytes: number) => void } {
  const { clock, log } = world;
  let [before, current, pages] = [0, 0, 0];
  let told = clock.now();
  const taken = (pageBytes: number): void => {
    current = pageBytes;
    const bytes = before + current;
    if (bytes > config.max_bill)
      throw new Misconfigured(`the bill ${period} is longer than ${config.max_bill} bytes`, {
        path: `${path}.max_bill`,
        hint: 'make room on the disk and raise it',
      });
    if (clock.now() - told < PROGRESS_EVERY_MS) return;
    told = clock.now();
    log.info('bill is downloaded', { period, page: pages, bytes });
  };
  return {
    page() {
      before += current;
      current = 0;
      pages += 1;
      return taken;
    },
  };
}

async function partAt(path: string): Promise<Part> {
  const { size, mtimeMs } = await stat(path);
  return { path, bytes: size, modifiedMs: mtimeMs };
}
