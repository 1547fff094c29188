import { LIST_PRICES, type ListPrice } from '../../../kit/prices/index.ts';
import type { ListSource, PriceRow } from './price-list.ts';

/** The public prices that ship with the agent, as a list. */
export const BUILT_IN: ListSource = {
  id: 'built-in',
  async find() {
    async function* rows(): AsyncGenerator<readonly PriceRow[]> {
      yield LIST_PRICES.map(rowOf);
    }
    return { rows: rows() };
  },
};

function rowOf(listed: ListPrice): PriceRow {
  const { provider, sku, region, unit, tierStart, price, currency, from, to } = listed;
  return {
    provider,
    sku,
    priceId: sku,
    region,
    unit,
    per: '1',
    tierStart,
    currency,
    name: '',
    price,
    from: Date.parse(from),
    ...(to === undefined ? {} : { to: Date.parse(to) }),
  };
}
