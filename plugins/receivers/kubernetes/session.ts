import type { Opened, ReceiverContext, Unavailable } from '../../../pipelines/plugin/index.ts';
import type { JsonObject } from '../../kit/json.ts';
import { accessOf } from './access.ts';
import { AllocationController } from './allocations/controller.ts';
import { type ApiServer, apiServer } from './api-server.ts';
import { chargesOf } from './charges.ts';
import { type FollowedKind, followedKinds } from './followed.ts';
import type { Hour } from './hour.ts';
import { type HourFiles, openHourFiles } from './hour-files.ts';
import type { Charging } from './line.ts';
import { Meter } from './meter.ts';
import { nodePricing } from './node-price.ts';
import { pricesOf, volumePrice } from './prices.ts';
import { follow, type Mirror } from './reflect.ts';
import type { Settings } from './settings.ts';
import { type UsageSource, usageSource } from './usage.ts';

/** Follows a cluster and counts, whatever becomes of its deliveries. */
export interface Session extends Opened {
  /** Throws what keeps it from counting at the moment. */
  check(): void;
}

const NAME = 'session';

/** The session of this instance, which outlives a failed attempt to deliver; opened when there is none. Throws `Unavailable` without an answer of the API server. */
export async function openSession(context: ReceiverContext<Settings>): Promise<Session> {
  const open = context.lasting.get(NAME);
  if (open instanceof OpenSession) return open;
  const { config, clock, folder } = context;
  const access = await accessOf(context);
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  const api = apiServer(access, { ...context, signal });
  const cluster = config.cluster ?? (await clusterUid(api));
  const files = await openHourFiles(folder);
  const saved = await files.load();
  const meter = new Meter({
    at: secondsOf(clock.now()),
    longestGap: secondsOf(config.longest_gap),
    saved: saved?.cluster === cluster ? saved.lines : undefined,
    onGap: (seconds) =>
      context.log.warn('time without a look at the cluster is not counted', { seconds }),
  });
  const charging = chargingOf(context, cluster);
  const usage = usageSource({ ...context, signal }, { api, access });
  const allocations = await AllocationController.open({ ...context, api, signal });
  const session = new OpenSession(
    { ...context, signal },
    { api, files, meter, charging, usage, allocations, stop },
  );
  context.lasting.hold(NAME, session);
  session.start();
  return session;
}

/** How the hours of a cluster are charged. */
export function chargingOf(
  { config, id, clock, prices: book }: ReceiverContext<Settings>,
  cluster: string,
): Charging {
  const prices = pricesOf(config, `receivers.${id}`);
  return { config, cluster, prices, priceNode: nodePricing({ config, prices, book, clock }) };
}

/** Whether this instance has a session. */
export function isCounting({ lasting }: ReceiverContext<Settings>): boolean {
  return lasting.get(NAME) !== undefined;
}

/** Uid of the namespace kube-system: what OpenTelemetry takes for the id of a cluster. */
export async function clusterUid(api: ApiServer): Promise<string> {
  const namespace = await api.get('/api/v1/namespaces/kube-system');
  const metadata = namespace.metadata as { readonly uid?: unknown } | undefined;
  return String(metadata?.uid ?? 'unknown');
}

/** What a session is made of. */
interface Parts {
  readonly api: ApiServer;
  readonly files: HourFiles;
  readonly meter: Meter;
  readonly charging: Charging;
  readonly usage: UsageSource | undefined;
  readonly allocations: AllocationController | undefined;
  readonly stop: AbortController;
}

class OpenSession implements Session {
  readonly #context: ReceiverContext<Settings>;
  readonly #parts: Parts;
  /** What has not been listed yet, or is not in touch, by kind. */
  readonly #troubles = new Map<string, Unavailable | undefined>();
  readonly #said = new Set<string>();
  readonly #unpriced: ReturnType<ReceiverContext<Settings>['meter']['createCounter']>;
  #failure: { readonly error: unknown } | undefined;
  #running: Promise<unknown> = Promise.resolve();

  constructor(context: ReceiverContext<Settings>, parts: Parts) {
    this.#context = context;
    this.#parts = parts;
    this.#unpriced = context.meter.createCounter('focusd.kubernetes.unpriced', {
      description: 'Hours of nodes and volumes for which no price is known.',
      unit: 'h',
    });
  }

  start(): void {
    const work = [this.#follow(), this.#measure()];
    this.#running = Promise.all(
      work.map((one) =>
        one.catch((error: unknown) => {
          if (!this.#context.signal.aborted) this.#failure = { error };
        }),
      ),
    );
  }

  check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
    for (const trouble of this.#troubles.values()) if (trouble !== undefined) throw trouble;
  }

  async close(): Promise<void> {
    this.#parts.stop.abort(new Error('the session is closed'));
    await this.#running;
    if (this.#failure === undefined) await this.#save();
  }

  /** Follows all kinds, each once those before it are listed. */
  async #follow(): Promise<void> {
    const { config, clock, signal } = this.#context;
    const { api, allocations } = this.#parts;
    const kinds = followedKinds(config);
    for (const { kind } of kinds) this.#troubles.set(kind, undefined);
    const waiting = new Set(kinds.map(({ kind }) => kind));
    const running: Promise<void>[] = [];
    const begin = async (one: (listed: () => void) => Promise<void>): Promise<void> => {
      const first = Promise.withResolvers<void>();
      const followed = one(first.resolve);
      running.push(followed);
      await Promise.race([first.promise, followed]);
    };
    this.#listed = () => waiting.size === 0;
    if (allocations !== undefined) await begin((listed) => allocations.follow(listed));
    for (const of of kinds) {
      if (signal.aborted) break;
      await begin((listed) => {
        const mirror = this.#mirror(of, () => {
          waiting.delete(of.kind);
          listed();
        });
        return follow({ ...of, pageSize: config.page_size }, mirror, { api, clock, signal });
      });
    }
    await Promise.all(running);
  }

  #listed: () => boolean = () => false;

  #mirror({ kind, keep }: FollowedKind, onListed: () => void): Mirror {
    const { meter } = this.#parts;
    const now = () => secondsOf(this.#context.clock.now());
    let known = new Set<string>();
    let listedBefore = false;
    const put = (raw: JsonObject): void => {
      const object = keep(raw);
      known.add(object.uid);
      meter.put(object, now());
    };
    return {
      changed: put,
      removed: (raw) => meter.remove(keep(raw).uid, now()),
      listing: () => {
        known = new Set();
      },
      listed: (goneAtMs) => {
        const goneAt = listedBefore ? secondsOf(goneAtMs) : meter.at;
        for (const uid of meter.uids(kind)) if (!known.has(uid)) meter.remove(uid, goneAt);
        known = new Set();
        listedBefore = true;
        onListed();
      },
      touch: (trouble) => {
        if (trouble !== undefined)
          this.#context.log.warn('not in touch with the API server, tried again', {
            kind,
            reason: trouble.message,
          });
        this.#troubles.set(kind, trouble);
      },
    };
  }

  /** Looks at usage, counts, and puts on record what is over, until the session is closed. */
  async #measure(): Promise<void> {
    const { config, clock, signal } = this.#context;
    while (!signal.aborted) {
      await clock.sleep(config.interval, signal);
      if (!this.#inTouch()) continue;
      await this.#readUsage();
      if (!this.#inTouch()) continue;
      this.#parts.meter.advance(secondsOf(clock.now()));
      const unpriced = this.#sayUnpriced();
      await this.#sealFinished();
      await this.#save();
      await this.#parts.allocations?.reconcile();
      this.#sayTroubles(unpriced);
    }
  }

  #inTouch(): boolean {
    return this.#listed() && [...this.#troubles.values()].every((one) => one === undefined);
  }

  async #readUsage(): Promise<void> {
    const { meter, usage } = this.#parts;
    if (usage === undefined) return;
    const nodes = [];
    for (const object of meter.objects()) if (object.kind === 'node') nodes.push(object);
    meter.forgetUsage();
    const failed = ({ message }: Unavailable) =>
      this.#sayOnce(message, 'usage is not known, requests count alone', { reason: message });
    for await (const { uid, name, usage: used } of usage.read(nodes, failed))
      meter.use(uid !== undefined && meter.has(uid) ? uid : (meter.podNamed(name) ?? ''), used);
  }

  async #sealFinished(): Promise<void> {
    const { meter, files, charging, allocations } = this.#parts;
    for (const hour of meter.finished()) {
      this.#countUnpriced(hour);
      const charges = chargesOf(hour, charging);
      const lines = allocations?.counting(charges) ?? charges;
      await files.seal(hour, lines);
      // An hour that was on record already goes by now.
      if (allocations !== undefined) for (const _ of lines);
      await allocations?.counted(hour);
      meter.close(hour.start);
    }
  }

  async #save(): Promise<void> {
    const { meter, files, charging } = this.#parts;
    await files.save(charging.cluster, meter.save());
  }

  #countUnpriced({ nodes, volumes }: Hour): void {
    const { prices, priceNode } = this.#parts.charging;
    for (const { node } of nodes.values())
      if (priceNode(node) === undefined) this.#unpriced.add(1, { kind: 'node' });
    for (const { volume } of volumes.values())
      if (volumePrice(volume, prices) === undefined) this.#unpriced.add(1, { kind: 'volume' });
  }

  /** Says which objects have no price; answers how many, in words. */
  #sayUnpriced(): string | undefined {
    const { meter, charging } = this.#parts;
    const missing = { node: 0, volume: 0 };
    for (const object of meter.objects()) {
      if (object.kind === 'node' && charging.priceNode(object) === undefined) {
        missing.node += 1;
        this.#sayOnce(
          `node ${object.instanceType} ${object.region}`,
          'no price is known for a node, it becomes a dead letter each hour: set prices or price_by_rates',
          { node: object.name, type: object.instanceType, region: object.region },
        );
      }
      if (object.kind === 'volume' && volumePrice(object, charging.prices) === undefined) {
        missing.volume += 1;
        this.#sayOnce(
          `volume ${object.storageClass}`,
          'no price is known for a volume, it becomes a dead letter each hour: set storage_prices',
          { volume: object.name, storageClass: object.storageClass },
        );
      }
    }
    const { node, volume } = missing;
    return node + volume === 0
      ? undefined
      : `no price is known for ${node} nodes and ${volume} volumes`;
  }

  #sayTroubles(unpriced: string | undefined): void {
    const trouble = this.#parts.allocations?.trouble;
    if (trouble !== undefined)
      this.#sayOnce(trouble, 'the status of cost allocations is not kept', { reason: trouble });
    const all = [unpriced, trouble].filter((one) => one !== undefined);
    this.#context.trouble(all.length === 0 ? undefined : all.join('; '));
  }

  #sayOnce(key: string, message: string, fields: Readonly<Record<string, unknown>>): void {
    if (this.#said.has(key) || this.#said.size >= MOST_SAID) return;
    this.#said.add(key);
    this.#context.log.warn(message, fields);
  }
}

const MOST_SAID = 1000;

function secondsOf(ms: number): number {
  return Math.floor(ms / 1000);
}
