import { COST_COLUMNS, type CostColumn } from '../../pipelines/focus/columns.ts';
import { formatDecimal } from '../../pipelines/focus/decimal.ts';

/** What a generated bill is known to hold; beside the bill as `truth.json`. */
export interface Truth {
  readonly provider: string;
  readonly month: string;
  readonly revision: number;
  readonly seed: number;
  /** Rows in the files, headers not counted. */
  readonly rows: number;
  /** Charges that FOCUS makes of them. */
  readonly charges: number;
  /** Rows that were broken on purpose, by reason. */
  readonly faults: Readonly<Record<string, number>>;
  /** Source rows by kind. */
  readonly kinds: Readonly<Record<string, number>>;
  /** Exact sums over the charges, broken rows left out. */
  readonly costs: Readonly<Record<CostColumn, string>>;
  /** EffectiveCost by service name, exact. */
  readonly effectiveCostByService: Readonly<Record<string, string>>;
  readonly files: readonly string[];
}

/** Money in tenths of a billionth of a currency unit: whole numbers, so that the generator's own sums are exact. */
export type Units = bigint;
export const UNIT_PLACES = 10;

/** What a row adds to the truth. */
export interface RowTruth {
  readonly kind: string;
  readonly service: string;
  /** Charges that the row becomes: 0 (left out on purpose), 1 or 2. */
  readonly charges: number;
  readonly billed: Units;
  readonly effective: Units;
  readonly list: Units;
  readonly contracted: Units;
}

/** Adds up the truth of rows. */
export class TruthSums {
  rows = 0;
  charges = 0;
  readonly kinds: Record<string, number> = {};
  readonly faults: Record<string, number> = {};
  readonly #costs: Record<CostColumn, Units> = {
    BilledCost: 0n,
    EffectiveCost: 0n,
    ListCost: 0n,
    ContractedCost: 0n,
  };
  readonly #services = new Map<string, Units>();

  add(row: RowTruth): void {
    this.rows++;
    this.charges += row.charges;
    this.kinds[row.kind] = (this.kinds[row.kind] ?? 0) + 1;
    if (row.charges === 0) return;
    this.#costs.BilledCost += row.billed;
    this.#costs.EffectiveCost += row.effective;
    this.#costs.ListCost += row.list;
    this.#costs.ContractedCost += row.contracted;
    this.#services.set(row.service, (this.#services.get(row.service) ?? 0n) + row.effective);
  }

  /** A row that was broken: it is in the file, and nowhere else. */
  fault(reason: string): void {
    this.rows++;
    this.faults[reason] = (this.faults[reason] ?? 0) + 1;
  }

  truth(of: Pick<Truth, 'provider' | 'month' | 'revision' | 'seed' | 'files'>): Truth {
    const costs = Object.fromEntries(
      COST_COLUMNS.map((column) => [column, unitsText(this.#costs[column])]),
    ) as Record<CostColumn, string>;
    const services = [...this.#services]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([service, units]) => [service, unitsText(units)]);
    return {
      ...of,
      rows: this.rows,
      charges: this.charges,
      kinds: this.kinds,
      faults: this.faults,
      costs,
      effectiveCostByService: Object.fromEntries(services),
    };
  }
}

/** Units as canonical decimal text. */
export function unitsText(units: Units): string {
  return formatDecimal({ digits: units, scale: UNIT_PLACES });
}

/** A quantity in millionths: thousandths, and per cent of them, so that every price times it is a whole number of units. */
export function quantityOf(thousandths: number, percent: number): bigint {
  return BigInt(1 + thousandths) * 10n * BigInt(percent);
}

/** Price in millionths × quantity in millionths, exact. */
export function costOf(price: number, quantity: bigint): Units {
  return (BigInt(price) * quantity) / 100n;
}

/** Millionths as canonical decimal text. */
export function millionthsText(millionths: bigint): string {
  return formatDecimal({ digits: millionths, scale: 6 });
}
