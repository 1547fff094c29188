import type { OpenOptions, Source } from '../source.ts';
import { BATCH_ROWS, openWindow, Repairs, type TextForm, textSource } from '../text-source.ts';
import type { Window } from '../window.ts';
import { OBJECT_BYTES, ObjectScanner } from './scanner.ts';

/** Objects looked at to find the columns. */
const LOOK_AHEAD = 1_000;

/** Sizes that tests make small. */
export interface NdjsonTuning {
  readonly windowBytes?: number | undefined;
  readonly objectBytes?: number | undefined;
}

/**
 * Opens objects in JSON: one per line, one behind the other, or in an array. A column per key of the outermost objects;
 * numbers keep their text, nested values are JSON without white space, null and "" are null. `columns` are the keys of the
 * first 1,000 objects; a key that comes up later (repair `late_column`) is added to them and to the batches from there on.
 */
export async function openNdjson(
  options: OpenOptions,
  form: TextForm,
  tuning: NdjsonTuning = {},
): Promise<Source> {
  const { path, batchRows = BATCH_ROWS, project } = options;
  const { windowBytes, objectBytes = OBJECT_BYTES } = tuning;
  const names = await firstKeys(path, form, { windowBytes, objectBytes });
  const repairs = new Repairs();
  const window = await openWindow(path, form, { repairs, windowBytes });
  const wanted = new Set(project?.(names) ?? names);
  const isWanted = (name: string) =>
    project === undefined || wanted.has(name) || project(names).includes(name);
  const onNew = () => repairs.add('late_column');
  const set = { path, batchRows, names, isWanted, onNew };
  const scanner = new ObjectScanner(window, set, objectBytes);
  return textSource({ format: 'ndjson', columns: names, path, window, scanner, repairs });
}

async function firstKeys(
  path: string,
  form: TextForm,
  { windowBytes, objectBytes }: NdjsonTuning,
): Promise<string[]> {
  const names: string[] = [];
  const window = await openWindow(path, form, { repairs: new Repairs(), windowBytes });
  try {
    const set = { path, batchRows: LOOK_AHEAD, names, isWanted: () => false, onNew: () => {} };
    await scanOnce(new ObjectScanner(window, set, objectBytes), window);
  } finally {
    await window.close();
  }
  return names;
}

async function scanOnce(scanner: ObjectScanner, window: Window): Promise<void> {
  while (!scanner.scan() && !window.ended) {
    await window.fill(scanner.keep);
    if (window.ended) window.closeLastLine();
  }
}
