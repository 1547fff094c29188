/** Synthetic charges for benchmarks of single stages: laid out as normalize lays out a CUR, seeded. */
import type { Batch } from '../../pipelines/focus/batch.ts';
import { batchesOf, type Row } from '../helpers/batch.ts';

/** Columns that come from one source column. */
const TOGETHER = [
  ['ChargeCategory', 'ChargeFrequency', 'PricingCategory'],
  ['ServiceName', 'ServiceCategory', 'ServiceSubcategory', 'PricingUnit'],
  ['SubAccountId', 'SubAccountName'],
  ['RegionId', 'RegionName'],
  ['ResourceId', 'ResourceType'],
  ['SkuId', 'SkuMeter', 'ChargeDescription'],
  ['ChargePeriodStart'],
  ['ChargePeriodEnd'],
  ['BilledCost', 'EffectiveCost'],
];

const TRANSIENT = ['x_LineItemId', 'ContractedCost', 'ListCost'];

const CONSTANT = [
  'BillingAccountId',
  'BillingAccountName',
  'BillingCurrency',
  'BillingPeriodEnd',
  'BillingPeriodStart',
  'InvoiceIssuerName',
  'ProviderName',
  'PublisherName',
  'ServiceProviderName',
  'HostProviderName',
];

/** Batches of `batchRows` charges, `rows` in all. */
export function syntheticCharges(rows: number, batchRows = 4096): Batch[] {
  const random = mulberry(42);
  const charges = Array.from({ length: rows }, () => charge(random));
  return [
    ...batchesOf(charges, {
      batchRows,
      transient: TRANSIENT,
      together: TOGETHER,
      constant: CONSTANT,
    }),
  ];
}

function charge(random: () => number): Row {
  const pick = (count: number): number => Math.floor(random() * count);
  const resource = pick(38_000);
  const stream = resource % 9_900;
  const family = stream % 24;
  const account = (stream * 7) % 120;
  const region = (stream >> 3) % 8;
  const hour = pick(720);
  const tag = resource % 6_000;
  const cost = (random() * 3).toFixed(10);
  const list = (random() * 5).toFixed(10);
  const start = Date.UTC(2026, 8, 1) + hour * 3_600_000;
  return {
    BillingAccountId: '123456789012',
    BillingAccountName: 'Example',
    BillingCurrency: 'USD',
    BillingPeriodEnd: '2026-10-01T00:00:00Z',
    BillingPeriodStart: '2026-09-01T00:00:00Z',
    InvoiceIssuerName: 'AWS',
    ProviderName: 'AWS',
    PublisherName: 'AWS',
    ServiceProviderName: 'AWS',
    HostProviderName: 'AWS',
    ChargeCategory: family === 0 ? 'Tax' : 'Usage',
    ChargeFrequency: 'Usage-Based',
    PricingCategory: family < 3 ? 'Committed' : 'Standard',
    ServiceName: `Amazon Service number ${family}`,
    ServiceCategory: family < 8 ? 'Compute' : 'Storage',
    ServiceSubcategory: family < 8 ? 'Virtual Machines' : 'Object Storage',
    PricingUnit: 'Hours',
    SubAccountId: String(100_000_000_000 + account * 7919),
    SubAccountName: `team-${account}-production`,
    RegionId: `eu-central-${region}`,
    RegionName: `Europe (Frankfurt ${region})`,
    ResourceId: `arn:aws:ec2:eu-central-1:123456789012:instance/i-${String(resource).padStart(17, '0')}`,
    ResourceType: 'instance',
    SkuId: `SKU${family}ABCDEFGH${region}`,
    SkuMeter: `EUC1-BoxUsage:m7g.${family}xlarge`,
    ChargeDescription: `$0.0${family} per On Demand Linux m7g.${family}xlarge Instance Hour`,
    SkuPriceId: `SKU${family}ABCDEFGH${region}.JRTCKXETXF.6YS6EN2CT7`,
    ChargePeriodStart: new Date(start).toISOString(),
    ChargePeriodEnd: new Date(start + 3_600_000).toISOString(),
    Tags: `{"team":"team-${tag % 40}","environment":"production","service":"service-${tag}"}`,
    BilledCost: cost,
    EffectiveCost: cost,
    ContractedCost: list,
    ListCost: list,
    ListUnitPrice: `0.0${family + 10}`,
    ContractedUnitPrice: `0.0${family + 9}`,
    PricingQuantity: String(1 + pick(24)),
    ConsumedQuantity: String(1 + pick(24)),
    ConsumedUnit: 'Hours',
    x_LineItemId: `${random().toString(36).slice(2).padEnd(26, 'x')}${random().toString(36).slice(2).padEnd(26, 'y')}`,
  };
}

function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
