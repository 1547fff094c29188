import { textAt } from '../../../kit/json.ts';
import { type Asking, askJson, samePlace } from './ask.ts';
import { azurePrices } from './azure-items.ts';
import type { PriceList, PriceRow } from './price-list.ts';

/** Which prices of Azure. */
export interface AzureWanted {
  /** `serviceName`, for example `Functions`. */
  readonly service: string;
  /** `armRegionName`; empty: all. */
  readonly region: string;
  readonly currency: string;
}

const VERSION = '2023-01-01-preview';

/** The retail prices of a service in a region, page by page. */
export function azureList(
  wanted: AzureWanted,
  { endpoint, asking }: { readonly endpoint: string; readonly asking: Asking },
): PriceList {
  async function* rows(): AsyncGenerator<readonly PriceRow[]> {
    const first = firstPage(endpoint, wanted);
    for (let url: URL | undefined = first; url !== undefined; ) {
      const page = await askJson(url, asking);
      yield azurePrices(page, new Set());
      const next = textAt(page.NextPageLink);
      url = next === undefined ? undefined : samePlace(next, first);
    }
  }
  return { rows: rows() };
}

function firstPage(endpoint: string, { service, region, currency }: AzureWanted): URL {
  const url = new URL(endpoint);
  const filters = [
    `serviceName eq ${quoted(service)}`,
    ...(region === '' ? [] : [`armRegionName eq ${quoted(region)}`]),
    "priceType eq 'Consumption'",
  ];
  url.searchParams.set('api-version', VERSION);
  url.searchParams.set('currencyCode', quoted(currency));
  url.searchParams.set('$filter', filters.join(' and '));
  return url;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
