import type { Cells } from './aws-columns.ts';
import { Random, seedFor } from './random.ts';
import { type AWS_REGIONS, ENVIRONMENTS, TEAMS, type Usage } from './services.ts';

interface Where {
  readonly region: (typeof AWS_REGIONS)[number];
  readonly account: number;
  readonly resource: number;
}

/** What a resource's usage looks like, its amounts aside. */
export function usageCells(item: Usage, { region, account, resource }: Where): Cells {
  const zone = `${region.id}${'abc'[resource % 3]}`;
  const sku = skuOf(item, region.id);
  const accountId = String(200_000_000_000 + account * 7_919);
  return {
    line_item_availability_zone: item.instance === undefined ? '' : zone,
    line_item_operation: item.operation,
    line_item_product_code: item.product,
    line_item_usage_type: `${region.prefix}${item.usageType}`,
    line_item_line_item_description: item.description,
    line_item_resource_id: resourceOf(item, resource, { region: region.id, account: accountId }),
    line_item_usage_account_id: accountId,
    line_item_usage_account_name: `${TEAMS[account % TEAMS.length]}-${ENVIRONMENTS[account % 3]}`,
    pricing_rate_code: `${sku}.JRTCKXETXF.6YS6EN2CT7`,
    pricing_rate_id: String(1_000_000 + Number.parseInt(sku.slice(0, 5), 36)),
    pricing_term: 'OnDemand',
    pricing_unit: item.unit,
    product: json({
      servicename: item.service,
      product_name: item.service,
      region: region.id,
      ...(item.instance === undefined
        ? {}
        : {
            instanceType: item.instance,
            operating_system: 'Linux',
            tenancy: 'Shared',
            vcpu: '4',
            memory: '16 GiB',
          }),
    }),
    product_instance_family: item.instance === undefined ? '' : 'General purpose',
    product_instance_type: item.instance ?? '',
    product_location: region.name,
    product_location_type: 'AWS Region',
    product_operation: item.operation,
    product_product_family: item.family,
    product_region_code: region.id,
    product_servicecode: item.product,
    product_sku: sku,
    product_usagetype: `${region.prefix}${item.usageType}`,
    resource_tags:
      resource % 7 === 0
        ? ''
        : json({
            user_team: TEAMS[account % TEAMS.length] ?? '',
            user_environment: ENVIRONMENTS[account % 3] ?? '',
            user_name: `${item.resource}${resource % 200}`,
          }),
    cost_category: json({ business_unit: account % 2 === 0 ? 'Retail' : 'Media' }),
  };
}

function resourceOf(
  item: Usage,
  resource: number,
  { region, account }: { readonly region: string; readonly account: string },
): string {
  const id = ((resource * 2_654_435_761) % 4_294_967_296).toString(16).padStart(8, '0');
  if (item.resource === 'i-' || item.resource === 'vol-') return `${item.resource}0${id}${id}`;
  if (item.product === 'AmazonS3') return `example-${item.resource}${id}`;
  return `arn:aws:${item.product.replace(/^A(mazon|WS)/, '').toLowerCase()}:${region}:${account}:${item.resource.replace(/-$/, '')}/${id}`;
}

const skus = new Map<string, string>();

function skuOf(item: Usage, region: string): string {
  const key = `${item.usageType}/${region}`;
  let sku = skus.get(key);
  if (sku === undefined) {
    const random = new Random(seedFor(7, ...[...key].map((letter) => letter.charCodeAt(0))));
    sku = Array.from({ length: 16 }, () => '23456789ABCDEFGHJKMNPQRSTUVWXYZ'[random.int(31)]).join(
      '',
    );
    skus.set(key, sku);
  }
  return sku;
}

const texts = new Map<string, string>();

/** Maps are the same for many rows: their text is made once. */
export function json(value: Readonly<Record<string, string>>): string {
  const key = Object.entries(value).join('\u0000');
  let text = texts.get(key);
  if (text === undefined || texts.size > 50_000) {
    if (texts.size > 50_000) texts.clear();
    text = JSON.stringify(value);
    texts.set(key, text);
  }
  return text;
}
