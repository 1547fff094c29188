import { add, type Decimal, isZero, shares, ZERO } from '../../../pipelines/focus/index.ts';
import {
  allocateNode,
  idleInOne,
  type Resource,
  type Share,
  type Spreading,
  spreadOver,
} from './allocate.ts';
import type { Hour, NodeHour, PodHour } from './hour.ts';
import type { Allocated, Charging, Origin, Part, ToLine, UsageRecord } from './line.ts';
import { containerName, nodeSold, podTags, UNKNOWN } from './names.ts';
import { costOf } from './prices.ts';
import { hoursOf } from './quantity.ts';

/** What is known of a cluster's hour once its nodes are charged. */
export interface Sums {
  idle: Decimal;
  /** Cost of the containers of each pod. */
  readonly pods: Map<PodHour, Decimal>;
}

/** Nothing is charged yet. */
export function startSums(): Sums {
  return { idle: ZERO, pods: new Map() };
}

/** What one step needs of the others. */
interface Step {
  readonly line: ToLine;
  readonly sums: Sums;
}

/** The charges of all nodes, each split among what ran on it; a node without a price is one line without a cost. */
export function* nodeCharges(hour: Hour, charging: Charging, step: Step): Generator<UsageRecord> {
  const pods = Map.groupBy(hour.pods.values(), ({ node }) => node);
  for (const node of hour.nodes.values())
    yield* oneNode(node, pods.get(node.node.uid) ?? [], charging, step);
}

/** What is charged to the cluster as a whole: idle time in one line, and the control plane. */
export function* clusterCharges(
  hour: Hour,
  charging: Charging,
  { line, sums }: Step,
): Generator<UsageRecord> {
  const { config, prices, cluster } = charging;
  if (!isZero(sums.idle)) {
    const of = clusterOrigin(cluster, { sku: 'idle', source: 'prices of the nodes' });
    yield line(of, {
      kind: 'idle',
      ...wholeHours(hour.seconds),
      description: 'Idle',
      cost: sums.idle,
    });
  }
  if (prices.controlPlane === undefined || config.node !== undefined) return;
  const origin = clusterOrigin(cluster, {
    sku: 'control-plane',
    source: 'settings: control_plane_price',
  });
  const part: Part = {
    kind: 'control_plane',
    description: 'Control plane',
    ...wholeHours(hour.seconds),
    cost: costOf(prices.controlPlane, hour.seconds),
  };
  const pods = [...sums.pods.keys()];
  if (config.control_plane === 'separate' || pods.length === 0) yield line(origin, part);
  else yield* spreadPart(part, { sums, charging }).map((one) => line(origin, one));
}

function* oneNode(
  node: NodeHour,
  pods: readonly PodHour[],
  charging: Charging,
  { line, sums }: Step,
): Generator<UsageRecord> {
  const { config, prices } = charging;
  const origin = nodeOrigin(node, charging);
  if (origin.price === undefined) {
    yield line(origin, {
      kind: 'node',
      description: 'Node',
      ...wholeHours(node.seconds),
      cost: undefined,
    });
    return;
  }
  const cost = costOf(origin.price.amount, node.seconds);
  const all = spreadOver(
    allocateNode(node, pods, { cost, rates: prices.rates }),
    spreadingOf(config),
  );
  const split = config.idle === 'by_node' ? idleInOne(all) : all;
  const ratios = shares(
    { digits: 1n, scale: 0 },
    split.map((share) => share.cost),
  );
  for (const [i, share] of split.entries()) {
    if (share.pod !== undefined)
      sums.pods.set(share.pod, add(sums.pods.get(share.pod) ?? ZERO, share.cost));
    if (share.kind === 'idle' && config.idle === 'by_cluster')
      sums.idle = add(sums.idle, share.cost);
    else yield line(origin, nodePart(node, share, { ratio: ratios[i], charging }));
  }
}

function spreadingOf({ idle, overhead, daemonsets }: Charging['config']): Spreading {
  return {
    idle: idle === 'spread',
    overhead: overhead === 'spread',
    daemonsets: daemonsets === 'spread',
  };
}

const COMPUTE = { service: 'Kubernetes', category: 'Compute', subcategory: 'Containers' };

function nodeOrigin({ node }: NodeHour, { priceNode }: Charging): Origin {
  const { provider, id } = nodeSold(node);
  return {
    ...COMPUTE,
    ...{ id, provider, name: node.name, type: 'Kubernetes node' },
    ...{ region: node.region, zone: node.zone, tags: node.labels, dynamic: node.spot },
    sku: `${provider}/${node.instanceType || 'node'}`,
    price: priceNode(node),
  };
}

function clusterOrigin(
  cluster: string,
  { sku, source }: { readonly sku: string; readonly source: string },
): Origin {
  return {
    ...COMPUTE,
    ...{ id: cluster, name: cluster, type: 'Kubernetes cluster', provider: UNKNOWN },
    ...{ region: '', zone: '', tags: {}, dynamic: false },
    sku: `${UNKNOWN}/${sku}`,
    price: { amount: ZERO, source },
  };
}

const WORDS = { container: 'Container', overhead: 'System overhead', idle: 'Idle' } as const;
const UNITS: Readonly<Record<Resource, string>> = {
  cpu: 'Core-Hours',
  memory: 'GiB-Hours',
  gpu: 'GPU-Hours',
};

function nodePart(
  node: NodeHour,
  share: Share,
  { ratio, charging }: { readonly ratio: Decimal | undefined; readonly charging: Charging },
): Part {
  const { kind, resource, cost, quantity, requested, used } = share;
  const own = { kind, cost, ratio, allocated: allocatedTo(share, charging) };
  if (resource === undefined)
    return { ...own, description: WORDS[kind], ...wholeHours(node.seconds) };
  const words = resource === 'memory' ? 'memory' : resource.toUpperCase();
  return {
    ...own,
    description: `${WORDS[kind]}: ${words}`,
    meter: resource,
    quantity: hoursOf(quantity, resource),
    unit: UNITS[resource],
    ...(kind === 'container' && {
      requested: hoursOf(requested, resource),
      used: hoursOf(used, resource),
    }),
  };
}

function allocatedTo(
  { pod, container = '' }: Pick<Share, 'pod' | 'container'>,
  { config }: Charging,
): Allocated | undefined {
  return pod === undefined
    ? undefined
    : {
        id: pod.pod.uid,
        name: containerName(pod, container),
        tags: podTags(pod, config.namespace_labels),
      };
}

function* spreadPart(
  part: Part,
  { sums, charging }: { readonly sums: Sums; readonly charging: Charging },
): Generator<Part> {
  const pods = [...sums.pods.keys()];
  const costs = shares(part.cost ?? ZERO, [...sums.pods.values()]);
  const ratios = shares({ digits: 1n, scale: 0 }, [...sums.pods.values()]);
  for (const [i, pod] of pods.entries())
    yield { ...part, cost: costs[i], ratio: ratios[i], allocated: allocatedTo({ pod }, charging) };
}

/** So many seconds in hours. */
function wholeHours(seconds: number): { readonly quantity: Decimal; readonly unit: string } {
  return { quantity: hoursOf(seconds), unit: 'Hours' };
}
