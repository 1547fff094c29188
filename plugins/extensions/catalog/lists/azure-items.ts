import { BadPart } from '../../../../pipelines/plugin/index.ts';
import { type JsonObject, objectAt, textAt } from '../../../kit/json.ts';
import { amountText, type PriceRow, timeMs } from './price-list.ts';

/**
 * Items of the Azure Retail Prices API (numbers as texts).
 * Source: https://learn.microsoft.com/rest/api/cost-management/retail-prices/azure-retail-prices
 */

/** The prices of usage in a page; commitments and Dev/Test are left out. `BadPart` when it is no such page. */
export function azurePrices(page: JsonObject, regions: ReadonlySet<string>): readonly PriceRow[] {
  if (!Array.isArray(page.Items)) throw new BadPart('it has no Items: it is no Azure price page');
  return page.Items.flatMap((item, index) => priceOf(objectAt(item) ?? {}, { index, regions }));
}

function priceOf(
  item: JsonObject,
  { index, regions }: { readonly index: number; readonly regions: ReadonlySet<string> },
): readonly PriceRow[] {
  const text = (name: string): string => textAt(item[name]) ?? '';
  const at = (column: string) => ({ row: index + 1, column });
  const region = text('armRegionName');
  if (text('type') !== 'Consumption') return [];
  if (regions.size > 0 && region !== '' && !regions.has(region)) return [];
  const unit = text('unitOfMeasure');
  const end = text('effectiveEndDate');
  const machine = machineOf(text);
  return [
    {
      ...(machine !== undefined && { machine }),
      provider: 'Microsoft',
      sku: text('skuId'),
      priceId: text('meterId'),
      region,
      unit,
      per: unitsIn(unit),
      tierStart: amountText(text('tierMinimumUnits') || '0', at('tierMinimumUnits')),
      currency: text('currencyCode'),
      name: text('meterName'),
      price: amountText(text('retailPrice'), at('retailPrice')),
      from: timeMs(text('effectiveStartDate'), at('effectiveStartDate')),
      ...(end === '' ? {} : { to: timeMs(end, at('effectiveEndDate')) }),
    },
  ];
}

const ZEROS: Readonly<Record<string, string>> = { K: '000', M: '000000', B: '000000000' };

/** How many units a unit of measure stands for: 10000 of `10K` or `10000 GB`, 1 of `1 Hour`. */
export function unitsIn(unitOfMeasure: string): string {
  const [, digits = '1', suffix = ''] = /^(\d+)([KMB](?![A-Za-z]))?/.exec(unitOfMeasure) ?? [];
  const count = digits.replace(/^0+/, '') + (ZEROS[suffix] ?? '');
  return /^[1-9]/.test(count) ? count : '1';
}

/** A virtual machine, as nodes name its type in their labels; low priority is a sale of the past. */
function machineOf(text: (name: string) => string): string | undefined {
  const type = text('armSkuName');
  const sold = text('skuName');
  if (
    text('serviceName') !== 'Virtual Machines' ||
    type === '' ||
    text('unitOfMeasure') !== '1 Hour'
  )
    return undefined;
  if (/ (Low Priority|Dedicated Host)$/i.test(sold)) return undefined;
  const system = /\bWindows$/.test(text('productName')) ? '/windows' : '';
  return type + system + (/ Spot$/.test(sold) ? '/spot' : '');
}
