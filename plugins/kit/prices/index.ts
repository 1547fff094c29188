/** Public prices that ship with the agent: CI minutes and serverless. Dated, each with the page that states it. */
import { type Decimal, decimal } from '../../../pipelines/focus/decimal.ts';
import type { ListPrice } from './list-price.ts';
import { AWS_LAMBDA } from './tables/aws-lambda.ts';
import { AZURE_FUNCTIONS } from './tables/azure-functions.ts';
import { GCP_RUN } from './tables/gcp-run.ts';
import { GITHUB_ACTIONS } from './tables/github-actions.ts';
import { GITLAB_CI } from './tables/gitlab-ci.ts';

export type { ListPrice } from './list-price.ts';

/** All of them. */
export const LIST_PRICES: readonly ListPrice[] = [
  ...AWS_LAMBDA,
  ...AZURE_FUNCTIONS,
  ...GCP_RUN,
  ...GITHUB_ACTIONS,
  ...GITLAB_CI,
];

/** What is asked for: a SKU in a region on a day. */
export interface Asked {
  readonly sku: string;
  /** Prices that are the same everywhere are found with and without it. */
  readonly region?: string;
  /** `2026-09-17`, or a time in ISO 8601, UTC, that starts with its day. */
  readonly at: string;
}

/** Every price of a SKU, of all regions and times. */
export function listPrices(provider: string, sku: string): readonly ListPrice[] {
  return BY_SKU.get(keyOf(provider, sku)) ?? [];
}

/** The prices of a SKU where and when, lowest tier first; none when they are not known. */
export function listTiers(provider: string, { sku, region = '', at }: Asked): readonly ListPrice[] {
  return listPrices(provider, sku)
    .filter((price) => price.region === '' || price.region === region)
    .filter(({ from, to }) => at >= from && (to === undefined || at < to))
    .toSorted((a, b) => Number(a.tierStart) - Number(b.tierStart));
}

/** The price of a SKU where and when, of its first tier; undefined when it is not known. */
export function listPrice(provider: string, asked: Asked): ListPrice | undefined {
  return listTiers(provider, asked)[0];
}

/** The same as an exact number, US dollars for one unit. */
export function priceOf(provider: string, asked: Asked): Decimal | undefined {
  const found = listPrice(provider, asked);
  return found === undefined ? undefined : decimal(found.price);
}

const BY_SKU: ReadonlyMap<string, readonly ListPrice[]> = Map.groupBy(
  LIST_PRICES,
  ({ provider, sku }) => keyOf(provider, sku),
);

function keyOf(provider: string, sku: string): string {
  return `${provider}\n${sku}`;
}
