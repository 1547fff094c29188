import { resolve } from 'node:path';
import { checkFile, formatCheckReport } from '../../pipelines/check/index.ts';
import { openSource } from '../../pipelines/decode/open.ts';
import type { FocusVersion } from '../../pipelines/focus/columns.ts';
import { type BadPart, errorName } from '../../pipelines/plugin/errors.ts';
import { billFiles } from './bill-files.ts';
import { showsColor } from './terminal.ts';

interface Options {
  readonly focus?: FocusVersion;
  readonly strict?: boolean;
  readonly json?: boolean;
}

/** Checks files against the specification; exit code 1 when a MUST is broken or a file cannot be read. */
export async function check(given: readonly string[], options: Options): Promise<void> {
  const files = await namesOf(given);
  const reports: unknown[] = [];
  for (const file of files) {
    const result = await checked(file, options);
    if (!('report' in result) || !result.report.ok) process.exitCode = 1;
    if (options.json === true)
      reports.push(
        'report' in result ? { file, ...result.report } : { file, ok: false, error: result.error },
      );
    else if ('report' in result)
      process.stdout.write(
        formatCheckReport(result.report, { file, color: showsColor(process.stdout) }),
      );
    else process.stderr.write(`focusd: ${file}: ${result.error}\n`);
  }
  if (options.json === true)
    process.stdout.write(`${JSON.stringify(files.length === 1 ? reports[0] : reports, null, 2)}\n`);
}

/** Folders and globs as the files they stand for; files as they were named. */
async function namesOf(given: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(
    given.map((name) =>
      billFiles(name).then(
        (files) =>
          files.length === 1 && files[0]?.path === resolve(name)
            ? [name]
            : files.map(({ path }) => path),
        () => [name],
      ),
    ),
  );
  return [...new Set(found.flat())];
}

async function checked(
  file: string,
  options: Options,
): Promise<
  { readonly report: Awaited<ReturnType<typeof checkFile>> } | { readonly error: string }
> {
  try {
    const report = await checkFile(file, {
      openSource: (path) => openSource({ path }),
      version: options.focus,
      ...(options.strict === true ? { applicability: 'all' as const } : {}),
    });
    return { report };
  } catch (error) {
    if (errorName(error) === 'BadPart') return { error: (error as BadPart).message };
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return { error: 'there is no such file' };
    if (code === 'EISDIR') return { error: 'there is no bill in it' };
    if (code === 'EACCES') return { error: 'permission denied' };
    throw error;
  }
}
