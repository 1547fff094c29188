import {
  addAmounts,
  emptyHour,
  HOUR,
  type Hour,
  type Measured,
  nothingMeasured,
  piecesOf,
  podKey,
  restoreHours,
  type SavedLine,
  type Sums,
  saveHours,
} from './hour.ts';
import { type Amounts, type Kept, type KubePod, NONE } from './objects.ts';

/** What a pod was seen to use: amounts by container, and bytes sent since it was made. */
export interface PodUsage {
  readonly containers: Readonly<Record<string, Amounts>>;
  readonly sent?: number;
}

/** How a meter counts. */
export interface MeterOptions {
  /** Now, in seconds. */
  readonly at: number;
  /** A longer time without a look at the cluster is not counted, seconds. */
  readonly longestGap: number;
  /** What an earlier meter saved, line by line. */
  readonly saved?: readonly SavedLine[] | undefined;
  /** Told of time that is not counted. */
  readonly onGap?: (seconds: number) => void;
}

/** An object that is there, and the second up to which it was counted. */
interface Living {
  object: Kept;
  since: number;
  usage: Using | undefined;
}

/** What a pod uses. Changed in place, and marked when it is not known any more: new objects at each look would be garbage that lives long. */
interface Using {
  isKnown: boolean;
  sent: number | undefined;
  readonly containers: Record<string, Sums>;
}

/** Most closed hours that are remembered, so that a clock that is set back opens none of them again. */
const MOST_CLOSED = 1000;

/**
 * Counts for how long each object was there, hour by hour. Objects count from the second they were made (a pod: started) or from when the
 * meter started, to the one in which they were gone (a pod: done); nothing counts twice, whatever the clock does.
 */
export class Meter {
  readonly #longestGap: number;
  readonly #onGap: (seconds: number) => void;
  readonly #born: number;
  readonly #live = new Map<string, Living>();
  readonly #nodes = new Map<string, string>();
  readonly #pods = new Map<string, string>();
  readonly #namespaces = new Map<string, Readonly<Record<string, string>>>();
  readonly #hours: Map<number, Hour>;
  /** Until when what is gone was counted: news of it that come late start nothing anew. */
  readonly #gone = new Map<string, number>();
  #closed: readonly number[];
  #at: number;

  constructor({ at, longestGap, saved, onGap = () => {} }: MeterOptions) {
    this.#longestGap = longestGap;
    this.#onGap = onGap;
    const [, savedAt, closed] = saved?.find((line) => line[0] === 'meter') ?? [];
    this.#born = savedAt ?? at;
    this.#at = this.#born;
    this.#closed = closed ?? [];
    const { hours, live } = restoreHours(saved ?? []);
    this.#hours = hours;
    for (const object of live) this.#add(object, this.#born);
  }

  /** Uids of what is there, of one kind. */
  uids(kind: Kept['kind']): readonly string[] {
    return [...this.#live.values()].flatMap(({ object }) =>
      object.kind === kind ? [object.uid] : [],
    );
  }

  /** Whether it is there. */
  has(uid: string): boolean {
    return this.#live.has(uid);
  }

  /** Uid of the pod that is there under `namespace/name`. */
  podNamed(name: string): string | undefined {
    return this.#pods.get(name);
  }

  /** The objects that are there. */
  *objects(): Generator<Kept> {
    for (const { object } of this.#live.values()) yield object;
  }

  /** The object is there, or has changed. A pod that is done is gone. */
  put(object: Kept, at: number): void {
    const known = this.#live.get(object.uid);
    if (object.kind === 'pod' && (object.node === '' || object.endedAt !== undefined)) {
      if (known !== undefined) this.remove(object.uid, Math.min(at, object.endedAt ?? at));
      else if (object.node !== '') this.#brief(object, at);
      return;
    }
    if (known === undefined) {
      this.#add(object, this.#startOf(object, at));
      return;
    }
    this.#count(known, at);
    known.object = object;
    this.#index(object);
  }

  /** The object is gone since then. */
  remove(uid: string, at: number): void {
    const known = this.#live.get(uid);
    if (known === undefined) return;
    this.#count(known, at);
    this.#live.delete(uid);
    if (known.object.kind === 'pod') {
      const name = `${known.object.namespace}/${known.object.name}`;
      if (this.#pods.get(name) === uid) this.#pods.delete(name);
    }
    this.#gone.set(uid, known.since);
  }

  /** What a pod used since it was counted last. */
  use(uid: string, usage: PodUsage): void {
    const living = this.#live.get(uid);
    if (living?.object.kind !== 'pod') return;
    const before = living.usage?.sent;
    living.usage ??= { isKnown: true, sent: undefined, containers: {} };
    takeUsage(living.usage, usage);
    if (usage.sent === undefined || before === undefined) return;
    const sent = usage.sent < before ? usage.sent : usage.sent - before;
    const hour = this.#hourOf(Math.floor(this.#at / HOUR) * HOUR);
    if (hour !== undefined) this.#podHour(hour, living.object).sent += sent;
  }

  /** Nothing is known of what pods use from now on, until `use` says so. */
  forgetUsage(): void {
    for (const living of this.#live.values())
      if (living.usage !== undefined) living.usage.isKnown = false;
  }

  /** Counts everything that is there up to now. */
  advance(to: number): void {
    const gap = to - this.#at;
    if (gap > this.#longestGap) this.#onGap(gap);
    else if (gap < -this.#longestGap) for (const living of this.#live.values()) living.since = to;
    else
      for (const [start, seconds] of piecesOf(this.#at, to)) {
        const hour = this.#hourOf(start);
        if (hour !== undefined) hour.seconds += seconds;
      }
    for (const living of this.#live.values()) this.#count(living, to);
    this.#at = gap < -this.#longestGap ? to : Math.max(this.#at, to);
  }

  /** Second up to which everything was counted. */
  get at(): number {
    return this.#at;
  }

  /** The hours that are over by then, the oldest first. */
  finished(by: number = this.#at): readonly Hour[] {
    return [...this.#hours.values()]
      .filter(({ start }) => start + HOUR <= by)
      .toSorted((a, b) => a.start - b.start);
  }

  /** The hour was put on record: nothing is counted into it any more. */
  close(start: number): void {
    this.#hours.delete(start);
    for (const [uid, until] of this.#gone) if (until < start + HOUR) this.#gone.delete(uid);
    this.#closed = [...this.#closed, start].slice(-MOST_CLOSED);
  }

  /** Everything, line by line, to go on after a restart. */
  *save(): Generator<SavedLine> {
    yield ['meter', this.#at, this.#closed];
    yield* saveHours(this.#hours.values(), this.#live);
  }

  #startOf({ startedAt, uid }: Kept, at: number): number {
    const counted = this.#gone.get(uid) ?? 0;
    return Math.min(at, Math.max(startedAt, this.#born, counted, at - this.#longestGap));
  }

  #add(object: Kept, since: number): Living {
    const living = { object, since, usage: undefined };
    this.#live.set(object.uid, living);
    this.#index(object);
    return living;
  }

  #index(object: Kept): void {
    if (object.kind === 'node') this.#nodes.set(object.name, object.uid);
    if (object.kind === 'pod') this.#pods.set(`${object.namespace}/${object.name}`, object.uid);
    if (object.kind === 'namespace') this.#namespaces.set(object.name, object.labels);
  }

  /** A pod that was started and done before anyone looked. */
  #brief(pod: KubePod, at: number): void {
    const end = Math.min(at, pod.endedAt ?? at);
    if (end < Math.max(this.#born, at - this.#longestGap)) return;
    this.#count({ object: pod, since: this.#startOf(pod, end), usage: undefined }, end);
    this.#gone.set(pod.uid, end);
  }

  #count(living: Living, to: number): void {
    const from = living.since;
    if (to <= from) return;
    living.since = to;
    if (to - from > this.#longestGap) return;
    for (const [start, seconds] of piecesOf(from, to)) {
      const hour = this.#hourOf(start);
      if (hour !== undefined) this.#countInto(hour, living, seconds);
    }
  }

  #countInto(hour: Hour, { object, usage }: Living, seconds: number): void {
    if (object.kind === 'pod') {
      this.#countPod(hour, object, usage?.isKnown ? usage.containers : {}, seconds);
    } else if (object.kind === 'node') {
      const counted = hour.nodes.get(object.uid) ?? { node: object, seconds: 0 };
      counted.node = object;
      counted.seconds += seconds;
      hour.nodes.set(object.uid, counted);
    } else if (object.kind === 'volume') {
      const before = hour.volumes.get(object.uid)?.seconds ?? 0;
      const claim = this.#live.get(object.claim)?.object;
      const held = claim?.kind === 'claim' ? claim : hour.volumes.get(object.uid)?.claim;
      hour.volumes.set(object.uid, { volume: object, claim: held, seconds: before + seconds });
    } else if (object.kind === 'service' && object.loadBalancer) {
      const before = hour.services.get(object.uid)?.seconds ?? 0;
      hour.services.set(object.uid, { service: object, seconds: before + seconds });
    }
  }

  #countPod(
    hour: Hour,
    pod: KubePod,
    used: Readonly<Record<string, Amounts>>,
    seconds: number,
  ): void {
    const counted = this.#podHour(hour, pod);
    counted.pod = pod;
    counted.seconds += seconds;
    const of = (name: string): Measured => {
      const known = counted.containers.get(name);
      if (known !== undefined) return known;
      const fresh = nothingMeasured();
      counted.containers.set(name, fresh);
      return fresh;
    };
    for (const name in pod.requests)
      addAmounts(of(name).requested, pod.requests[name] ?? NONE, seconds);
    for (const name in used) addAmounts(of(name).used, used[name] ?? NONE, seconds);
  }

  #podHour(hour: Hour, pod: KubePod) {
    const node = this.#nodes.get(pod.node) ?? '';
    const key = podKey(pod.uid, node);
    const known = hour.pods.get(key);
    if (known !== undefined) return known;
    const namespace = this.#namespaces.get(pod.namespace) ?? {};
    const fresh = { pod, node, namespace, seconds: 0, containers: new Map(), sent: 0 };
    hour.pods.set(key, fresh);
    return fresh;
  }

  #hourOf(start: number): Hour | undefined {
    if (this.#closed.includes(start)) return undefined;
    const known = this.#hours.get(start);
    if (known !== undefined) return known;
    const hour = emptyHour(start);
    this.#hours.set(start, hour);
    return hour;
  }
}

/** What is seen of a pod takes the place of what was; a container that is not seen uses nothing. */
function takeUsage(using: Using, { containers, sent }: PodUsage): void {
  using.isKnown = true;
  using.sent = sent;
  for (const name in using.containers)
    if (containers[name] === undefined) delete using.containers[name];
  for (const name in containers) {
    const { cpu, memory, gpu } = containers[name] ?? NONE;
    using.containers[name] ??= { ...NONE };
    Object.assign(using.containers[name], { cpu, memory, gpu });
  }
}
