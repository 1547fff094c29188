import t from 'tap';
import { mappingFor } from '../../../pipelines/normalize/detect.ts';
import focus, { detectFocusVersion } from '../../../pipelines/normalize/mappings/focus.ts';
import { customName } from '../../../pipelines/normalize/mappings/focus-columns.ts';
import { Normalizer } from '../../../pipelines/normalize/normalize.ts';
import { fromBatch, toBatches } from '../../helpers/batches.ts';
import { applyMapping, countReasons, type SourceRow } from '../../helpers/interpret.ts';
import { dataFile, readCsv } from '../../helpers/read-rows.ts';

/** A plain charge of 1.2; cases change what they are about. */
const CHARGE = {
  BilledCost: '10.5',
  BillingAccountId: '1',
  BillingAccountName: 'Payer',
  BillingAccountType: 'Billing Account',
  BillingCurrency: 'USD',
  BillingPeriodEnd: '2026-10-01T00:00:00Z',
  BillingPeriodStart: '2026-09-01T00:00:00Z',
  ChargeCategory: 'Usage',
  ChargeClass: '',
  ChargeDescription: 'A thing',
  ChargeFrequency: 'Usage-Based',
  ChargePeriodEnd: '2026-09-02T00:00:00Z',
  ChargePeriodStart: '2026-09-01T00:00:00Z',
  ConsumedQuantity: '3',
  ConsumedUnit: 'Hours',
  ContractedCost: '11',
  ContractedUnitPrice: '3.5',
  EffectiveCost: '9',
  InvoiceId: 'I-1',
  InvoiceIssuerName: 'AWS',
  ListCost: '12',
  ListUnitPrice: '4',
  PricingCategory: 'Standard',
  PricingCurrency: 'USD',
  PricingQuantity: '3',
  PricingUnit: 'Hours',
  ProviderName: 'AWS',
  PublisherName: 'AWS',
  RegionId: 'eu-west-1',
  RegionName: 'Ireland',
  ResourceId: 'i-1',
  ResourceName: 'one',
  ResourceType: 'instance',
  ServiceCategory: 'Compute',
  ServiceName: 'EC2',
  ServiceSubcategory: 'Virtual Machines',
  SkuId: 'S',
  SkuMeter: 'M',
  SkuPriceDetails: '{"CoreCount":2}',
  SkuPriceId: 'P',
  SubAccountId: '2',
  SubAccountName: 'prod',
  SubAccountType: 'Account',
  Tags: '{"team":"a"}',
} as const;

t.test('a header as data warehouses write it', async (t) => {
  t.equal(focus.rename('billed_cost'), 'BilledCost');
  t.equal(focus.rename('CHARGE_PERIOD_START'), 'ChargePeriodStart');
  t.equal(focus.rename('x_my_column'), 'x_my_column', 'what is not of FOCUS stays as it is');
  t.equal(focus.rename('oci_CompartmentId'), 'oci_CompartmentId');
});

t.test('FOCUS without its mandatory cost is FOCUS still', async (t) => {
  const header = Object.keys(CHARGE).filter((name) => name !== 'BilledCost');
  t.throws(() => mappingFor('auto', header, 'bill.csv'), {
    message: /as focus it lacks the column BilledCost; it has "BillingAccountId"/,
  });
});

/** Maps one row: the plain charge with changes; `undefined` takes the column out of the header. */
function map(changes: Readonly<Record<string, string | undefined>> = {}) {
  const row = Object.fromEntries(
    Object.entries({ ...CHARGE, ...changes }).filter(([, value]) => value !== undefined),
  ) as Record<string, string>;
  const { rows, repairs, rejects, sums } = applyMapping(focus, Object.keys(row), [row]);
  return {
    charge: rows[0] ?? {},
    repairs: repairs.map(({ reason }) => reason),
    rejects: rejects.map(({ reason, column }) => `${reason} ${column}`),
    sums,
  };
}

t.test('a charge that conforms passes through untouched', async (t) => {
  const { charge, repairs, rejects } = map();
  const { ChargeClass: _, ...stated } = CHARGE;
  t.hasStrict(charge, stated);
  t.strictSame([...repairs, ...rejects], []);
  t.hasStrict(charge, { ServiceProviderName: 'AWS', HostProviderName: 'AWS' }, 'columns of 1.3');
  t.notOk('x_EffectiveCostRepaired' in charge);
});

t.test('headers are matched by name in any case, unknown columns are kept under x_', async (t) => {
  t.equal(focus.rename(' billedcost '), 'BilledCost');
  t.equal(focus.rename('\uFEFFBilledCost'), 'BilledCost');
  t.equal(focus.rename('ServiceSubCategory'), 'ServiceSubcategory');
  t.equal(focus.rename('PricingCurrencyEffectiveCost '), 'PricingCurrencyEffectiveCost');
  t.equal(focus.rename('X_Foo'), 'x_Foo');
  const { charge } = map({
    oci_CompartmentId: 'c',
    Id: '7',
    x_Operation: 'Run',
    'Cost Center': 'z',
    '': 'nameless',
  });
  t.hasStrict(charge, {
    x_oci_CompartmentId: 'c',
    x_Id: '7',
    x_Operation: 'Run',
    x_Cost_Center: 'z',
    x_Unnamed: 'nameless',
  });
  t.equal(customName('Id', new Set(['x_Id'])), 'x_Id_2', 'never a name that is taken');
  const both = map({ Id: '7', x_Id: '8' }).charge;
  t.hasStrict(both, { x_Id: '8', x_Id_2: '7' });
});

t.test('older names stand in for the columns they became', async (t) => {
  const { charge, repairs } = map({
    ProviderName: undefined,
    Provider: 'Oracle',
    PublisherName: undefined,
    Publisher: 'Oracle Corp',
    InvoiceIssuerName: undefined,
    InvoiceIssuer: 'Oracle Inc',
    RegionId: undefined,
    Region: 'us-phoenix-1',
    ConsumedQuantity: undefined,
    UsageQuantity: '4',
    ConsumedUnit: undefined,
    UsageUnit: 'GB',
  });
  t.hasStrict(charge, {
    ProviderName: 'Oracle',
    PublisherName: 'Oracle Corp',
    InvoiceIssuerName: 'Oracle Inc',
    RegionId: 'us-phoenix-1',
    ConsumedQuantity: '4',
    ConsumedUnit: 'GB',
  });
  t.notOk('x_Provider' in charge, 'an alias is not kept twice');
  t.strictSame(repairs, []);
  const azure = map({
    InvoiceId: undefined,
    x_InvoiceId: 'I-9',
    PricingCurrency: undefined,
    x_PricingCurrency: 'EUR',
    SkuMeter: undefined,
    x_SkuMeterName: 'D4s',
    SkuPriceDetails: undefined,
    x_SkuDetails: '{"CoreCount":4,"Imagetype":"win"}',
  }).charge;
  t.hasStrict(azure, {
    InvoiceId: 'I-9',
    PricingCurrency: 'EUR',
    SkuMeter: 'D4s',
    SkuPriceDetails: '{"CoreCount":4,"x_Imagetype":"win"}',
    x_InvoiceId: 'I-9',
  });
  t.notOk('PricingCurrencyEffectiveCost' in azure, 'another currency: nothing is made up');
  t.equal(
    map({ SkuPriceDetails: '', x_SkuDetails: '{"a":1}' }).charge.SkuPriceDetails,
    '{"x_a":1}',
  );
});

t.test('bills of FOCUS 0.5 and of the previews of 1.0', async (t) => {
  const header =
    'BilledCurrency,ChargeType,Provider,BilledCost,AmortizedCost,ChargePeriodStart'.split(',');
  const mapping = mappingFor('auto', header, 'bill.csv');
  t.equal(mapping.name, 'focus');
  const { charge } = map({
    BillingCurrency: undefined,
    BilledCurrency: 'AUD',
    EffectiveCost: undefined,
    AmortizedCost: '8',
  });
  t.hasStrict(charge, { BillingCurrency: 'AUD', PricingCurrency: 'USD', EffectiveCost: '8' });
  const subcategory = (ChargeSubcategory: string, ChargeCategory = 'Adjustment') =>
    map({ ChargeCategory, ChargeSubcategory }).charge.ChargeCategory;
  t.equal(subcategory('Credit'), 'Credit');
  t.equal(subcategory('Refund'), 'Adjustment');
  t.equal(subcategory('Credit', 'Tax'), 'Tax');
});

t.test('the version is told by the columns', async (t) => {
  const base = ['BilledCost', 'ProviderName', 'BillingAccountType'];
  t.equal(detectFocusVersion(base), '1.0', 'account types alone tell nothing');
  t.equal(detectFocusVersion([...base, 'skumeter ']), '1.1');
  t.equal(detectFocusVersion([...base, 'InvoiceId', 'SkuMeter']), '1.2');
  t.equal(detectFocusVersion([...base, 'ServiceProviderName', 'InvoiceId']), '1.3');
  t.equal(detectFocusVersion(['BilledCost', 'ServiceProviderName']), '1.4');
  t.equal(detectFocusVersion([...base, 'InvoiceDetailId']), '1.4');
  const later = map({
    ProviderName: undefined,
    PublisherName: undefined,
    ServiceProviderName: 'X',
  });
  t.hasStrict(later.charge, { ProviderName: 'X', PublisherName: 'X', ServiceProviderName: 'X' });
  t.strictSame(later.repairs, [], '1.4 has no ProviderName: nothing to repair');
});

t.test('earlier versions get the columns that came later', async (t) => {
  const { charge } = map({
    BillingAccountType: undefined,
    SubAccountType: undefined,
    InvoiceId: undefined,
    PricingCurrency: undefined,
    ServiceSubcategory: undefined,
    SkuMeter: undefined,
    x_UsageType: 'BoxUsage',
    SkuPriceDetails: undefined,
  });
  t.hasStrict(charge, {
    BillingAccountType: 'Billing Account',
    SubAccountType: 'Account',
    PricingCurrency: 'USD',
    PricingCurrencyEffectiveCost: '9',
    PricingCurrencyListUnitPrice: '4',
    PricingCurrencyContractedUnitPrice: '3.5',
    ServiceSubcategory: 'Other (Compute)',
    SkuMeter: 'BoxUsage',
  });
  t.notOk('SubAccountType' in map({ SubAccountId: '', SubAccountType: undefined }).charge);
  t.equal(
    map({ ProviderName: 'Microsoft', SubAccountType: undefined }).charge.SubAccountType,
    'Subscription',
  );
});

/** Each: what the row says, what the charge says, under which repair codes. */
const REPAIRS: readonly (readonly [
  Readonly<Record<string, string | undefined>>,
  Readonly<Record<string, string>>,
  readonly string[],
])[] = [
  [{ ChargeFrequency: 'Usage-based' }, { ChargeFrequency: 'Usage-Based' }, ['enum_case']],
  [{ ChargeCategory: 'usage' }, { ChargeCategory: 'Usage' }, ['enum_case']],
  [
    { ChargeCategory: 'Surprise' },
    { ChargeCategory: 'Adjustment', x_SourceChargeCategory: 'Surprise' },
    ['charge_category_unknown'],
  ],
  [{ ChargeCategory: '' }, { ChargeCategory: 'Usage' }, ['charge_category_missing']],
  [
    { ChargeCategory: '', ConsumedQuantity: '', PricingQuantity: '' },
    { ChargeCategory: 'Adjustment' },
    ['charge_category_missing'],
  ],
  [{ ChargeFrequency: '' }, { ChargeFrequency: 'Usage-Based' }, ['charge_frequency_missing']],
  [
    { ChargeFrequency: '', ChargeCategory: 'Tax' },
    { ChargeFrequency: 'One-Time' },
    ['charge_frequency_missing'],
  ],
  [
    { PricingCategory: 'Bargain' },
    { PricingCategory: 'Other', x_SourcePricingCategory: 'Bargain' },
    ['pricing_category_unknown'],
  ],
  [{ PricingCategory: 'On-Demand' }, { PricingCategory: 'Standard' }, ['enum_case']],
  [
    { ServiceCategory: 'Quantum', ServiceSubcategory: 'Qubits' },
    {
      ServiceCategory: 'Other',
      ServiceSubcategory: 'Other (Other)',
      x_SourceServiceCategory: 'Quantum',
    },
    ['service_category_unknown', 'service_subcategory_unknown'],
  ],
  [
    { ServiceCategory: '' },
    { ServiceCategory: 'Compute', ServiceSubcategory: 'Virtual Machines' },
    ['service_category_missing'],
  ],
  [
    { ServiceSubcategory: 'Object Storage' },
    { ServiceSubcategory: 'Other (Compute)' },
    ['service_subcategory_unknown'],
  ],
  [{ ServiceName: '' }, { ServiceName: 'Compute' }, ['service_name_missing']],
  [{ EffectiveCost: '' }, { EffectiveCost: '10.5' }, ['effective_cost_missing']],
  [
    { EffectiveCost: '', ChargeCategory: 'Purchase', CommitmentDiscountId: 'sp-1' },
    { EffectiveCost: '0' },
    ['effective_cost_missing'],
  ],
  [{ ContractedCost: '' }, { ContractedCost: '10.5' }, ['contracted_cost_missing']],
  [{ ListCost: '' }, { ListCost: '11' }, ['list_cost_missing']],
  [
    { ProviderName: 'Oracle', EffectiveCost: '0' },
    { EffectiveCost: '10.5', x_EffectiveCostRepaired: 'true' },
    ['effective_cost_zero'],
  ],
  [
    { ProviderName: 'Oracle', RegionId: '', RegionName: 'us-sanjose-1' },
    { RegionId: 'us-sanjose-1', RegionName: 'US West (San Jose)' },
    ['region_id_from_region_name'],
  ],
  [
    { ProviderName: 'Oracle', RegionId: undefined, RegionName: undefined, Region: 'us-ashburn-1' },
    { RegionId: 'us-ashburn-1', RegionName: 'US East (Ashburn)' },
    ['region_name_from_region_id'],
  ],
  [{ RegionName: '' }, { RegionName: 'Europe (Ireland)' }, ['region_name_from_region_id']],
  [
    { ProviderName: 'Acme', RegionId: 'mars-1', RegionName: '' },
    { RegionName: 'mars-1' },
    ['region_name_from_region_id'],
  ],
  ...(
    [
      ['arn:aws:sns:eu-west-1:123456789012:orders', 'topic'],
      ['vol-0123456789abcdef0', 'volume'],
      ['/subscriptions/s/resourceGroups/g/providers/Microsoft.Sql/servers/s', 'SQL server'],
      ['//storage.googleapis.com/b', 'storage.googleapis.com/buckets'],
      ['ocid1.bootvolume.oc1.us-sanjose-1.c', 'bootvolume'],
    ] as const
  ).map(
    ([ResourceId, ResourceType]) =>
      [
        { ResourceId, ResourceType: '' },
        { ResourceType },
        ['resource_type_from_resource_id'],
      ] as const,
  ),
  [
    { ProviderName: 'Oracle', PricingCategory: '' },
    { PricingCategory: 'Standard' },
    ['pricing_category_missing'],
  ],
  [
    { ProviderName: 'Oracle', oci_BackReferenceNumber: 'r1' },
    { ChargeClass: 'Correction', x_oci_BackReferenceNumber: 'r1' },
    ['correction_from_back_reference'],
  ],
  [{ BillingCurrency: 'usd' }, { BillingCurrency: 'USD' }, ['currency_case']],
  [
    { ChargePeriodStart: '2026-09-01 00:00:00', ChargePeriodEnd: '2026-09-02T00:00Z' },
    { ChargePeriodStart: '2026-09-01T00:00:00Z', ChargePeriodEnd: '2026-09-02T00:00:00Z' },
    ['time_format'],
  ],
  [
    { ChargePeriodEnd: '' },
    { ChargePeriodEnd: '2026-09-02T00:00:00Z' },
    ['charge_period_end_missing'],
  ],
  [
    { ChargePeriodStart: '2026-09-01T05:00:00Z', ChargePeriodEnd: '' },
    { ChargePeriodEnd: '2026-09-01T06:00:00Z' },
    ['charge_period_end_missing'],
  ],
  [
    {
      ProviderName: 'Huawei Cloud',
      BillingPeriodStart: '2026-08-31T16:00:00Z',
      BillingPeriodEnd: '2026-09-30T15:59:59Z',
      ChargePeriodStart: '2026-09-01T16:00:00Z',
      ChargePeriodEnd: '2026-09-02T15:59:59Z',
    },
    { BillingPeriodEnd: '2026-09-30T16:00:00Z', ChargePeriodEnd: '2026-09-02T16:00:00Z' },
    ['period_end_inclusive'],
  ],
  [
    { ChargePeriodEnd: '2026-09-01T23:59:59.999Z' },
    { ChargePeriodEnd: '2026-09-02T00:00:00Z' },
    ['period_end_inclusive'],
  ],
  [
    { ChargePeriodStart: '2026-09-03', ChargePeriodEnd: '2026-09-03' },
    { ChargePeriodEnd: '2026-09-04T00:00:00Z' },
    ['time_format', 'period_end_inclusive'],
  ],
  [
    { BillingPeriodEnd: '2026-09-30T00:00:00Z' },
    { BillingPeriodEnd: '2026-10-01T00:00:00Z' },
    ['period_end_inclusive'],
  ],
  [
    { ChargePeriodStart: '2026-09-01T00:13:00Z', ChargePeriodEnd: '2026-09-01T00:59:59Z' },
    { ChargePeriodEnd: '2026-09-01T00:59:59Z' },
    [],
  ],
  [
    { BillingPeriodStart: undefined, BillingPeriodEnd: undefined },
    {
      BillingPeriodStart: '2026-09-01T00:00:00Z',
      BillingPeriodEnd: '2026-10-01T00:00:00Z',
    },
    ['billing_period_missing'],
  ],
  [{ BillingAccountId: '' }, { BillingAccountId: '2' }, ['billing_account_id_missing']],
  [{ InvoiceIssuerName: '' }, { InvoiceIssuerName: 'AWS' }, ['invoice_issuer_name_missing']],
  [{ PublisherName: '' }, { PublisherName: 'AWS' }, ['publisher_name_missing']],
  [
    { ProviderName: '', PublisherName: 'Acme' },
    { ProviderName: 'Acme', ServiceProviderName: 'Acme' },
    ['provider_name_missing'],
  ],
  [{ AvailabilityZone: '0.05' }, {}, ['availability_zone_is_a_price']],
  [
    { CommitmentDiscountId: 'ri', CommitmentDiscountStatus: '' },
    { CommitmentDiscountStatus: 'Used' },
    ['commitment_discount_status_missing'],
  ],
  [{ Tags: '"team": "a","env":"p"' }, { Tags: '{"team": "a","env":"p"}' }, ['tags_json_wrapped']],
  [{ Tags: '[{"key":"team","value":"a"}]' }, { Tags: '{"team":"a"}' }, ['tags_json_from_list']],
  [{ Tags: '"{\\"team\\":\\"a\\"}"' }, { Tags: '{"team":"a"}' }, ['tags_json_unquoted']],
  [{ Tags: "{'team': 'a', 'n': None}" }, { Tags: '{"team":"a","n":null}' }, ['tags_json_python']],
  [{ Tags: '[["team","a"]]' }, { Tags: '{"team":"a"}' }, ['tags_json_from_list']],
  [
    { Tags: "[('team', 'a'), ('note', 'f(x), y')]" },
    { Tags: '{"team":"a","note":"f(x), y"}' },
    ['tags_json_python'],
  ],
  [{ Tags: "[{'key': 'team', 'value': 'a'}]" }, { Tags: '{"team":"a"}' }, ['tags_json_python']],
  [{ Tags: "['team', 'a']" }, { Tags: '{"x_raw":"[\'team\', \'a\']"}' }, ['tags_json_invalid']],
  [{ Tags: 'team=a' }, { Tags: '{"x_raw":"team=a"}' }, ['tags_json_invalid']],
  [
    { Tags: '{team=a, note=b, c, owner=me}' },
    { Tags: '{"team":"a","note":"b, c","owner":"me"}' },
    ['tags_json_printed'],
  ],
];

t.test('what providers get wrong is repaired under its code', async (t) => {
  for (const [changes, expected, codes] of REPAIRS) {
    const { charge, repairs, rejects } = map(changes);
    t.hasStrict(charge, expected, `${JSON.stringify(changes)}`);
    t.strictSame(repairs, codes, `codes of ${JSON.stringify(changes)}`);
    t.strictSame(rejects, []);
  }
  t.equal(
    map({ AvailabilityZone: '2' }).charge.AvailabilityZone,
    '2',
    'zones of Azure are numbers',
  );
  t.notOk('AvailabilityZone' in map({ AvailabilityZone: '0.05' }).charge);
  t.equal(map({ EffectiveCost: '0' }).charge.EffectiveCost, '0', 'only OCI forgets it');
  t.notOk('ChargeClass' in map({ ChargeClass: 'Regular' }).charge);
  t.strictSame(map({ ChargeClass: 'Regular' }).repairs, ['charge_class_unknown']);
});

t.test('times of ISO 8601 in the extended and the basic format', async (t) => {
  for (const start of [
    '2026-09-01T00:00:00Z',
    '2026-09-01',
    '2026-09-01 02:00:00 +0200',
    '20260901T000000Z',
    '20260901T0200+0200',
    '20260901T000000.000Z',
    '20260901',
  ])
    t.equal(
      map({ ChargePeriodStart: start }).charge.ChargePeriodStart,
      '2026-09-01T00:00:00Z',
      start,
    );
});

t.test('what cannot be a charge is rejected with its reason', async (t) => {
  t.strictSame(map({ BilledCost: '' }).rejects, ['missing_mandatory BilledCost']);
  t.strictSame(map({ BillingCurrency: 'NULL' }).rejects, ['missing_mandatory BillingCurrency']);
  t.strictSame(map({ ChargePeriodStart: '' }).rejects, ['missing_mandatory ChargePeriodStart']);
  t.strictSame(map({ BilledCost: '10,000' }).rejects, ['invalid_number BilledCost']);
  t.strictSame(map({ BilledCost: 'N/A' }).rejects, ['invalid_number BilledCost']);
  t.strictSame(map({ BillingCurrency: 'N/A' }).rejects, ['missing_mandatory BillingCurrency']);
  t.strictSame(map({ ChargePeriodStart: 'NaT' }).rejects, ['missing_mandatory ChargePeriodStart']);
  t.strictSame(map({ ChargePeriodStart: '4/5/25' }).rejects, ['invalid_time ChargePeriodStart']);
  t.strictSame(map({ ChargePeriodEnd: '2026-09-01T30:00:00Z' }).rejects, [
    'invalid_time ChargePeriodEnd',
  ]);
  t.strictSame(map({ ChargePeriodEnd: '20260931T000000Z' }).rejects, [
    'invalid_time ChargePeriodEnd',
  ]);
  t.hasStrict(map({ BilledCost: '', EffectiveCost: '5' }).sums.EffectiveCost, {
    read: '5',
    rejected: '5',
    exported: '0',
  });
});

t.test('what spreadsheets make of a bill is read again', async (t) => {
  const { charge, repairs, rejects } = map({
    BilledCost: '$10,100.00 ',
    ListUnitPrice: '(20.00)',
    BillingPeriodStart: '4/1/25',
    BillingPeriodEnd: '5/1/25',
    ChargePeriodStart: '4/2/25',
    ChargePeriodEnd: '4/3/25 1:00 PM',
  });
  t.strictSame(rejects, []);
  t.hasStrict(charge, {
    BilledCost: '10100',
    ListUnitPrice: '-20',
    BillingPeriodStart: '2025-04-01T00:00:00Z',
    BillingPeriodEnd: '2025-05-01T00:00:00Z',
    ChargePeriodStart: '2025-04-02T00:00:00Z',
    ChargePeriodEnd: '2025-04-03T13:00:00Z',
  });
  t.strictSame(repairs, ['time_format', 'number_format']);
  t.hasStrict(
    map({
      BillingPeriodStart: '01/01/2025',
      BillingPeriodEnd: '01/02/2025',
      ChargePeriodStart: '02/01/2025',
      ChargePeriodEnd: '03/01/2025',
    }).charge,
    {
      BillingPeriodEnd: '2025-02-01T00:00:00Z',
      ChargePeriodStart: '2025-01-02T00:00:00Z',
      ChargePeriodEnd: '2025-01-03T00:00:00Z',
    },
    'the end of the billing period says that the day comes first',
  );
});

t.test('a row of empty cells says nothing', async (t) => {
  const blank = Object.fromEntries(Object.keys(CHARGE).map((name) => [name, '']));
  const { rows, drops, rejects } = applyMapping(focus, Object.keys(CHARGE), [CHARGE, blank]);
  t.equal(rows.length, 1);
  t.strictSame([drops, rejects], [[{ row: 2, reason: 'blank_row' }], []]);
  const normalizer = new Normalizer(focus, Object.keys(CHARGE));
  const [batch] = toBatches(Object.keys(CHARGE), [CHARGE, blank], 2);
  t.strictSame(batch && normalizer.normalize(batch).rejected, []);
  t.strictSame([...normalizer.counts.dropped], [['blank_row', 1]]);
});

t.test('what is refused shows the cell that cannot be read', async (t) => {
  const said = (changes: SourceRow): readonly string[] => {
    const row = { ...CHARGE, ...changes };
    const header = Object.keys(row);
    const normalizer = new Normalizer(focus, header);
    const batches = toBatches(header, [row], 64);
    return batches.flatMap((batch) =>
      normalizer.normalize(batch).rejected.map(({ message }) => message),
    );
  };
  t.strictSame(said({ BilledCost: 'N/A' }), ['BilledCost is "N/A", which is not a decimal number']);
  t.strictSame(said({ ListCost: 'Infinity' }), [
    'ListCost is "Infinity", which is not a decimal number',
  ]);
  t.match(said({ BilledCost: '10,000' }), [
    /^BilledCost is "10,000", which is not certain: its comma/,
  ]);
  t.strictSame(said({ ChargePeriodEnd: 'soon' }), [
    'ChargePeriodEnd is "soon", which is not a date and time',
  ]);
  t.match(said({ ChargePeriodStart: '4/5/26' }), [
    /"4\/5\/26", which is not a date in the order of day and month/,
  ]);
});

t.test('a word for nothing is no reason to refuse a charge whose bill is known', async (t) => {
  const { charge, repairs, rejects } = map({
    EffectiveCost: 'N/A',
    ListCost: 'NaN',
    ContractedCost: '-',
    ConsumedQuantity: 'None',
  });
  t.strictSame(rejects, []);
  t.hasStrict(charge, {
    BilledCost: CHARGE.BilledCost,
    EffectiveCost: CHARGE.BilledCost,
    ListCost: CHARGE.BilledCost,
    ContractedCost: CHARGE.BilledCost,
    ConsumedQuantity: undefined,
  });
  t.strictSame(repairs, [
    'effective_cost_missing',
    'contracted_cost_missing',
    'list_cost_missing',
    'null_word',
  ]);
});

t.test('the operator names the currency of bills that do not', async (t) => {
  const header = Object.keys(CHARGE).filter((name) => name !== 'BillingCurrency');
  t.throws(() => mappingFor('auto', header, 'bill.csv'), {
    message: /lacks the column BillingCurrency \(.*--set focus\.currency=EUR\)/,
  });
  t.throws(
    () => mappingFor('auto', header, 'bill.csv', { settings: { focus: { currency: 'stated' } } }),
    { message: /lacks the column BillingCurrency/ },
  );
  const settings = { currency: 'CHF' };
  t.equal(mappingFor('auto', header, 'bill.csv', { settings: { focus: settings } }), focus);
  const bill = (columns: readonly string[], currency: string | undefined) =>
    applyMapping(focus, columns, [{ ...CHARGE, BillingCurrency: currency }], settings);
  for (const columns of [header, Object.keys(CHARGE)]) {
    const { rows, repairs } = bill(columns, undefined);
    t.match(rows, [{ BillingCurrency: 'CHF' }]);
    t.match(repairs, [{ reason: 'billing_currency_missing' }]);
  }
  const stated = bill(Object.keys(CHARGE), 'USD');
  t.match(stated.rows, [{ BillingCurrency: 'USD' }], 'what is stated stands');
  t.strictSame(stated.repairs, []);
});

t.test('words for nothing name nothing', async (t) => {
  const { charge, repairs } = map({
    BillingPeriodEnd: 'N/A',
    CommitmentDiscountId: 'N/A',
    CommitmentDiscountStatus: undefined,
    InvoiceId: 'None',
    RegionId: '-',
    RegionName: '-',
    ServiceProviderName: 'nan',
  });
  for (const column of [
    'CommitmentDiscountId',
    'CommitmentDiscountStatus',
    'InvoiceId',
    'RegionId',
  ])
    t.notOk(column in charge, column);
  t.equal(charge.BillingPeriodEnd, '2026-10-01T00:00:00Z');
  t.ok(repairs.includes('null_word'));
});

t.test('a header of a spreadsheet', async (t) => {
  const spaced = Object.fromEntries(
    Object.entries(CHARGE).map(([name, value]) => [
      name.replace(/(?<=[a-z])(?=[A-Z])/g, ' '),
      value,
    ]),
  );
  const header = Object.keys(spaced);
  t.equal(focus.fits(new Set(header.map(focus.rename)), header), 100);
  t.strictSame(applyMapping(focus, header, [spaced]).rows[0], map({}).charge);
});

t.test("Google's table: missing columns are filled from its own", async (t) => {
  const missing = [
    'ServiceCategory',
    'ServiceSubcategory',
    'ChargeFrequency',
    'InvoiceId',
    'InvoiceIssuerName',
    'ResourceType',
    'SkuMeter',
    'SkuPriceDetails',
    'SubAccountType',
    'Tags',
    'CommitmentDiscountId',
  ];
  const { charge, repairs } = map({
    ...Object.fromEntries(missing.map((name) => [name, undefined])),
    ProviderName: 'Google Cloud',
    PublisherName: 'Google Cloud',
    ServiceName: 'Compute Engine',
    ChargeDescription: 'N2 Instance Core running in Americas',
    ResourceId: '//compute.googleapis.com/projects/p/zones/z/instances/77',
    x_CostType: 'regular',
    x_Credits:
      '[{"Name":"cud","Amount":-1,"FullName":"Committed","Id":"c-1","Type":"COMMITTED_USAGE_DISCOUNT"}]',
    x_SubscriptionInstanceId: '',
    x_Labels: '[{"Key":"team","Value":"a"}]',
    x_Tags: '[{"Key":"env","Value":"prod","x_Inherited":false,"x_Namespace":"org"}]',
    x_ProjectLabels: '[{"Key":"team","Value":"b"}]',
    x_SystemLabels:
      '[{"Key":"cores","Value":"4"},{"Key":"compute.googleapis.com/reservation_project_id","Value":"p"},{"Key":"compute.googleapis.com/reservation_name","Value":"r"}]',
    CapacityReservationId: undefined,
    CapacityReservationStatus: undefined,
    x_ConsumptionModelId: 'M-1',
  });
  t.hasStrict(charge, {
    ServiceCategory: 'Compute',
    ServiceSubcategory: 'Virtual Machines',
    ChargeFrequency: 'Usage-Based',
    InvoiceIssuerName: 'Google Cloud',
    ResourceType: 'compute.googleapis.com/instances',
    SkuMeter: 'N2 Instance Core',
    SubAccountType: 'Project',
    CommitmentDiscountId: 'c-1',
    CommitmentDiscountCategory: 'Usage',
    CommitmentDiscountType: 'COMMITTED_USAGE_DISCOUNT',
    CommitmentDiscountName: 'Committed',
    CommitmentDiscountStatus: 'Used',
    x_Labels: '[{"Key":"team","Value":"a"}]',
    CapacityReservationId: 'p/r',
    CapacityReservationStatus: 'Used',
    SkuPriceDetails: '{"x_ConsumptionModelId":"M-1"}',
  });
  t.strictSame(JSON.parse(charge.Tags ?? ''), {
    team: 'a',
    'org/env': 'prod',
    'project/team': 'b',
    'system/cores': '4',
    'system/compute.googleapis.com/reservation_project_id': 'p',
    'system/compute.googleapis.com/reservation_name': 'r',
  });
  const subscribed = map({
    CommitmentDiscountId: undefined,
    CommitmentDiscountType: undefined,
    CommitmentDiscountCategory: undefined,
    CommitmentDiscountStatus: undefined,
    ChargeDescription: 'Commitment v1: Cpu in Americas for 1 Year',
    x_CostType: 'regular',
    x_SubscriptionInstanceId: 's-1',
    x_Credits: '[]',
  }).charge;
  t.hasStrict(
    subscribed,
    {
      CommitmentDiscountId: 's-1',
      CommitmentDiscountType: 'COMMITTED_USAGE_DISCOUNT',
      CommitmentDiscountCategory: 'Usage',
    },
    'a subscription without a credit has a type too',
  );
  t.ok(repairs.includes('tags_from_labels') && repairs.includes('commitment_from_credits'));
});

t.test('a header fits by its columns', async (t) => {
  const fits = (...names: string[]): number => focus.fits(new Set(names), names);
  t.equal(fits(...Object.keys(CHARGE)), 100);
  t.equal(fits('lineItem/UnblendedCost', 'BillingCurrency', 'ChargePeriodStart'), 0);
  t.equal(fits('ContractCommitmentId', 'ContractId', 'BillingCurrency'), 0);
  t.ok(fits('BilledCost', 'ChargeCategory', 'InvoiceId') < 100, 'a fragment fits less');
});

const FILES = [
  ['focus/sandbox_focus_1.0_a.csv', '10.85481953589', '1.0'],
  ['focus/golden_1.2_aws_100.csv', '1157.48882377213324', '1.2'],
  ['focus/golden_1.2_azure_100.csv', '3124.49994903980385', '1.2'],
  ['focus/golden_1.3_aws_100.csv', '1242.1156191148605', '1.3'],
  ['focus/golden_1.3_azure_100.csv', '4697.1446758722746', '1.3'],
] as const;

t.test('files: every row and every cent is accounted for, fast and slow agree', async (t) => {
  for (const [name, total, version] of FILES) {
    const url = dataFile(name);
    if (url === undefined) {
      t.comment(`skipped: ${name} is not there`);
      continue;
    }
    const { header, rows } = readCsv(url);
    const slow = applyMapping(focus, header, rows);
    t.equal(slow.rows.length + slow.rejects.length, rows.length, `${name}: rows`);
    t.equal(slow.rejects.length, 0, `${name}: none rejected`);
    t.hasStrict(slow.sums.BilledCost, { read: total, exported: total, reshaped: '0' });
    t.equal(detectFocusVersion(header), version);
    const normalizer = new Normalizer(focus, header);
    const charges: SourceRow[] = [];
    for (const batch of toBatches(header, cleaned(rows), 64))
      for (const { batch: charge } of normalizer.normalize(batch).charges)
        charges.push(...fromBatch(charge));
    const plain = charges.map(({ x_Repairs: _, ...charge }) => charge);
    t.strictSame(plain, slow.rows, `${name}: fast and slow agree`);
    t.strictSame(
      Object.fromEntries([...normalizer.counts.repairs].filter(([, rows]) => rows > 0)),
      countReasons(slow.repairs),
      `${name}: repairs`,
    );
  }
});

t.test('the sandbox: what is repaired in it', async (t) => {
  const url = dataFile('focus/sandbox_focus_1.0_a.csv');
  if (url === undefined) return t.comment('skipped: the sandbox file is not there');
  const { header, rows } = readCsv(url);
  t.strictSame(countReasons(applyMapping(focus, header, rows).repairs), {
    time_format: 669,
    contracted_cost_missing: 6,
    effective_cost_zero: 5,
    enum_case: 6,
    region_id_from_region_name: 6,
    availability_zone_is_a_price: 33,
    region_name_from_region_id: 2,
    resource_type_from_resource_id: 332,
    pricing_category_missing: 4,
  });
});

t.test('the worked examples: impossible times are rejected', async (t) => {
  const folder = 'open-data/known-answers/focus-spec-1.2/commitment_discount_scenarios';
  const url = dataFile(`${folder}/commitment_discount_purchase_scenario_2.csv`);
  if (url === undefined) return t.comment('skipped: the worked examples are not there');
  const { header, rows } = readCsv(url);
  const withCurrency = rows.map((row) => ({ ...row, BillingCurrency: 'USD' }));
  const out = applyMapping(focus, [...header, 'BillingCurrency'], withCurrency);
  const broken = rows.filter((row) => /T(?:2[4-9]|[3-9]\d):/.test(JSON.stringify(row))).length;
  t.ok(broken > 0);
  t.strictSame(countReasons(out.rejects), { invalid_time: broken });
  t.equal(out.rows.length, rows.length - broken);
});

/** Cells as a decoder gives them: `NULL` is null. */
function cleaned(rows: readonly SourceRow[]): readonly SourceRow[] {
  return rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [name, value === 'NULL' ? '' : value]),
    ),
  );
}
