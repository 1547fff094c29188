import { formatDecimal } from '../../../../pipelines/focus/decimal.ts';
import { BadPart } from '../../../../pipelines/plugin/index.ts';
import { type JsonObject, objectAt, textAt, textsAt } from '../../../kit/json.ts';
import { googlePart } from './google-machine.ts';
import { amountText, badCell, type PriceRow, timeMs } from './price-list.ts';

/**
 * SKUs of the Google Cloud Billing Catalog API, v1 (numbers as texts).
 * Source: https://cloud.google.com/billing/v1/how-tos/catalog-api
 */

/** The prices in a page of `services/{id}/skus`, a row per region and tier. `BadPart` when it is no such page. */
export function googlePrices(page: JsonObject, regions: ReadonlySet<string>): readonly PriceRow[] {
  if (!Array.isArray(page.skus)) throw new BadPart('it has no skus: it is no Google price page');
  return page.skus.flatMap((sku, index) =>
    pricesOf(objectAt(sku) ?? {}, { row: index + 1, regions }),
  );
}

function pricesOf(
  sku: JsonObject,
  { row, regions }: { readonly row: number; readonly regions: ReadonlySet<string> },
): readonly PriceRow[] {
  const id = textAt(sku.skuId);
  if (id === undefined) throw badCell('there is none', { row, column: 'skuId' });
  const sold = textsAt(sku.serviceRegions).filter(
    (region) => regions.size === 0 || region === 'global' || regions.has(region),
  );
  const infos = Array.isArray(sku.pricingInfo) ? sku.pricingInfo : [];
  const description = textAt(sku.description) ?? '';
  const usageType = textAt(objectAt(sku.category)?.usageType) ?? '';
  return infos.flatMap((info) =>
    tiersOf(objectAt(info) ?? {}, row).flatMap((tier) => {
      const machine = googlePart({ description, usageType, unit: tier.unit });
      return sold.map((region) => ({
        provider: 'Google Cloud',
        sku: id,
        priceId: id,
        region,
        per: '1',
        name: description,
        ...(machine !== undefined && { machine }),
        ...tier,
      }));
    }),
  );
}

type Tier = Pick<PriceRow, 'unit' | 'tierStart' | 'currency' | 'price' | 'from'>;

function tiersOf(info: JsonObject, row: number): readonly Tier[] {
  const expression = objectAt(info.pricingExpression) ?? {};
  const from = timeMs(textAt(info.effectiveTime) ?? '', { row, column: 'effectiveTime' });
  const rates = Array.isArray(expression.tieredRates) ? expression.tieredRates : [];
  return rates.map((value) => {
    const rate = objectAt(value) ?? {};
    const money = objectAt(rate.unitPrice) ?? {};
    return {
      unit: textAt(expression.usageUnit) ?? '',
      tierStart: amountText(textAt(rate.startUsageAmount) ?? '0', {
        row,
        column: 'startUsageAmount',
      }),
      currency: textAt(money.currencyCode) ?? '',
      price: exactMoney(money, row),
      from,
    };
  });
}

/** Whole units and billionths of one: absent means 0. */
function exactMoney(money: JsonObject, row: number): string {
  const whole = textAt(money.units) ?? '0';
  const nanos = textAt(money.nanos) ?? '0';
  if (!/^-?\d+$/.test(whole) || !/^-?\d{1,9}$/.test(nanos))
    throw badCell(`${whole} and ${nanos} billionths is no price`, { row, column: 'unitPrice' });
  return formatDecimal({ digits: BigInt(whole) * 1_000_000_000n + BigInt(nanos), scale: 9 });
}
