/** What things cost, for receivers that estimate: they ask the agent, extensions answer. */

/** A machine as its seller offers it. */
export interface AskedMachine {
  /** As FOCUS names it in `ServiceProviderName`. */
  readonly provider: string;
  /** Its type as the seller writes it, then what is sold apart: `m5.xlarge`, `m5.xlarge/windows`, `Standard_D4s_v3/spot`. */
  readonly machine: string;
  readonly region: string;
  /** ISO 4217. */
  readonly currency: string;
  readonly atMs: number;
}

/** A resource as a bill names it. */
export interface AskedResource {
  readonly resourceId: string;
  /** ISO 4217. */
  readonly currency: string;
  /** Since when it is there: only a day through which it was says what an hour costs. */
  readonly sinceMs: number;
}

/** A price for an hour. */
export interface KnownPrice {
  /** Canonical decimal text. */
  readonly hourly: string;
  /** Where it is from, in words; for `x_PriceSource`. */
  readonly source: string;
}

/** Who knows what things cost. */
export interface PriceBook {
  /** What price lists ask for it. */
  machine(asked: AskedMachine): KnownPrice | undefined;
  /** What bills charged for it last (effective cost). Who asks is told once a bill has come that has it. */
  billed(asked: AskedResource): KnownPrice | undefined;
}

/** The book of an agent without extensions that know. */
export const NO_PRICES: PriceBook = { machine: () => undefined, billed: () => undefined };
