#!/usr/bin/env node
/** Entry: argv in, exit code out. */
import { keepCompiledCode } from './compile-cache.ts';
import { leanHttp } from './lean-http.ts';

keepCompiledCode(process.env);
leanHttp();
const { buildProgram } = await import('./cli/program.ts');
const { report } = await import('./cli/report-error.ts');

try {
  await buildProgram().parseAsync(process.argv);
} catch (error) {
  process.exitCode = report(error);
}
