/** Who and what a row of Google's billing export is about: accounts, sellers, places, resources, services, SKUs. */
import {
  all,
  always,
  first,
  is,
  join,
  jsonObject,
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
import type { RowTemplate } from '../mapping.ts';
import { gcpRegionName, isGcpPlace } from '../tables/gcp-regions.ts';
import { gcpServiceKind } from '../tables/gcp-services.ts';
import { UNKNOWN_SERVICE } from '../tables/service-kind.ts';
import type { GcpFields } from './gcp-fields.ts';
import type { GcpTags } from './gcp-tags.ts';

type Columns = RowTemplate['columns'];

/** Billing account, project, sellers. */
export function gcpAccounts(fields: GcpFields): Columns {
  const project = first(fields.text('project', 'id'), fields.text('project', 'number'));
  const seller = first('seller_name', always('Google Cloud'));
  const google = not(
    all(present('transaction_type'), not(matches('transaction_type', /^google$/i))),
  );
  const publisher = when(google, always('Google Cloud'), seller);
  return {
    BillingAccountId: first('billing_account_id', always('unknown')),
    BillingAccountType: always('Billing Account'),
    SubAccountId: project,
    SubAccountName: first(fields.text('project', 'name'), project),
    SubAccountType: when(present(project), always('Project')),
    InvoiceIssuerName: seller,
    ProviderName: always('Google Cloud'),
    HostProviderName: always('Google Cloud'),
    ServiceProviderName: publisher,
    PublisherName: publisher,
    x_Project: fields.record('project', ['id', 'number', 'name', 'ancestry_numbers']),
  };
}

/** Where the charge was made, on which resource, in which reserved capacity. */
export function gcpResources(fields: GcpFields, tags: GcpTags, category: TextExpression): Columns {
  const location = fields.text('location', 'location');
  const region = first(fields.text('location', 'region'), location);
  const globalName = fields.text('resource', 'global_name');
  const id = first(globalName, fields.text('resource', 'name'));
  const reservation = join(
    '/',
    tags.system('compute.googleapis.com/reservation_project_id'),
    tags.system('compute.googleapis.com/reservation_name'),
  );
  const unused = matches(tags.system('compute.googleapis.com/is_unused_reservation'), /^true$/i);
  return {
    AvailabilityZone: fields.text('location', 'zone'),
    RegionId: region,
    RegionName: map(region, gcpRegionName),
    ResourceId: id,
    ResourceName: first(fields.text('resource', 'name'), map(globalName, lastSegment)),
    ResourceType: when(
      present(id),
      first(
        map(globalName, gcpResourceType),
        fields.text('service', 'description'),
        always('Resource'),
      ),
    ),
    CapacityReservationId: reservation,
    CapacityReservationStatus: when(
      all(present(reservation), is(category, 'Usage')),
      when(unused, always('Unused'), always('Used')),
    ),
    Tags: tags.tags,
    x_Location: location,
    x_Tags: tags.inherited,
  };
}

/** `compute.googleapis.com/instances` of `//compute.googleapis.com/projects/p/zones/z/instances/i`; undefined when the name is of no API. */
export function gcpResourceType(globalName: string): string | undefined {
  const [host = '', ...path] = globalName.split('/').filter(Boolean);
  if (!host.endsWith('.googleapis.com')) return undefined;
  if (path.length === 1 && host.startsWith('storage.')) return `${host}/buckets`;
  const collection = path[path.length - (path.length % 2 === 0 ? 2 : 1)];
  return collection === undefined ? host : `${host}/${collection}`;
}

function lastSegment(name: string): string | undefined {
  return name.split('/').filter(Boolean).at(-1);
}

/** The service and FOCUS's category of it; `unknown` marks rows filed under Other for want of knowledge. */
export function gcpServices(fields: GcpFields): {
  readonly columns: Columns;
  readonly unknown: Test;
} {
  const id = fields.text('service', 'id');
  const name = first(fields.text('service', 'description'), id, always('Google Cloud'));
  const kind = (service: string) => gcpServiceKind(service) ?? UNKNOWN_SERVICE;
  return {
    unknown: test([name], (service) => gcpServiceKind(service ?? '') === undefined),
    columns: {
      ServiceName: name,
      ServiceCategory: map(name, (service) => kind(service).category),
      ServiceSubcategory: map(name, (service) => kind(service).subcategory),
      x_ServiceId: id,
    },
  };
}

/** SKU, meter, price. The price id's form is ours; Google concatenates the same parts. The standard export does not state the tier. */
export function gcpSkus(fields: GcpFields, tags: GcpTags, regular: Test): Columns {
  const description = fields.text('sku', 'description');
  const sku = when(regular, fields.text('sku', 'id'));
  const tier = fields.text('price', 'tier_start_amount');
  const price = first(
    join('/', 'billing_account_id', sku, tier),
    join('/', 'billing_account_id', sku),
  );
  return {
    ChargeDescription: description,
    SkuId: sku,
    SkuMeter: when(present(sku), map(description, withoutPlace)),
    SkuPriceId: price,
    SkuPriceDetails: when(
      present(price),
      jsonObject({
        x_TierStartAmount: tier,
        x_PricingUnitQuantity: fields.text('price', 'pricing_unit_quantity'),
        x_ConsumptionModelId: fields.text('consumption_model', 'id'),
        x_MachineSpec: tags.system('compute.googleapis.com/machine_spec'),
      }),
    ),
    x_ConsumptionModelId: fields.text('consumption_model', 'id'),
    x_ConsumptionModelDescription: fields.text('consumption_model', 'description'),
    x_ExportTime: text('export_time'),
  };
}

/** The SKU's description without the place it is sold in: `N1 Custom Core running in Americas` is `N1 Custom Core`. */
function withoutPlace(description: string): string {
  const match = /^(.*\S)\s+in\s+(\S.*)$/.exec(description);
  if (match === null || !isGcpPlace(match[2] ?? '')) return description;
  return (match[1] ?? '').replace(/\s+running$/, '');
}
