#!/usr/bin/env node
/** Entry: argv in, exit code out. */
import { buildProgram } from './cli/program.ts';
import { report } from './cli/report-error.ts';

try {
  await buildProgram().parseAsync(process.argv);
} catch (error) {
  process.exitCode = report(error);
}
