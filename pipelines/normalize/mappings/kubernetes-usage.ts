/**
 * What ran on Kubernetes to FOCUS, one record per container, resource and hour, as the receiver `kubernetes` writes them. The cost of a node's
 * hour is the origin charge; its parts add up to it. Costs are estimates at configured prices, never billed. What has no price is refused.
 */
import { always, amount, first, map, text, time, zero } from '../expressions.ts';
import { defineMapping, type RowTemplate } from '../mapping.ts';
import { billingMonthOf, missing, soldBy, unknownPrice } from './usage-record.ts';

const REQUIRED = ['hour_start', 'hour_end', 'cluster', 'origin', 'allocated_id', 'cost'] as const;

/** The mapping `kubernetes-usage`. */
export default defineMapping({
  name: 'kubernetes-usage',
  summary: 'Containers, idle time and volumes of Kubernetes by the hour, with estimated costs.',
  rename: (header) => header.trim(),
  fits: (columns) => (REQUIRED.every((name) => columns.has(name)) ? 100 : 0),
  required: REQUIRED,
  build: () => ({
    templates: [
      { columns: { ...account, ...charge, ...costs, ...service, ...resource, ...allocated } },
    ],
    reject: [
      missing('hour_start', 'a charge needs a period'),
      missing('hour_end', 'a charge needs a period'),
      missing('account', 'a charge needs an account'),
      missing('currency', 'a charge needs a currency'),
      unknownPrice('cost', 'no price is known for this node or volume: configure one'),
    ],
    measures: { EffectiveCost: { column: 'cost', amount: amount('cost') } },
    provider: text('provider'),
  }),
});

const account: RowTemplate['columns'] = {
  BillingAccountId: text('account'),
  BillingAccountType: always('Account'),
  BillingCurrency: text('currency'),
  PricingCurrency: text('currency'),
  SubAccountId: text('cluster'),
  SubAccountName: text('cluster'),
  SubAccountType: map('cluster', () => 'Kubernetes cluster'),
  ...billingMonthOf('hour_start'),
  ChargePeriodStart: time('hour_start'),
  ChargePeriodEnd: time('hour_end'),
};

const charge: RowTemplate['columns'] = {
  ChargeCategory: always('Usage'),
  ChargeDescription: text('description'),
  ChargeFrequency: always('Usage-Based'),
  PricingCategory: first(
    map('dynamic', () => 'Dynamic'),
    always('Standard'),
  ),
  x_CostSource: always('estimated'),
  x_PriceSource: text('price_source'),
  x_SplitOriginId: text('origin'),
  x_KubernetesKind: text('kind'),
};

const costs: RowTemplate['columns'] = {
  BilledCost: zero,
  EffectiveCost: amount('cost'),
  ContractedCost: amount('cost'),
  ListCost: amount('cost'),
  PricingCurrencyEffectiveCost: amount('cost'),
  PricingQuantity: amount('quantity'),
  PricingUnit: text('unit'),
  ConsumedQuantity: amount('quantity'),
  ConsumedUnit: text('unit'),
  SkuId: text('sku'),
  SkuPriceId: text('sku_price'),
  x_RequestedQuantity: text('requested'),
  x_UsedQuantity: text('used'),
};

const service: RowTemplate['columns'] = {
  ServiceName: text('service'),
  ServiceCategory: text('category'),
  ServiceSubcategory: text('subcategory'),
  ...soldBy(text('provider')),
};

const resource: RowTemplate['columns'] = {
  ResourceId: text('resource_id'),
  ResourceName: text('resource_name'),
  ResourceType: text('resource_type'),
  RegionId: text('region'),
  RegionName: text('region'),
  AvailabilityZone: text('zone'),
  Tags: text('tags'),
};

const allocated: RowTemplate['columns'] = {
  AllocatedMethodId: text('method'),
  AllocatedMethodDetails: text('method_details'),
  AllocatedResourceId: text('allocated_id'),
  AllocatedResourceName: text('allocated_name'),
  AllocatedTags: text('allocated_tags'),
};
