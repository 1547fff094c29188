import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Component, Configuration } from '../../config/validate.ts';
import type { Context } from '../../pipelines/plugin/contract.ts';
import { systemClock } from '../../plugins/kit/clock.ts';
import { createHttp } from '../../plugins/kit/http.ts';
import { createLog } from '../log.ts';
import { silentMeter } from '../telemetry.ts';

/** Works in a component's world without an agent around it; its folder is gone afterwards. */
export async function inThrowAwayWorld<T>(
  { id, settings }: Component,
  { secrets }: Pick<Configuration, 'secrets'>,
  work: (context: Context<never>) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'focusd-look-'));
  const http = createHttp();
  try {
    return await work({
      id,
      config: settings as never,
      log: createLog({ level: 'warn', encoding: 'console', secrets }),
      meter: silentMeter(),
      http,
      clock: systemClock,
      signal: new AbortController().signal,
      once: true,
      folder,
    });
  } finally {
    await http.close();
    await rm(folder, { recursive: true, force: true });
  }
}
