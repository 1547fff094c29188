import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Part } from '../../pipelines/plugin/delivery.ts';
import { BadPart } from '../../pipelines/plugin/errors.ts';
import { filePatterns, listFiles } from '../../plugins/kit/watch.ts';
import { mayBeBill } from '../../plugins/receivers/files/bundles.ts';

/**
 * What an argument stands for: a file, every bill below a folder, or what a glob matches. Of folders and globs, `except` (the output of an
 * earlier time) and files that are no bill by their name are left out.
 */
export async function billFiles(argument: string, except?: string): Promise<readonly Part[]> {
  const path = resolve(argument);
  const seen = await stat(path).catch(() => undefined);
  if (seen?.isFile() === true) return [{ path, bytes: seen.size, modifiedMs: seen.mtimeMs }];
  const found = (await listFiles(await filePatterns([path]))).filter(
    (part) => part.path !== except && mayBeBill(part.path),
  );
  if (found.length === 0)
    throw new BadPart(seen === undefined ? 'there is no such file' : 'there is no bill in it', {
      path: argument,
    });
  return found;
}
