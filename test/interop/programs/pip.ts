import { execFile } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Recipe, unavailable } from './cache.ts';

/** A program of a Python package. */
export interface PythonProgram {
  readonly name: string;
  readonly version: string;
  /** What pip installs, with its dependencies, into a folder of its own. */
  readonly requirement: string;
  /** What Python is started with; `$SITE` is that folder. */
  readonly run: string;
}

/** The recipe of a program that pip can install by itself. */
export function pipRecipe({ name, version, requirement, run }: PythonProgram): Recipe {
  return {
    name,
    version,
    source: requirement,
    build: (folder) => install(folder, { name, requirement, run }),
  };
}

async function install(
  folder: string,
  { name, requirement, run }: Omit<PythonProgram, 'version'>,
): Promise<void> {
  const site = join(folder, 'site');
  const pip = ['-m', 'pip', 'install', '--quiet', '--target', site, requirement];
  await promisify(execFile)('python3', pip).catch((error: Error) => {
    const reason = error.message.slice(0, 400);
    throw unavailable(`${name} needs python3 with pip and a package index: ${reason}`);
  });
  const launcher = join(folder, name);
  const lines = [
    '#!/bin/sh',
    'SITE="$(dirname "$0")/site"',
    `PYTHONPATH="$SITE" exec python3 ${run} "$@"`,
  ];
  await writeFile(launcher, `${lines.join('\n')}\n`);
  await chmod(launcher, 0o755);
}
