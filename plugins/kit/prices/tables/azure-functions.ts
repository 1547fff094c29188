import type { ListPrice } from '../list-price.ts';

/**
 * Azure Functions, US dollars, by product and meter of the retail prices (https://prices.azure.com/api/retail/prices, service `Functions`), after the free grant.
 * Source: https://azure.microsoft.com/pricing/details/functions/, as stated for East US on 2025-05-22; other regions were not seen.
 */
const SOURCE = 'https://azure.microsoft.com/pricing/details/functions/';
const FROM = '2025-05-22';

const RATES: readonly (readonly [sku: string, unit: string, price: string])[] = [
  ['Functions Standard Execution Time', 'GB-Seconds', '0.000016'],
  ['Functions Standard Total Executions', 'Requests', '0.0000002'],
  ['Flex Consumption On Demand Execution Time', 'GB-Seconds', '0.000026'],
  ['Flex Consumption On Demand Total Executions', 'Requests', '0.0000004'],
  ['Flex Consumption Always Ready Baseline', 'GB-Seconds', '0.000004'],
  ['Flex Consumption Always Ready Execution Time', 'GB-Seconds', '0.000016'],
];

/** The prices of Azure Functions. */
export const AZURE_FUNCTIONS: readonly ListPrice[] = RATES.map(([sku, unit, price]) => ({
  provider: 'Microsoft',
  sku,
  region: 'eastus',
  unit,
  tierStart: '0',
  price,
  currency: 'USD',
  from: FROM,
  source: SOURCE,
}));
