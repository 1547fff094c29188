/** What kind of charge a line item is. Everything else asks for the kind, so that the matrix of line item types stands here once. */
import type { ChargeColumn } from '../../../focus/columns.ts';
import {
  derive,
  type Expression,
  is,
  map,
  present,
  type Test,
  type TextExpression,
  test,
} from '../../expressions.ts';
import type { Columns } from './columns.ts';

interface KindFacts {
  readonly category: 'Usage' | 'Purchase' | 'Tax' | 'Credit' | 'Adjustment';
  readonly frequency: 'One-Time' | 'Recurring' | 'Usage-Based';
  readonly pricing?: 'Standard' | 'Committed' | 'Other';
}

/** The matrix, one row per kind. Only what FOCUS asks for of a kind is here; costs are in `costs.ts`. */
const KINDS = {
  usage: { category: 'Usage', frequency: 'Usage-Based', pricing: 'Standard' },
  discounted: { category: 'Usage', frequency: 'Usage-Based', pricing: 'Committed' },
  covered: { category: 'Usage', frequency: 'Usage-Based', pricing: 'Committed' },
  negation: { category: 'Usage', frequency: 'Usage-Based' },
  plan_fee: { category: 'Purchase', frequency: 'Recurring', pricing: 'Standard' },
  plan_upfront: { category: 'Purchase', frequency: 'One-Time', pricing: 'Standard' },
  reservation_fee: { category: 'Purchase', frequency: 'Recurring', pricing: 'Standard' },
  reservation_upfront: { category: 'Purchase', frequency: 'One-Time', pricing: 'Standard' },
  fee: { category: 'Purchase', frequency: 'One-Time', pricing: 'Standard' },
  recurring_fee: { category: 'Purchase', frequency: 'Recurring', pricing: 'Standard' },
  tax: { category: 'Tax', frequency: 'One-Time' },
  credit: { category: 'Credit', frequency: 'One-Time', pricing: 'Other' },
  discount: { category: 'Credit', frequency: 'One-Time', pricing: 'Other' },
  refund_usage: { category: 'Usage', frequency: 'One-Time', pricing: 'Standard' },
  refund_purchase: { category: 'Purchase', frequency: 'One-Time', pricing: 'Standard' },
  refund_plan_upfront: { category: 'Purchase', frequency: 'One-Time', pricing: 'Standard' },
  unknown: { category: 'Adjustment', frequency: 'Usage-Based' },
} as const satisfies Readonly<Record<string, KindFacts>>;

/** Name of a kind. */
export type Kind = keyof typeof KINDS;

/** Line item types (as `plainType` makes them) that are one kind whatever else the row says. */
const KIND_OF_TYPE: Readonly<Record<string, Kind>> = {
  usage: 'usage',
  discountedusage: 'discounted',
  savingsplancoveredusage: 'covered',
  savingsplannegation: 'negation',
  savingsplanrecurringfee: 'plan_fee',
  savingsplanupfrontfee: 'plan_upfront',
  rifee: 'reservation_fee',
  flatratesubscription: 'recurring_fee',
  tax: 'tax',
  credit: 'credit',
};

/** Reports write `SavingsPlanNegation`, what is made of them also `Savings Plan Negation`. */
function plainType(type: string): string {
  return type.replace(/[\s_-]+/g, '').toLowerCase();
}

const PLAN_PRODUCTS: ReadonlySet<string> = new Set([
  'ComputeSavingsPlans',
  'MachineLearningSavingsPlans',
  'SageMakerSavingsPlans',
  'DatabaseSavingsPlans',
]);

/** Support plans are billed every month. */
const SUPPORT = /Support(Basic|Business|Developer|Enterprise)?$/;

/** What all other rules ask of a line item. */
export interface LineItem {
  /** Its kind; `unknown` for types that are not known. */
  readonly kind: TextExpression;
  /** Yes for these kinds. */
  isKind(...kinds: readonly Kind[]): Test;
  /** Yes where the kind has this charge category. */
  inCategory(...categories: readonly KindFacts['category'][]): Test;
  /** `reservation`, `plan` or null. */
  readonly commitment: TextExpression;
  readonly commitmentId: TextExpression;
  /** `Correction` or null. */
  readonly chargeClass: TextExpression;
}

/** The line item as the rules see it. `beforeBill`: the usage lies before the billing period. */
export function lineItemOf(columns: Columns, beforeBill: Test): LineItem {
  const commitmentId = columns.text(
    'savings_plan_savings_plan_a_r_n',
    'savings_plan_savings_plan_arn',
  );
  const reservationId = map(
    columns.text('reservation_reservation_a_r_n', 'reservation_reservation_arn'),
    (arn) => (isCapacityReservation(arn) ? undefined : arn),
  );
  const commitment = derive([present(commitmentId), present(reservationId)], (plan, reservation) =>
    plan !== undefined ? 'plan' : reservation !== undefined ? 'reservation' : undefined,
  );
  const kind = kindOf(columns, commitment);
  return {
    kind,
    isKind: (...kinds) => is(kind, ...kinds),
    inCategory: (...categories) =>
      is(
        kind,
        ...Object.entries(KINDS).flatMap(([name, facts]) =>
          (categories as readonly string[]).includes(facts.category) ? [name] : [],
        ),
      ),
    commitment,
    commitmentId: derive([commitmentId, reservationId], (plan, reservation) => plan ?? reservation),
    chargeClass: chargeClass(columns, kind, beforeBill),
  };
}

/** Capacity reservations stand in the column of the reserved instances but promise no discount. */
export function isCapacityReservation(arn: string): boolean {
  return arn.includes(':capacity-reservation/');
}

/** ChargeCategory, ChargeClass, ChargeFrequency, ChargeDescription and PricingCategory. */
export function chargeColumns(
  columns: Columns,
  item: LineItem,
): Readonly<Partial<Record<ChargeColumn, Expression>>> {
  const spot = test([columns.text('line_item_usage_type')], (usageType) =>
    /SpotUsage/.test(usageType ?? ''),
  );
  return {
    ChargeCategory: map(item.kind, (kind) => factsOf(kind).category),
    ChargeClass: item.chargeClass,
    ChargeFrequency: map(item.kind, (kind) => factsOf(kind).frequency),
    ChargeDescription: columns.text('line_item_line_item_description'),
    PricingCategory: derive([item.kind, spot], (kind, isSpot) =>
      kind === 'usage' && isSpot !== undefined ? 'Dynamic' : factsOf(kind).pricing,
    ),
  };
}

/** The category of a kind. */
export function categoryOf(kind: string | undefined): KindFacts['category'] {
  return factsOf(kind).category;
}

function factsOf(kind: string | undefined): KindFacts {
  return KINDS[kind as Kind] ?? KINDS.unknown;
}

function kindOf(columns: Columns, commitment: TextExpression): TextExpression {
  const said = map(columns.text('line_item_line_item_description'), hintOf);
  const product = map(columns.text('line_item_product_code'), (code) =>
    PLAN_PRODUCTS.has(code) ? 'plan' : SUPPORT.test(code) ? 'support' : undefined,
  );
  return derive(
    [map(columns.text('line_item_line_item_type'), plainType), commitment, product, said],
    (type, committed, sold, hint): Kind => {
      if (type === undefined) return 'unknown';
      if (type === 'fee') {
        if (committed === 'reservation') return 'reservation_upfront';
        return hint === 'monthly' || sold === 'support' ? 'recurring_fee' : 'fee';
      }
      if (type === 'refund') {
        if (hint === 'plan refund') return 'refund_plan_upfront';
        return committed !== undefined || sold === 'plan' ? 'refund_purchase' : 'refund_usage';
      }
      return (
        (Object.hasOwn(KIND_OF_TYPE, type) ? KIND_OF_TYPE[type] : undefined) ??
        (type.endsWith('discount') ? 'discount' : 'unknown')
      );
    },
  );
}

/** What the description says about a fee or a refund. */
function hintOf(description: string): string | undefined {
  if (/refund for one-time fee for savings plan/i.test(description)) return 'plan refund';
  return /\b(monthly|per[ -]month|each month|subscription)\b/i.test(description)
    ? 'monthly'
    : undefined;
}

function chargeClass(columns: Columns, kind: TextExpression, beforeBill: Test): TextExpression {
  const refundBill = is(columns.text('bill_bill_type'), 'Refund');
  return derive([kind, refundBill, beforeBill], (name, refund, before) =>
    name?.startsWith('refund') === true && (refund !== undefined || before !== undefined)
      ? 'Correction'
      : undefined,
  );
}
