import type { Component, Configuration, Pipeline } from '../config/validate.ts';
import type { Target } from '../pipelines/engine/deliver.ts';
import { deliveryId } from '../pipelines/engine/delivery-ids.ts';
import { sendEvents } from '../pipelines/engine/send-events.ts';
import type {
  AgentView,
  Clock,
  Context,
  EventOutlet,
  Exporter,
  Extension,
  Opened,
  RefusedPoint,
  Sink,
  SkuListener,
} from '../pipelines/plugin/contract.ts';
import { errorMessage, Misconfigured, Unavailable } from '../pipelines/plugin/errors.ts';
import type { Linker } from '../pipelines/plugin/links.ts';
import type { PriceBook } from '../pipelines/plugin/prices.ts';
import type { TotalsView } from '../pipelines/plugin/totals.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { ExporterQueue, Waiting } from './exporter-queue/exporter-queue.ts';
import { type Fingerprints, named } from './fingerprints.ts';
import { createFlusher, type Flusher } from './flusher.ts';
import type { Catalogue } from './load-plugin.ts';
import type { Log } from './log.ts';
import { refusePoints } from './refused-points.ts';
import { isSentRows } from './restatement.ts';
import { stageSettings } from './stages.ts';
import type { State } from './state/state.ts';
import type { Health } from './supervise.ts';

/** What exporters and extensions are opened with. */
export interface Surroundings {
  readonly catalogue: Catalogue;
  readonly clock: Clock;
  readonly log: Log;
  readonly health: Health;
  readonly state: State;
  readonly agent: AgentView;
  readonly deadLetters: DeadLetters;
  readonly context: (component: Component, signal: AbortSignal) => Context<never>;
  /** The queue before an exporter whose charges can wait. */
  readonly queue: (exporter: string, sink: Sink) => ExporterQueue | undefined;
}

/** Longest time an exporter may take to send its last totals when it is closed. */
const CLOSE_WITHIN_MS = 10_000;

interface OpenExporter {
  readonly sink: Sink;
  readonly queue: ExporterQueue | undefined;
  readonly flusher: Flusher;
  readonly stop: AbortController;
  readonly fingerprint: string;
}

interface OpenExtension {
  readonly opened: Opened;
  readonly stop: AbortController;
  readonly fingerprint: string;
}

/** The exporters and extensions of an agent that are open. */
export class OpenComponents {
  readonly #around: Surroundings;
  readonly #exporters = new Map<string, OpenExporter>();
  readonly #extensions = new Map<string, OpenExtension>();
  #wanted: readonly string[] = [];

  constructor(surroundings: Surroundings) {
    this.#around = surroundings;
  }

  /** Opens what is wanted and not open: exporters first. */
  async open(configuration: Configuration, { exporters, extensions }: Fingerprints): Promise<void> {
    this.#wanted = [...exporters.keys()];
    for (const [id, fingerprint] of exporters)
      if (!this.#exporters.has(id)) await this.#openExporter(configuration, { id, fingerprint });
    for (const [id, fingerprint] of extensions)
      if (!this.#extensions.has(id)) await this.#openExtension(configuration, { id, fingerprint });
  }

  /** Closes what is no longer wanted, or not as it is; answers what. */
  async closeStale({ exporters, extensions }: Fingerprints): Promise<readonly string[]> {
    const closed: string[] = [];
    for (const [id, exporter] of this.#exporters) {
      if (exporters.get(id) === exporter.fingerprint) continue;
      await this.#closeExporter(id, exporter);
      closed.push(id);
    }
    for (const [id, extension] of this.#extensions) {
      if (extensions.get(id) === extension.fingerprint) continue;
      await this.#closeExtension(id, extension);
      closed.push(id);
    }
    return closed;
  }

  /** Closes everything; answers the exporters that could not send their last totals. */
  async close(): Promise<readonly string[]> {
    const unsent: string[] = [];
    for (const [id, exporter] of this.#exporters)
      if (!(await this.#closeExporter(id, exporter))) unsent.push(id);
    for (const [id, extension] of this.#extensions) await this.#closeExtension(id, extension);
    return unsent;
  }

  /** Where the charges of a pipeline go. */
  targets({ name, exporters }: Pipeline): readonly Target[] {
    return exporters.flatMap((id) => {
      const exporter = this.#exporters.get(id);
      if (exporter === undefined) return [];
      const { sink, queue } = exporter;
      return [{ id, sink: queue?.sinkFor(name) ?? sink }];
    });
  }

  /** What waits, by exporter. */
  queues(): ReadonlyMap<string, Waiting> {
    return new Map(
      [...this.#exporters].flatMap(([id, { queue }]) =>
        queue === undefined ? [] : [[id, queue.waiting()] as const],
      ),
    );
  }

  /** Why an exporter of a pipeline takes nothing on now; undefined: all do. */
  full({ exporters }: Pipeline): string | undefined {
    return firstOf(exporters, (id) => this.#exporters.get(id)?.queue?.full());
  }

  /** What ties costs to their causes. */
  linkers(): readonly Linker[] {
    return [...this.#extensions.values()].flatMap(({ opened }) => opened.linker ?? []);
  }

  /** Who wants to know what bills charge. */
  skuListeners(): readonly SkuListener[] {
    return [...this.#extensions.values()].flatMap(({ opened }) => opened.charged ?? []);
  }

  /** What extensions know of prices when they are asked; the first that knows answers. */
  prices(): PriceBook {
    const books = () => [...this.#extensions.values()].flatMap(({ opened }) => opened.prices ?? []);
    return {
      machine: (asked) => firstOf(books(), (book) => book.machine(asked)),
      billed: (asked) => firstOf(books(), (book) => book.billed(asked)),
    };
  }

  /** The totals of a pipeline moved: its exporters send them, a moment later. */
  totalsChanged({ exporters }: Pipeline): void {
    for (const id of exporters) this.#exporters.get(id)?.flusher.changed();
  }

  async #openExporter(
    configuration: Configuration,
    { id, fingerprint }: { readonly id: string; readonly fingerprint: string },
  ): Promise<void> {
    const { catalogue, context, health, clock } = this.#around;
    const component = named(configuration.exporters, id);
    const plugin = (await catalogue.load('exporter', component.type)) as unknown as Exporter;
    const stop = new AbortController();
    const pipelines = configuration.pipelines
      .filter(({ exporters }) => exporters.includes(id))
      .map(({ name }) => name);
    health.set({ id, kind: 'exporter', status: 'starting' });
    const around = {
      ...context(component, stop.signal),
      refusePoints: (day: string, points: readonly RefusedPoint[]) =>
        refusePoints(id, { day, points }, this.#around),
    };
    const sink = await plugin.open(around, this.#view(pipelines)).catch((error: unknown) => {
      health.delete('exporter', id);
      throw error;
    });
    if (isSentRows(sink)) await this.#onlyAlone(sink, `exporters.${id}.logs.restatement`);
    health.set({ id, kind: 'exporter', status: 'running' });
    const queue = this.#around.queue(id, sink);
    const flusher = createFlusher(async () => void (await this.#flush(id, sink)), clock);
    this.#exporters.set(id, { sink, queue, stop, fingerprint, flusher });
  }

  /** The committed totals, and what extensions have to show beside them. */
  #view(pipelines: readonly string[]): TotalsView {
    const view = this.#around.state.view(pipelines);
    return {
      get version() {
        return view.version;
      },
      get elsewhere() {
        return view.elsewhere === true;
      },
      totals: (since) => view.totals(since),
      sources: () => view.sources(),
      points: (nowMs) => this.linkers().flatMap((linker) => linker.points(pipelines, nowMs)),
    };
  }

  async #openExtension(
    configuration: Configuration,
    { id, fingerprint }: { readonly id: string; readonly fingerprint: string },
  ): Promise<void> {
    const { catalogue, context, health, agent } = this.#around;
    const component = named(configuration.extensions, id);
    const plugin = (await catalogue.load('extension', component.type)) as unknown as Extension;
    const stop = new AbortController();
    const events = this.#outlet(id, configuration);
    const opened = await plugin.open({ ...context(component, stop.signal), events }, agent);
    if (opened.linker !== undefined) await this.#onlyAlone(opened, `extensions.${id}`);
    health.set({ id, kind: 'extension', status: 'running' });
    this.#extensions.set(id, { opened, stop, fingerprint });
  }

  /** The way of an extension's log records to the exporters that are wanted, once all of them are open. */
  #outlet(extension: string, { telemetry }: Configuration): EventOutlet {
    const { agent, clock, log } = this.#around;
    const settings = stageSettings({ resource: telemetry.resource, version: agent.version });
    return {
      send: async ({ scope, revision, events }) => {
        const targets = this.#wanted.map((id) => ({ id, sink: this.#openSink(id) }));
        const about = { receiver: extension, scope, revision };
        const id = deliveryId('', extension, { scope, revision });
        await sendEvents(events, {
          targets,
          info: { ...about, id, mode: 'append', observedMs: clock.now() },
          settings,
          refused: (exporter, rows, reason) =>
            log.error('backend refused log records', { ...about, exporter, rows, reason }),
        });
      },
    };
  }

  #openSink(exporter: string): Sink {
    const sink = this.#exporters.get(exporter)?.sink;
    if (sink === undefined) throw new Unavailable(`the exporter ${exporter} is not open`);
    return sink;
  }

  /** What is known on the disk of one agent alone is no use to the others that take its scopes. */
  async #onlyAlone(opened: Pick<Opened, 'close'>, path: string): Promise<void> {
    if (this.#around.state.sharing === undefined) return;
    await opened.close();
    throw new Misconfigured(
      'this needs an agent of its own: what it keeps on its disk is not shared',
      {
        path,
        hint: 'leave it out, or leave out storage.state',
      },
    );
  }

  /** Where agents share the state, one of them sends the totals. */
  async #flush(id: string, sink: Sink): Promise<boolean> {
    if (this.#around.state.sharing?.leads() === false) return true;
    return await this.quietly(id, async () => sink.flush?.());
  }

  /** Answers whether the last totals were sent. */
  async #closeExporter(id: string, { sink, queue, stop, flusher }: OpenExporter): Promise<boolean> {
    const giveUp = (): void => stop.abort(new Unavailable(`not done within ${CLOSE_WITHIN_MS} ms`));
    const impatience = setTimeout(giveUp, CLOSE_WITHIN_MS);
    await flusher.stop();
    const isSent = await this.#flush(id, sink);
    await queue?.stop();
    await this.quietly(id, () => sink.close());
    await queue?.close();
    clearTimeout(impatience);
    stop.abort();
    this.#exporters.delete(id);
    this.#around.health.delete('exporter', id);
    return isSent;
  }

  async #closeExtension(id: string, { opened, stop }: OpenExtension): Promise<void> {
    await this.quietly(id, () => opened.close());
    stop.abort();
    this.#extensions.delete(id);
    this.#around.health.delete('extension', id);
  }

  /** Does what a component has to do; a failure is logged. Answers whether it went well. */
  async quietly(component: string, work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      this.#around.log.error('component did not do what it was asked to', {
        component,
        reason: errorMessage(error),
      });
      return false;
    }
  }
}

function firstOf<A, B>(all: readonly A[], of: (one: A) => B | undefined): B | undefined {
  for (const one of all) {
    const found = of(one);
    if (found !== undefined) return found;
  }
  return undefined;
}
