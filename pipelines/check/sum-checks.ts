/**
 * Checks over sums that one file can answer. The specification has them as sentences; which rows belong together is
 * inferred, so what they find are warnings. Invoice and contract totals need other data and are not checked.
 */
import { type Batch, type Column, cellText } from '../focus/batch.ts';
import { parseObject } from './formats.ts';
import type { Rule } from './rule.ts';
import { MAX_REMEMBERED } from './set-checks.ts';

/** A group that does not add up. */
export interface Imbalance {
  /** First row of the group. */
  readonly row: number;
  readonly rows: number;
  readonly values: Readonly<Record<string, string | null>>;
}

/** A check that judges groups once all rows are seen. */
export interface SumCheck {
  readonly rule: Rule;
  add(batch: Batch): void;
  finish(): readonly Imbalance[];
  readonly exhausted: boolean;
}

/** The sum checks for a part's columns; `header` gives a column's name in the part. */
export function sumChecks(header: (name: string) => string | undefined): readonly SumCheck[] {
  const checks: SumCheck[] = [];
  if (header('AllocatedMethodDetails') !== undefined) checks.push(new AllocatedRatios(header));
  if (QUANTITIES.every((name) => header(name) !== undefined))
    checks.push(new CommitmentQuantities(header));
  return checks;
}

type Header = (name: string) => string | undefined;

/** Columns that rows split from one origin charge have in common. */
const ORIGIN = [
  'x_SplitOriginId',
  'AllocatedMethodId',
  'BillingAccountId',
  'SubAccountId',
  'ResourceId',
  'SkuPriceId',
  'ChargeCategory',
  'ChargeClass',
  'ChargePeriodStart',
  'ChargePeriodEnd',
];

/** Ratios are given with few places; so much they may be off together. */
const RATIO_TOLERANCE = 1e-4;

class AllocatedRatios implements SumCheck {
  readonly rule: Rule = sumRule(
    'focusd.AllocatedRatio.sum',
    'AllocatedMethodDetails',
    'AllocatedRatio should add up to 1 over the rows split from one charge',
  );
  readonly #details: string;
  readonly #key: readonly string[];
  readonly #groups = new Map<string, { sum: number; row: number; rows: number }>();
  exhausted = false;

  constructor(header: Header) {
    this.#details = header('AllocatedMethodDetails') ?? '';
    this.#key = ORIGIN.flatMap((name) => header(name) ?? []);
  }

  add(batch: Batch): void {
    const details = batch.columns.get(this.#details);
    if (details?.kind !== 'text') return;
    const key = this.#key.map((name) => batch.columns.get(name));
    for (let row = 0; row < batch.rows; row++) {
      const text = cellText(details, row);
      const ratio = text === undefined ? undefined : onlyRatio(text);
      if (ratio === undefined) continue;
      const group = this.#group(keyOf(key, row), batch.rowNumbers[row] as number);
      if (group === undefined) continue;
      group.sum += ratio;
      group.rows++;
    }
  }

  /** Charges alike in all of this may have been split each: their ratios add up to their number. */
  finish(): readonly Imbalance[] {
    return [...this.#groups.values()]
      .filter(({ sum }) => {
        const charges = Math.max(1, Math.round(sum));
        return Math.abs(sum - charges) > RATIO_TOLERANCE * charges;
      })
      .map(({ sum, row, rows }) => ({ row, rows, values: { AllocatedRatio: String(round(sum)) } }));
  }

  #group(key: string, row: number) {
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    if (this.#groups.size >= MAX_REMEMBERED) {
      this.exhausted = true;
      return undefined;
    }
    const group = { sum: 0, row, rows: 0 };
    this.#groups.set(key, group);
    return group;
  }
}

/** The ratio of details with a single element; several methods at once cannot be added up. */
function onlyRatio(text: string): number | undefined {
  const elements = parseObject(text)?.Elements;
  if (!Array.isArray(elements) || elements.length !== 1) return undefined;
  const ratio: unknown = (elements[0] as { AllocatedRatio?: unknown } | null)?.AllocatedRatio;
  return typeof ratio === 'number' ? ratio : undefined;
}

const QUANTITIES = [
  'CommitmentDiscountId',
  'CommitmentDiscountQuantity',
  'CommitmentDiscountUnit',
  'ChargeCategory',
  'ChargeFrequency',
];

/** Quantities are rounded row by row. */
const QUANTITY_TOLERANCE = 1e-3;

interface Commitment {
  readonly row: number;
  readonly id: string;
  rows: number;
  bought: number;
  drawn: number;
  recurring: boolean;
}

class CommitmentQuantities implements SumCheck {
  readonly rule: Rule = sumRule(
    'focusd.CommitmentDiscountQuantity.sum',
    'CommitmentDiscountQuantity',
    'CommitmentDiscountQuantity used and unused should not exceed what recurring purchases of the commitment state',
  );
  readonly #names: readonly string[];
  readonly #commitments = new Map<string, Commitment>();
  exhausted = false;

  constructor(header: Header) {
    this.#names = QUANTITIES.map((name) => header(name) ?? '');
  }

  add(batch: Batch): void {
    const [ids, quantities, units, categories, frequencies] = this.#names.map((name) =>
      batch.columns.get(name),
    );
    if (ids === undefined || quantities === undefined) return;
    for (let row = 0; row < batch.rows; row++) {
      const id = cellText(ids, row);
      const quantity = id === undefined ? Number.NaN : Number(cellText(quantities, row));
      if (id === undefined || Number.isNaN(quantity)) continue;
      const unit = (units && cellText(units, row)) ?? '';
      const commitment = this.#commitment(id, unit, batch.rowNumbers[row] as number);
      if (commitment === undefined) continue;
      commitment.rows++;
      const category = categories && cellText(categories, row);
      if (category === 'Usage') commitment.drawn += quantity;
      else if (category === 'Purchase') {
        commitment.bought += quantity;
        const frequency = frequencies && cellText(frequencies, row);
        if (frequency !== 'Recurring') commitment.recurring = false;
      }
    }
  }

  finish(): readonly Imbalance[] {
    return [...this.#commitments.values()]
      .filter(
        ({ recurring, bought, drawn }) =>
          recurring && bought > 0 && drawn > bought * (1 + QUANTITY_TOLERANCE),
      )
      .map(({ row, rows, id, bought, drawn }) => ({
        row,
        rows,
        values: {
          CommitmentDiscountId: id,
          purchased: String(round(bought)),
          'used and unused': String(round(drawn)),
        },
      }));
  }

  #commitment(id: string, unit: string, row: number): Commitment | undefined {
    const key = `${id}\u0000${unit}`;
    const known = this.#commitments.get(key);
    if (known !== undefined) return known;
    if (this.#commitments.size >= MAX_REMEMBERED) {
      this.exhausted = true;
      return undefined;
    }
    const commitment: Commitment = { row, id, rows: 0, bought: 0, drawn: 0, recurring: true };
    this.#commitments.set(key, commitment);
    return commitment;
  }
}

function sumRule(id: string, column: string, message: string): Rule {
  return {
    id,
    dataset: 'CostAndUsage',
    column,
    kind: 'sum',
    keyword: 'SHOULD',
    check: { op: 'unique' },
    message,
  };
}

function keyOf(columns: readonly (Column | undefined)[], row: number): string {
  return columns.map((column) => (column && cellText(column, row)) ?? '').join('\u0000');
}

function round(value: number): number {
  return Math.round(value * 1e9) / 1e9;
}
