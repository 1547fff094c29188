import t from 'tap';
import { formatDecimal, parseDecimal } from '../../../pipelines/focus/index.ts';
import { LIST_PRICES, listPrice, listTiers, priceOf } from '../../../plugins/kit/prices/index.ts';

t.test('a price is found by SKU, region and day, exactly', (t) => {
  const lambda = priceOf('AWS', { sku: 'Lambda-GB-Second', region: 'eu-west-1', at: '2026-09-17' });
  t.equal(lambda && formatDecimal(lambda), '0.0000166667');
  const hongKong = { sku: 'Request', region: 'ap-east-1', at: '2026-09-17T10:00:00Z' };
  t.equal(listPrice('AWS', hongKong)?.price, '0.00000028');
  const frankfurt = { sku: 'Cloud Run CPU (Request-based billing)', region: 'europe-west3' };
  t.equal(listPrice('Google Cloud', { ...frankfurt, at: '2026-09-17' })?.price, '0.0000336');
  const flex = 'Flex Consumption On Demand Execution Time';
  const azure = { sku: flex, region: 'eastus', at: '2026-09-17' };
  t.equal(listPrice('Microsoft', azure)?.price, '0.000026');
  t.equal(listPrice('GitLab', { sku: 'Compute Minutes', at: '2026-09-17' })?.price, '0.01');
  t.end();
});

t.test('a price that is the same everywhere is found in any region', (t) => {
  const requests = { sku: 'Cloud Run Requests', region: 'us-west4', at: '2026-01-01' };
  t.equal(listPrice('Google Cloud', requests)?.price, '0.0000004');
  t.end();
});

t.test('what is not known has no price', (t) => {
  const at = '2026-09-17';
  t.equal(priceOf('AWS', { sku: 'Lambda-GB-Second', region: 'mars-1', at }), undefined);
  t.equal(priceOf('AWS', { sku: 'Lambda-GB-Second', at }), undefined, 'prices differ by region');
  t.equal(priceOf('AWS', { sku: 'toString', region: 'us-east-1', at }), undefined);
  t.equal(priceOf('Nobody', { sku: 'Request', region: 'us-east-1', at }), undefined);
  const early = { sku: 'Lambda-GB-Second', region: 'us-east-1', at: '2014-11-13' };
  t.equal(priceOf('AWS', early), undefined, 'before the first day known');
  t.end();
});

t.test('a day belongs to one price: from is in, to is out', (t) => {
  const on = (at: string) => listPrice('GitHub', { sku: 'actions_linux', at })?.price;
  t.equal(on('2025-12-31T23:59:59Z'), '0.008');
  t.equal(on('2026-01-01'), '0.006');
  t.end();
});

t.test('tiers come in order', (t) => {
  const arm = { sku: 'Lambda-GB-Second-ARM', region: 'us-east-1', at: '2026-09-17' };
  t.strictSame(
    listTiers('AWS', arm).map(({ tierStart, price }) => [tierStart, price]),
    [
      ['0', '0.0000133334'],
      ['7500000000', '0.0000120001'],
      ['18750000000', '0.0000106667'],
    ],
  );
  t.end();
});

t.test('every row is whole, and none contradicts another', (t) => {
  const day = /^20\d\d-\d\d-\d\d$/;
  const known = new Map<string, (typeof LIST_PRICES)[number][]>();
  for (const row of LIST_PRICES) {
    const name = `${row.provider} ${row.sku} ${row.region} ${row.tierStart}`;
    const whole =
      parseDecimal(row.price) !== undefined &&
      parseDecimal(row.tierStart) !== undefined &&
      day.test(row.from) &&
      (row.to === undefined || (day.test(row.to) && row.to > row.from)) &&
      row.source.startsWith('https://');
    if (!whole) t.fail(`not whole: ${name}`);
    const others = known.get(name) ?? [];
    known.set(name, [...others, row]);
    for (const { from, to } of others)
      if (row.from < (to ?? '9') && from < (row.to ?? '9')) t.fail(`two prices: ${name}`);
  }
  t.ok(known.size > 200, `${known.size} prices`);
  t.end();
});
