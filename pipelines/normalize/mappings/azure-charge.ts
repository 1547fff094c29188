/** What kind of charge an Azure row is, and which commitment it belongs to. */
import {
  all,
  always,
  any,
  cases,
  derive,
  first,
  is,
  lookup,
  map,
  matches,
  not,
  present,
  type Test,
  type TextExpression,
  test,
  text,
  when,
} from '../expressions.ts';

/** The kind of a row. */
export interface AzureCharge {
  /** `usage`, `purchase`, `refund`, `unusedreservation`, …; rows without one are usage. */
  readonly type: TextExpression;
  /** `ondemand`, `spot`, `reservation`, `savingsplan`; a reservation id alone tells of a reservation. */
  readonly model: TextExpression;
  /** Usage or an unused part of a commitment: billed when the commitment was bought. */
  readonly amortized: Test;
  /** The commitment's own fee or its refund: effective where it is used. */
  readonly commitmentFee: Test;
  /** Usage, unused parts and purchases: rows with a price. */
  readonly priced: Test;
  readonly unused: Test;
  readonly refund: Test;
  /** `Spend`, `Usage` or null: what the row's commitment commits to. */
  readonly commitment: TextExpression;
  readonly category: TextExpression;
  readonly unknownType: Test;
}

/** Reads the kind of a row. */
export function azureCharge(): AzureCharge {
  const type = first(map('ChargeType', squeezed), always('usage'));
  const model = derive([text('PricingModel'), text('ReservationId')], pricingModel);
  const commitmentModel = is(model, 'reservation', 'savingsplan');
  const unused = is(type, 'unusedreservation', 'unusedsavingsplan');
  const usage = is(type, 'usage');
  const category = lookup(CATEGORIES, type, always('Adjustment'));
  return {
    type,
    model,
    amortized: any(unused, all(usage, commitmentModel)),
    commitmentFee: all(is(type, 'purchase', 'refund'), commitmentModel),
    priced: any(usage, unused, is(type, 'purchase')),
    unused,
    refund: is(type, 'refund'),
    commitment: derive([text('BenefitId'), text('ReservationId'), model], commitmentCategory),
    category,
    unknownType: test([type], (value) => !Object.hasOwn(CATEGORIES, value ?? '')),
  };
}

/** Columns about the kind of charge and its commitment. */
export function azureChargeColumns(charge: AzureCharge) {
  const { category, commitment, model, type, unused } = charge;
  const known = present(commitment);
  return {
    ChargeCategory: category,
    ChargeClass: when(charge.refund, always('Correction')),
    ChargeFrequency: derive([text('Frequency'), category], chargeFrequency),
    ChargeDescription: first('ProductName', 'MeterName', 'MeterCategory'),
    CommitmentDiscountId: when(known, first('BenefitId', 'ReservationId')),
    CommitmentDiscountName: when(known, first('BenefitName', 'ReservationName')),
    CommitmentDiscountCategory: commitment,
    CommitmentDiscountType: lookup({ Spend: 'Savings Plan', Usage: 'Reservation' }, commitment),
    CommitmentDiscountStatus: when(
      all(known, is(category, 'Usage')),
      when(unused, always('Unused'), always('Used')),
    ),
    PricingCategory: cases(
      [
        [not(charge.priced), always(undefined)],
        [is(type, 'purchase'), always('Standard')],
        [present(model), lookup(PRICING, model, always('Other'))],
        [matches('MeterName', /\b(?:spot|low priority)\b/i), always('Dynamic')],
      ],
      always('Standard'),
    ),
  };
}

const CATEGORIES: Readonly<Record<string, string>> = {
  usage: 'Usage',
  unusedreservation: 'Usage',
  unusedsavingsplan: 'Usage',
  purchase: 'Purchase',
  refund: 'Purchase',
  tax: 'Tax',
  credit: 'Credit',
  roundingadjustment: 'Adjustment',
  adjustment: 'Adjustment',
};

const PRICING: Readonly<Record<string, string>> = {
  ondemand: 'Standard',
  spot: 'Dynamic',
  reservation: 'Committed',
  savingsplan: 'Committed',
};

const FREQUENCIES: Readonly<Record<string, string>> = {
  onetime: 'One-Time',
  recurring: 'Recurring',
  usagebased: 'Usage-Based',
};

/** A purchase is never usage-based; rows that say nothing follow their category. */
function chargeFrequency(frequency: string | undefined, category: string | undefined): string {
  const stated = FREQUENCIES[squeezed(frequency ?? '')];
  if (category === 'Purchase' && stated === 'Usage-Based') return 'One-Time';
  return stated ?? (category === 'Usage' ? 'Usage-Based' : 'One-Time');
}

function pricingModel(
  stated: string | undefined,
  reservation: string | undefined,
): string | undefined {
  const model = squeezed(stated ?? '').replace(/^savingsplans$/, 'savingsplan');
  if (model !== '') return model;
  return reservation === undefined ? undefined : 'reservation';
}

function commitmentCategory(
  benefit: string | undefined,
  reservation: string | undefined,
  model: string | undefined,
): string | undefined {
  const id = (benefit ?? reservation)?.toLowerCase();
  if (id === undefined) return undefined;
  if (id.includes('/microsoft.capacity/')) return 'Usage';
  if (id.includes('/microsoft.billingbenefits/')) return 'Spend';
  if (model === 'savingsplan') return 'Spend';
  return model === 'reservation' || reservation !== undefined ? 'Usage' : undefined;
}

/** `Savings Plan`, `One-Time` and `OnDemand` are written with and without blanks. */
function squeezed(value: string): string {
  return value.toLowerCase().replace(/[\s_-]+/g, '');
}
