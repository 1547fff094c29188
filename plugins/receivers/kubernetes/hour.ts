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

/** What a container asked for and what it used. Counted on in place: at 20,000 pods new objects each minute would be most of the garbage. */
export interface Measured {
  readonly requested: Sums;
  readonly used: Sums;
}

/** Amounts that are counted on. */
export type Sums = { -readonly [resource in keyof Amounts]: number };

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

/** Adds amounts × seconds. */
export function addAmounts(sums: Sums, { cpu, memory, gpu }: Amounts, seconds: number): void {
  sums.cpu += cpu * seconds;
  sums.memory += memory * seconds;
  sums.gpu += gpu * seconds;
}

/** What is saved, a line at a time: objects once, and time spans with the uid of an object of the lines before. */
export type SavedLine =
  | readonly ['meter', at: number, closed: readonly number[]]
  | readonly ['object', live: boolean, object: Kept]
  | readonly ['hour', start: number, seconds: number]
  | readonly ['node', object: string, seconds: number]
  | SavedPod
  | readonly ['volume', object: string, claim: string, seconds: number]
  | readonly ['service', object: string, seconds: number];

type SavedPod = readonly [
  'pod',
  object: string,
  node: string,
  namespace: Readonly<Record<string, string>>,
  seconds: number,
  sent: number,
  containers: readonly (readonly [name: string, requested: Amounts, used: Amounts])[],
];

/** Lines from which `restoreHours` makes the hours and the live objects (by uid) again. */
export function* saveHours(
  hours: Iterable<Hour>,
  live: ReadonlyMap<string, { readonly object: Kept }>,
): Generator<SavedLine> {
  for (const { object } of live.values()) yield ['object', true, object];
  for (const hour of hours) {
    yield ['hour', hour.start, hour.seconds];
    for (const object of objectsOf(hour))
      if (object !== undefined && !live.has(object.uid)) yield ['object', false, object];
    yield* spansOf(hour);
  }
}

function* objectsOf({ nodes, pods, volumes, services }: Hour): Generator<Kept | undefined> {
  for (const { node } of nodes.values()) yield node;
  for (const { pod } of pods.values()) yield pod;
  for (const { volume } of volumes.values()) yield volume;
  for (const { claim } of volumes.values()) yield claim;
  for (const { service } of services.values()) yield service;
}

function* spansOf(hour: Hour): Generator<SavedLine> {
  for (const { node, seconds } of hour.nodes.values()) yield ['node', node.uid, seconds];
  for (const pod of hour.pods.values()) yield savedPod(pod);
  for (const { volume, claim, seconds } of hour.volumes.values())
    yield ['volume', volume.uid, claim?.uid ?? '', seconds];
  for (const { service, seconds } of hour.services.values())
    yield ['service', service.uid, seconds];
}

function savedPod(one: PodHour): SavedPod {
  const containers = [...one.containers].map(
    ([name, { requested, used }]) => [name, requested, used] as const,
  );
  return ['pod', one.pod.uid, one.node, one.namespace, one.seconds, one.sent, containers];
}

/** What was saved. */
export interface Restored {
  readonly hours: Map<number, Hour>;
  readonly live: readonly Kept[];
}

/** The hours and the live objects that were saved. */
export function restoreHours(lines: Iterable<SavedLine>): Restored {
  const objects = new Map<string, Kept>();
  const live: Kept[] = [];
  const hours = new Map<number, Hour>();
  let hour = emptyHour(0);
  for (const line of lines) {
    if (line[0] === 'object') {
      objects.set(line[2].uid, line[2]);
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

function restoreSpan(hour: Hour, line: SavedSpan, objects: ReadonlyMap<string, Kept>): void {
  const of = objects.get(line[1]);
  if (line[0] === 'node' && of?.kind === 'node') {
    hour.nodes.set(of.uid, { node: of, seconds: line[2] });
  } else if (line[0] === 'pod' && of?.kind === 'pod') {
    const [, , node, namespace, seconds, sent, saved] = line;
    const containers = new Map(
      saved.map(
        ([name, requested, used]) =>
          [name, { requested: { ...requested }, used: { ...used } }] as const,
      ),
    );
    hour.pods.set(podKey(of.uid, node), { pod: of, node, namespace, seconds, sent, containers });
  } else if (line[0] === 'volume' && of?.kind === 'volume') {
    const claim = objects.get(line[2]);
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
  return { requested: { ...NONE }, used: { ...NONE } };
}
