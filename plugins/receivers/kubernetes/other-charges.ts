import { type Decimal, divide, multiply, shares } from '../../../pipelines/focus/index.ts';
import type { Hour, PodHour, ServiceHour, VolumeHour } from './hour.ts';
import type { Charging, Origin, Part, ToLine, UsageRecord } from './line.ts';
import { nodeSold, podTags, UNKNOWN, volumeSold } from './names.ts';
import { COST_PLACES, costOf, type Prices, volumePrice } from './prices.ts';
import { hoursOf } from './quantity.ts';

/** The charges of volumes: each split among the pods that mounted it, by time; the time in which none did is a part of its own. */
export function* volumeCharges(
  hour: Hour,
  { prices, config }: Charging,
  line: ToLine,
): Generator<UsageRecord> {
  const mounts = mountsOf(hour);
  for (const held of hour.volumes.values()) {
    const origin = volumeOrigin(held, prices);
    const pods = mounts.get(held.volume.claimName) ?? [];
    const parts = volumeParts(held, pods, { origin, inherited: config.namespace_labels });
    for (const part of parts) yield line(origin, part);
  }
}

/** The charges of services of type LoadBalancer. */
export function* serviceCharges(
  hour: Hour,
  { prices }: Charging,
  line: ToLine,
): Generator<UsageRecord> {
  const { loadBalancer } = prices;
  if (loadBalancer === undefined) return;
  for (const held of hour.services.values()) {
    const cost = costOf(loadBalancer, held.seconds);
    const quantity = hoursOf(held.seconds);
    const own = { kind: 'service', description: 'Load balancer', unit: 'Hours' };
    yield line(serviceOrigin(held, loadBalancer), { ...own, quantity, cost });
  }
}

/** The charges of what pods sent. */
export function* networkCharges(
  hour: Hour,
  { prices, config }: Charging,
  line: ToLine,
): Generator<UsageRecord> {
  const { network } = prices;
  if (network === undefined) return;
  for (const pod of hour.pods.values()) {
    if (pod.sent === 0) continue;
    const quantity = inGib(pod.sent);
    const cost = inGib(pod.sent, network);
    const node = hour.nodes.get(pod.node)?.node;
    const provider = node === undefined ? UNKNOWN : nodeSold(node).provider;
    const own = { kind: 'network', description: 'Sent', unit: 'GiB' };
    const tags = podTags(pod, config.namespace_labels);
    yield line(podOrigin(pod, { provider, tags, network }), { ...own, quantity, cost });
  }
}

/** Pods by the claims they mount, `namespace/name`. */
function mountsOf(hour: Hour): ReadonlyMap<string, readonly PodHour[]> {
  const mounts = new Map<string, PodHour[]>();
  for (const pod of hour.pods.values())
    for (const claim of pod.pod.claims) {
      const name = `${pod.pod.namespace}/${claim}`;
      mounts.set(name, [...(mounts.get(name) ?? []), pod]);
    }
  return mounts;
}

function volumeParts(
  { volume, seconds }: VolumeHour,
  pods: readonly PodHour[],
  { origin, inherited }: { readonly origin: Origin; readonly inherited: readonly string[] },
): readonly Part[] {
  const cost = origin.price && costOf(origin.price.amount, seconds);
  const size = hoursOf(volume.size * seconds, 'memory');
  const own = { kind: 'volume', unit: 'GiB-Hours', description: 'Volume' };
  if (cost === undefined || pods.length === 0) return [{ ...own, quantity: size, cost }];
  const mounted = pods.map((pod) => pod.seconds);
  const rest = Math.max(0, seconds - mounted.reduce((sum, one) => sum + one, 0));
  const weights = [...mounted, ...(rest > 0 ? [rest] : [])].map(whole);
  const split = (of: Decimal): readonly Decimal[] => shares(of, weights);
  const [costs, ratios, sizes] = [split(cost), split(whole(1)), split(size)];
  return weights.map((_, i) => {
    const pod = pods[i];
    return {
      ...own,
      ...(pod === undefined && { kind: 'unmounted', description: 'Volume, not mounted' }),
      ...{ quantity: sizes[i] ?? size, cost: costs[i], ratio: ratios[i] },
      allocated: pod && {
        id: pod.pod.uid,
        name: `${pod.pod.namespace}/${pod.pod.name}`,
        tags: podTags(pod, inherited),
      },
    };
  });
}

function volumeOrigin({ volume, claim }: VolumeHour, prices: Prices): Origin {
  const { provider, id } = volumeSold(volume);
  const [namespace] = volume.claimName.split('/');
  return {
    ...{ service: 'Kubernetes Volumes', category: 'Storage', subcategory: 'Block Storage' },
    ...{ id, provider, name: volume.claimName || volume.name, type: 'Persistent volume' },
    ...{ region: volume.region, zone: volume.zone, dynamic: false },
    tags: { ...claim?.labels, ...(namespace && { 'k8s.namespace.name': namespace }) },
    sku: `${provider}/${volume.storageClass || 'volume'}/storage`,
    price: volumePrice(volume, prices),
  };
}

function serviceOrigin({ service }: ServiceHour, amount: Decimal): Origin {
  return {
    ...{ service: 'Kubernetes Load Balancers', category: 'Networking' },
    subcategory: 'Application Networking',
    ...{ id: service.uid, name: `${service.namespace}/${service.name}`, provider: UNKNOWN },
    ...{ type: 'Kubernetes service', region: '', zone: '', dynamic: false },
    tags: { ...service.labels, 'k8s.namespace.name': service.namespace },
    sku: `${UNKNOWN}/load-balancer`,
    price: { amount, source: 'settings: load_balancer_price' },
  };
}

function podOrigin(
  { pod }: PodHour,
  {
    provider,
    tags,
    network,
  }: { readonly provider: string; readonly tags: Origin['tags']; readonly network: Decimal },
): Origin {
  return {
    ...{ service: 'Kubernetes Network', category: 'Networking' },
    subcategory: 'Network Connectivity',
    ...{ id: pod.uid, name: `${pod.namespace}/${pod.name}`, provider, tags },
    ...{ type: 'Kubernetes pod', region: '', zone: '', dynamic: false },
    sku: `${provider}/network`,
    price: { amount: network, source: 'settings: network_price' },
  };
}

const GIB: Decimal = { digits: 1_073_741_824n, scale: 0 };

/** Bytes in GiB, or their price. */
function inGib(bytes: number, price: Decimal = whole(1)): Decimal {
  const value = multiply(whole(bytes), price);
  return divide(value, GIB, COST_PLACES) ?? value;
}

function whole(value: number): Decimal {
  return { digits: BigInt(value), scale: 0 };
}
