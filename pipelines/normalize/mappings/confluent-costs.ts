/** Costs of Confluent Cloud, as its API answers them (`/billing/v1/costs`; docs.confluent.io) or as csv, to FOCUS: a charge per day, product, line and resource, in US dollars. */
import {
  always,
  amount,
  cases,
  first,
  firstAmount,
  jsonObject,
  lookup,
  map,
  matches,
  present,
  text,
  when,
} from '../expressions.ts';
import { isJsonObject, readJson, textOf } from '../json-cells.ts';
import {
  defineMapping,
  type MappingInput,
  type MappingTable,
  type RowTemplate,
} from '../mapping.ts';
import { capitalized, endOr, refusals, statementColumns } from './statement.ts';

const PROVIDER = 'Confluent';
const REQUIRED = ['start_date', 'product', 'line_type', 'amount'] as const;

/** The mapping `confluent-costs`. */
export default defineMapping({
  name: 'confluent-costs',
  summary: 'Costs of Confluent Cloud from its API.',
  rename: (header) => header.trim().toLowerCase(),
  fits: (columns) => (REQUIRED.every((name) => columns.has(name)) ? 90 : 0),
  required: REQUIRED,
  build,
});

function build(input: MappingInput): MappingTable {
  const [cost, start] = [amount('amount'), text('start_date')];
  const listed = input.has('original_amount') ? firstAmount('original_amount', cost) : cost;
  const category = cases(
    [
      [matches('line_type', /PROMO|CREDIT/i), always('Credit')],
      [matches('line_type', /SUPPORT/i), always('Purchase')],
    ],
    always('Usage'),
  );
  const of = (name: string) => map('resource', (cell) => field(readJson(cell), name));
  const id = first(of('id'), 'resource.id');
  const environment = first(
    map('resource', (cell) => {
      const resource = readJson(cell);
      return isJsonObject(resource) ? field(resource.environment, 'id') : undefined;
    }),
    'resource.environment.id',
  );
  const columns: RowTemplate['columns'] = {
    ...statementColumns({
      provider: PROVIDER,
      account: first('organization_id', always('unknown')),
      accountType: 'Organization',
      currency: first('currency', always('USD')),
      cost,
      listCost: listed,
      start,
      end: endOr(text('end_date'), start),
      category,
      quantity: amount('quantity'),
      unit: text('unit'),
      unitPrice: amount('price'),
      sku: text('line_type'),
      service: map(
        first('product', always('CLOUD')),
        (product) => `${PROVIDER} ${titled(product)}`,
      ),
      subcategory: lookup(SUBCATEGORIES, 'product', always('Other (Integration)')),
    }),
    SubAccountId: environment,
    SubAccountName: environment,
    SubAccountType: when(present(environment), always('Environment')),
    ChargeDescription: first('description', 'line_type'),
    ResourceId: id,
    ResourceName: when(present(id), first(of('display_name'), 'resource.display_name')),
    ResourceType: when(present(id), first('product', always('Resource'))),
    Tags: jsonObject({ network_access: 'network_access_type' }),
  };
  return {
    templates: [{ columns }],
    reject: refusals({ cost, costColumn: 'amount', start, startColumn: 'start_date' }),
    measures: { BilledCost: { column: 'amount', amount: cost } },
    provider: always(PROVIDER),
  };
}

function field(value: unknown, name: string): string | undefined {
  return isJsonObject(value) ? textOf(value[name]) : undefined;
}

/** `SCHEMA_REGISTRY` is `Schema Registry`. */
function titled(product: string): string {
  return product
    .toLowerCase()
    .split(/[_\s]+/)
    .map(capitalized)
    .join(' ');
}

const SUBCATEGORIES: Readonly<Record<string, string>> = {
  CONNECT: 'Messaging',
  CUSTOM_CONNECT: 'Messaging',
  FLINK: 'Streaming Analytics',
  KAFKA: 'Messaging',
  KSQL: 'Streaming Analytics',
  SCHEMA_REGISTRY: 'Data Governance',
  STREAM_GOVERNANCE: 'Data Governance',
  SUPPORT_CLOUD_BASIC: 'Support',
  SUPPORT_CLOUD_BUSINESS: 'Support',
  SUPPORT_CLOUD_DEVELOPER: 'Support',
  SUPPORT_CLOUD_PREMIER: 'Support',
};
