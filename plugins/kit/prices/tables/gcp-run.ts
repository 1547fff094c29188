import type { ListPrice } from '../list-price.ts';

/**
 * Cloud Run and Cloud Run functions, US dollars, by the meters of Google's price page.
 * Sources: https://cloud.google.com/run/pricing (request-based and instance-based billing), https://cloud.google.com/functions/pricing-1stgen;
 * regions by tier: https://cloud.google.com/run/docs/locations. Seen unchanged from 2024-09-25 to 2026-08-11.
 * Instance-based billing and functions of the first generation: regions of tier 1 only, the others were not seen.
 */
const RUN = 'https://cloud.google.com/run/pricing';
const FUNCTIONS = 'https://cloud.google.com/functions/pricing-1stgen';
const FROM = '2024-09-25';

const TIER_1 = [
  'asia-east1',
  'asia-northeast1',
  'asia-northeast2',
  'asia-south1',
  'asia-southeast3',
  'europe-north1',
  'europe-north2',
  'europe-southwest1',
  'europe-west1',
  'europe-west4',
  'europe-west8',
  'europe-west9',
  'me-west1',
  'northamerica-south1',
  'us-central1',
  'us-east1',
  'us-east4',
  'us-east5',
  'us-south1',
  'us-west1',
];

const TIER_2 = [
  'africa-south1',
  'asia-east2',
  'asia-northeast3',
  'asia-southeast1',
  'asia-southeast2',
  'asia-south2',
  'australia-southeast1',
  'australia-southeast2',
  'europe-central2',
  'europe-west10',
  'europe-west12',
  'europe-west2',
  'europe-west3',
  'europe-west6',
  'me-central1',
  'me-central2',
  'northamerica-northeast1',
  'northamerica-northeast2',
  'southamerica-east1',
  'southamerica-west1',
  'us-west2',
  'us-west3',
  'us-west4',
];

type Rate = readonly [sku: string, unit: string, price: string, source: string];

const EVERYWHERE: readonly Rate[] = [
  ['Cloud Run Requests', 'Requests', '0.0000004', RUN],
  ['Cloud Functions Invocations', 'Requests', '0.0000004', FUNCTIONS],
];

const RATES_1: readonly Rate[] = [
  ['Cloud Run CPU (Request-based billing)', 'vCPU-Seconds', '0.000024', RUN],
  ['Cloud Run Memory (Request-based billing)', 'GiB-Seconds', '0.0000025', RUN],
  ['Cloud Run CPU (Instance-based billing)', 'vCPU-Seconds', '0.000018', RUN],
  ['Cloud Run Memory (Instance-based billing)', 'GiB-Seconds', '0.000002', RUN],
  ['Cloud Functions CPU', 'GHz-Seconds', '0.00001', FUNCTIONS],
  ['Cloud Functions Memory', 'GB-Seconds', '0.0000025', FUNCTIONS],
];

const RATES_2: readonly Rate[] = [
  ['Cloud Run CPU (Request-based billing)', 'vCPU-Seconds', '0.0000336', RUN],
  ['Cloud Run Memory (Request-based billing)', 'GiB-Seconds', '0.0000035', RUN],
];

/** The prices of Cloud Run and of its functions. */
export const GCP_RUN: readonly ListPrice[] = [
  ...EVERYWHERE.map((rate) => listed('', rate)),
  ...TIER_1.flatMap((region) => RATES_1.map((rate) => listed(region, rate))),
  ...TIER_2.flatMap((region) => RATES_2.map((rate) => listed(region, rate))),
];

function listed(region: string, [sku, unit, price, source]: Rate): ListPrice {
  return {
    provider: 'Google Cloud',
    sku,
    region,
    unit,
    tierStart: '0',
    price,
    currency: 'USD',
    from: FROM,
    source,
  };
}
