import { add, type Decimal, decimal, shares, ZERO } from '../../../../pipelines/focus/index.ts';
import type { Hour } from '../hour.ts';
import type { UsageRecord } from '../line.ts';
import type { CostAllocation } from './cost-allocation.ts';

/** A node's hour: what its containers cost by pod, and what is left. */
interface NodeCosts {
  readonly pods: Map<string, Decimal>;
  rest: Decimal;
}

/** Sums up what the charges of an hour come to for each pod. */
export class Tally {
  readonly #direct = new Map<string, Decimal>();
  readonly #nodes = new Map<string, NodeCosts>();

  /** The lines as they are, counted on their way. */
  *through(lines: Iterable<UsageRecord>): Generator<UsageRecord> {
    for (const line of lines) {
      this.#add(line);
      yield line;
    }
  }

  /** What the pods of an allocation cost. */
  costOf({ namespace, selects, rule }: CostAllocation, hour: Hour): Decimal {
    const pods = new Set<string>();
    for (const { pod } of hour.pods.values())
      if (pod.namespace === namespace && selects(pod.labels)) pods.add(pod.uid);
    let cost = ZERO;
    const idle = rule === 'WithIdle' ? this.#rest() : undefined;
    for (const uid of pods)
      cost = add(add(cost, this.#direct.get(uid) ?? ZERO), idle?.get(uid) ?? ZERO);
    return cost;
  }

  #add({ kind, cost, origin, allocated_id, resource_id }: UsageRecord): void {
    const amount = cost === null || cost === undefined ? ZERO : decimal(cost);
    if (kind === 'idle' || kind === 'overhead') {
      const node = this.#node(origin ?? '');
      node.rest = add(node.rest, amount);
    }
    const pod = allocated_id ?? (kind === 'network' ? resource_id : null) ?? null;
    if (pod === null) return;
    plus(this.#direct, pod, amount);
    if (kind === 'container') plus(this.#node(origin ?? '').pods, pod, amount);
  }

  #node(origin: string): NodeCosts {
    const known = this.#nodes.get(origin);
    if (known !== undefined) return known;
    const fresh = { pods: new Map<string, Decimal>(), rest: ZERO };
    this.#nodes.set(origin, fresh);
    return fresh;
  }

  #shared: Map<string, Decimal> | undefined;

  /** The rest of each node given to its pods by what they cost there, exactly. */
  #rest(): ReadonlyMap<string, Decimal> {
    if (this.#shared !== undefined) return this.#shared;
    const shared = new Map<string, Decimal>();
    for (const { pods, rest } of this.#nodes.values()) {
      const uids = [...pods.keys()];
      const parts = uids.length === 0 ? [] : shares(rest, [...pods.values()]);
      for (const [i, uid] of uids.entries()) plus(shared, uid, parts[i] ?? ZERO);
    }
    this.#shared = shared;
    return shared;
  }
}

function plus(sums: Map<string, Decimal>, key: string, amount: Decimal): void {
  sums.set(key, add(sums.get(key) ?? ZERO, amount));
}
