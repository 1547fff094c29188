import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configurationFiles } from '../../config/read.ts';
import type { Configuration } from '../../config/validate.ts';
import { errorMessage } from '../../pipelines/plugin/errors.ts';
import { systemClock } from '../../plugins/kit/clock.ts';
import { watchFiles } from '../../plugins/kit/watch.ts';
import { type Agent, type AgentOptions, type RunEnded, startAgent } from '../agent.ts';
import { type Configured, configure } from '../configure.ts';
import { createLog, type Log, type LogOptions } from '../log.ts';
import type { RunEvents } from '../pipeline-run.ts';
import type { Committed } from '../state/state.ts';
import { startTelemetry, type Telemetry } from '../telemetry.ts';
import { version } from '../version.ts';
import { formatReport } from './report.ts';
import { showsColor } from './terminal.ts';

interface Options {
  readonly config: string;
  readonly once?: boolean;
  readonly dryRun?: boolean;
}

/** Runs the agent until it is told to stop, or once. */
export async function run(options: Options): Promise<void> {
  const configured = await configure(options.config, process.env);
  if (options.dryRun === true) await dryRun(configured);
  else await serve(configured, { once: options.once === true });
}

/** How an agent is run from the command line. */
export interface ServeOptions {
  readonly once: boolean;
  readonly events?: RunEvents;
  readonly withoutExporters?: boolean;
  /** Called when the agent runs. */
  readonly started?: (agent: Agent, telemetry: Telemetry) => void;
  /** Called before the agent stops, with what its receivers came to. */
  readonly ended?: (agent: Agent) => void | Promise<void>;
}

/** Runs a configured agent to its end; sets the exit code: 1 when a receiver failed, or with `once` a bill could not be read or the totals could not be sent. */
export async function serve(configured: Configured, options: ServeOptions): Promise<void> {
  const stop = untilSignalled();
  try {
    const tally = billTally(options.events);
    const { ended, unsent } = await serveUntil(stop.signalled, configured, {
      ...options,
      tally,
    });
    if (ended === 'signal') return;
    if (ended.some(({ ok }) => !ok) || tally.counts().refusedParts > 0 || unsent.length > 0)
      process.exitCode = 1;
  } finally {
    stop.dispose();
  }
}

/** What became of the bills of a run. */
interface Tally {
  readonly events: RunEvents;
  counts(): { readonly committed: number; readonly known: number; readonly refusedParts: number };
}

function billTally(events: RunEvents = {}): Tally {
  const counts = { committed: 0, known: 0, refusedParts: 0 };
  return {
    counts: () => counts,
    events: {
      ...events,
      committed: (...of) => {
        counts.committed++;
        events.committed?.(...of);
      },
      known: (...of) => {
        counts.known++;
        events.known?.(...of);
      },
      refusedPart: (...of) => {
        counts.refusedParts++;
        events.refusedPart?.(...of);
      },
    },
  };
}

function encodingOf(setting: LogOptions['encoding'] | 'auto'): LogOptions['encoding'] {
  if (setting !== 'auto') return setting;
  return process.stderr.isTTY ? 'console' : 'json';
}

async function serveUntil(
  signalled: Promise<'signal'>,
  configured: Configured,
  options: ServeOptions & { readonly tally: Tally },
): Promise<{
  readonly ended: 'signal' | readonly RunEnded[];
  readonly unsent: readonly string[];
}> {
  const { configuration } = configured;
  const log = createLog({
    level: configuration.telemetry.logs.level,
    encoding: encodingOf(configuration.telemetry.logs.encoding),
    secrets: configuration.secrets,
    color: showsColor(process.stderr),
  });
  for (const { path, problem, hint } of configuration.warnings)
    log.warn('configuration', { path, problem, ...(hint === undefined ? {} : { hint }) });
  const telemetry = await startTelemetry({
    settings: configuration.telemetry,
    log,
    clock: systemClock,
    version: version(),
  });
  const agent = await started({ configured, log, telemetry, options });
  log.info('agent is ready', {
    version: version(),
    configuration: configuration.file,
    ...(telemetry.address === undefined ? {} : { metrics: telemetry.address }),
  });
  options.started?.(agent, telemetry);
  const stopReload = options.once ? async () => {} : reloading({ agent, configured, log });
  const ended = await Promise.race([finished(agent, options.once), signalled]);
  await options.ended?.(agent);
  await stopReload();
  if (ended === 'signal') log.info('agent stops', { because: 'it was told to' });
  else log.info('everything there was has been read', { ...options.tally.counts() });
  const unsent = await agent.stop();
  await telemetry.close();
  log.info('agent has stopped', unsent.length === 0 ? {} : { unsent });
  return { ended, unsent };
}

interface Starting {
  readonly configured: Configured;
  readonly log: Log;
  readonly telemetry: Telemetry;
  readonly options: ServeOptions & { readonly tally: Tally };
}

async function started({ configured, log, telemetry, options }: Starting): Promise<Agent> {
  const agentOptions: AgentOptions = {
    configuration: configured.configuration,
    catalogue: configured.catalogue,
    version: version(),
    clock: systemClock,
    log,
    telemetry,
    once: options.once,
    withoutExporters: options.withoutExporters === true,
    events: options.tally.events,
  };
  try {
    return await startAgent(agentOptions);
  } catch (error) {
    await telemetry.close();
    throw error;
  }
}

/** With `once`, when all receivers have ended; else never: a receiver that ended or failed does not end the agent. */
function finished(agent: Agent, once: boolean): Promise<readonly RunEnded[]> {
  return once ? agent.ended() : new Promise(() => {});
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** Ctrl-C or SIGTERM; the second one does not wait. */
function untilSignalled(): { readonly signalled: Promise<'signal'>; dispose(): void } {
  const { promise, resolve } = Promise.withResolvers<'signal'>();
  let told = false;
  const tell = (): void => {
    if (told) process.exit(130);
    told = true;
    resolve('signal');
  };
  for (const signal of SIGNALS) process.on(signal, tell);
  return {
    signalled: promise,
    dispose: () => {
      for (const signal of SIGNALS) process.off(signal, tell);
    },
  };
}

interface Reloading {
  readonly agent: Agent;
  readonly configured: Configured;
  readonly log: Log;
}

/** Reads the configuration again on SIGHUP and when one of its files changes; a broken one changes nothing. */
function reloading({ agent, configured, log }: Reloading): () => Promise<void> {
  let watched = configurationFiles(configured.raw);
  let working: Promise<void> = Promise.resolve();
  const reload = async (): Promise<void> => {
    try {
      const next = await configure(
        configured.configuration.file,
        process.env,
        configured.catalogue,
      );
      log.hide(next.configuration.secrets);
      const restarted = await agent.reload(next.configuration);
      log.setLevel(next.configuration.telemetry.logs.level);
      log.info('configuration was read again', { restarted });
      const files = configurationFiles(next.raw);
      if (files.join('\n') !== watched.join('\n')) {
        watched = files;
        await stop();
        stop = watchFiles(watched, queue);
      }
    } catch (error) {
      log.error('new configuration is not used, the running one stays', {
        reason: errorMessage(error),
      });
    }
  };
  const queue = (): void => {
    working = working.then(reload);
  };
  let stop = watchFiles(watched, queue);
  process.on('SIGHUP', queue);
  return async () => {
    process.off('SIGHUP', queue);
    await stop();
    await working;
  };
}

/** Reads everything once into a state that is thrown away, sends nothing, reports. */
async function dryRun(configured: Configured): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'focusd-dry-'));
  const storage = { ...configured.configuration.storage, folder, state: undefined };
  const telemetry = {
    ...configured.configuration.telemetry,
    metrics: { ...configured.configuration.telemetry.metrics, level: 'none' as const },
  };
  const configuration: Configuration = {
    ...configured.configuration,
    storage,
    telemetry,
    extensions: [],
  };
  const committed: Committed[] = [];
  const begun = performance.now();
  try {
    await serve(
      { ...configured, configuration },
      {
        once: true,
        withoutExporters: true,
        events: { committed: (_, delivery) => committed.push(delivery) },
        ended: async (agent) => {
          const pipelines = configuration.pipelines.map(({ name }) => name);
          process.stdout.write(
            await formatReport({
              state: agent.state,
              pipelines,
              committed,
              ms: performance.now() - begun,
              width: process.stdout.columns,
              color: showsColor(process.stdout),
            }),
          );
          process.stdout.write(
            `Dry run: nothing was sent to ${configuration.exporters.map(({ id }) => id).join(', ')}, nothing was stored.\n`,
          );
        },
      },
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
