import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openSource } from '../../../pipelines/decode/open.ts';
import { mappingFor } from '../../../pipelines/normalize/detect.ts';
import opencost from '../../../pipelines/normalize/mappings/opencost.ts';
import { Normalizer } from '../../../pipelines/normalize/normalize.ts';
import { brokenInvariants } from '../../helpers/charge-invariants.ts';
import { applyMapping, countReasons, type SourceRow } from '../../helpers/interpret.ts';
import { chargesOf, normalizeRows, sortedColumns } from '../../helpers/normalize-rows.ts';

const SETTINGS = { currency: 'EUR' };

/** An allocation as the API answers it; cases change what they are about. */
const ALLOCATION = {
  name: 'shop/web',
  properties: {
    cluster: 'blue',
    node: 'node-1',
    controller: 'web',
    controllerKind: 'deployment',
    namespace: 'shop',
    pod: 'web-7d9',
    providerID: 'i-0abc',
    labels: { team: 'core', app: 'web' },
  },
  window: { start: '2026-09-30T00:00:00Z', end: '2026-10-01T00:00:00Z' },
  start: '2026-09-30T03:00:00Z',
  end: '2026-10-01T00:00:00Z',
  minutes: 1260,
  cpuCost: 0.1,
  ramCost: 0.02,
  pvCost: 3e-7,
  sharedCost: 0,
  totalCost: 0.1200003,
};

/** The allocation as cells, as the decoder gives them. */
function cells(changes: Readonly<Record<string, unknown>> = {}): SourceRow {
  const all = { ...ALLOCATION, totalCost: '0.1200003000000000001', ...changes };
  return Object.fromEntries(
    Object.entries(all).map(([name, value]) => [
      name,
      typeof value === 'object' ? JSON.stringify(value) : String(value ?? ''),
    ]),
  );
}

const run = (row: SourceRow) => applyMapping(opencost, Object.keys(row), [row], SETTINGS);

t.test('an allocation gives one charge', async (t) => {
  const { rows, sums, rejects } = run(cells());
  t.same(rejects, []);
  t.same(rows[0] && sortedColumns(rows[0]), {
    AllocatedMethodId: 'opencost',
    AllocatedResourceId: 'shop/web',
    AllocatedResourceName: 'shop/web',
    AllocatedTags:
      '{"team":"core","app":"web","namespace":"shop","controller":"web","controllerKind":"deployment"}',
    BilledCost: '0',
    BillingAccountId: 'blue',
    BillingAccountType: 'Kubernetes cluster',
    BillingCurrency: 'EUR',
    BillingPeriodEnd: '2026-10-01T00:00:00Z',
    BillingPeriodStart: '2026-09-01T00:00:00Z',
    ChargeCategory: 'Usage',
    ChargeDescription: 'shop/web',
    ChargeFrequency: 'Usage-Based',
    ChargePeriodEnd: '2026-10-01T00:00:00Z',
    ChargePeriodStart: '2026-09-30T00:00:00Z',
    ConsumedQuantity: '1260',
    ConsumedUnit: 'Minutes',
    ContractedCost: '0.1200003000000000001',
    EffectiveCost: '0.1200003000000000001',
    HostProviderName: 'Kubernetes',
    InvoiceIssuerName: 'Kubernetes',
    ListCost: '0.1200003000000000001',
    PricingCategory: 'Standard',
    PricingCurrency: 'EUR',
    PricingCurrencyEffectiveCost: '0.1200003000000000001',
    PricingQuantity: '1260',
    PricingUnit: 'Minutes',
    ProviderName: 'Kubernetes',
    PublisherName: 'Kubernetes',
    ResourceId: 'i-0abc',
    ResourceName: 'node-1',
    ResourceType: 'Node',
    ServiceCategory: 'Compute',
    ServiceName: 'Kubernetes',
    ServiceProviderName: 'Kubernetes',
    ServiceSubcategory: 'Containers',
    SubAccountId: 'blue',
    SubAccountName: 'blue',
    SubAccountType: 'Kubernetes cluster',
    x_CostSource: 'estimated',
    x_CpuCost: '0.1',
    x_PriceSource: 'OpenCost',
    x_PvCost: '3e-7',
    x_RamCost: '0.02',
    x_SharedCost: '0',
  });
  t.equal(sums.EffectiveCost.read, '0.1200003000000000001');
  t.same(brokenInvariants(rows), {});
});

t.test('csv, idle time, and what cannot be a charge', async (t) => {
  const csv = {
    Date: '2026-09-02',
    Namespace: 'shop',
    ControllerKind: 'deployment',
    ControllerName: 'web',
    Pod: 'web-7d9',
    Container: 'nginx',
    CPUCost: '0.5',
    RAMCost: '0.25',
    TotalCost: '0.75',
  };
  t.match(run(csv).rows[0], {
    AllocatedResourceName: 'shop/web-7d9/nginx',
    AllocatedTags: '{"namespace":"shop","controller":"web","controllerKind":"deployment"}',
    BillingAccountId: 'unknown',
    ChargePeriodStart: '2026-09-02T00:00:00Z',
    ChargePeriodEnd: '2026-09-03T00:00:00Z',
    EffectiveCost: '0.75',
  });
  const idle = run(cells({ name: '__idle__', properties: { cluster: 'blue' } })).rows[0];
  t.match(idle, { AllocatedResourceName: '__idle__', AllocatedTags: undefined });
  t.same(countReasons(run(cells({ totalCost: null })).rejects), { unknown_price: 1 });
  t.same(countReasons(run(cells({ totalCost: 'NaN' })).rejects), { unknown_price: 1 });
  t.same(countReasons(run(cells({ window: null, start: null })).rejects), { missing_mandatory: 1 });
  const header = Object.keys(csv);
  t.throws(() => mappingFor('auto', header, 'a.csv'), {
    message: /lacks the column currency .*--set opencost\.currency=USD/,
  });
  t.equal(
    mappingFor('auto', header, 'a.csv', { settings: { opencost: SETTINGS } }).name,
    'opencost',
  );
});

t.test('headers as Kubecost writes them', async (t) => {
  const { rows, sums } = run({
    Name: 'web',
    Cluster: 'blue',
    'Window Start': '2026-09-01T00:00:00Z',
    'Window End': '2026-09-02T00:00:00Z',
    'CPU Cost': '1.25',
    'RAM Cost': '0.5',
    'Total Cost': '1.75',
    Currency: 'USD',
  });
  t.match(rows[0], {
    BillingCurrency: 'USD',
    ChargePeriodEnd: '2026-09-02T00:00:00Z',
    ChargePeriodStart: '2026-09-01T00:00:00Z',
    EffectiveCost: '1.75',
    SubAccountId: 'blue',
    x_CpuCost: '1.25',
  });
  t.equal(sums.EffectiveCost.exported, '1.75');
});

t.test('an answer of the API, window by window', async (t) => {
  const other = {
    ...ALLOCATION,
    name: '__idle__',
    properties: { cluster: 'blue' },
    totalCost: 2.5,
  };
  const answer = {
    code: 200,
    status: 'success',
    data: [
      { 'shop/web': ALLOCATION, __idle__: other },
      { 'shop/web': { ...ALLOCATION, totalCost: 1 } },
    ],
  };
  const path = join(t.testdir(), 'allocation.json');
  writeFileSync(path, JSON.stringify(answer));
  const source = await openSource({ path });
  const settings = { opencost: SETTINGS };
  const mapping = mappingFor('auto', source.columns, path, { settings });
  const normalizer = new Normalizer(mapping, source.columns, { settings: SETTINGS });
  const charges = await chargesOf(normalizer, source.batches());
  await source.close();
  t.same(
    charges.map(({ AllocatedResourceName, EffectiveCost }) => [
      AllocatedResourceName,
      EffectiveCost,
    ]),
    [
      ['shop/web', '0.1200003'],
      ['__idle__', '2.5'],
      ['shop/web', '1'],
    ],
  );
  const rows = [cells(), cells({ totalCost: null }), cells({ totalCost: '1' })];
  const fast = await normalizeRows(opencost, Object.keys(cells()), rows, SETTINGS);
  const slow = applyMapping(opencost, Object.keys(cells()), rows, SETTINGS);
  t.same(fast.rows, slow.rows.map(sortedColumns), 'fast and slow agree');
});
