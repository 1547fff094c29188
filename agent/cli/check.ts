import { checkFile, formatCheckReport } from '../../pipelines/check/index.ts';
import { openSource } from '../../pipelines/decode/open.ts';
import type { FocusVersion } from '../../pipelines/focus/columns.ts';
import { type BadPart, errorName } from '../../pipelines/plugin/errors.ts';

interface Options {
  readonly focus?: FocusVersion;
  readonly strict?: boolean;
  readonly json?: boolean;
}

/** Checks files against the specification; exit code 1 when a MUST is broken or a file cannot be read. */
export async function check(files: readonly string[], options: Options): Promise<void> {
  const reports: unknown[] = [];
  for (const file of files) {
    const result = await checked(file, options);
    if (!('report' in result) || !result.report.ok) process.exitCode = 1;
    if (options.json === true)
      reports.push(
        'report' in result ? { file, ...result.report } : { file, ok: false, error: result.error },
      );
    else if ('report' in result)
      process.stdout.write(formatCheckReport(result.report, { file, color: process.stdout.isTTY }));
    else process.stderr.write(`focusd: ${file}: ${result.error}\n`);
  }
  if (options.json === true)
    process.stdout.write(`${JSON.stringify(files.length === 1 ? reports[0] : reports, null, 2)}\n`);
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
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      return { error: 'there is no such file' };
    throw error;
  }
}
