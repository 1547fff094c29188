#!/usr/bin/env node
/** Entry: argv in, exit code out. */
import { NOBODY_READS } from './cli/exit-codes.ts';
import { tooOld } from './node-version.ts';

const old = tooOld(process.versions.node);
if (old === undefined) await main();
else {
  process.stderr.write(`${old}\n`);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const { keepCompiledCode } = await import('./compile-cache.ts');
  keepCompiledCode(process.env);
  // After that, so that the process that starts anew finds its first modules compiled too: 0.1 CPU-seconds less from TypeScript.
  if (process.argv[2] === 'run') {
    const { useFrugalMalloc } = await import('./frugal-malloc.ts');
    useFrugalMalloc(process.env);
  }
  for (const stream of [process.stdout, process.stderr]) stream.on('error', endWithReader(stream));
  const { leanHttp } = await import('./lean-http.ts');
  const { boundYoungGeneration } = await import('./young-generation.ts');
  leanHttp();
  boundYoungGeneration();
  const { buildProgram } = await import('./cli/program.ts');
  const { report } = await import('./cli/report-error.ts');
  try {
    await buildProgram().parseAsync(process.argv);
  } catch (error) {
    process.exitCode = report(error);
  }
}

/** Ends as other programs do when nobody reads on (`| head`); who pipes into the stream itself is told by that. */
function endWithReader(stream: NodeJS.WriteStream): (error: NodeJS.ErrnoException) => void {
  return (error) => {
    if (error.code !== 'EPIPE') throw error;
    if (stream.listenerCount('error') === 1) process.exit(NOBODY_READS);
  };
}
