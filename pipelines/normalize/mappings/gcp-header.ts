/** Names of the columns of Google Cloud's billing export: nested (`service`), dotted (`service.id`) or flattened (`service_id`). */

/** The canonical name of a header name: the dotted path of the field in the export's schema. Unknown names stay. */
export function gcpColumn(header: string): string {
  const name = header.trim();
  return CANONICAL.get(name.toLowerCase()) ?? name;
}

/** How well renamed columns fit the billing export, 0 to 100. */
export function fitsGcp(columns: ReadonlySet<string>): number {
  const has = (...names: readonly string[]) => names.some((name) => columns.has(name));
  if (!columns.has('cost') || !columns.has('usage_start_time')) return 0;
  if (columns.has('BilledCost')) return 0;
  const telling = [
    has('billing_account_id'),
    has('service', 'service.id', 'service.description'),
    has('sku', 'sku.id', 'sku.description'),
    has('project', 'project.id'),
    has('invoice', 'invoice.month'),
    has('credits', 'credits.amount'),
    has('cost_type'),
    has('currency_conversion_rate'),
  ].filter(Boolean).length;
  return telling < 3 ? 0 : Math.min(90, 34 + telling * 7);
}

/** Nested fields of the export: the record, then its fields. */
const RECORDS = `
service id description
sku id description
project id number name labels ancestry_numbers ancestors
location location country region zone
resource name global_name
price effective_price tier_start_amount unit pricing_unit_quantity list_price effective_price_default list_price_consumption_model
usage amount unit amount_in_pricing_units pricing_unit
credits name amount full_name id type
invoice month publisher_type
adjustment_info id description mode type
subscription instance_id
consumption_model id description
labels key value
system_labels key value
tags key value inherited namespace
`;

/** Flattened names that do not tell their record. */
const OTHERS = {
  ancestry_numbers: 'project.ancestry_numbers',
  ancestors: 'project.ancestors',
  labels_1: 'project.labels',
} as const;

/** Fields that stand at the top and are no part of a record. */
const TOP = `
billing_account_id usage_start_time usage_end_time export_time cost currency currency_conversion_rate cost_type cost_at_list
transaction_type seller_name cost_at_effective_price_default cost_at_list_consumption_model
`;

const CANONICAL: ReadonlyMap<string, string> = new Map<string, string>([
  ...TOP.trim()
    .split(/\s+/)
    .map((name) => [name, name] as const),
  ...RECORDS.trim()
    .split('\n')
    .flatMap((line) => {
      const [record = '', ...fields] = line.split(' ');
      return [
        [record, record] as const,
        ...fields.flatMap((field) => [
          [`${record}.${field}`, `${record}.${field}`] as const,
          [`${record}_${field}`, `${record}.${field}`] as const,
        ]),
      ];
    }),
  ...Object.entries(OTHERS),
]);
