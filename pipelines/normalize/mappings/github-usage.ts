/**
 * Usage of GitHub to FOCUS, per day, SKU and repository: items of the billing API (`/organizations/{org}/settings/billing/usage`), and the usage
 * report that the billing page sends as csv (summarized, detailed, premium requests; docs.github.com, "Usage report reference"). Invoice-grade:
 * `netAmount` is billed, `grossAmount` is at list price, the discount is between them.
 */
import { parseTime } from '../../focus/times.ts';
import {
  always,
  amount,
  cases,
  derive,
  first,
  is,
  jsonObject,
  map,
  present,
  sign,
  text,
  timeBy,
  when,
} from '../expressions.ts';
import { defineMapping, type RowTemplate } from '../mapping.ts';
import { dividedWhere } from './arithmetic.ts';
import { billingMonthOf, missing, soldBy } from './usage-record.ts';

const REQUIRED = ['date', 'product', 'sku', 'grossAmount', 'netAmount'] as const;
const PROVIDER = 'GitHub';
const DAY_MS = 86_400_000;

/** The mapping `github-usage`. */
export default defineMapping({
  name: 'github-usage',
  summary: 'Usage of GitHub: items of its billing API, or the usage report as csv.',
  rename: (header) => NAMES[header.trim()] ?? header.trim(),
  fits: (columns) => (REQUIRED.every((name) => columns.has(name)) ? 100 : 0),
  required: REQUIRED,
  build: ({ has }) => ({
    templates: [{ columns: { ...account, ...charge, ...costs, ...service } }],
    reject: [
      'date',
      'grossAmount',
      'netAmount',
      ...(has('username') ? [] : ['organizationName']),
    ].map((column) => missing(column, `${column} is missing; a charge cannot be without it`)),
    measures: {
      BilledCost: { column: 'netAmount', amount: amount('netAmount') },
      ListCost: { column: 'grossAmount', amount: amount('grossAmount') },
    },
    provider: always(PROVIDER),
  }),
});

/** What the report calls the fields of the API. */
const NAMES: Readonly<Record<string, string>> = {
  unit_type: 'unitType',
  applied_cost_per_quantity: 'pricePerUnit',
  gross_amount: 'grossAmount',
  discount_amount: 'discountAmount',
  net_amount: 'netAmount',
  organization: 'organizationName',
  repository: 'repositoryName',
  cost_center_name: 'costCenter',
};

/** The report has rows of users that belong to no organisation. */
const organization = first('organizationName', 'username', always('unknown'));

const account: RowTemplate['columns'] = {
  BillingAccountId: organization,
  BillingAccountType: when(present('organizationName'), always('Organization'), always('User')),
  BillingCurrency: always('USD'),
  PricingCurrency: always('USD'),
  SubAccountId: text('organizationName'),
  SubAccountName: text('organizationName'),
  SubAccountType: when(present('organizationName'), always('Organization')),
  ...billingMonthOf('date'),
  ChargePeriodStart: timeBy('date', (value) => dayOf(parseTime(value))),
  ChargePeriodEnd: timeBy('date', (value) => dayOf(parseTime(value)) + DAY_MS),
};

const charge: RowTemplate['columns'] = {
  ChargeCategory: always('Usage'),
  ChargeDescription: text('sku'),
  ChargeFrequency: always('Usage-Based'),
  PricingCategory: always('Standard'),
  x_CostSource: always('invoice'),
};

/** What a unit comes to after the discount, to 15 places. */
const netPrice = dividedWhere(is(sign('quantity'), '+', '-'), [
  amount('netAmount'),
  amount('quantity'),
]);

const costs: RowTemplate['columns'] = {
  BilledCost: amount('netAmount'),
  EffectiveCost: amount('netAmount'),
  ContractedCost: amount('netAmount'),
  ListCost: amount('grossAmount'),
  ListUnitPrice: amount('pricePerUnit'),
  ContractedUnitPrice: netPrice,
  PricingCurrencyEffectiveCost: amount('netAmount'),
  PricingCurrencyListUnitPrice: amount('pricePerUnit'),
  PricingCurrencyContractedUnitPrice: netPrice,
  PricingQuantity: amount('quantity'),
  PricingUnit: text('unitType'),
  ConsumedQuantity: amount('quantity'),
  ConsumedUnit: text('unitType'),
  SkuId: text('sku'),
  SkuMeter: text('sku'),
  SkuPriceId: text('sku'),
};

const product = map('product', (name) => name.toLowerCase());
const repository = first('repositoryName');
const category = cases(
  [
    [is(product, 'actions', 'codespaces', 'ghas', 'ghec', 'packages'), always('Developer Tools')],
    [is(product, 'copilot', 'models'), always('AI and Machine Learning')],
    [is(product, 'git_lfs', 'git lfs'), always('Storage')],
  ],
  always('Developer Tools'),
);

const service: RowTemplate['columns'] = {
  ServiceName: map('product', (name) => `GitHub ${name.charAt(0).toUpperCase()}${name.slice(1)}`),
  ServiceCategory: category,
  ServiceSubcategory: cases(
    [
      [is(product, 'actions'), always('Continuous Integration and Deployment')],
      [is(product, 'codespaces'), always('Development Environments')],
      [is(category, 'AI and Machine Learning'), always('Generative AI')],
      [is(category, 'Storage'), always('Object Storage')],
    ],
    always('Other (Developer Tools)'),
  ),
  ...soldBy(always(PROVIDER)),
  ResourceId: derive([organization, repository], (owner, name) =>
    name === undefined || name.includes('/') ? name : `${owner}/${name}`,
  ),
  ResourceName: repository,
  ResourceType: when(present(repository), always('Repository')),
  Tags: jsonObject({
    repository,
    workflow: 'workflow_path',
    user: 'username',
    cost_center: 'costCenter',
    model: 'model',
  }),
};

function dayOf(ms: number): number {
  return Number.isFinite(ms) ? Math.floor(ms / DAY_MS) * DAY_MS : ms;
}
