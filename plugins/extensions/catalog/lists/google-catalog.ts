import { textAt } from '../../../kit/json.ts';
import { type Asking, askJson } from './ask.ts';
import { googlePrices } from './google-skus.ts';
import type { PriceList, PriceRow } from './price-list.ts';

/** Most SKUs of a page; 5000 is what the API allows. */
const PAGE_SIZE = '5000';

/** The public prices of a service of Google Cloud, page by page. */
export function googleList(
  of: {
    /** For example `152E-C115-5142`. */
    readonly service: string;
    /** Only of these; empty for all. */
    readonly regions: ReadonlySet<string>;
    readonly currency: string;
  },
  { endpoint, asking }: { readonly endpoint: string; readonly asking: Asking },
): PriceList {
  async function* rows(): AsyncGenerator<readonly PriceRow[]> {
    const url = new URL(`/v1/services/${encodeURIComponent(of.service)}/skus`, endpoint);
    url.searchParams.set('pageSize', PAGE_SIZE);
    url.searchParams.set('currencyCode', of.currency);
    for (let token: string | undefined = ''; token !== undefined; ) {
      if (token !== '') url.searchParams.set('pageToken', token);
      const page = await askJson(url, asking);
      yield googlePrices(page, of.regions);
      token = textAt(page.nextPageToken);
    }
  }
  return { rows: rows() };
}
