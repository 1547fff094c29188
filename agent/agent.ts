import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Component, Configuration, Pipeline } from '../config/validate.ts';
import { createWorkerPool, type WorkerPool } from '../pipelines/engine/worker-pool.ts';
import type {
  AgentView,
  Clock,
  ComponentHealth,
  Context,
  Lasting,
  Receiver,
  ReceiverContext,
} from '../pipelines/plugin/contract.ts';
import { errorMessage, errorName } from '../pipelines/plugin/errors.ts';
import type { Inspection } from '../pipelines/plugin/inspection.ts';
import { createHttp } from '../plugins/kit/http.ts';
import { createLasting } from '../plugins/kit/lasting.ts';
import { componentFolder } from './component-folder.ts';
import type { DeadLetters } from './dead-letters.ts';
import { isDiskTrouble } from './disk-trouble.ts';
import { observeQueues } from './exporter-queue/observe-queues.ts';
import { openQueue } from './exporter-queue/open-queue.ts';
import {
  addedExporters,
  configurationHash,
  type Fingerprints,
  fingerprints,
  named,
  needRestart,
  runKey,
} from './fingerprints.ts';
import { giveBackAfterStart, giveBackMemory } from './give-back-memory.ts';
import { inspect } from './inspect.ts';
import type { Catalogue } from './load-plugin.ts';
import type { Log } from './log.ts';
import { OpenComponents } from './open-components.ts';
import { createPeriods, type Periods, type PeriodsOf } from './periods.ts';
import { type RunEvents, takeDelivery, tidy } from './pipeline-run.ts';
import { readAgain } from './read-again.ts';
import { refuseMessage } from './refused-message.ts';
import { awaitRoom } from './room.ts';
import { countedEvents } from './run-events.ts';
import { pipelineSettings } from './stages.ts';
import { secretsIn } from './state/postgres/address.ts';
import type { State } from './state/state.ts';
import { openStorage, type Storage, unusable } from './storage.ts';
import { type Ended, Health, supervise } from './supervise.ts';
import type { Telemetry } from './telemetry.ts';
import { Traffic } from './traffic.ts';
import { createTurns, lookedAgain } from './turns.ts';
import { UnderWay } from './under-way.ts';

/** What an agent is made of. */
export interface AgentOptions {
  readonly configuration: Configuration;
  readonly catalogue: Catalogue;
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly telemetry: Telemetry;
  /** Read what is there now, then end. */
  readonly once?: boolean;
  /** Read and total, but open no exporter. */
  readonly withoutExporters?: boolean;
  readonly events?: RunEvents;
  /** Workers of somebody else, who closes them; default: of its own. */
  readonly pool?: WorkerPool;
}

/** A running agent. */
export interface Agent extends AgentView {
  readonly state: State;
  readonly deadLetters: DeadLetters;
  /** Resolves when every receiver has ended (with `once`, or after `stop`). */
  ended(): Promise<readonly RunEnded[]>;
  /** Goes over to another configuration: only what changed restarts, and what had failed. Answers what did. Throws when that does not work: the present one stays. */
  reload(configuration: Configuration): Promise<readonly string[]>;
  /** Stops receivers, flushes and closes exporters, extensions, state. Answers the exporters that could not send their last totals. */
  stop(): Promise<readonly string[]>;
}

/** How one receiver's way through one pipeline ended. */
export type RunEnded = Ended & { readonly pipeline: string; readonly receiver: string };

/** A state on a server, among the components. */
const STATE = { id: 'state', kind: 'storage' } as const;

/** Attempts at something unavailable in a `once` run. */
const ONCE_ATTEMPTS = 2;

/** Builds the agent and starts it: exporters first, then extensions, then receivers. */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { configuration, log } = options;
  if (configuration.storage.state !== undefined) log.hide(secretsIn(configuration.storage.state));
  const storage = await openStorage(configuration.storage, (text) => log.mask(text));
  const agent = new RunningAgent(options, storage);
  try {
    await agent.start();
    return agent;
  } catch (error) {
    await agent.stop();
    throw isDiskTrouble(error) ? unusable(configuration.storage.folder, error) : error;
  }
}

interface Run {
  readonly pipeline: string;
  readonly receiver: string;
  readonly stop: AbortController;
  readonly fingerprint: string;
  readonly ended: Promise<RunEnded>;
  /** It ended, and not well. */
  failed: boolean;
}

class RunningAgent implements Agent {
  readonly state: State;
  readonly deadLetters: DeadLetters;
  readonly version: string;
  readonly #options: AgentOptions;
  readonly #health: Health;
  readonly #pool: WorkerPool;
  readonly #http = createHttp();
  readonly #open: OpenComponents;
  /** Both stay what they were when the agent started. */
  readonly #folder: string;
  readonly #storage: Storage;
  readonly #underWay: UnderWay;
  readonly #traffic: Traffic;
  readonly #started: number;
  readonly #periods: Periods;
  readonly #watching = new AbortController();
  #watched: Promise<void> = Promise.resolve();
  readonly #runs = new Map<string, Run>();
  #configuration: Configuration;
  #ready = false;
  #stopped: Promise<readonly string[]> | undefined;

  constructor(options: AgentOptions, storage: Storage) {
    const { configuration, clock, version, log } = options;
    this.#options = options;
    this.#configuration = configuration;
    this.version = version;
    this.#health = new Health(clock, (text) => log.mask(text));
    this.#folder = configuration.storage.folder;
    this.#storage = storage;
    this.state = storage.state;
    this.deadLetters = storage.deadLetters;
    this.#started = clock.now();
    this.#underWay = new UnderWay(clock, this.state.seen());
    this.#traffic = new Traffic(clock);
    this.#pool =
      options.pool ?? createWorkerPool({ workers: configuration.workers, onIdle: giveBackMemory });
    this.#open = new OpenComponents({
      ...options,
      health: this.#health,
      state: this.state,
      agent: this,
      deadLetters: this.deadLetters,
      context: (component, signal) => this.#context(component, signal),
      queue: (exporter, sink) =>
        openQueue(exporter, sink, {
          ...options,
          storage: configuration.storage,
          once: options.once === true,
          health: this.#health,
          state: this.state,
          deadLetters: this.deadLetters,
        }),
    });
    this.#periods = createPeriods({
      ...options,
      state: this.state,
      isOurs: () => this.state.sharing?.leads() !== false,
      closeAfterMs: () => this.#configuration.periods.close_after,
      pipeline: (name) => this.#exportsOf(name),
    });
  }

  async start(): Promise<void> {
    this.#observe();
    this.#watchState();
    await this.#open.open(this.#configuration, this.#fingerprints());
    await this.#audit('agent.started', this.#configuration);
    this.#startRuns();
    this.#ready = true;
    if (this.#options.once === true) return;
    const { signal } = this.#watching;
    const isIdle = (): boolean => this.#underWay.list().length === 0;
    void giveBackAfterStart({ clock: this.#options.clock, signal, isIdle });
    this.#watched = this.#periods.watch(signal);
  }

  #exportsOf(name: string): ReturnType<PeriodsOf['pipeline']> {
    const pipeline = this.#configuration.pipelines.find((candidate) => candidate.name === name);
    if (pipeline === undefined) return undefined;
    const settings = pipelineSettings(this.#configuration, pipeline, this.version);
    return { targets: this.#open.targets(pipeline), settings };
  }

  #observe(): void {
    const { telemetry } = this.#options;
    telemetry.observe(this);
    telemetry.gauges('focusd.delivery.age', () => this.#underWay.deliveryAges());
    telemetry.gauges('focusd.data.age', () => this.#underWay.dataAges());
    telemetry.gauge('focusd.queue.length', () => this.#pool.waiting(), { queue: 'tasks' });
    telemetry.gauge('focusd.dead_letters.size', () => this.deadLetters.bytes());
    observeQueues(telemetry, this.#open);
  }

  ready(): boolean {
    return this.#ready;
  }

  health(): readonly ComponentHealth[] {
    return this.#health.list();
  }

  inspect(): Inspection {
    return inspect({
      ...this.#options,
      started: this.#started,
      ready: this.#ready,
      configuration: this.#configuration,
      health: this.#health,
      state: this.state,
      deadLetters: this.deadLetters,
      pool: this.#pool,
      underWay: this.#underWay,
      traffic: this.#traffic,
      queues: this.#open.queues(),
    });
  }

  async ended(): Promise<readonly RunEnded[]> {
    return await Promise.all([...this.#runs.values()].map(({ ended }) => ended));
  }

  async reload(configuration: Configuration): Promise<readonly string[]> {
    const before = this.#configuration;
    try {
      const restarted = await this.#goOver(configuration);
      await this.#audit('configuration.changed', configuration);
      const settings = needRestart(before, configuration);
      if (settings.length > 0)
        this.#options.log.warn('settings are used from the next start on', { settings });
      for (const added of addedExporters(before, configuration))
        this.#options.log.info('exporter was added: earlier charges are not sent to it', {
          ...added,
          see: 'agent/README.md, "An exporter that is added later"',
        });
      return restarted;
    } catch (error) {
      await this.#goOver(before).catch((cause: unknown) => {
        const reasons = [error, cause].map((one) => (one instanceof Error ? one.message : one));
        throw new Error(`${reasons[0]}; nor could the former one be started again: ${reasons[1]}`, {
          cause,
        });
      });
      throw error;
    }
  }

  async #goOver(configuration: Configuration): Promise<readonly string[]> {
    this.#configuration = configuration;
    const prints = this.#fingerprints();
    const stale = [...this.#runs.values()].filter(
      (run) => run.failed || prints.runs.get(runKey(run)) !== run.fingerprint,
    );
    for (const run of stale) run.stop.abort();
    await Promise.all(stale.map(({ ended }) => ended));
    for (const run of stale) this.#forgetRun(run);
    const closed = await this.#open.closeStale(prints);
    await this.#open.open(configuration, prints);
    const started = this.#startRuns();
    return [...new Set([...stale.map(runKey), ...closed, ...started])];
  }

  stop(): Promise<readonly string[]> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<readonly string[]> {
    const ran = this.#ready;
    this.#ready = false;
    for (const run of this.#runs.values()) run.stop.abort();
    await this.ended();
    this.#watching.abort();
    if (ran && this.#options.once === true) await this.#endOnce();
    const unsent = await this.#open.close();
    await this.#watched;
    if (this.#options.pool === undefined) await this.#pool.close();
    await this.#http.close();
    try {
      if (ran) await this.#audit('agent.stopped', this.#configuration);
    } catch (error) {
      if (!isDiskTrouble(error) && errorName(error) !== 'Unavailable') throw error;
      this.#options.log.error('the audit chain does not say that the agent stopped', {
        reason: errorMessage(error),
      });
    } finally {
      await this.#storage.close();
    }
    return unsent;
  }

  /** Of agents that share the state the last one sends what all of them have come to. */
  async #endOnce(): Promise<void> {
    await this.state.sharing
      ?.settled()
      .catch((error: unknown) => this.#options.log.warn('state could not be asked', { error }));
    await this.#periods.check();
  }

  #startRuns(): string[] {
    const started: string[] = [];
    for (const pipeline of this.#configuration.pipelines) {
      for (const receiver of pipeline.receivers) {
        const key = runKey({ pipeline: pipeline.name, receiver });
        if (this.#runs.has(key)) continue;
        this.#startRun(pipeline, receiver);
        started.push(key);
      }
    }
    return started;
  }

  #startRun(pipeline: Pipeline, receiver: string): void {
    const { clock, log } = this.#options;
    const stop = new AbortController();
    const lasting = createLasting();
    const id = { pipeline: pipeline.name, receiver };
    this.#underWay.opened(id);
    this.#traffic.opened(id, pipeline.exporters);
    this.#options.telemetry.opened(id, pipeline.exporters);
    const supervised = {
      id: receiver,
      kind: 'receiver',
      clock,
      log,
      health: this.#health,
      signal: stop.signal,
      ...(this.#options.once === true ? { attempts: ONCE_ATTEMPTS } : {}),
      retried: () => this.#options.telemetry.retried(receiver),
    } as const;
    const run: Run = {
      ...id,
      stop,
      fingerprint: this.#fingerprints().runs.get(runKey(id)) ?? '',
      failed: false,
      ended: supervise(supervised, (progressed) =>
        lookedAgain(() =>
          this.#receive(pipeline, { receiver, signal: stop.signal, lasting, progressed }),
        ),
      ).then(async (end): Promise<RunEnded> => {
        run.failed = !end.ok;
        await this.#open.quietly(receiver, () => lasting.close());
        return { ...end, ...id };
      }),
    };
    this.#runs.set(runKey(id), run);
  }

  async #receive(
    pipeline: Pipeline,
    {
      receiver,
      signal,
      lasting,
      progressed,
    }: {
      readonly receiver: string;
      readonly signal: AbortSignal;
      readonly lasting: Lasting;
      readonly progressed: () => void;
    },
  ): Promise<void> {
    const component = named(this.#configuration.receivers, receiver);
    const plugin = (await this.#options.catalogue.load(
      'receiver',
      component.type,
    )) as unknown as Receiver;
    const { clock } = this.#options;
    const id = { pipeline: pipeline.name, receiver };
    const turns = await createTurns(this.state.sharing, {
      ...{ id, clock, signal },
      done: (of) => tidy(run, of),
    });
    const run = {
      id,
      turns,
      pool: this.#pool,
      state: this.state,
      deadLetters: this.deadLetters,
      kept: join(this.#folder, 'kept'),
      targets: this.#open.targets(pipeline),
      linkers: () => this.#open.linkers(),
      skuListeners: () => this.#open.skuListeners(),
      settings: pipelineSettings(this.#configuration, pipeline, this.version),
      clock,
      log: this.#options.log,
      events: this.#events(),
      signal,
    };
    await readAgain(run);
    const cursor = await this.state.cursor(pipeline.name, receiver);
    const context: ReceiverContext<never> = {
      ...this.#context(component, signal, pipeline.name),
      lasting,
      ...(turns.sharing && { sharing: turns.sharing }),
      prices: this.#open.prices(),
      trouble: (reason: string | undefined) => this.#health.trouble('receiver', receiver, reason),
      refuse: (message) => refuseMessage(run, message),
      room: () =>
        awaitRoom(() => this.#open.full(pipeline), {
          ...{ clock, signal },
          log: this.#options.log.child({ component: component.id, pipeline: pipeline.name }),
          trouble: (reason) => this.#health.trouble('receiver', receiver, reason),
        }),
    };
    try {
      for await (const delivery of plugin.receive(context, cursor)) {
        await takeDelivery(run, delivery);
        progressed();
        // With `once` they are sent when the exporters close.
        if (this.#options.once !== true) this.#open.totalsChanged(pipeline);
      }
    } finally {
      await turns.close();
    }
  }

  /** Of a state that others change too, on a server that may be away. */
  #watchState(): void {
    const { sharing } = this.state;
    if (sharing === undefined) return;
    const { log } = this.#options;
    this.#health.set({ ...STATE, status: 'running' });
    sharing.onChange(() => this.#totalsChanged());
    sharing.onTrouble((reason) => {
      this.#health.set({ ...STATE, status: reason === undefined ? 'running' : 'retrying', reason });
      if (reason === undefined) log.info('state can be used again', { component: STATE.id });
      else log.warn('state cannot be used now, it is tried again', { component: STATE.id, reason });
    });
  }

  #totalsChanged(): void {
    if (!this.#ready || this.#options.once === true) return;
    for (const pipeline of this.#configuration.pipelines) this.#open.totalsChanged(pipeline);
  }

  #events(): RunEvents {
    const { telemetry, events } = this.#options;
    return this.#underWay.events(this.#traffic.events(countedEvents(telemetry, events)));
  }

  #forgetRun(run: Run): void {
    this.#runs.delete(runKey(run));
    this.#underWay.closed(run);
    if (![...this.#runs.values()].some(({ receiver }) => receiver === run.receiver))
      this.#health.delete('receiver', run.receiver);
  }

  /** The world of a component; a receiver has one per pipeline. */
  #context(component: Component, signal: AbortSignal, pipeline?: string): Context<never> {
    const { log, telemetry, clock, once } = this.#options;
    const name = pipeline === undefined ? component.id : `${component.id}@${pipeline}`;
    const folder = componentFolder(this.#folder, name);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return {
      id: component.id,
      config: component.settings as never,
      log: pipeline === undefined ? log : log.child({ component: component.id, pipeline }),
      meter: telemetry.meter(component.id),
      http: this.#http,
      clock,
      once: once === true,
      signal,
      folder,
    };
  }

  async #audit(
    kind: 'agent.started' | 'agent.stopped' | 'configuration.changed',
    configuration: Configuration,
  ): Promise<void> {
    const about = { version: this.version, configuration: configurationHash(configuration) };
    await this.state.audit({ kind, about }, this.#options.clock.now());
  }

  #fingerprints(): Fingerprints {
    const withoutExporters = this.#options.withoutExporters === true;
    return fingerprints(this.#configuration, { withoutExporters });
  }
}
