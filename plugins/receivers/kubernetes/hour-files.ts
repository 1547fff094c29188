import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Delivery } from '../../../pipelines/plugin/index.ts';
import type { Hour } from './hour.ts';
import { secondText, type UsageRecord } from './line.ts';
import type { SavedMeter } from './meter.ts';

/** What is kept of a cluster between two runs. */
export interface Saved {
  /** Its name, as charges have it. */
  readonly cluster: string;
  readonly meter: SavedMeter;
}

/** Where hours wait on disk: the open one as it was counted so far, finished ones until they are committed. Survives a crash at any moment. */
export interface HourFiles {
  load(): Promise<Saved | undefined>;
  save(saved: Saved): Promise<void>;
  /** Puts the charges of an hour on record; an hour that is on record already stays as it is. */
  seal(hour: Hour, lines: Iterable<UsageRecord>): Promise<void>;
  /** The sealed hours, oldest first; each is forgotten once it is committed. */
  deliveries(): AsyncGenerator<Delivery>;
}

const METER = 'meter.json';
const SEALED = '.ndjson';
/** Lines that are written at a time. */
const CHUNK = 2000;

/** The hours in a folder. */
export async function openHourFiles(folder: string): Promise<HourFiles> {
  const home = join(folder, 'hours');
  await mkdir(home, { recursive: true, mode: 0o700 });
  return {
    load: () => load(join(home, METER)),
    save: (saved) => writeWhole(home, METER, [JSON.stringify(saved)]),
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

/** What cannot be read is begun anew: it is only the open hour. */
async function load(path: string): Promise<Saved | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const saved: unknown = JSON.parse(text);
    return isSaved(saved) ? saved : undefined;
  } catch {
    return undefined;
  }
}

function isSaved(value: unknown): value is Saved {
  const saved = value as Partial<Saved> | null;
  return typeof saved?.cluster === 'string' && Array.isArray(saved.meter?.hours);
}

/** The file is there whole, or not at all. */
async function writeWhole(folder: string, name: string, texts: Iterable<string>): Promise<void> {
  const draft = join(folder, `${name}.draft`);
  const file = await open(draft, 'w', 0o600);
  try {
    for (const text of texts) await file.appendFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, join(folder, name));
  const handle = await open(folder, 'r');
  await handle.sync().finally(() => handle.close());
}

function* chunks(lines: Iterable<UsageRecord>): Generator<string> {
  let texts: string[] = [];
  for (const line of lines) {
    texts.push(`${JSON.stringify(line)}\n`);
    if (texts.length < CHUNK) continue;
    yield texts.join('');
    texts = [];
  }
  yield texts.join('');
}
