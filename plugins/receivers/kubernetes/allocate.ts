import {
  add,
  compare,
  type Decimal,
  isZero,
  shares,
  sum,
  ZERO,
} from '../../../pipelines/focus/index.ts';
import type { Measured, NodeHour, PodHour } from './hour.ts';
import type { Rates } from './prices.ts';

/** What a node is made of, as far as pods ask for it. */
export const RESOURCES = ['cpu', 'memory', 'gpu'] as const;
export type Resource = (typeof RESOURCES)[number];

/** A part of a node's cost in an hour. */
export interface Share {
  /** `overhead` is what the node keeps for itself, `idle` what nobody asked for or used. */
  readonly kind: 'container' | 'overhead' | 'idle';
  /** Only of a container; the pod as a whole has an empty name. */
  readonly pod?: PodHour;
  readonly container?: string;
  /** Absent: the node as a whole. */
  readonly resource?: Resource;
  /** Over the seconds of the hour, in the units of `Hour`: what it is charged for, and the two that it is the larger of. */
  readonly quantity: number;
  readonly requested: number;
  readonly used: number;
  readonly cost: Decimal;
}

/** Which shares are given to the containers of the node, by their cost. */
export interface Spreading {
  readonly idle: boolean;
  readonly overhead: boolean;
  readonly daemonsets: boolean;
}

/**
 * Splits the cost of a node's hour: first among its resources by capacity and rate, then each resource among containers (the larger of request
 * and usage), what the node keeps for itself, and the idle rest. The shares add up to the cost to the last decimal.
 */
export function allocateNode(
  node: NodeHour,
  pods: readonly PodHour[],
  { cost, rates }: { readonly cost: Decimal; readonly rates: Rates },
): readonly Share[] {
  const weights = RESOURCES.map((resource) =>
    weightOf(resource, node.node.capacity[resource], rates),
  );
  if (weights.every(isZero)) return [{ kind: 'idle', quantity: 0, requested: 0, used: 0, cost }];
  const pools = shares(cost, weights);
  return RESOURCES.flatMap((resource, i) => {
    const claims = claimsOn(node, pods, resource);
    const costs = shares(
      pools[i] ?? ZERO,
      claims.map(({ quantity }) => whole(quantity)),
    );
    return claims.map((claim, at) => ({ ...claim, cost: costs[at] ?? ZERO }));
  });
}

/** Shares of which some are given to the containers: by the cost of the same resource, or where none has any, of all. The sum stays. */
export function spreadOver(all: readonly Share[], spreading: Spreading): readonly Share[] {
  const given = all.filter((share) => isGiven(share, spreading));
  const kept = all.filter((share) => !isGiven(share, spreading));
  const takers = kept.filter(({ kind, cost }) => kind === 'container' && compare(cost, ZERO) > 0);
  if (takers.length === 0) return all;
  const more = new Map<Share, Decimal>();
  for (const share of given) {
    const alike = takers.filter(({ resource }) => resource === share.resource);
    const to = alike.length > 0 ? alike : takers;
    shares(
      share.cost,
      to.map(({ cost }) => cost),
    ).forEach((part, i) => {
      const taker = to[i];
      if (taker !== undefined) more.set(taker, add(more.get(taker) ?? ZERO, part));
    });
  }
  return kept.map((share) => ({ ...share, cost: add(share.cost, more.get(share) ?? ZERO) }));
}

/** The idle shares in one, after the others. */
export function idleInOne(all: readonly Share[]): readonly Share[] {
  const idle = all.filter(({ kind }) => kind === 'idle');
  if (idle.length < 2) return all;
  const cost = sum(idle.map((share) => share.cost));
  const one: Share = { kind: 'idle', quantity: 0, requested: 0, used: 0, cost };
  return [...all.filter(({ kind }) => kind !== 'idle'), one];
}

type Claim = Omit<Share, 'cost'>;

function claimsOn(
  { node, seconds }: NodeHour,
  pods: readonly PodHour[],
  resource: Resource,
): readonly Claim[] {
  const capacity = node.capacity[resource] * seconds;
  const overhead = Math.max(0, node.capacity[resource] - node.allocatable[resource]) * seconds;
  const containers = pods.flatMap((pod) =>
    [...pod.containers].map(([container, measured]) =>
      containerClaim({ pod, container, measured, resource }),
    ),
  );
  const asked = containers.reduce((total, { quantity }) => total + quantity, overhead);
  const own = { resource, requested: 0, used: 0 };
  return [
    ...containers,
    { kind: 'overhead' as const, ...own, quantity: overhead },
    { kind: 'idle' as const, ...own, quantity: Math.max(0, capacity - asked) },
  ].filter(({ quantity }) => quantity > 0);
}

function containerClaim({
  pod,
  container,
  measured,
  resource,
}: {
  readonly pod: PodHour;
  readonly container: string;
  readonly measured: Measured;
  readonly resource: Resource;
}): Claim {
  const requested = measured.requested[resource];
  const used = measured.used[resource];
  const quantity = Math.max(requested, used);
  return { kind: 'container', pod, container, resource, requested, used, quantity };
}

/** In units that are the same for all resources: CPU and GPUs are counted in millionths, memory in KiB. */
function weightOf(resource: Resource, amount: number, rates: Rates): Decimal {
  const { digits, scale } = rates[resource];
  const unit = resource === 'memory' ? 1_000_000n : 1_048_576n;
  return { digits: digits * BigInt(amount) * unit, scale };
}

function whole(quantity: number): Decimal {
  return { digits: BigInt(quantity), scale: 0 };
}

function isGiven({ kind, pod }: Share, { idle, overhead, daemonsets }: Spreading): boolean {
  if (kind === 'idle') return idle;
  if (kind === 'overhead') return overhead;
  return daemonsets && pod?.pod.controllerKind === 'DaemonSet';
}
