/**
 * Usage of Databricks to FOCUS: rows of `system.billing.usage` joined with a price (`system.billing.list_prices`, or `account_prices` where there
 * are negotiated ones; docs.databricks.com, "Billable usage system table reference"). Usage alone tells no cost.
 */
import { parseDecimal } from '../../focus/decimal.ts';
import {
  always,
  amount,
  deriveAmount,
  first,
  firstAmount,
  is,
  map,
  present,
  text,
  when,
  zero,
} from '../expressions.ts';
import { isJsonObject, readJson, readPrintedMap, textOf } from '../json-cells.ts';
import {
  defineMapping,
  type MappingInput,
  type MappingTable,
  type RowTemplate,
} from '../mapping.ts';
import { times } from './arithmetic.ts';
import { capitalized, endOr, hostIn, refusals, statementColumns } from './statement.ts';

const PROVIDER = 'Databricks';
const REQUIRED = ['sku_name', 'usage_quantity', 'usage_start_time'] as const;

/** The mapping `databricks-usage`. */
export default defineMapping({
  name: 'databricks-usage',
  summary: 'Usage of Databricks (system.billing.usage) joined with its prices.',
  settings: {
    list_prices: {
      doc: 'What usage at list prices is: `billed`, for accounts without negotiated prices, or `estimated`, billed by other means.',
      values: ['billed', 'estimated'],
    },
  },
  rename: (header) => {
    const name = header.trim().toLowerCase();
    return NAMES[name] ?? name;
  },
  fits: (columns) =>
    REQUIRED.every((name) => columns.has(name)) && PRICES.some((name) => columns.has(name))
      ? 90
      : 0,
  required: REQUIRED,
  build,
});

/** What states a price or a cost: the customer's before the list's, costs before prices. */
const PRICES = ['cost', 'account_price', 'list_cost', 'list_price', 'pricing'] as const;

/** Names that queries give. */
const NAMES: Readonly<Record<string, string>> = {
  usage_cost: 'cost',
  total_cost: 'cost',
  list_cost_usd: 'list_cost',
  price: 'account_price',
  unit_price: 'account_price',
  effective_price: 'account_price',
  list_unit_price: 'list_price',
  default_price: 'list_price',
  'pricing.default': 'list_price',
  'pricing.effective_list.default': 'list_price',
  currency: 'currency_code',
};

function build(input: MappingInput): MappingTable {
  const quantity = amount('usage_quantity');
  const listPrice = firstAmount(amount('list_price'), deriveAmount([text('pricing')], priceOf));
  const list = firstAmount(amount('list_cost'), times(listPrice, quantity));
  const own = firstAmount(amount('cost'), times(amount('account_price'), quantity));
  const effective = firstAmount(own, list);
  const onlyListed = !input.has('cost') && !input.has('account_price');
  const estimated = onlyListed && input.settings.list_prices === 'estimated';
  const start = first('usage_start_time', 'usage_date');
  const workspace = text('workspace_id');
  const resource = map('usage_metadata', (cell) => resourceOf(cell)?.id);
  const columns: RowTemplate['columns'] = {
    ...statementColumns({
      provider: PROVIDER,
      account: first('account_id', always('unknown')),
      accountType: 'Account',
      currency: first('currency_code', always('USD')),
      cost: effective,
      listCost: firstAmount(list, effective),
      start,
      end: endOr(text('usage_end_time'), start),
      category: always('Usage'),
      quantity,
      unit: text('usage_unit'),
      unitPrice: listPrice,
      sku: text('sku_name'),
      service: map(first('billing_origin_product', always(PROVIDER)), serviceOf),
      subcategory: map(first('billing_origin_product', always('')), subcategoryOf),
    }),
    ...(estimated && { BilledCost: zero, x_CostSource: always('estimated') }),
    HostProviderName: hostIn('cloud', PROVIDER),
    ChargeClass: when(is('record_type', 'RETRACTION', 'RESTATEMENT'), always('Correction')),
    SubAccountId: workspace,
    SubAccountName: first('workspace_name', workspace),
    SubAccountType: when(present(workspace), always('Workspace')),
    ChargeDescription: text('sku_name'),
    ResourceId: resource,
    ResourceType: when(
      present(resource),
      map('usage_metadata', (cell) => resourceOf(cell)?.type),
    ),
    Tags: map('custom_tags', tagsOf),
    x_RecordId: text('record_id'),
    x_UsageMetadata: text('usage_metadata'),
  };
  return {
    templates: [{ columns }],
    repairs:
      onlyListed && !estimated ? [{ code: 'billed_at_list_price', where: present(list) }] : [],
    reject: refusals({
      cost: effective,
      costColumn: onlyListed ? 'list_price' : 'cost',
      start,
      startColumn: 'usage_start_time',
    }),
    measures: { EffectiveCost: { column: 'usage_quantity × price', amount: effective } },
    provider: always(PROVIDER),
  };
}

/** The price in the struct `pricing` of a price list. */
function priceOf(cell: string | undefined) {
  const pricing = cell === undefined ? undefined : readJson(cell);
  if (!isJsonObject(pricing)) return undefined;
  const effective = isJsonObject(pricing.effective_list)
    ? pricing.effective_list.default
    : undefined;
  return parseDecimal(textOf(effective) ?? textOf(pricing.default) ?? '');
}

/** Tags as a JSON object of texts, from JSON or a map as SQL prints it. */
function tagsOf(cell: string): string | undefined {
  const json = readJson(cell);
  const tags = isJsonObject(json) ? json : (readPrintedMap(cell) ?? {});
  const pairs = Object.entries(tags).map(([key, value]) => [key, textOf(value) ?? '']);
  return pairs.length === 0 ? undefined : JSON.stringify(Object.fromEntries(pairs));
}

/** What of a workspace the usage is for, by the first id that its metadata have. */
function resourceOf(cell: string): { readonly id: string; readonly type: string } | undefined {
  const metadata = readJson(cell);
  if (!isJsonObject(metadata)) return undefined;
  for (const [field, type] of RESOURCES) {
    const id = textOf(metadata[field]);
    if (id !== undefined) return { id, type };
  }
  return undefined;
}

const RESOURCES = [
  ['job_id', 'Job'],
  ['warehouse_id', 'SQL Warehouse'],
  ['dlt_pipeline_id', 'Pipeline'],
  ['endpoint_id', 'Endpoint'],
  ['cluster_id', 'Cluster'],
  ['instance_pool_id', 'Instance Pool'],
  ['notebook_id', 'Notebook'],
] as const;

/** `MODEL_SERVING` is `Databricks Model Serving`. */
function serviceOf(product: string): string {
  if (product === PROVIDER) return product;
  const words = product.toLowerCase().split(/[_\s]+/);
  return [
    PROVIDER,
    ...words.map((word) =>
      /^(?:sql|dlt|ai)$/.test(word) ? word.toUpperCase() : capitalized(word),
    ),
  ].join(' ');
}

function subcategoryOf(product: string): string {
  if (/SQL/.test(product)) return 'Data Warehouses';
  return /MODEL|VECTOR|AI_|AGENT|FOUNDATION/.test(product) ? 'AI Platforms' : 'Data Processing';
}
