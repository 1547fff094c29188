/** The fields of Kubernetes objects that the costs depend on; everything else is forgotten as soon as it is read. */
import { type JsonObject, objectAt, textAt } from '../../kit/json.ts';
import { kibibytes, micros } from './quantity.ts';

/** How much of each resource: micro-cores, KiB, millionths of a GPU. Whole numbers. */
export interface Amounts {
  readonly cpu: number;
  readonly memory: number;
  readonly gpu: number;
}

/** What nobody asked for. */
export const NONE: Amounts = { cpu: 0, memory: 0, gpu: 0 };

/** Any of the objects that are kept. */
export type Kept = KubeNode | KubePod | KubeVolume | KubeClaim | KubeService | KubeNamespace;

/** What every object has. */
export interface KubeObject {
  readonly uid: string;
  readonly name: string;
  /** Second since 1970 from which it counts: when it was made, or a pod was started. */
  readonly startedAt: number;
}

export interface KubeNode extends KubeObject {
  readonly kind: 'node';
  readonly providerId: string;
  /** Number of a machine of Google, by which bills know it; empty elsewhere. */
  readonly instanceId?: string | undefined;
  readonly instanceType: string;
  readonly region: string;
  readonly zone: string;
  readonly spot: boolean;
  readonly capacity: Amounts;
  readonly allocatable: Amounts;
  readonly labels: Readonly<Record<string, string>>;
  /** Address at which its kubelet listens; empty when it has none. */
  readonly address: string;
}

export interface KubePod extends KubeObject {
  readonly kind: 'pod';
  readonly namespace: string;
  /** Empty until it is bound. */
  readonly node: string;
  /** `Deployment`, `DaemonSet`, …; empty when nothing controls it. */
  readonly controllerKind: string;
  readonly controllerName: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Requests by container; that of the pod as a whole (overhead) under the empty name. */
  readonly requests: Readonly<Record<string, Amounts>>;
  /** Names of its claims. */
  readonly claims: readonly string[];
  /** Second in which it was done; undefined while it holds its node. */
  readonly endedAt: number | undefined;
}

export interface KubeVolume extends KubeObject {
  readonly kind: 'volume';
  readonly handle: string;
  readonly driver: string;
  readonly storageClass: string;
  readonly region: string;
  readonly zone: string;
  /** KiB. */
  readonly size: number;
  /** The claim that holds it, and its `namespace/name`; empty when none does. */
  readonly claim: string;
  readonly claimName: string;
}

export interface KubeClaim extends KubeObject {
  readonly kind: 'claim';
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface KubeService extends KubeObject {
  readonly kind: 'service';
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly loadBalancer: boolean;
}

export interface KubeNamespace extends KubeObject {
  readonly kind: 'namespace';
  readonly labels: Readonly<Record<string, string>>;
}

/** The node of the API's object. */
export function nodeOf(raw: JsonObject): KubeNode {
  const spec = partOf(raw, 'spec');
  const status = partOf(raw, 'status');
  const labels = labelsOf(raw);
  const annotations = partOf(partOf(raw, 'metadata'), 'annotations');
  return {
    kind: 'node',
    ...nameOf(raw),
    providerId: textAt(spec.providerID) ?? '',
    instanceId: textAt(annotations['container.googleapis.com/instance_id']) ?? '',
    instanceType: first(labels, INSTANCE_TYPE),
    region: first(labels, REGION),
    zone: first(labels, ZONE),
    spot: SPOT.some(([label, value]) => labels[label]?.toLowerCase() === value),
    capacity: amountsOf(status.capacity),
    allocatable: amountsOf(status.allocatable),
    labels,
    address: addressOf(status.addresses),
  };
}

/** The pod of the API's object. */
export function podOf(raw: JsonObject): KubePod {
  const metadata = partOf(raw, 'metadata');
  const spec = partOf(raw, 'spec');
  const status = partOf(raw, 'status');
  const base = nameOf(raw);
  const labels = labelsOf(raw);
  return {
    kind: 'pod',
    ...base,
    startedAt: secondOf(status.startTime) ?? base.startedAt,
    namespace: textAt(metadata.namespace) ?? '',
    node: textAt(spec.nodeName) ?? '',
    ...controllerOf(metadata, labels),
    labels,
    requests: requestsOf(spec),
    claims: claimsOf(spec, base.name),
    endedAt: endOf(status),
  };
}

/** The persistent volume of the API's object. */
export function volumeOf(raw: JsonObject): KubeVolume {
  const spec = partOf(raw, 'spec');
  const csi = partOf(spec, 'csi');
  const claim = partOf(spec, 'claimRef');
  const labels = labelsOf(raw);
  return {
    kind: 'volume',
    ...nameOf(raw),
    handle: textAt(csi.volumeHandle) ?? '',
    driver: textAt(csi.driver) ?? '',
    storageClass: textAt(spec.storageClassName) ?? '',
    region: first(labels, REGION),
    zone: first(labels, ZONE),
    size: kibibytes(textAt(partOf(spec, 'capacity').storage)),
    claim: textAt(claim.uid) ?? '',
    claimName: [claim.namespace, claim.name].flatMap((text) => textAt(text) ?? []).join('/'),
  };
}

/** The claim of the API's object. */
export function claimOf(raw: JsonObject): KubeClaim {
  return { kind: 'claim', ...nameOf(raw), namespace: namespaceIn(raw), labels: labelsOf(raw) };
}

/** The service of the API's object. */
export function serviceOf(raw: JsonObject): KubeService {
  return {
    kind: 'service',
    ...nameOf(raw),
    namespace: namespaceIn(raw),
    labels: labelsOf(raw),
    loadBalancer: partOf(raw, 'spec').type === 'LoadBalancer',
  };
}

/** The namespace of the API's object. */
export function namespaceOf(raw: JsonObject): KubeNamespace {
  return { kind: 'namespace', ...nameOf(raw), labels: labelsOf(raw) };
}

/** The uid of the API's object. */
export function uidOf(raw: JsonObject): string {
  return nameOf(raw).uid;
}

const INSTANCE_TYPE = ['node.kubernetes.io/instance-type', 'beta.kubernetes.io/instance-type'];
const REGION = ['topology.kubernetes.io/region', 'failure-domain.beta.kubernetes.io/region'];
const ZONE = ['topology.kubernetes.io/zone', 'failure-domain.beta.kubernetes.io/zone'];

/** Labels by which the clouds' node pools and Karpenter say that a node may be taken away at any time. */
const SPOT: readonly (readonly [label: string, value: string])[] = [
  ['karpenter.sh/capacity-type', 'spot'],
  ['eks.amazonaws.com/capacitytype', 'spot'],
  ['eks.amazonaws.com/capacityType', 'spot'],
  ['cloud.google.com/gke-spot', 'true'],
  ['cloud.google.com/gke-preemptible', 'true'],
  ['kubernetes.azure.com/scalesetpriority', 'spot'],
];

/** Resources that are GPUs, by the part of their name behind the slash. */
const GPU = /\/(gpu|gpu\.shared|mig-.+)$|^gpu\.intel\.com\/(i915|xe)$/;

function partOf(raw: JsonObject, name: string): JsonObject {
  return objectAt(raw[name]) ?? {};
}

function nameOf(raw: JsonObject): KubeObject {
  const metadata = partOf(raw, 'metadata');
  return {
    uid: textAt(metadata.uid) ?? '',
    name: textAt(metadata.name) ?? '',
    startedAt: secondOf(metadata.creationTimestamp) ?? 0,
  };
}

function namespaceIn(raw: JsonObject): string {
  return textAt(partOf(raw, 'metadata').namespace) ?? '';
}

function labelsOf(raw: JsonObject): Readonly<Record<string, string>> {
  const labels = partOf(partOf(raw, 'metadata'), 'labels');
  return Object.fromEntries(
    Object.entries(labels).flatMap(([name, value]) =>
      typeof value === 'string' ? [[name, value] as const] : [],
    ),
  );
}

function first(labels: Readonly<Record<string, string>>, names: readonly string[]): string {
  const name = names.find((one) => labels[one] !== undefined);
  return (name && labels[name]) ?? '';
}

function secondOf(value: unknown): number | undefined {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isFinite(ms) ? Math.floor(ms / 1000) : undefined;
}

function amountsOf(resources: unknown): Amounts {
  const entries = Object.entries(objectAt(resources) ?? {});
  const of = (name: string) => textAt(entries.find(([key]) => key === name)?.[1]);
  return {
    cpu: micros(of('cpu')),
    memory: kibibytes(of('memory')),
    gpu: entries
      .filter(([name]) => GPU.test(name))
      .reduce((sum, [, amount]) => sum + micros(textAt(amount)), 0),
  };
}

function addressOf(addresses: unknown): string {
  const found = listOf(addresses).find((one) => one.type === 'InternalIP');
  return textAt(found?.address) ?? '';
}

function listOf(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.map(objectAt).filter((one) => one !== undefined) : [];
}

/** Init containers that go on running beside the others are containers like them. */
function requestsOf(spec: JsonObject): Readonly<Record<string, Amounts>> {
  const sidecars = listOf(spec.initContainers).filter((one) => one.restartPolicy === 'Always');
  const requests: Record<string, Amounts> = {};
  for (const container of [...sidecars, ...listOf(spec.containers)])
    requests[textAt(container.name) ?? ''] = amountsOf(partOf(container, 'resources').requests);
  const rest = wholePod(spec, Object.values(requests));
  return isNone(rest) ? requests : { ...requests, '': rest };
}

/** What the pod asks for beyond its containers: the overhead of its runtime, and requests of the pod as a whole. */
function wholePod(spec: JsonObject, containers: readonly Amounts[]): Amounts {
  const overhead = amountsOf(spec.overhead);
  const asked = amountsOf(partOf(spec, 'resources').requests);
  const beyond = (name: keyof Amounts) =>
    overhead[name] +
    Math.max(0, asked[name] - containers.reduce((sum, amounts) => sum + amounts[name], 0));
  return { cpu: beyond('cpu'), memory: beyond('memory'), gpu: beyond('gpu') };
}

function isNone({ cpu, memory, gpu }: Amounts): boolean {
  return cpu === 0 && memory === 0 && gpu === 0;
}

/** The workload that a person knows: a ReplicaSet is the Deployment that made it, a Job of a CronJob the CronJob. */
function controllerOf(
  metadata: JsonObject,
  labels: Readonly<Record<string, string>>,
): Pick<KubePod, 'controllerKind' | 'controllerName'> {
  const owner = listOf(metadata.ownerReferences).find((one) => one.controller === true);
  const kind = textAt(owner?.kind) ?? '';
  const name = textAt(owner?.name) ?? '';
  const hash = labels['pod-template-hash'];
  if (kind === 'ReplicaSet' && hash !== undefined && name.endsWith(`-${hash}`))
    return { controllerKind: 'Deployment', controllerName: name.slice(0, -hash.length - 1) };
  const scheduled = kind === 'Job' ? /^(.+)-\d{8,}$/.exec(name)?.[1] : undefined;
  if (scheduled !== undefined) return { controllerKind: 'CronJob', controllerName: scheduled };
  return { controllerKind: kind, controllerName: name };
}

/** Ephemeral volumes have a claim named after the pod. */
function claimsOf(spec: JsonObject, pod: string): readonly string[] {
  return listOf(spec.volumes).flatMap((volume) => {
    if (objectAt(volume.ephemeral) !== undefined) return [`${pod}-${textAt(volume.name) ?? ''}`];
    return textAt(partOf(volume, 'persistentVolumeClaim').claimName) ?? [];
  });
}

/** When its last container ended; when nothing says so, at once. */
function endOf(status: JsonObject): number | undefined {
  if (status.phase !== 'Succeeded' && status.phase !== 'Failed') return undefined;
  const ends = listOf(status.containerStatuses).flatMap(
    (one) => secondOf(partOf(partOf(one, 'state'), 'terminated').finishedAt) ?? [],
  );
  return ends.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...ends);
}
