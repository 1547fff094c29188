import type { Meter } from '@opentelemetry/api';
import type { CostColumn } from '../focus/columns.ts';
import type { ChargedSkus } from './charged-skus.ts';
import type { Delivery, DeliveryInfo, EncodedBatch, Encoding } from './delivery.ts';
import type { Inspection } from './inspection.ts';
import type { Linker, LogEvent } from './links.ts';
import type { PriceBook } from './prices.ts';
import type { ConfigOf, Schema } from './settings.ts';
import type { TotalsView } from './totals.ts';

/** Version of this contract; stamped by `defineX`, checked when a plugin is loaded. */
export const CONTRACT = 1;

/** How much a plugin may still change. */
export type Stability = 'alpha' | 'beta' | 'stable';

/** What every plugin says of itself. */
export interface Described<S extends Schema> {
  /** Name in the configuration = name of the folder. */
  readonly type: string;
  /** One sentence for the catalogue. */
  readonly summary: string;
  readonly stability: Stability;
  readonly config: S;
  /** What will not work as it is meant although the settings are valid; `focusd validate` and the agent warn of it. */
  advise?(config: ConfigOf<S>): readonly Advice[];
}

/** A warning about settings. */
export interface Advice {
  /** Of the setting, below the component: `logs.enabled`. */
  readonly path: string;
  readonly problem: string;
  readonly hint: string;
}

/** Structured log; messages are constant, data goes into fields. */
export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** Time, so that tests can turn it. */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  now(): number;
  /** Resolves after `ms`, or at once when the signal aborts (then rejects with its reason). */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** HTTP by undici: verified TLS, bounded bodies. */
export interface Http {
  request(options: HttpRequest): Promise<HttpResponse>;
  /** Like `request`, for bodies too large for memory: they are handed on as they come. `maxBytes` is not bounded unless given. */
  stream(options: HttpRequest): Promise<HttpStream>;
}

export interface HttpRequest {
  readonly url: string;
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** Of `request`: until the whole answer is there; of `stream`: until it begins, and between two pieces. Default 30 s. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Bodies over this are refused. Default 16 MiB. */
  readonly maxBytes?: number;
  readonly tls?: Tls;
}

/** An answer whose body is still on its way; read it to its end or break off the loop. Throws `Unavailable` when it is cut. */
export interface HttpStream {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Uint8Array>;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Paths of PEM files; TLS is verified unless `insecureSkipVerify`. */
export interface Tls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly serverName?: string;
  readonly insecureSkipVerify?: boolean;
}

/** The whole world of one instance. */
export interface Context<Config> {
  /** `type` or `type/name`, as in the configuration. */
  readonly id: string;
  readonly config: Config;
  readonly log: Logger;
  readonly meter: Meter;
  readonly http: Http;
  readonly clock: Clock;
  /** Aborts when the instance has to stop. */
  readonly signal: AbortSignal;
  /** Read what is there now, then end (`focusd run --once`); receivers that push ignore it. */
  readonly once: boolean;
  /** Folder of this instance below the agent's storage; made before `open`/`receive`. */
  readonly folder: string;
}

/** The world of an exporter. */
export interface ExporterContext<Config> extends Context<Config> {
  /** Makes dead letters of the metric points of a charge day (`2026-09-17`) that the backend refuses, in place of those of that day before; on disk when this resolves. */
  refusePoints(day: string, points: readonly RefusedPoint[]): Promise<void>;
}

/** A metric point that a backend refused for good. */
export interface RefusedPoint {
  /** What the backend said. */
  readonly message: string;
  /** What the backend lacks by it, exact. */
  readonly costs: Readonly<Partial<Record<CostColumn, string>>>;
  /** The point as JSON. */
  readonly raw: string;
}

/** The world of an extension. */
export interface ExtensionContext<Config> extends Context<Config> {
  readonly events: EventOutlet;
}

/** The way of log records to the exporters that take OTLP logs. */
export interface EventOutlet {
  /** Resolves when every exporter has them. Throws `Unavailable` when one cannot take them now: some of the others may have them. */
  send(batch: EventBatch): Promise<void>;
}

/** Log records that go together: scope and revision name them as those of a delivery do. */
export interface EventBatch {
  readonly scope: string;
  readonly revision: string;
  readonly events: readonly LogEvent[];
}

/** The world of a receiver. */
export interface ReceiverContext<Config> extends Context<Config> {
  /** What stays open when an attempt to receive fails. */
  readonly lasting: Lasting;
  /** What extensions know of prices, at the moment of asking. */
  readonly prices: PriceBook;
  /** What does not go well although it runs, shown with its health; undefined: all is well. */
  trouble(reason: string | undefined): void;
  /** Makes a dead letter of what can never become a charge and so is in no delivery; on disk when this resolves. */
  refuse(message: RefusedMessage): Promise<void>;
  /** Resolves once exporters take on what is read: a receiver asks before it reads from a source, so that nothing is read that would have to be read again. */
  room(): Promise<void>;
  /** Set where other agents may read the same source: a receiver that asks leaves out what they are at. Deliveries of one that does not wait their turn. */
  readonly sharing?: Sharing;
}

/** Something that came in and is no bill. */
export interface RefusedMessage {
  readonly scope: string;
  /** Where it stood: `charges/17`. */
  readonly place: string;
  /** Stable code: `malformed`. */
  readonly reason: string;
  /** What is wrong with it, in words. */
  readonly message: string;
  /** As it came. */
  readonly raw: string;
}

/** Several agents at one source. */
export interface Sharing {
  /** To be called before the source is looked at; ends the look before. */
  look(): Promise<Look>;
  /**
   * Waits until no other agent looks at the source; answers what to call once it was looked at. For a receiver that knows what it brings only when it has read it.
   * Where another agent has brought something meanwhile it throws, and the receiver begins anew with the cursor of that.
   */
  alone(): Promise<() => Promise<void>>;
}

/** One look at a source that others may be looking at too. */
export interface Look {
  /** Takes the right to bring a delivery, to be asked before it is yielded. What is `elsewhere` is left out, and looked for again: its agent may die. */
  claim(of: Pick<Delivery, 'scope' | 'revision' | 'mode'>): Promise<Claim>;
}

/** `mine`: yield it; `done`: it is committed; `elsewhere`: another agent is at it, or was since the look began. */
export type Claim = 'mine' | 'done' | 'elsewhere';

/** What an instance holds open between two attempts to receive, such as a listener; closed once the instance has stopped. */
export interface Lasting {
  get(name: string): Opened | undefined;
  /** Under a name that is free. */
  hold(name: string, opened: Opened): void;
}

/** Where deliveries come from. `yield` returns once the delivery is committed and its cursor stored. */
export interface Receiver<S extends Schema = Schema> extends Described<S> {
  receive(
    context: ReceiverContext<ConfigOf<S>>,
    cursor: string | undefined,
  ): AsyncIterable<Delivery>;
  /** What the source shows, without reading a charge (`focusd test-receiver`). Throws as `receive` does. */
  probe?(context: Context<ConfigOf<S>>): Promise<Probe>;
}

/** What a receiver sees of its source. */
export interface Probe {
  /** Where it looked, in words: `bucket bills, 120 objects below exports/`. */
  readonly source: string;
  /** Bills that would be read. */
  readonly bills: readonly {
    readonly scope: string;
    readonly revision: string;
    readonly files: number;
    readonly bytes: number;
  }[];
  /** What stands in the way of others, each with what to do about it. */
  readonly problems: readonly string[];
}

/** What a backend takes. */
export interface BackendProbe {
  /** Where it is. */
  readonly backend: string;
  readonly findings: readonly BackendFinding[];
  /** Settings of the exporter that keep to what was found, by path below it, as the operator would write them. */
  readonly settings: Readonly<Record<string, string>>;
}

/** One thing that was tried. */
export interface BackendFinding {
  readonly what: string;
  /** It answered with success; some drop silently what they answer so. */
  readonly taken: boolean;
  readonly reason?: string;
}

/** Where charges and totals go. */
export interface Exporter<S extends Schema = Schema> extends Described<S> {
  open(context: ExporterContext<ConfigOf<S>>, totals: TotalsView): Promise<Sink>;
  /** Finds out with throw-away records what the backend takes (`focusd probe`). Throws `Unavailable` when it does not answer. */
  probe?(context: Context<ConfigOf<S>>): Promise<BackendProbe>;
}

/** An opened exporter. Methods throw `Unavailable` (tried again) or `Rejected` (dead letter). */
export interface Sink {
  /** What the workers encode for it; absent: it takes no charges (totals only). */
  readonly encoding?: Encoding;
  /** A delivery starts; an earlier, unfinished attempt at the same delivery is forgotten. */
  begin?(delivery: DeliveryInfo): Promise<void>;
  /** Resolves when the batch is durable on the other side; several may be under way. */
  write?(batch: EncodedBatch, delivery: DeliveryInfo): Promise<WriteResult>;
  /** All batches of the delivery are written: make them visible. */
  commit?(delivery: DeliveryInfo): Promise<void>;
  /** The attempt is given up; what was written is forgotten where possible. */
  abort?(delivery: DeliveryInfo): Promise<void>;
  /** Called after totals changed (a delivery was committed) and before closing in a `--once` run: send current totals. */
  flush?(): Promise<void>;
  close(): Promise<void>;
}

/** What became of a batch. */
export interface WriteResult {
  /** Rows that the other side refused for good (OTLP partial success). */
  readonly rejectedRows?: number;
  readonly reason?: string;
}

/** Something beside the pipelines: health endpoint, … */
export interface Extension<S extends Schema = Schema> extends Described<S> {
  open(context: ExtensionContext<ConfigOf<S>>, agent: AgentView): Promise<Opened>;
}

export interface Opened {
  /** Of an extension that ties costs to what caused them, or wants to know what resources cost. */
  readonly linker?: Linker;
  /** Of an extension that wants to know what bills charge; while there is one the workers collect it. */
  readonly charged?: SkuListener;
  /** Of an extension that knows what things cost. */
  readonly prices?: PriceBook;
  close(): Promise<void>;
}

/** Takes the SKUs of a delivery that was committed; told at most once: not again after a crash. */
export type SkuListener = (skus: ChargedSkus) => void;

/** What happens to charges in the workers; its settings travel there as they are. */
export interface Processor<S extends Schema = Schema> extends Described<S> {
  /** The stage that reads the settings. */
  readonly stage: 'normalize' | 'attribute';
}

/** Condition of one component. */
export interface ComponentHealth {
  readonly id: string;
  readonly kind: 'receiver' | 'exporter' | 'extension' | 'storage';
  readonly status: 'starting' | 'running' | 'retrying' | 'failed' | 'stopped';
  /** Why, when it is retrying or failed; what does not go well although it is running. */
  readonly reason?: string;
  /** Since when, milliseconds. */
  readonly since: number;
}

/** The agent as extensions see it. */
export interface AgentView {
  /** True once every component has been started. */
  ready(): boolean;
  health(): readonly ComponentHealth[];
  readonly version: string;
  /** What it is doing and what it has; takes some milliseconds. */
  inspect(): Inspection;
}

export type Plugin = (Receiver | Exporter | Extension | Processor) & {
  readonly kind: PluginKind;
  readonly contract: number;
};
export type PluginKind = 'receiver' | 'exporter' | 'extension' | 'processor';
export type Defined<P, K extends PluginKind> = P & { readonly kind: K; readonly contract: number };

/** Stamps a receiver with its kind and the contract's version. */
export function defineReceiver<const S extends Schema>(
  plugin: Receiver<S>,
): Defined<Receiver<S>, 'receiver'> {
  return { ...plugin, kind: 'receiver', contract: CONTRACT };
}

/** Stamps an exporter. */
export function defineExporter<const S extends Schema>(
  plugin: Exporter<S>,
): Defined<Exporter<S>, 'exporter'> {
  return { ...plugin, kind: 'exporter', contract: CONTRACT };
}

/** Stamps an extension. */
export function defineExtension<const S extends Schema>(
  plugin: Extension<S>,
): Defined<Extension<S>, 'extension'> {
  return { ...plugin, kind: 'extension', contract: CONTRACT };
}

/** Stamps a processor. */
export function defineProcessor<const S extends Schema>(
  plugin: Processor<S>,
): Defined<Processor<S>, 'processor'> {
  return { ...plugin, kind: 'processor', contract: CONTRACT };
}
