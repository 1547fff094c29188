import { createReadStream, existsSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Configuration } from '../../config/validate.ts';
import { Misconfigured } from '../../pipelines/plugin/errors.ts';
import { changedParts } from '../changed-parts.ts';
import { configure } from '../configure.ts';
import type { DeadLetter } from '../dead-letters.ts';
import { lockFolder } from '../state/lock.ts';
import { existingState } from './existing-state.ts';
import { safeText } from './terminal.ts';

/** Which dead letters; every filter that is given must fit. */
interface Options {
  readonly config: string;
  readonly receiver?: string;
  readonly scope?: string;
  readonly delivery?: string;
  readonly json?: boolean;
}

/** The letters of one delivery. */
interface LetterFile {
  readonly path: string;
  readonly delivery: string;
  readonly receiver: string;
  readonly scope: string;
  readonly revision: string;
  /** Letters by reason. */
  readonly reasons: Readonly<Record<string, number>>;
}

/** Counts dead letters by delivery and reason. */
export async function list(options: Options): Promise<void> {
  const { configuration } = await configure(options.config, process.env);
  const files = await letterFiles(configuration, options);
  const shown = files.map(({ path: _, ...file }) => file);
  const lines = shown.map(
    ({ delivery, receiver, scope, reasons }) =>
      `${delivery} ${receiver} ${safeText(scope)}: ${counts(reasons)}\n`,
  );
  const text = lines.length === 0 ? 'no dead letters\n' : lines.join('');
  process.stdout.write(options.json === true ? `${JSON.stringify(shown, null, 2)}\n` : text);
}

/** Shows dead letters with file, row, column, reason and the row as it stood. */
export async function show(options: Options): Promise<void> {
  const { configuration } = await configure(options.config, process.env);
  for (const { path } of await letterFiles(configuration, options))
    for await (const letter of lettersIn(path))
      process.stdout.write(`${shownLetter(letter, options)}\n`);
}

/** Has the deliveries of the letters read again at the agent's next start; may be called while it runs. Exit code 1 when one cannot be. */
export async function replay(options: Options): Promise<void> {
  const { configuration } = await configure(options.config, process.env);
  const files = await letterFiles(configuration, options);
  const state = existingState(configuration);
  try {
    const committed = new Map(state.deliveries().map((delivery) => [delivery.id, delivery]));
    for (const { delivery, scope, revision } of files) {
      const known = committed.get(delivery);
      const changed = await changedParts(known?.summary.parts ?? []);
      if (known === undefined || changed.length > 0) {
        const reason =
          known === undefined
            ? 'this revision was never committed, it is read when its source delivers it anew'
            : `changed or gone since: ${changed.join(', ')}`;
        process.stdout.write(
          `${delivery} ${safeText(scope)}: cannot be read again: ${safeText(reason)}\n`,
        );
        process.exitCode = 1;
        continue;
      }
      state.readAgain(delivery);
      state.audit(
        { kind: 'dead_letters.replayed', about: { delivery, scope, revision } },
        Date.now(),
      );
      process.stdout.write(
        `${delivery} ${safeText(scope)}: is read again at the agent's next start\n`,
      );
    }
  } finally {
    state.close();
  }
}

/** Removes dead letters for good; not while an agent runs. */
export async function drop(options: Options & { readonly yes?: boolean }): Promise<void> {
  const { configuration } = await configure(options.config, process.env);
  if (options.yes !== true)
    throw new Misconfigured('dead letters are removed for good', { hint: 'say --yes' });
  const state = existingState(configuration);
  try {
    const unlock = lockFolder(configuration.storage.folder);
    try {
      for (const { path, ...about } of await letterFiles(configuration, options)) {
        state.audit({ kind: 'dead_letters.dropped', about }, Date.now());
        await rm(path, { force: true });
        process.stdout.write(
          `${about.delivery} ${safeText(about.scope)}: dropped ${counts(about.reasons)}\n`,
        );
      }
    } finally {
      unlock();
    }
  } finally {
    state.close();
  }
}

async function letterFiles({ storage }: Configuration, options: Options): Promise<LetterFile[]> {
  const folder = join(storage.folder, 'deadletters');
  const names = existsSync(folder) ? readdirSync(folder).sort() : [];
  const files: LetterFile[] = [];
  for (const name of names) {
    const delivery = /-([0-9a-f]+)\.ndjson$/.exec(name)?.[1];
    if (delivery === undefined) continue;
    const path = join(folder, name);
    const reasons: Record<string, number> = {};
    let first: DeadLetter | undefined;
    for await (const letter of lettersIn(path)) {
      first ??= letter;
      reasons[letter.reason] = (reasons[letter.reason] ?? 0) + 1;
    }
    if (first === undefined) continue;
    const { receiver, scope, revision } = first;
    const wanted =
      (options.receiver ?? receiver) === receiver &&
      (options.scope ?? scope) === scope &&
      (options.delivery ?? delivery) === delivery;
    if (wanted) files.push({ path, delivery, receiver, scope, revision, reasons });
  }
  return files;
}

async function* lettersIn(path: string): AsyncIterable<DeadLetter> {
  for await (const line of createInterface({ input: createReadStream(path) }))
    if (line !== '') yield JSON.parse(line) as DeadLetter;
}

function shownLetter(letter: DeadLetter, { json }: Options): string {
  if (json === true) return JSON.stringify(letter);
  const { path = '', row, column, reason, message, raw, exporter } = letter;
  const place = [path, row && `row ${row}`, column, exporter].filter(Boolean).join(', ');
  return safeText(`${place}: ${reason}: ${message}${raw === undefined ? '' : ` | ${raw}`}`);
}

function counts(reasons: Readonly<Record<string, number>>): string {
  return Object.entries(reasons)
    .map(([reason, count]) => `${reason} ${count}`)
    .join(', ');
}
