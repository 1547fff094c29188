import type { KubeNode, KubePod, KubeService, KubeVolume } from './objects.ts';
import { type Amounts, type Kept, type KubeClaim, NONE } from './objects.ts';

/** Seconds in an hour: what is measured is kept and delivered by the hour. */
export const HOUR = 3600;

/** What was counted of one hour (UTC). Amounts are sums over seconds: micro-core-seconds, KiB-seconds, millionths of GPU-seconds; whole numbers. */
export interface Hour {
  /** Its first second since 1970. */
  readonly start: number;
  /** By uid. */
  readonly nodes: Map<string, NodeHour>;
  readonly pods: Map<string, PodHour>;
  readonly volumes: Map<string, VolumeHour>;
  readonly services: Map<string, ServiceHour>;
  /** Seconds for which the cluster was looked at. */
  seconds: number;
}

export interface NodeHour {
  node: KubeNode;
  seconds: number;
}

export interface PodHour {
  pod: KubePod;
  /** Uid of its node; empty when it was never seen. */
  readonly node: string;
  /** Labels of its namespace. */
  readonly namespace: Readonly<Record<string, string>>;
  seconds: number;
  /** By container; the pod as a whole under the empty name. */
  readonly containers: Map<string, Measured>;
  /** Bytes that it sent. */
  sent: number;
}

/** What a container asked for and what it used. */
export interface Measured {
  requested: Amounts;
  used: Amounts;
}

export interface VolumeHour {
  volume: KubeVolume;
  claim: KubeClaim | undefined;
  seconds: number;
}

export interface ServiceHour {
  service: KubeService;
  seconds: number;
}

/** An hour of which nothing was counted yet. */
export function emptyHour(start: number): Hour {
  return {
    start,
    nodes: new Map(),
    pods: new Map(),
    volumes: new Map(),
    services: new Map(),
    seconds: 0,
  };
}

/** The hours that a span of seconds touches, each with its seconds of it. */
export function* piecesOf(from: number, to: number): Generator<readonly [number, number]> {
  for (let at = from; at < to; ) {
    const start = Math.floor(at / HOUR) * HOUR;
    const end = Math.min(to, start + HOUR);
    yield [start, end - at];
    at = end;
  }
}

/** a + b × seconds. */
export function plusAmounts(a: Amounts, b: Amounts, seconds: number): Amounts {
  return {
    cpu: a.cpu + b.cpu * seconds,
    memory: a.memory + b.memory * seconds,
    gpu: a.gpu + b.gpu * seconds,
  };
}

/** Hours as JSON: objects once, each time span with the number of its object. */
export interface SavedHours {
  readonly objects: readonly Kept[];
  readonly hours: readonly SavedHour[];
}

interface SavedHour {
  readonly start: number;
  readonly seconds: number;
  readonly nodes: readonly (readonly [object: number, seconds: number])[];
  readonly pods: readonly SavedPod[];
  readonly volumes: readonly (readonly [object: number, claim: number, seconds: number])[];
  readonly services: readonly (readonly [object: number, seconds: number])[];
}

type SavedPod = readonly [
  object: number,
  node: string,
  namespace: Readonly<Record<string, string>>,
  seconds: number,
  sent: number,
  containers: readonly (readonly [string, Amounts, Amounts])[],
];

/** What `restoreHours` makes hours of again; `live` objects come first, in their order. */
export function saveHours(hours: readonly Hour[], live: readonly Kept[]): SavedHours {
  const objects = [...live];
  const numbers = new Map<Kept, number>(live.map((object, i) => [object, i]));
  const number = (object: Kept): number => {
    const known = numbers.get(object);
    if (known !== undefined) return known;
    numbers.set(object, objects.length);
    return objects.push(object) - 1;
  };
  const saved = hours.map((hour) => ({
    start: hour.start,
    seconds: hour.seconds,
    nodes: [...hour.nodes.values()].map((one) => [number(one.node), one.seconds] as const),
    pods: [...hour.pods.values()].map((one) => savedPod(one, number)),
    volumes: [...hour.volumes.values()].map(
      ({ volume, claim, seconds }) =>
        [number(volume), claim === undefined ? -1 : number(claim), seconds] as const,
    ),
    services: [...hour.services.values()].map((one) => [number(one.service), one.seconds] as const),
  }));
  return { objects, hours: saved };
}

function savedPod(one: PodHour, number: (object: Kept) => number): SavedPod {
  const containers = [...one.containers].map(
    ([name, { requested, used }]) => [name, requested, used] as const,
  );
  return [number(one.pod), one.node, one.namespace, one.seconds, one.sent, containers];
}

/** The hours that were saved. */
export function restoreHours({ objects, hours }: SavedHours): Hour[] {
  return hours.map((saved) => {
    const hour = emptyHour(saved.start);
    hour.seconds = saved.seconds;
    for (const [at, seconds] of saved.nodes) {
      const node = objects[at];
      if (node?.kind === 'node') hour.nodes.set(node.uid, { node, seconds });
    }
    for (const pod of saved.pods) restorePod(hour, pod, objects[pod[0]]);
    for (const [at, claimAt, seconds] of saved.volumes) {
      const volume = objects[at];
      const claim = objects[claimAt];
      if (volume?.kind !== 'volume') continue;
      const held = claim?.kind === 'claim' ? claim : undefined;
      hour.volumes.set(volume.uid, { volume, claim: held, seconds });
    }
    for (const [at, seconds] of saved.services) {
      const service = objects[at];
      if (service?.kind === 'service') hour.services.set(service.uid, { service, seconds });
    }
    return hour;
  });
}

function restorePod(hour: Hour, saved: SavedPod, pod: Kept | undefined): void {
  if (pod?.kind !== 'pod') return;
  const [, node, namespace, seconds, sent, containers] = saved;
  hour.pods.set(podKey(pod.uid, node), {
    ...{ pod, node, namespace, seconds, sent },
    containers: new Map(
      containers.map(([name, requested, used]) => [name, { requested, used }] as const),
    ),
  });
}

/** A pod on a node: the same pod on another one is counted apart. */
export function podKey(uid: string, node: string): string {
  return `${uid} ${node}`;
}

/** What a container of which nothing was counted yet has. */
export function nothingMeasured(): Measured {
  return { requested: NONE, used: NONE };
}
