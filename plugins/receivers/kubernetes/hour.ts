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

/** What is saved, a line at a time: objects once, and time spans with the number of their object in the order of the lines. */
export type SavedLine =
  | readonly ['meter', at: number, closed: readonly number[]]
  | readonly ['object', live: boolean, object: Kept]
  | readonly ['hour', start: number, seconds: number]
  | readonly ['node', object: number, seconds: number]
  | SavedPod
  | readonly ['volume', object: number, claim: number, seconds: number]
  | readonly ['service', object: number, seconds: number];

type SavedPod = readonly [
  'pod',
  object: number,
  node: string,
  namespace: Readonly<Record<string, string>>,
  seconds: number,
  sent: number,
  containers: readonly (readonly [name: string, requested: Amounts, used: Amounts])[],
];

/** Lines from which `restoreHours` makes the hours and the live objects again. */
export function* saveHours(hours: Iterable<Hour>, live: Iterable<Kept>): Generator<SavedLine> {
  const numbers = new Map<Kept, number>();
  for (const object of live) {
    numbers.set(object, numbers.size);
    yield ['object', true, object];
  }
  for (const hour of hours) {
    const gone: Kept[] = [];
    const number = (object: Kept): number => {
      const known = numbers.get(object) ?? numbers.size;
      if (known === numbers.size) gone.push(object);
      numbers.set(object, known);
      return known;
    };
    yield ['hour', hour.start, hour.seconds];
    for (const line of spansOf(hour, number)) {
      for (const object of gone.splice(0)) yield ['object', false, object];
      yield line;
    }
  }
}

function* spansOf(hour: Hour, number: (object: Kept) => number): Generator<SavedLine> {
  for (const { node, seconds } of hour.nodes.values()) yield ['node', number(node), seconds];
  for (const pod of hour.pods.values()) yield savedPod(pod, number(pod.pod));
  for (const { volume, claim, seconds } of hour.volumes.values())
    yield ['volume', number(volume), claim === undefined ? -1 : number(claim), seconds];
  for (const { service, seconds } of hour.services.values())
    yield ['service', number(service), seconds];
}

function savedPod(one: PodHour, object: number): SavedPod {
  const containers = [...one.containers].map(
    ([name, { requested, used }]) => [name, requested, used] as const,
  );
  return ['pod', object, one.node, one.namespace, one.seconds, one.sent, containers];
}

/** What was saved. */
export interface Restored {
  readonly hours: Map<number, Hour>;
  readonly live: readonly Kept[];
}

/** The hours and the live objects that were saved. */
export function restoreHours(lines: Iterable<SavedLine>): Restored {
  const objects: Kept[] = [];
  const live: Kept[] = [];
  const hours = new Map<number, Hour>();
  let hour = emptyHour(0);
  for (const line of lines) {
    if (line[0] === 'object') {
      objects.push(line[2]);
      if (line[1]) live.push(line[2]);
    } else if (line[0] === 'hour') {
      hour = emptyHour(line[1]);
      hour.seconds = line[2];
      hours.set(hour.start, hour);
    } else if (line[0] !== 'meter') restoreSpan(hour, line, objects);
  }
  return { hours, live };
}

type SavedSpan = Exclude<SavedLine, readonly ['meter' | 'object' | 'hour', ...unknown[]]>;

function restoreSpan(hour: Hour, line: SavedSpan, objects: readonly Kept[]): void {
  const of = objects[line[1]];
  if (line[0] === 'node' && of?.kind === 'node') {
    hour.nodes.set(of.uid, { node: of, seconds: line[2] });
  } else if (line[0] === 'pod' && of?.kind === 'pod') {
    const [, , node, namespace, seconds, sent, saved] = line;
    const containers = new Map(
      saved.map(([name, requested, used]) => [name, { requested, used }] as const),
    );
    hour.pods.set(podKey(of.uid, node), { pod: of, node, namespace, seconds, sent, containers });
  } else if (line[0] === 'volume' && of?.kind === 'volume') {
    const claim = objects[line[2]];
    const held = claim?.kind === 'claim' ? claim : undefined;
    hour.volumes.set(of.uid, { volume: of, claim: held, seconds: line[3] });
  } else if (line[0] === 'service' && of?.kind === 'service') {
    hour.services.set(of.uid, { service: of, seconds: line[2] });
  }
}

/** A pod on a node: the same pod on another one is counted apart. */
export function podKey(uid: string, node: string): string {
  return `${uid} ${node}`;
}

/** What a container of which nothing was counted yet has. */
export function nothingMeasured(): Measured {
  return { requested: NONE, used: NONE };
}
