import type { Delivered } from '../pipelines/engine/deliver.ts';
import type { LedgerEntry } from '../pipelines/engine/protocol.ts';
import { COST_COLUMNS, type CostColumn } from '../pipelines/focus/columns.ts';
import {
  add,
  type Decimal,
  decimal,
  formatDecimal,
  subtract,
  toNumber,
  ZERO,
} from '../pipelines/focus/decimal.ts';
import type { EncodedBatch } from '../pipelines/plugin/delivery.ts';

/** What became of the exported money at one exporter, canonical decimals; all but `corrected` add up to what the delivery exported. */
export interface ExporterEntry {
  readonly exported: string;
  /** Refused by the backend for good. */
  readonly refused: string;
  /** In batches that the backend took in part: it says how many charges it refused, not which. */
  readonly uncertain: string;
  /** With `restatement: rows`: of charges that were sent with an earlier revision. */
  readonly unchanged?: string;
  /** With `restatement: rows`: sent to take back charges that vanished; negative where they cost something. */
  readonly corrected?: string;
}

/** By exporter and cost column; exporters that take totals only are not in it. */
export type ExporterLedger = Readonly<
  Record<string, Readonly<Partial<Record<CostColumn, ExporterEntry>>>>
>;

/** Keeps the money that backends refused while a delivery is on its way. */
export interface Refusals {
  /** `rows` of the batch were refused for good. */
  add(exporter: string, batch: EncodedBatch, rows: number): void;
  /** What was said so far is void: the delivery is read again from its first row. */
  restart(): void;
  /** The account of each exporter that takes charges. */
  ledger(
    exporters: readonly string[],
    measured: Readonly<Partial<Record<CostColumn, LedgerEntry>>>,
  ): ExporterLedger;
}

/** Starts with nothing refused. */
export function refusals(): Refusals {
  const sums = new Map<string, Decimal>();
  const key = (...of: readonly string[]): string => of.join('\n');
  const found = (...of: readonly string[]): Decimal => sums.get(key(...of)) ?? ZERO;
  return {
    add(exporter, batch, rows) {
      const fate = rows >= batch.rows ? 'refused' : 'uncertain';
      for (const [column, cost] of Object.entries(batch.costs))
        sums.set(key(exporter, fate, column), add(found(exporter, fate, column), decimal(cost)));
    },
    restart: () => sums.clear(),
    ledger: (exporters, measured) =>
      Object.fromEntries(
        exporters.map((exporter) => [
          exporter,
          Object.fromEntries(
            COST_COLUMNS.flatMap((column) => {
              const all = measured[column]?.exported;
              if (all === undefined) return [];
              const refused = found(exporter, 'refused', column);
              const uncertain = found(exporter, 'uncertain', column);
              return [[column, entryOf(decimal(all), refused, uncertain)]];
            }),
          ),
        ]),
      ),
  };
}

function entryOf(all: Decimal, refused: Decimal, uncertain: Decimal): ExporterEntry {
  return {
    exported: formatDecimal(subtract(all, add(refused, uncertain))),
    refused: formatDecimal(refused),
    uncertain: formatDecimal(uncertain),
  };
}

/** Keeps the money of what is sent of a restated scope. */
export interface SentMoney {
  add(exporter: string, batch: EncodedBatch, as: 'charge' | 'correction'): void;
  /** The accounts of these exporters told apart by what was sent now and what before. */
  toldApart(ledger: ExporterLedger, exporters: readonly string[]): ExporterLedger;
}

/** Starts with nothing sent. */
export function sentMoney(): SentMoney {
  const sums = moneySums();
  const exact = (exporter: string, column: string, as: string): Decimal =>
    sums.exact({ exporter, column, as });
  const apart = (entry: ExporterEntry, sent: Decimal, corrected: Decimal): ExporterEntry => {
    const { exported, refused, uncertain } = entry;
    const failed = add(decimal(refused), decimal(uncertain));
    return {
      ...entry,
      exported: formatDecimal(subtract(sent, failed)),
      unchanged: formatDecimal(subtract(add(decimal(exported), failed), sent)),
      corrected: formatDecimal(corrected),
    };
  };
  return {
    add(exporter, batch, as) {
      for (const [column, cost] of Object.entries(batch.costs))
        sums.add({ exporter, column, as }, cost);
    },
    toldApart: (ledger, exporters) =>
      Object.fromEntries(
        Object.entries(ledger).map(([exporter, columns]) => [
          exporter,
          !exporters.includes(exporter)
            ? columns
            : Object.fromEntries(
                Object.entries(columns).map(([column, entry]) => [
                  column,
                  apart(
                    entry,
                    exact(exporter, column, 'charge'),
                    exact(exporter, column, 'correction'),
                  ),
                ]),
              ),
        ]),
      ),
  };
}

/** Cost columns in which what was read is not what the totals hold (summed apart from the ledger) + rejected + dropped + reshaped. */
export function unbalancedColumns({
  ledger,
  totals,
}: Pick<Delivered, 'ledger' | 'totals'>): readonly CostColumn[] {
  const held = costsHeld(totals);
  return COST_COLUMNS.filter((column) => {
    const entry = ledger[column];
    if (entry === undefined) return false;
    const { read, rejected, dropped, reshaped } = entry;
    const accounted = [rejected, dropped, reshaped].map(decimal).reduce(add, held[column]);
    return formatDecimal(subtract(decimal(read), accounted)) !== '0';
  });
}

/** Exact sums of what totals hold, by cost column. */
export function costsHeld(totals: Delivered['totals']): Record<CostColumn, Decimal> {
  const sums = COST_COLUMNS.map(() => ZERO);
  for (const { costs } of totals)
    for (const [i, sum] of sums.entries()) sums[i] = add(sum, decimal(costs[i] ?? '0'));
  const entries = COST_COLUMNS.map((column, i) => [column, sums[i]]);
  return Object.fromEntries(entries) as Record<CostColumn, Decimal>;
}

type Attributes = Readonly<Record<string, string>>;

/** Money by attributes: summed exactly, made a double only when somebody looks. */
export interface MoneySums {
  add(attributes: Attributes, amount: string): void;
  read(): readonly (readonly [number, Attributes])[];
  /** The sum of exactly these attributes. */
  exact(attributes: Attributes): Decimal;
}

/** Starts empty. */
export function moneySums(): MoneySums {
  const sums = new Map<string, { readonly attributes: Attributes; readonly sum: Decimal }>();
  return {
    add(attributes, amount) {
      const key = JSON.stringify(attributes);
      const before = sums.get(key)?.sum ?? ZERO;
      sums.set(key, { attributes, sum: add(before, decimal(amount)) });
    },
    read: () => [...sums.values()].map(({ attributes, sum }) => [toNumber(sum), attributes]),
    exact: (attributes) => sums.get(JSON.stringify(attributes))?.sum ?? ZERO,
  };
}
