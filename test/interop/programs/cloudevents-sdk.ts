import { chmod, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cached, type Program, unavailable } from './cache.ts';
import { attempt, run } from './npm.ts';

const VERSION = '10.0.0';
const INSTALL = `npm install --ignore-scripts --omit=dev --no-audit --no-fund cloudevents@${VERSION}`;

/** Node with the CloudEvents SDK for JavaScript from npm. */
export function cloudEventsSdk(): Promise<Program> {
  return cached({ name: 'cloudevents-sdk', version: VERSION, source: INSTALL, build: install });
}

async function install(folder: string): Promise<void> {
  await writeFile(join(folder, 'package.json'), '{"private": true}');
  const installed = await attempt(INSTALL, { cwd: folder });
  if ('skip' in installed) throw unavailable(installed.skip);
  const launcher = join(folder, 'cloudevents-sdk');
  await writeFile(launcher, '#!/bin/sh\ncd "$(dirname "$0")" && exec node "$@"\n');
  await chmod(launcher, 0o755);
}

/** Runs a program that may require `cloudevents`; answers what it prints. */
export async function runWithSdk(
  path: string,
  program: string,
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const ended = await run([path, '-e', program], { cwd: dirname(path), env });
  if (ended.code !== 0) throw new Error(ended.stderr);
  return ended.stdout;
}
