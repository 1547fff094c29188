import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';

/** A foreign program ready to run, or why it cannot be had on this machine. */
export type Program = { readonly path: string } | { readonly skip: string };

/** How a foreign program comes to be. */
export interface Recipe {
  /** Name of the executable that `build` leaves in its folder. */
  readonly name: string;
  readonly version: string;
  /** All that the result depends on besides the version; another text is another program. */
  readonly source: string;
  /** Builds in the given empty folder; throws `unavailable(…)` where the machine lacks what it takes. */
  readonly build: (folder: string) => Promise<void>;
}

/** Where programs are kept between runs: outside the repository, one folder for each user. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env.FOCUSD_CACHE) return env.FOCUSD_CACHE;
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'focusd');
}

/**
 * The program from the cache, built first where it is not there yet. One build runs at a time on a
 * machine; a build that is interrupted leaves nothing behind that counts as built.
 */
export async function cached(recipe: Recipe, folder = cacheFolder()): Promise<Program> {
  const programs = join(folder, 'programs');
  const home = join(programs, `${recipe.name}-${recipe.version}-${stamp(recipe)}`);
  const path = join(home, recipe.name);
  if (existsSync(path)) return { path };
  await mkdir(programs, { recursive: true });
  return await alone(join(programs, 'lock'), recipe, async () => {
    if (!existsSync(path)) await build(recipe, { programs, home });
    return { path };
  }).catch((error: unknown) => {
    if (error instanceof Error && error.name === 'Unavailable') return { skip: error.message };
    throw error;
  });
}

/** The error of a recipe on a machine that lacks what it takes. */
export function unavailable(reason: string): Error {
  return Object.assign(new Error(reason), { name: 'Unavailable' });
}

/**
 * Milliseconds left for building programs (`FOCUSD_BUILD_UNTIL`, set for the whole run of tests); throws `Unavailable` once there are none.
 */
export function timeToBuild(): number {
  const left = Number(process.env.FOCUSD_BUILD_UNTIL ?? Number.POSITIVE_INFINITY) - Date.now();
  if (left <= 0) throw unavailable(NO_TIME);
  return left;
}

export const NO_TIME =
  'the time for building foreign programs is over; more with FOCUSD_BUILD_MINUTES, or on the next run';

/** Tells the person who waits what is going on; standard output belongs to the tests. */
export function progress(line: string): void {
  process.stderr.write(`interop: ${line}\n`);
}

/** Folders of builds under way; those of broken off ones are swept by the next build. */
const WORKSHOP = '.building-';

function stamp(recipe: Recipe): string {
  const text = JSON.stringify([recipe.version, recipe.source, process.platform, process.arch]);
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}

async function build(
  recipe: Recipe,
  { programs, home }: { readonly programs: string; readonly home: string },
): Promise<void> {
  const start = performance.now();
  progress(`building ${recipe.name} ${recipe.version}: some minutes, once on this machine`);
  for (const name of await readdir(programs)) {
    if (name.startsWith(WORKSHOP)) await rm(join(programs, name), { recursive: true, force: true });
  }
  const workshop = await mkdtemp(join(programs, WORKSHOP));
  try {
    await recipe.build(workshop);
    const { size } = await stat(join(workshop, recipe.name));
    await rm(home, { recursive: true, force: true });
    await rename(workshop, home);
    const seconds = Math.round((performance.now() - start) / 1000);
    progress(`built ${recipe.name} in ${seconds} s, ${Math.round(size / 1e6)} MB in ${home}`);
  } finally {
    await rm(workshop, { recursive: true, force: true });
  }
}

/** Runs `work` while no other process does: the lock of an SQLite file, which dies with its holder. Throws `Unavailable` when it was waited for too long. */
async function alone<T>(file: string, recipe: Recipe, work: () => Promise<T>): Promise<T> {
  const lock = new DatabaseSync(file, { timeout: 0 });
  try {
    for (let turn = 0; !taken(lock); turn += 1) {
      timeToBuild();
      if (turn % 60 === 0) progress(`${recipe.name} waits for another build to end`);
      await delay(500);
    }
    return await work();
  } finally {
    lock.close();
  }
}

function taken(lock: DatabaseSync): boolean {
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    if (error instanceof Error && /locked|busy/i.test(error.message)) return false;
    throw error;
  }
}
