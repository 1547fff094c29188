import { formatDecimal, parseDecimal } from '../../../../pipelines/focus/decimal.ts';
import { BadPart } from '../../../../pipelines/plugin/index.ts';

/** What one price is of: its key within a list. */
export interface PriceKey {
  /** As FOCUS names it in `ServiceProviderName`. */
  readonly provider: string;
  readonly sku: string;
  /** The seller's id of the price: rate code (AWS), meter (Azure); the SKU where there is none. */
  readonly priceId: string;
  /** Empty: everywhere. */
  readonly region: string;
  /** As the seller writes it: `Hrs`, `10K`, `GiBy.mo`. */
  readonly unit: string;
  /** How many of what a bill counts the price is for, decimal text: 10000 of `10K`. */
  readonly per: string;
  /** Usage from which the price holds, decimal text. */
  readonly tierStart: string;
  /** ISO 4217. */
  readonly currency: string;
}

/** A price as a list states it. */
export interface PriceRow extends PriceKey {
  /** What the seller calls the SKU: usage type, meter, description. Empty when it says nothing. */
  readonly name: string;
  /** Of an hour of a machine: its type, then what is sold apart (`m5.xlarge`, `Standard_D4s_v3/windows/spot`); of a part of one: `n2/core`. */
  readonly machine?: string;
  /** Canonical decimal text, exact. */
  readonly price: string;
  /** Milliseconds: the first at which it holds. */
  readonly from: number;
  /** The first at which it no longer does; absent while it does. */
  readonly to?: number;
}

/** A list as it was found: everything its seller states, nothing of what is missing is for sale. */
export interface PriceList {
  /** What identifies this version of it: equal versions are read once. Absent: read it to know. */
  readonly version?: string;
  /** When the seller published it, milliseconds; known once `rows` has begun, if ever. */
  publishedMs?(): number | undefined;
  /** The prices, some at a time. Throws `BadPart` when they are no price list, `Unavailable` when they are cut off. */
  readonly rows: AsyncIterable<readonly PriceRow[]>;
}

/** Where one list comes from. */
export interface ListSource {
  /** `aws:AWSLambda:eu-west-1`, `file:/etc/focusd/rates.csv`: the same at every start. */
  readonly id: string;
  find(signal: AbortSignal): Promise<PriceList>;
}

/** Canonical text of a number in a list; `BadPart` when it is none. */
export function amountText(text: string, place: Place): string {
  const value = parseDecimal(text.trim());
  if (value === undefined) throw badCell(`"${text.slice(0, 40)}" is not a number`, place);
  return formatDecimal(value);
}

/** A time in a list, milliseconds; days are UTC midnights. `BadPart` when it is none. */
export function timeMs(text: string, place: Place): number {
  const ms = /^\d{4}-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isFinite(ms)) throw badCell(`"${text.slice(0, 40)}" is not a date`, place);
  return ms;
}

/** Where in a list something stands. */
export interface Place {
  readonly row: number;
  readonly column: string;
}

/** The error of one cell. */
export function badCell(reason: string, { row, column }: Place): BadPart {
  return new BadPart(`row ${row}, ${column}: ${reason}`, { row, column });
}
