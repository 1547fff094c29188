/**
 * The cost table that Google's console offers as csv, for months that the billing export does not have. Lines above the table say which invoice it
 * is and in which currency; its last lines are a rounding error, which is billed, and a total, which is not counted once more.
 */
import { formatTime } from '../../focus/times.ts';
import {
  always,
  amount,
  any,
  cases,
  chooseAmount,
  derive,
  deriveTime,
  first,
  firstAmount,
  is,
  map,
  noAmount,
  not,
  present,
  type Test,
  type TextExpression,
  text,
  timeBy,
  when,
} from '../expressions.ts';
import {
  defineMapping,
  type MappingInput,
  type MappingTable,
  type RejectRule,
  type RowTemplate,
} from '../mapping.ts';
import { gcpServiceKind } from '../tables/gcp-services.ts';
import { UNKNOWN_SERVICE } from '../tables/service-kind.ts';
import { readTime } from '../written-times.ts';
import { CURRENCY_SETTING, namedCurrency } from './currency.ts';
import { monthOf } from './usage-months.ts';
import { billingMonthOf, soldBy } from './usage-record.ts';

const PROVIDER = 'Google Cloud';
/** The console leaves out the other columns when asked to. */
const REQUIRED = ['cost type', 'usage start date'] as const;
const COSTS = ['unrounded cost', 'cost'] as const;
const THINGS = ['sku description', 'sku id', 'service description', 'project name'] as const;

/** The mapping `gcp-cost-table`. */
export default defineMapping({
  name: 'gcp-cost-table',
  summary: "Cost table of Google Cloud's console, downloaded as csv.",
  settings: { currency: CURRENCY_SETTING },
  rename: (header) => {
    const name = header.trim().toLowerCase();
    return COST.exec(name)?.[1] ?? name;
  },
  fits: (columns) =>
    REQUIRED.every((name) => columns.has(name)) &&
    [COSTS, THINGS].every((names) => names.some((name) => columns.has(name)))
      ? 90
      : 0,
  required: REQUIRED,
  build,
});

/** The sign of the currency stands behind it: `Unrounded Cost ($)`. */
const COST = /^((?:unrounded )?cost) \([^)]*\)$/;

function build(input: MappingInput): MappingTable {
  const type = map('cost type', (value) => value.trim().toLowerCase());
  const currency = input.titles?.get('currency') ?? namedCurrency(input.settings.currency);
  const cost = firstAmount(...COSTS.filter((name) => input.has(name)), noAmount);
  const period = periods(input);
  const total = is(type, 'total');
  return {
    templates: [
      {
        columns: {
          ...parties(input),
          ...charge(input, type),
          ...services(),
          ...period.columns,
          BillingCurrency: always(currency),
          PricingCurrency: always(currency),
          BilledCost: cost,
          EffectiveCost: cost,
          ContractedCost: cost,
          ListCost: cost,
          ...quantities(input, type),
        },
      },
    ],
    drop: [{ reason: 'total_row', where: total }],
    reject: [
      missingCell('Cost', 'the row has no cost', not(present(cost))),
      missingCell(
        'Usage start date',
        'the row has no date, and no line above the table says of which invoice it is',
        not(any(total, present(period.start))),
      ),
      ...(currency === undefined ? [missingCell('Currency', NO_CURRENCY, not(total))] : []),
    ],
    measures: {
      BilledCost: { column: input.has('unrounded cost') ? 'unrounded cost' : 'cost', amount: cost },
    },
    provider: always(PROVIDER),
  };
}

const NO_CURRENCY =
  'no line above the table names the currency; say it: gcp-cost-table.currency of the processor normalize (when converting: --set gcp-cost-table.currency=EUR)';

function missingCell(column: string, message: string, where: Test): RejectRule {
  return { reason: 'missing_mandatory', column, message, where };
}

function parties(input: MappingInput): RowTemplate['columns'] {
  const project = first('project id', 'project number', 'project name');
  return {
    ...soldBy(always(PROVIDER)),
    BillingAccountId: first(
      'billing account id',
      always(input.titles?.get('billing account id') ?? 'unknown'),
    ),
    BillingAccountName: text('billing account name'),
    BillingAccountType: always('Billing Account'),
    SubAccountId: project,
    SubAccountName: first('project name', project),
    SubAccountType: when(present(project), always('Project')),
    InvoiceId: always(input.titles?.get('invoice number')),
  };
}

function charge(input: MappingInput, type: TextExpression): RowTemplate['columns'] {
  const credit = present('credit type');
  const usage = is(type, 'usage');
  return {
    ChargeCategory: cases(
      [
        [credit, always('Credit')],
        [usage, always('Usage')],
        [is(type, 'tax'), always('Tax')],
      ],
      always('Adjustment'),
    ),
    ChargeDescription: first('sku description', 'credit type', 'cost type'),
    ChargeFrequency: when(usage, always('Usage-Based'), always('One-Time')),
    PricingCategory: when(usage, when(credit, always(undefined), always('Standard'))),
    SkuId: text('sku id'),
    SkuMeter: when(present('sku id'), 'sku description'),
    x_CostType: text('cost type'),
    x_CreditType: text('credit type'),
    x_ServiceId: text('service id'),
    ...(input.has('project hierarchy') && { x_ProjectHierarchy: text('project hierarchy') }),
  };
}

function services(): RowTemplate['columns'] {
  const name = first('service description', 'cost type', always('Unknown'));
  const kind = (of: 'category' | 'subcategory') =>
    map(name, (service) => (gcpServiceKind(service) ?? UNKNOWN_SERVICE)[of]);
  return {
    ServiceName: name,
    ServiceCategory: kind('category'),
    ServiceSubcategory: kind('subcategory'),
  };
}

/** Credits repeat the quantity of what they are for. */
function quantities(input: MappingInput, type: TextExpression): RowTemplate['columns'] {
  if (!input.has('usage amount')) return {};
  const used = is(
    derive([type, 'credit type'], (of, credit) => (credit === undefined ? of : undefined)),
    'usage',
  );
  const quantity = chooseAmount([[used, amount('usage amount')]]);
  const unit = when(used, 'usage unit');
  return {
    ConsumedQuantity: quantity,
    ConsumedUnit: unit,
    PricingQuantity: quantity,
    PricingUnit: unit,
  };
}

/** The days of the usage; of rows without any, the invoice's month. Dates are days as the console shows them, the last one included. */
function periods(input: MappingInput): {
  readonly columns: RowTemplate['columns'];
  readonly start: TextExpression;
} {
  const invoiced = input.titles?.get('invoice date');
  const start = first('usage start date', always(invoiced && firstOfMonth(invoiced)));
  const end = text('usage end date');
  const billed = first(always(invoiced), start);
  return {
    start,
    columns: {
      ChargePeriodStart: timeBy(start, readTime),
      ChargePeriodEnd: deriveTime([end, start], (last, from) =>
        last === undefined ? monthOf(readTime(from ?? ''), 1) : readTime(last) + DAY,
      ),
      ...billingMonthOf(billed, readTime),
    },
  };
}

const DAY = 86_400_000;

function firstOfMonth(day: string): string | undefined {
  return formatTime(monthOf(readTime(day), 0));
}
