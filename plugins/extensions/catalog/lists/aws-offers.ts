import { Misconfigured, Unavailable } from '../../../../pipelines/plugin/index.ts';
import { objectAt, textAt } from '../../../kit/json.ts';
import { type Asking, askBytes, askJson, samePlace } from './ask.ts';
import { awsCsv } from './aws-csv.ts';
import type { PriceList } from './price-list.ts';

/**
 * The price list files of AWS: an index of services, one of the regions of each, then a file per region.
 * Source: https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-the-aws-price-list-bulk-api-fetching-price-list-files-manually.html
 */
const INDEX = '/offers/v1.0/aws/index.json';

/** The price list of a service in a region, as CSV: that is read row by row, whatever its size. */
export async function awsList(
  { service, region }: { readonly service: string; readonly region: string },
  { endpoint, asking }: { readonly endpoint: string; readonly asking: Asking },
): Promise<PriceList> {
  const base = new URL(endpoint);
  const index = await askJson(new URL(INDEX, base), asking);
  const offer = objectAt(objectAt(index.offers)?.[service]);
  const regionIndex = textAt(offer?.currentRegionIndexUrl);
  if (regionIndex === undefined)
    throw new Misconfigured(`AWS has no price list by region of ${service}`, {
      path: `${asking.setting}.services`,
      hint: 'write the offer code, for example AmazonEC2 or AWSLambda',
    });
  const regions = objectAt((await askJson(samePlace(regionIndex, base), asking)).regions);
  const version = textAt(objectAt(regions?.[region])?.currentVersionUrl);
  if (version === undefined)
    throw new Misconfigured(`the price list of ${service} has no region ${region}`, {
      path: `${asking.setting}.regions`,
    });
  if (!version.endsWith('.json'))
    throw new Unavailable(`the price list of ${service} is no .json: ${version.slice(0, 200)}`);
  const file = samePlace(version.replace(/\.json$/, '.csv'), base);
  let publishedMs: (() => number | undefined) | undefined;
  async function* rows(): PriceList['rows'] & AsyncGenerator {
    const list = awsCsv(await askBytes(file, asking), new Set());
    publishedMs = list.publishedMs;
    yield* list.rows;
  }
  return { version: file.pathname, publishedMs: () => publishedMs?.(), rows: rows() };
}
