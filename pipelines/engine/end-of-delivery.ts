import { encodeEvents } from '../encode/events.ts';
import { COST_COLUMNS, type CostColumn } from '../focus/columns.ts';
import { add, type Decimal, decimal, formatDecimal, ZERO } from '../focus/decimal.ts';
import type { EncodedBatch, Encoding } from '../plugin/delivery.ts';
import {
  attributeOfSum,
  END_CHARGES,
  END_EVENT,
  type ForwardedDelivery,
  forwardedAttributes,
} from '../plugin/forwarded.ts';
import type { StageSettings, Target } from './deliver.ts';
import { type Writing, write } from './write-batch.ts';

/** What an exporter was sent of a delivery. */
interface Tally {
  charges: number;
  readonly costs: Map<CostColumn, Decimal>;
}

/** Counts what other agents are sent. */
export class Tallies {
  readonly #byTarget = new Map<Target, Tally>();

  add(target: Target, { rows, costs }: EncodedBatch): void {
    if (forwardingOf(target) === undefined) return;
    const tally = this.of(target);
    this.#byTarget.set(target, tally);
    tally.charges += rows;
    for (const column of COST_COLUMNS)
      tally.costs.set(column, add(tally.costs.get(column) ?? ZERO, decimal(costs[column] ?? '0')));
  }

  of(target: Target): Tally {
    return this.#byTarget.get(target) ?? { charges: 0, costs: new Map() };
  }
}

type Forwarding = Extract<Encoding, { readonly kind: 'otlp-logs' }> & {
  readonly forward: { readonly agent: string };
};

/** The encoding of an exporter that sends to another agent; undefined for all others. */
export function forwardingOf({ sink: { encoding } }: Target): Forwarding | undefined {
  if (encoding?.kind !== 'otlp-logs' || encoding.forward === undefined) return undefined;
  return { ...encoding, forward: encoding.forward };
}

/** How a delivery ends. */
interface Ending extends Omit<Writing, 'batch'> {
  readonly forwarded: Omit<ForwardedDelivery, 'agent'>;
  readonly tallies: Tallies;
  readonly settings: Pick<StageSettings, 'resource' | 'scopeVersion'>;
}

/** Commits a delivery of which all batches are written; another agent is told first that it was sent all of it. */
export async function finish(target: Target, ending: Ending): Promise<void> {
  const { info, events } = ending;
  const end = endOfDelivery(target, ending);
  if (end !== undefined) await write(target, { batch: end, info, events });
  await target.sink.commit?.(info);
}

/** The record that says so, as a batch without charges. */
function endOfDelivery(
  target: Target,
  { info: { observedMs }, forwarded, tallies, settings }: Ending,
): EncodedBatch | undefined {
  const encoding = forwardingOf(target);
  if (encoding === undefined) return undefined;
  const { charges, costs } = tallies.of(target);
  const sums = COST_COLUMNS.map((column) => [
    attributeOfSum(column),
    formatDecimal(costs.get(column) ?? ZERO),
  ]);
  const end = {
    name: END_EVENT,
    timeMs: observedMs,
    attributes: { [END_CHARGES]: String(charges), ...Object.fromEntries(sums) },
  };
  const scope = forwardedAttributes({ ...forwarded, ...encoding.forward });
  const { resource, scopeVersion } = settings;
  const [batch] = encodeEvents([end], encoding, { resource, scopeVersion, observedMs, scope });
  return batch === undefined ? undefined : { ...batch, rows: 0 };
}
