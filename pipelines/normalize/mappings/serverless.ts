/**
 * Usage of serverless functions to FOCUS: one line per function, minute and meter, or per invocation and meter, as the receivers `aws-lambda`,
 * `gcp-run` and `azure-functions` write them. Costs are estimates: price × quantity at public or configured prices, never billed.
 */
import { always, amount, present, text } from '../expressions.ts';
import { defineMapping, type RowTemplate } from '../mapping.ts';
import {
  estimatedCost,
  estimatedCosts,
  missing,
  soldBy,
  unknownPrice,
  usageUntil,
} from './usage-record.ts';

const REQUIRED = [
  'provider',
  'started_at',
  'ended_at',
  'meter',
  'quantity',
  'price',
  'problem',
] as const;

/** The mapping `serverless`. */
export default defineMapping({
  name: 'serverless',
  summary:
    'Usage of serverless functions, one NDJSON line per minute and meter, with estimated costs.',
  rename: (header) => header.trim(),
  fits: (columns) => (REQUIRED.every((name) => columns.has(name)) ? 100 : 0),
  required: REQUIRED,
  build: () => ({
    templates: [{ columns: { ...charge, ...costs, ...service, ...resource } }],
    reject: [
      {
        reason: 'malformed_report',
        column: 'text',
        message: 'it looks like a report of an invocation, and cannot be read as one',
        where: present('problem'),
      },
      missing('account', 'a charge needs an account'),
      missing('started_at', 'a charge needs a period'),
      unknownPrice('price', 'no price is known for this SKU in this region: configure one'),
    ],
    measures: { EffectiveCost: { column: 'price × quantity', amount: estimatedCost } },
    provider: text('provider'),
  }),
});

const charge: RowTemplate['columns'] = {
  ...usageUntil('ended_at'),
  ChargeDescription: text('description'),
  RegionId: text('region'),
};

const costs: RowTemplate['columns'] = {
  ...estimatedCosts,
  ConsumedQuantity: amount('quantity'),
  ConsumedUnit: text('unit'),
  SkuId: text('sku'),
  SkuPriceId: text('sku'),
  SkuMeter: text('meter'),
  SkuPriceDetails: text('sku_details'),
};

const service: RowTemplate['columns'] = {
  ServiceName: text('service'),
  ServiceCategory: always('Compute'),
  ServiceSubcategory: always('Serverless Compute'),
  ...soldBy(text('provider')),
};

const resource: RowTemplate['columns'] = {
  ResourceId: text('resource_id'),
  ResourceName: text('resource_name'),
  ResourceType: text('resource_type'),
  Tags: text('tags'),
};
