/**
 * Usage items of GitHub's billing API (`/organizations/{org}/settings/billing/usage`) to FOCUS: what GitHub charges per day,
 * SKU and repository. Invoice-grade: `netAmount` is billed, `grossAmount` is at list price, the discount is between them.
 */
import { parseTime } from '../../focus/times.ts';
import {
  always,
  amount,
  cases,
  first,
  is,
  join,
  jsonObject,
  map,
  present,
  text,
  timeBy,
  when,
} from '../expressions.ts';
import { defineMapping, type RowTemplate } from '../mapping.ts';
import { billingMonthOf, missing, soldBy } from './usage-record.ts';

const REQUIRED = ['date', 'product', 'sku', 'grossAmount', 'netAmount'] as const;
const PROVIDER = 'GitHub';
const DAY_MS = 86_400_000;

/** The mapping `github-usage`. */
export default defineMapping({
  name: 'github-usage',
  summary: 'Usage items of the GitHub billing API.',
  rename: (header) => header.trim(),
  fits: (columns) => (REQUIRED.every((name) => columns.has(name)) ? 100 : 0),
  required: REQUIRED,
  build: () => ({
    templates: [{ columns: { ...account, ...charge, ...costs, ...service } }],
    reject: ['date', 'grossAmount', 'netAmount', 'organizationName'].map((column) =>
      missing(column, `${column} is missing; a charge cannot be without it`),
    ),
    measures: {
      BilledCost: { column: 'netAmount', amount: amount('netAmount') },
      ListCost: { column: 'grossAmount', amount: amount('grossAmount') },
    },
    provider: always(PROVIDER),
  }),
});

const account: RowTemplate['columns'] = {
  BillingAccountId: text('organizationName'),
  BillingAccountType: always('Organization'),
  BillingCurrency: always('USD'),
  PricingCurrency: always('USD'),
  SubAccountId: text('organizationName'),
  SubAccountType: always('Organization'),
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

const costs: RowTemplate['columns'] = {
  BilledCost: amount('netAmount'),
  EffectiveCost: amount('netAmount'),
  ContractedCost: amount('netAmount'),
  ListCost: amount('grossAmount'),
  ListUnitPrice: amount('pricePerUnit'),
  PricingCurrencyEffectiveCost: amount('netAmount'),
  PricingCurrencyListUnitPrice: amount('pricePerUnit'),
  PricingQuantity: amount('quantity'),
  PricingUnit: text('unitType'),
  ConsumedQuantity: amount('quantity'),
  ConsumedUnit: text('unitType'),
  SkuId: text('sku'),
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
  ResourceId: when(present(repository), join('/', 'organizationName', repository)),
  ResourceName: repository,
  ResourceType: when(present(repository), always('Repository')),
  Tags: jsonObject({ repository }),
};

function dayOf(ms: number): number {
  return Number.isFinite(ms) ? Math.floor(ms / DAY_MS) * DAY_MS : ms;
}
