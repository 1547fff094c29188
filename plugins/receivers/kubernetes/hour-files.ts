import { writeFileSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Delivery } from '../../../pipelines/plugin/index.ts';
import type { Hour, SavedLine } from './hour.ts';
import { secondText, type UsageRecord } from './line.ts';

/** What is kept of a cluster between two runs. */
export interface Saved {
  /** Its name, as charges have it. */
  readonly cluster: string;
  /** Second up to which everything was counted. */
  readonly at: number;
  readonly lines: readonly SavedLine[];
}

/** Where hours wait on disk: the open one as it was counted so far, finished ones until they are committed. Survives a crash at any moment. */
export interface HourFiles {
  load(): Promise<Saved | undefined>;
  save(cluster: string, lines: Iterable<SavedLine>): Promise<void>;
  /** Puts the charges of an hour on record; an hour that is on record already stays as it is. */
  seal(hour: Hour, lines: Iterable<UsageRecord>): Promise<void>;
  /** The sealed hours, oldest first; each is forgotten once it is committed. */
  deliveries(): AsyncGenerator<Delivery>;
}

const METER = 'meter.jsonl';
const SEALED = '.ndjson';
/** Lines that are written at a time. */
const CHUNK = 250;

/** The hours in a folder. */
export async function openHourFiles(folder: string): Promise<HourFiles> {
  const home = join(folder, 'hours');
  await mkdir(home, { recursive: true, mode: 0o700 });
  return {
    load: () => load(join(home, METER)),
    save: (cluster, lines) => writeAtOnce(home, METER, chunks(withCluster(cluster, lines))),
    async seal(hour, lines) {
      const name = `${hourText(hour)}${SEALED}`;
      if (!(await readdir(home)).includes(name)) await writeWhole(home, name, chunks(lines));
    },
    async *deliveries() {
      for (const name of (await readdir(home)).toSorted()) {
        if (!name.endsWith(SEALED)) continue;
        const path = join(home, name);
        const { size, mtimeMs } = await stat(path);
        if (size > 0) yield deliveryOf(name, { path, bytes: size, modifiedMs: mtimeMs });
        await rm(path);
      }
    },
  };
}

/** `2026-09-17T10`. */
function hourText({ start }: Hour): string {
  return secondText(start).slice(0, 13);
}

function deliveryOf(name: string, part: Delivery['parts'][number]): Delivery {
  const revision = name.slice(0, -SEALED.length);
  return {
    scope: 'hours',
    revision,
    mode: 'append',
    mapping: 'kubernetes-usage',
    parts: [part],
    cursor: revision,
  };
}

function* withCluster(cluster: string, lines: Iterable<SavedLine>): Generator<object> {
  yield { cluster };
  yield* lines;
}

/** What cannot be read is begun anew: it is only the open hour. */
async function load(path: string): Promise<Saved | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const [first, ...rest]: unknown[] = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const cluster = (first as { readonly cluster?: unknown } | undefined)?.cluster;
    const lines = rest.filter(isSavedLine);
    const at = lines[0]?.[0] === 'meter' ? lines[0][1] : undefined;
    return typeof cluster === 'string' && at !== undefined ? { cluster, at, lines } : undefined;
  } catch {
    return undefined;
  }
}

/** The file is written by this receiver alone, and whole: the first word says what the rest of a line is. */
function isSavedLine(line: unknown): line is SavedLine {
  return Array.isArray(line) && typeof line[0] === 'string';
}

/** Writes a file that is there whole, or not at all. */
export async function writeWhole(
  folder: string,
  name: string,
  texts: Iterable<string>,
): Promise<void> {
  const draft = join(folder, `${name}.draft`);
  const file = await open(draft, 'w', 0o600);
  try {
    for (const text of texts) await file.appendFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await takePlace(folder, name, draft);
}

/** The same without a pause between two texts: what happens meanwhile belongs to the next time. */
async function writeAtOnce(folder: string, name: string, texts: Iterable<string>): Promise<void> {
  const draft = join(folder, `${name}.draft`);
  const file = await open(draft, 'w', 0o600);
  try {
    for (const text of texts) writeFileSync(file.fd, text);
    await file.sync();
  } finally {
    await file.close();
  }
  await takePlace(folder, name, draft);
}

async function takePlace(folder: string, name: string, draft: string): Promise<void> {
  await rename(draft, join(folder, name));
  const handle = await open(folder, 'r');
  await handle.sync().finally(() => handle.close());
}

function* chunks(lines: Iterable<object>): Generator<string> {
  let texts: string[] = [];
  for (const line of lines) {
    texts.push(`${JSON.stringify(line)}\n`);
    if (texts.length < CHUNK) continue;
    yield texts.join('');
    texts = [];
  }
  yield texts.join('');
}
