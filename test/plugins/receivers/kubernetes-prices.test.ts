/** Where the price of a node is from. */
import t from 'tap';
import { formatDecimal } from '../../../pipelines/focus/index.ts';
import {
  type AskedMachine,
  type AskedResource,
  type KnownPrice,
  NO_PRICES,
  type PriceBook,
} from '../../../pipelines/plugin/index.ts';
import kubernetes from '../../../plugins/receivers/kubernetes/index.ts';
import { nodeOf } from '../../../plugins/receivers/kubernetes/objects.ts';
import { chargingOf } from '../../../plugins/receivers/kubernetes/session.ts';
import { rawNode } from '../../helpers/kube-objects.ts';
import { checkedSettings, worldOf } from '../../helpers/plugin-world.ts';

/** A book with these prices, by id and by machine; it writes down what it is asked. */
function bookOf(known: Readonly<Record<string, string>>) {
  const asked: (AskedMachine | AskedResource)[] = [];
  const found = (name: string, source: string): KnownPrice | undefined => {
    const hourly = known[name];
    return hourly === undefined ? undefined : { hourly, source };
  };
  const book: PriceBook = {
    machine(of) {
      asked.push(of);
      return found(of.machine, 'catalog: list');
    },
    billed(of) {
      asked.push(of);
      return found(of.resourceId, 'bill: aws 2026-09-14');
    },
  };
  return { book, asked };
}

async function priced(node: object, book: PriceBook, written: object = {}) {
  const config = await checkedSettings(kubernetes, {
    prices: { 'm5.xlarge': '0.192' },
    ...written,
  });
  const charging = chargingOf({ ...worldOf(config), id: 'kubernetes', prices: book }, 'prod');
  const price = charging.priceNode(nodeOf(rawNode('0123456789abcdef0', node as never)));
  return price && [formatDecimal(price.amount), price.source];
}

t.test('the bill first, then the catalog, then the settings; or in another order', async (t) => {
  const id = 'i-0123456789abcdef0';
  const { book, asked } = bookOf({ [id]: '0.15', 'm5.xlarge': '0.2' });
  t.same(await priced({}, book), ['0.15', 'bill: aws 2026-09-14']);
  t.match(asked, [
    { resourceId: id, currency: 'USD', sinceMs: Date.parse('2026-09-01T00:00:00Z') },
  ]);
  t.same(await priced({}, bookOf({ 'm5.xlarge': '0.2' }).book), ['0.2', 'catalog: list']);
  t.same(await priced({}, NO_PRICES), ['0.192', 'settings: m5.xlarge']);
  t.same(await priced({}, bookOf({ [id]: '0', 'm5.xlarge': '0.0' }).book), [
    '0.192',
    'settings: m5.xlarge',
  ]);
  const order = { price_from: ['settings', 'bill'] };
  t.same(await priced({}, book, order), ['0.192', 'settings: m5.xlarge']);
  t.same(await priced({}, book, { price_from: ['catalog'] }), ['0.2', 'catalog: list']);
  t.equal(await priced({}, NO_PRICES, { price_from: ['bill', 'catalog'] }), undefined);
});

t.test('spot and Windows are sold apart', async (t) => {
  const { book, asked } = bookOf({ 'm5.xlarge': '0.2', 'm5.xlarge/windows/spot': '0.1' });
  const spot = { 'karpenter.sh/capacity-type': 'spot' };
  const from = { price_from: ['catalog'] };
  t.same(await priced({ labels: spot }, book, from), [
    '0.2',
    'catalog: list (no spot price is listed)',
  ]);
  const windows = { ...spot, 'kubernetes.io/os': 'windows' };
  t.same(await priced({ labels: windows }, book, from), ['0.1', 'catalog: list']);
  t.match(asked[0], { provider: 'AWS', region: 'eu-west-1', machine: 'm5.xlarge' });
  t.equal(
    await priced({ labels: { 'node.kubernetes.io/instance-type': '' } }, book, from),
    undefined,
  );
});

t.test('a spot node costs a spot price, whoever knows it', async (t) => {
  const spot = { labels: { 'karpenter.sh/capacity-type': 'spot' } };
  const { book } = bookOf({ 'm5.xlarge': '0.2' });
  t.same(
    await priced(spot, book, { prices: { 'm5.xlarge': '0.192', 'm5.xlarge/spot': '0.07' } }),
    ['0.07', 'settings: m5.xlarge/spot'],
    'AWS lists none: that of the settings goes before what is listed on demand',
  );
  const billed = bookOf({ 'i-0123456789abcdef0': '0.06', 'm5.xlarge': '0.2' }).book;
  t.same(await priced(spot, billed), ['0.06', 'bill: aws 2026-09-14']);
  t.same(
    await priced(spot, book, { price_by_rates: true, prices: {} }),
    ['0.2', 'catalog: list (no spot price is listed)'],
    'and what is asked on demand goes before rates',
  );
  t.same(await priced(spot, NO_PRICES), ['0.192', 'settings: m5.xlarge (no spot price is set)']);
  t.equal(await priced(spot, NO_PRICES, { prices: {} }), undefined, 'never zero');
});

t.test('a source that there is not is refused', async (t) => {
  const config = await checkedSettings(kubernetes, { price_from: ['bills'] });
  const world = worldOf(config, { id: 'kubernetes', folder: t.testdir() });
  t.teardown(() => world.close());
  await t.rejects(kubernetes.receive(world, undefined)[Symbol.asyncIterator]().next(), {
    name: 'Misconfigured',
    path: 'receivers.kubernetes.price_from',
    hint: 'there are: bill, catalog, settings',
  });
});
