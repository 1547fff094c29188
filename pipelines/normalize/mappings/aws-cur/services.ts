/** Who sells what: service, category, provider, publisher and invoice issuer. */
import type { ChargeColumn } from '../../../focus/columns.ts';
import {
  always,
  type Expression,
  first,
  is,
  lookup,
  map,
  not,
  present,
  type TextExpression,
  when,
} from '../../expressions.ts';
import type { RepairRule } from '../../mapping.ts';
import { AWS_SERVICES } from '../../tables/aws-services.ts';
import type { Columns } from './columns.ts';

const PROVIDER = 'AWS';
const ISSUER = 'Amazon Web Services';

/** The columns and the repairs they needed. */
export interface Section {
  readonly columns: Readonly<Partial<Record<ChargeColumn, Expression>>>;
  readonly repairs: readonly RepairRule[];
}

/** ServiceName, ServiceCategory, ServiceSubcategory and everybody involved. */
export function servicesOf(columns: Columns): Section {
  const code = columns.text('line_item_product_code');
  const serviceCode = columns.product('servicecode');
  const marketplace = is(columns.text('bill_billing_entity'), 'AWS Marketplace');
  const seller = columns.text('line_item_legal_entity');
  const issuer = columns.text('bill_invoicing_entity');
  const codes = [map(serviceCode, trafficCode), code, serviceCode];
  const known = first(...codes.map((of) => lookup(AWS_SERVICES.categories, of)));
  return {
    columns: {
      ServiceName: serviceName(columns, marketplace),
      ServiceCategory: first(known, always('Other')),
      ServiceSubcategory: first(
        ...codes.map((of) => lookup(AWS_SERVICES.subcategories, of)),
        always('Other (Other)'),
      ),
      ProviderName: always(PROVIDER),
      HostProviderName: always(PROVIDER),
      ServiceProviderName: when(marketplace, first(seller, always(PROVIDER)), always(PROVIDER)),
      PublisherName: first(seller, always(PROVIDER)),
      InvoiceIssuerName: first(issuer, always(ISSUER)),
    },
    repairs: [
      { code: 'unknown_service_category', where: not(present(known)) },
      { code: 'invoice_issuer_default', where: not(present(issuer)) },
      { code: 'publisher_default', where: not(present(seller)) },
    ],
  };
}

/** Traffic is of a service of its own, whatever product it is sold with: a service has one category. */
function trafficCode(code: string): string | undefined {
  return code === 'AWSDataTransfer' ? code : undefined;
}

/** In the marketplace, what is sold is the product; elsewhere it is the service, which bills without `servicename` name as product too. */
function serviceName(columns: Columns, marketplace: Parameters<typeof when>[0]): TextExpression {
  const service = columns.product('servicename');
  const product = columns.product('product_name');
  const codes = [columns.product('servicecode'), columns.text('line_item_product_code')];
  return when(
    marketplace,
    first(product, service, ...codes, always('Unknown')),
    first(service, product, ...codes, always('Unknown')),
  );
}
