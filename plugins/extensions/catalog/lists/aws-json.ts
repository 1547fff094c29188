import { BadPart } from '../../../../pipelines/plugin/index.ts';
import { type JsonObject, objectAt, textAt } from '../../../kit/json.ts';
import { awsMachine } from './aws-machine.ts';
import { amountText, badCell, type PriceRow, timeMs } from './price-list.ts';

/** The prices on demand in a price list file of AWS as JSON (numbers as texts); `regions`: only of these, empty for all. */
export function* awsJson(
  file: JsonObject,
  regions: ReadonlySet<string>,
): Generator<readonly PriceRow[]> {
  const products = objectAt(file.products);
  const terms = objectAt(objectAt(file.terms)?.OnDemand);
  if (products === undefined || terms === undefined)
    throw new BadPart('it has no products or no terms on demand: it is no AWS price list');
  let row = 0;
  for (const [sku, offers] of Object.entries(terms)) {
    const about = objectAt(objectAt(products[sku])?.attributes) ?? {};
    const region = textAt(about.regionCode) ?? '';
    if (regions.size > 0 && region !== '' && !regions.has(region)) continue;
    const name = textAt(about.usagetype) ?? textAt(about.usageType) ?? '';
    const text = (attribute: string) => textAt(about[attribute]) ?? '';
    const machine = awsMachine({
      type: text('instanceType'),
      operatingSystem: text('operatingSystem'),
      tenancy: text('tenancy'),
      software: text('preInstalledSw'),
      capacity: text('capacitystatus'),
      license: text('licenseModel'),
    });
    row += 1;
    yield Object.values(objectAt(offers) ?? {}).flatMap((term) =>
      pricesOf(objectAt(term) ?? {}, {
        ...{ sku, region, name, row },
        ...(machine !== undefined && { machine }),
      }),
    );
  }
}

/** When the file was published, milliseconds. */
export function publishedOf(file: JsonObject): number | undefined {
  const ms = Date.parse(textAt(file.publicationDate) ?? '');
  return Number.isFinite(ms) ? ms : undefined;
}

function pricesOf(
  term: JsonObject,
  of: {
    readonly sku: string;
    readonly region: string;
    readonly name: string;
    readonly machine?: string;
    readonly row: number;
  },
): readonly PriceRow[] {
  const { row, ...about } = of;
  const from = timeMs(textAt(term.effectiveDate) ?? '', { row, column: 'effectiveDate' });
  return Object.entries(objectAt(term.priceDimensions) ?? {}).flatMap(([rate, value]) => {
    const dimension = objectAt(value) ?? {};
    const start = textAt(dimension.beginRange) ?? textAt(dimension.startingRange) ?? '0';
    const prices = objectAt(dimension.pricePerUnit);
    if (prices === undefined)
      throw badCell(`${rate} has no price`, { row, column: 'pricePerUnit' });
    return Object.entries(prices).map(([currency, price]) => ({
      ...about,
      provider: 'AWS',
      priceId: textAt(dimension.rateCode) ?? rate,
      unit: textAt(dimension.unit) ?? '',
      per: '1',
      tierStart: amountText(start, { row, column: 'beginRange' }),
      currency,
      price: amountText(textAt(price) ?? '', { row, column: 'pricePerUnit' }),
      from,
    }));
  });
}
