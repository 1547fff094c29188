import { encodeEvents } from '../encode/events.ts';
import { COST_COLUMNS, type CostColumn } from '../focus/columns.ts';
import { add, type Decimal, decimal, formatDecimal, ZERO } from '../focus/decimal.ts';
import type { EncodedBatch } from '../plugin/delivery.ts';
import {
  attributeOfSum,
  END_CHARGES,
  END_EVENT,
  type ForwardedDelivery,
  forwardedAttributes,
} from '../plugin/forwarded.ts';
import type { StageSettings, Target } from './deliver.ts';

/** What an exporter was sent of a delivery. */
export interface Tally {
  readonly charges: number;
  readonly costs: ReadonlyMap<CostColumn, Decimal>;
}

/** Counts what each exporter is sent. */
export class Tallies {
  readonly #byTarget = new Map<Target, { charges: number; costs: Map<CostColumn, Decimal> }>();

  add(target: Target, { rows, costs }: EncodedBatch): void {
    const tally = this.#byTarget.get(target) ?? { charges: 0, costs: new Map() };
    this.#byTarget.set(target, tally);
    tally.charges += rows;
    for (const column of COST_COLUMNS)
      tally.costs.set(column, add(tally.costs.get(column) ?? ZERO, decimal(costs[column] ?? '0')));
  }

  of(target: Target): Tally {
    return this.#byTarget.get(target) ?? { charges: 0, costs: new Map() };
  }
}

/** The record that tells another agent that it was sent all of a delivery, as a batch without charges; undefined for exporters that are none. */
export function endOfDelivery(
  target: Target,
  {
    forwarded,
    tally,
    settings,
    observedMs,
  }: {
    readonly forwarded: Omit<ForwardedDelivery, 'agent'>;
    readonly tally: Tally;
    readonly settings: Pick<StageSettings, 'resource' | 'scopeVersion'>;
    readonly observedMs: number;
  },
): EncodedBatch | undefined {
  const { encoding } = target.sink;
  if (encoding?.kind !== 'otlp-logs' || encoding.forward === undefined) return undefined;
  const sums = COST_COLUMNS.map((column) => [
    attributeOfSum(column),
    formatDecimal(tally.costs.get(column) ?? ZERO),
  ]);
  const end = {
    name: END_EVENT,
    timeMs: observedMs,
    attributes: { [END_CHARGES]: String(tally.charges), ...Object.fromEntries(sums) },
  };
  const scope = forwardedAttributes({ ...forwarded, ...encoding.forward });
  const { resource, scopeVersion } = settings;
  const [batch] = encodeEvents([end], encoding, { resource, scopeVersion, observedMs, scope });
  return batch === undefined ? undefined : { ...batch, rows: 0 };
}
