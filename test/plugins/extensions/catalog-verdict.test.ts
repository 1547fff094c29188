import t from 'tap';
import {
  idsOf,
  type Listed,
  listProvider,
  verdictOf,
} from '../../../plugins/extensions/catalog/verdict.ts';

const LISTED: Listed = {
  price_id: 'p1',
  region: 'eu-west-1',
  per: '1',
  currency: 'USD',
  price: '0.1',
};
type Charged = Parameters<typeof verdictOf>[0];
const CHARGED: Charged = {
  priceId: 'p1',
  meter: 'EU-Hours',
  region: 'eu-west-1',
  currency: 'USD',
  listPrice: '0.1',
};

t.test('what the catalog says of a charged SKU', (t) => {
  const names = ['EU-Hours'];
  const free = { ...LISTED, price_id: 'p0', price: '0' };
  const cases: readonly (readonly [string, Partial<Charged>, readonly Listed[], string])[] = [
    ['nothing under its ids', {}, [], 'unknown'],
    ['name and price as listed', {}, [LISTED], 'known'],
    ['zeros do not count', { listPrice: '0.1000' }, [LISTED], 'known'],
    ['another name', { meter: 'Something else' }, [LISTED], 'renamed'],
    ['no name in the bill', { meter: null }, [LISTED], 'known'],
    ['another price', { listPrice: '0.11' }, [LISTED], 'price_differs'],
    ['the price of another tier', { priceId: 'p9' }, [LISTED, { ...free, price: '9' }], 'known'],
    ['its own price is asked first', {}, [{ ...LISTED, price: '0.2' }, free], 'price_differs'],
    ['no price in the bill', { listPrice: null }, [LISTED], 'known'],
    ['another currency', { currency: 'EUR' }, [LISTED], 'known'],
    ['another region', { region: 'us-east-1' }, [LISTED], 'known'],
    ['no region in the bill', { region: null, listPrice: '7' }, [LISTED], 'price_differs'],
    ['a price of everywhere', { listPrice: '7' }, [{ ...LISTED, region: '' }], 'price_differs'],
    ['not for sale then', { listPrice: '7' }, [{ ...LISTED, price: null }], 'known'],
    ['by the ten thousand', { listPrice: '0.00001' }, [{ ...LISTED, per: '10000' }], 'known'],
  ];
  for (const [title, charged, listed, verdict] of cases)
    t.equal(verdictOf({ ...CHARGED, ...charged }, listed, names), verdict, title);
  const google = { ...CHARGED, meter: 'N1 Core' };
  t.equal(verdictOf(google, [LISTED], ['N1 Core running in Americas']), 'known');
  t.equal(verdictOf(google, [LISTED], ['N1 Cores']), 'renamed');
  t.end();
});

t.test('the ids under which a list may have it', (t) => {
  t.strictSame(idsOf({ sku: 'S1', priceId: null }), ['S1']);
  t.strictSame(idsOf({ sku: 'S1', priceId: 'S1' }), ['S1']);
  t.strictSame(idsOf({ sku: 'DZH318Z0BQPS00TG', priceId: 'DZH318Z0BQPS00TG/0a-meter' }), [
    'DZH318Z0BQPS00TG',
    'DZH318Z0BQPS/00TG',
    'DZH318Z0BQPS00TG/0a-meter',
    '0a-meter',
  ]);
  t.equal(listProvider('Amazon Web Services'), 'AWS');
  t.equal(listProvider('AWS'), 'AWS');
  t.equal(listProvider('toString'), 'toString');
  t.end();
});
