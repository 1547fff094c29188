import { decimal, formatDecimal, multiply } from '../../../pipelines/focus/index.ts';
import type { ChargedSku } from '../../../pipelines/plugin/index.ts';

/** What the catalog says of a charged SKU. */
export const VERDICTS = ['known', 'unknown', 'renamed', 'price_differs'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** A price in the catalog that may be the one charged, with what it costs at that time: null when it is not for sale then. */
export interface Listed {
  readonly price_id: string;
  readonly region: string;
  readonly per: string;
  readonly currency: string;
  readonly price: string | null;
}

/** How providers name themselves in bills, besides the name that price lists have. */
const PROVIDERS: Readonly<Record<string, string>> = {
  'Amazon Web Services': 'AWS',
  'Amazon Web Services, Inc.': 'AWS',
  'Microsoft Azure': 'Microsoft',
  Azure: 'Microsoft',
  Google: 'Google Cloud',
  GCP: 'Google Cloud',
};

/** The provider as price lists name it. */
export function listProvider(provider: string): string {
  return Object.hasOwn(PROVIDERS, provider) ? (PROVIDERS[provider] ?? provider) : provider;
}

/**
 * The ids under which a list may have a charged SKU: its own, that of its price, and the parts of that
 * (`product/meter` of Azure); Azure's bills write `DZH318Z0BQPS00TG` for the list's `DZH318Z0BQPS/00TG`.
 */
export function idsOf({ sku, priceId }: Pick<ChargedSku, 'sku' | 'priceId'>): readonly string[] {
  const azure = /^([A-Z0-9]{12})([A-Z0-9]{4})$/.exec(sku);
  const parts = priceId === null ? [] : [priceId, ...priceId.split('/')];
  return [...new Set([sku, ...(azure === null ? [] : [`${azure[1]}/${azure[2]}`]), ...parts])];
}

/** What to say of a charged SKU, by what the catalog has under its ids and the names it knows them by. */
export function verdictOf(
  charged: Pick<ChargedSku, 'priceId' | 'meter' | 'region' | 'currency' | 'listPrice'>,
  listed: readonly Listed[],
  names: readonly string[],
): Verdict {
  if (listed.length === 0) return 'unknown';
  const { meter } = charged;
  const isNamed = meter === null || names.length === 0 || names.some((name) => fits(name, meter));
  if (!isNamed) return 'renamed';
  return isListedPrice(charged, listed) ? 'known' : 'price_differs';
}

/** Bills leave out the place behind a name: `N1 Core` for `N1 Core running in Americas`. */
function fits(name: string, meter: string): boolean {
  return name === meter || name.startsWith(`${meter} `);
}

/** Whether the charged list price is one of the list's; true when there is nothing to compare it with. */
function isListedPrice(
  {
    priceId,
    region,
    currency,
    listPrice,
  }: Pick<ChargedSku, 'priceId' | 'region' | 'currency' | 'listPrice'>,
  listed: readonly Listed[],
): boolean {
  const here = listed.filter(
    (one) =>
      one.price !== null &&
      one.currency === currency &&
      (region === null || ANYWHERE.has(one.region) || one.region === region),
  );
  const same = here.filter(({ price_id }) => price_id === priceId);
  const comparable = same.length > 0 ? same : here;
  if (listPrice === null || comparable.length === 0) return true;
  return comparable.some(
    ({ price, per }) => price === formatDecimal(multiply(decimal(listPrice), decimal(per))),
  );
}

const ANYWHERE: ReadonlySet<string> = new Set(['', 'global']);
