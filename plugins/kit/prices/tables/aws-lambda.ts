import type { ListPrice } from '../list-price.ts';

/**
 * AWS Lambda on demand, US dollars, by usage type without its region prefix.
 * Source: the offer file AWSLambda of the AWS Price List (its prices are effective from 2025-10-01; the publication of 2026-09-19 has the same),
 * https://aws.amazon.com/lambda/pricing/. Regions as https://calculator.aws lists them; higher tiers only where the offer file was seen (us-east-1).
 */
const SOURCE = 'https://aws.amazon.com/lambda/pricing/';
const FROM = '2025-10-01';

/** Duration of x86, of Arm, per GB-second; a request of either. */
type Rates = readonly [x86: string, arm: string, request: string];

const STANDARD: Rates = ['0.0000166667', '0.0000133334', '0.0000002'];

/** Regions that ask the standard rates. */
const STANDARD_REGIONS = [
  'us-east-1',
  'us-east-2',
  'us-west-1',
  'us-west-2',
  'ca-central-1',
  'sa-east-1',
  'eu-central-1',
  'eu-north-1',
  'eu-west-1',
  'eu-west-2',
  'eu-west-3',
  'ap-south-1',
  'ap-northeast-1',
  'ap-northeast-2',
  'ap-northeast-3',
  'ap-southeast-1',
  'ap-southeast-2',
  'ap-southeast-4',
];

const OTHER_REGIONS: Readonly<Record<string, Rates>> = {
  'af-south-1': ['0.0000221', '0.00001768', '0.00000027'],
  'ap-east-1': ['0.00002292', '0.0000183', '0.00000028'],
  'ap-southeast-5': ['0.000015', '0.000012', '0.00000018'],
  'eu-central-2': ['0.0000183334', '0.0000146667', '0.00000022'],
  'eu-south-1': ['0.0000195172', '0.0000156138', '0.00000023'],
  'me-south-1': ['0.0000206667', '0.0000165334', '0.00000025'],
};

/** Higher tiers of us-east-1: usage per month from which they hold. */
const TIERS: Readonly<Record<string, readonly (readonly [tierStart: string, price: string])[]>> = {
  'Lambda-GB-Second': [
    ['6000000000', '0.000015'],
    ['15000000000', '0.0000133334'],
  ],
  'Lambda-GB-Second-ARM': [
    ['7500000000', '0.0000120001'],
    ['18750000000', '0.0000106667'],
  ],
};

/** Ephemeral storage over 512 MB, by region. */
const STORAGE: Readonly<Record<string, string>> = {
  'us-east-1': '0.0000000309',
  'us-east-2': '0.0000000309',
  'us-west-1': '0.000000037',
  'us-west-2': '0.0000000309',
  'ca-central-1': '0.000000034',
  'sa-east-1': '0.0000000586',
  'eu-central-1': '0.0000000367',
  'eu-central-2': '0.0000000441',
  'eu-north-1': '0.0000000323',
  'eu-south-1': '0.0000000357',
  'eu-west-1': '0.000000034',
  'eu-west-2': '0.0000000358',
  'eu-west-3': '0.0000000358',
  'af-south-1': '0.0000000404',
  'ap-east-1': '0.0000000407',
  'ap-south-1': '0.0000000352',
  'ap-northeast-1': '0.000000037',
  'ap-northeast-2': '0.0000000352',
  'ap-northeast-3': '0.000000037',
  'ap-southeast-1': '0.000000037',
  'ap-southeast-2': '0.000000037',
  'ap-southeast-4': '0.000000037',
  'ap-southeast-5': '0.0000000333',
  'me-south-1': '0.0000000374',
};

/** What provisioned concurrency costs x86 in us-east-1, us-east-2 and us-west-2; Arm was seen in us-east-1. */
const PROVISIONED: readonly (readonly [region: string, sku: string, price: string])[] = [
  ...['us-east-1', 'us-east-2', 'us-west-2'].flatMap((region) => [
    [region, 'Lambda-Provisioned-Concurrency', '0.0000041667'] as const,
    [region, 'Lambda-Provisioned-GB-Second', '0.0000097222'] as const,
  ]),
  ['us-east-1', 'Lambda-Provisioned-Concurrency-ARM', '0.0000033334'],
  ['us-east-1', 'Lambda-Provisioned-GB-Second-ARM', '0.0000077778'],
];

/** The prices of AWS Lambda. */
export const AWS_LAMBDA: readonly ListPrice[] = [
  ...STANDARD_REGIONS.flatMap((region) => regional(region, STANDARD)),
  ...Object.entries(OTHER_REGIONS).flatMap(([region, rates]) => regional(region, rates)),
  ...Object.entries(TIERS).flatMap(([sku, tiers]) =>
    tiers.map(([tierStart, price]) => ({ ...seconds('us-east-1', sku, price), tierStart })),
  ),
  ...Object.entries(STORAGE).map(([region, price]) =>
    seconds(region, 'Lambda-Storage-GB-Second', price),
  ),
  ...PROVISIONED.map(([region, sku, price]) => seconds(region, sku, price)),
];

function regional(region: string, [x86, arm, request]: Rates): readonly ListPrice[] {
  const requests = { ...seconds(region, 'Request', request), unit: 'Requests' };
  return [
    seconds(region, 'Lambda-GB-Second', x86),
    seconds(region, 'Lambda-GB-Second-ARM', arm),
    requests,
    { ...requests, sku: 'Request-ARM' },
  ];
}

function seconds(region: string, sku: string, price: string): ListPrice {
  return {
    provider: 'AWS',
    sku,
    region,
    unit: 'GB-Seconds',
    tierStart: '0',
    price,
    currency: 'USD',
    from: FROM,
    source: SOURCE,
  };
}
