import { rm } from 'node:fs/promises';
import { Misconfigured } from '../../pipelines/plugin/errors.ts';
import { changedParts } from '../changed-parts.ts';
import { configure } from '../configure.ts';
import type { DeadLetter } from '../dead-letters.ts';
import { createMask, maskNamed } from '../mask.ts';
import { lockFolder } from '../state/lock.ts';
import { existingState } from './existing-state.ts';
import { type LetterFile, type LetterFilter, letterFiles, lettersIn } from './letter-files.ts';
import { safeText } from './terminal.ts';

interface Options extends LetterFilter {
  readonly config: string;
  readonly json?: boolean;
}

/** Counts dead letters by delivery and reason, and what is lost with them. */
export async function list(options: Options): Promise<void> {
  const { configuration } = await configure(options.config, process.env);
  const files = await letterFiles(configuration, options);
  const shown = files.map(({ path: _, ...file }) => file);
  const lines = shown.map(
    (file) => `${file.delivery} ${file.receiver} ${safeText(file.scope)}: ${account(file)}\n`,
  );
  const text = lines.length === 0 ? 'no dead letters\n' : lines.join('');
  process.stdout.write(options.json === true ? `${JSON.stringify(shown, null, 2)}\n` : text);
}

/** Shows dead letters with file, row, column, reason and the row as it stood. */
export async function show(options: Options): Promise<void> {
  const { configuration } = await configure(options.config, process.env);
  const mask = createMask(configuration.secrets);
  for (const { path } of await letterFiles(configuration, options))
    for await (const letter of lettersIn(path, options.reason))
      process.stdout.write(`${mask(shownLetter(letter, options))}\n`);
}

/** Has the deliveries of the letters read again at the agent's next start; may be called while it runs. Exit code 1 when one cannot be. */
export async function replay(options: Options): Promise<void> {
  const { configuration } = await configure(options.config, process.env);
  const files = await letterFiles(configuration, options);
  const state = await existingState(configuration);
  try {
    const committed = new Map(
      (await state.deliveries()).map((delivery) => [delivery.id, delivery]),
    );
    for (const { delivery, scope, revision, kind } of files) {
      const known = committed.get(delivery);
      const changed = await changedParts(known?.summary.parts ?? []);
      if (known === undefined || changed.length > 0) {
        const reason =
          known === undefined
            ? (NOT_DELIVERED[kind] ?? NEVER_COMMITTED)
            : `changed or gone since: ${changed.join(', ')}`;
        process.stdout.write(
          `${delivery} ${safeText(scope)}: cannot be read again: ${safeText(reason)}\n`,
        );
        process.exitCode = 1;
        continue;
      }
      await state.readAgain(delivery);
      await state.audit(
        { kind: 'dead_letters.replayed', about: { delivery, scope, revision } },
        Date.now(),
      );
      process.stdout.write(
        `${delivery} ${safeText(scope)}: is read again at the agent's next start\n`,
      );
    }
  } finally {
    await state.close();
  }
}

const NEVER_COMMITTED =
  'this revision was never committed, it is read when its source delivers it anew';
/** Of letters that are of no delivery. */
const NOT_DELIVERED: Readonly<Partial<Record<DeadLetter['kind'], string>>> = {
  point: 'the agent tries refused points again when it starts and when their cost changes',
};

/** Removes dead letters for good; not while an agent runs. */
export async function drop(options: Options & { readonly yes?: boolean }): Promise<void> {
  const { configuration } = await configure(options.config, process.env);
  if (options.yes !== true)
    throw new Misconfigured('dead letters are removed for good', { hint: 'say --yes' });
  const state = await existingState(configuration);
  try {
    const unlock = lockFolder(configuration.storage.folder);
    try {
      for (const { path, ...about } of await letterFiles(configuration, options)) {
        await state.audit({ kind: 'dead_letters.dropped', about }, Date.now());
        await rm(path, { force: true });
        process.stdout.write(
          `${about.delivery} ${safeText(about.scope)}: dropped ${counts(about.reasons)}\n`,
        );
      }
    } finally {
      unlock();
    }
  } finally {
    await state.close();
  }
}

function shownLetter(letter: DeadLetter, { json }: Options): string {
  const raw = letter.raw === undefined ? undefined : maskNamed(letter.raw);
  if (json === true) return JSON.stringify(raw === undefined ? letter : { ...letter, raw });
  const { path = '', row, column, reason, message, exporter } = letter;
  const place = [path, row && `row ${row}`, column, exporter].filter(Boolean).join(', ');
  return safeText(`${place}: ${reason}: ${message}${raw === undefined ? '' : ` | ${raw}`}`);
}

function counts(reasons: Readonly<Record<string, number>>): string {
  return Object.entries(reasons)
    .map(([reason, count]) => `${reason} ${count}`)
    .join(', ');
}

/** `invalid_time 2 (BilledCost 10.25), invalid_number 3 (cost unknown of 3)`. */
function account({ reasons, costs, unknown }: Omit<LetterFile, 'path'>): string {
  const texts = Object.entries(reasons).map(([reason, count]) => {
    const [column, cost] = Object.entries(costs[reason] ?? {})[0] ?? [];
    const known = column === undefined ? [] : [`${column} ${cost}`];
    const rest = (unknown[reason] ?? 0) > 0 ? [`cost unknown of ${unknown[reason]}`] : [];
    return `${reason} ${count} (${[...known, ...rest].join(', ')})`;
  });
  return texts.join(', ');
}
