import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openSource } from '../../../pipelines/decode/open.ts';
import { formatDecimal } from '../../../pipelines/focus/decimal.ts';
import { mappingFor } from '../../../pipelines/normalize/detect.ts';
import { Normalizer } from '../../../pipelines/normalize/normalize.ts';
import { brokenInvariants } from '../../helpers/charge-invariants.ts';
import { aheadBatches, chargesOf } from '../../helpers/normalize-rows.ts';

const folder = t.testdir();
let files = 0;

/** Reads a bill as a stranger would hand it over: what it is, is found out. */
async function read(text: string, settings: Readonly<Record<string, string>> = {}) {
  const path = join(folder, `${files++}.${text.startsWith('{') ? 'json' : 'csv'}`);
  writeFileSync(path, text);
  await using source = Object.assign(await openSource({ path }), {
    [Symbol.asyncDispose]: () => source.close(),
  });
  const mapping = mappingFor('auto', source.columns, path);
  const { titles } = source;
  const normalizer = new Normalizer(mapping, source.columns, { settings, titles });
  const charges = await chargesOf(normalizer, aheadBatches(normalizer, source.batches(), path));
  const { measures, repairs, rejected } = normalizer.counts;
  return {
    charges,
    mapping: mapping.name,
    repairs: Object.fromEntries(repairs),
    rejected: Object.fromEntries(rejected),
    exported: Object.fromEntries(
      [...measures].map(([cost, { exported }]) => [cost, formatDecimal(exported.total())]),
    ),
  };
}

const lines = (...rows: readonly string[]): string => `${rows.join('\r\n')}\r\n`;

t.test("GitHub's usage report", async (t) => {
  const found = await read(
    lines(
      'date,product,sku,quantity,unit_type,applied_cost_per_quantity,gross_amount,discount_amount,net_amount,username,organization,repository,workflow_path,cost_center_name',
      '2026-09-03,actions,actions_linux,10,minutes,0.006,0.06,0.025,0.035,mona,acme,shop,.github/workflows/ci.yml,web',
      '2026-09-03,copilot,copilot_premium_request,12,requests,0.04,0.48,0.08,0.40,mona,,,,',
    ),
  );
  t.equal(found.mapping, 'github-usage');
  t.match(found, { exported: { BilledCost: '0.435', ListCost: '0.54' }, rejected: {} });
  t.match(found.charges, [
    {
      BillingAccountId: 'acme',
      ListUnitPrice: '0.006',
      ResourceId: 'acme/shop',
      Tags: '{"repository":"shop","workflow":".github/workflows/ci.yml","user":"mona","cost_center":"web"}',
    },
    { BillingAccountId: 'mona', BillingAccountType: 'User', SubAccountId: undefined },
  ]);
  t.same(brokenInvariants(found.charges), {});
});

const DAILY =
  'PartnerId,PartnerName,CustomerId,CustomerName,MpnId,InvoiceNumber,ProductId,SkuId,SkuName,ProductName,PublisherName,SubscriptionDescription,SubscriptionId,ChargeStartDate,ChargeEndDate,UsageDate,MeterCategory,MeterId,MeterName,Unit,ResourceLocation,ConsumedService,ResourceGroup,ResourceURI,ChargeType,UnitPrice,Quantity,UnitType,BillingPreTaxTotal,BillingCurrency,PricingPreTaxTotal,PricingCurrency,Tags,AdditionalInfo,EffectiveUnitPrice,PCToBCExchangeRate,EntitlementId,EntitlementDescription,PartnerEarnedCreditPercentage';
const VM = '/subscriptions/0a1b/resourceGroups/web/providers/Microsoft.Compute/virtualMachines/vm1';
const daily = (date: string, quantity: string, billed: string, priced: string): string =>
  `p1,Partner,c1,Customer,1,,DZH3,001X,D2 v3,Azure plan,Microsoft,Azure plan,s1,9/1/2026,9/30/2026,${date},Virtual Machines,m1,D2,1 Hour,westeurope,Microsoft.Compute,web,${VM},new,0.1,${quantity},1 Hour,${billed},EUR,${priced},USD,"{""team"":""web""}",,0.085,0.9,0a1b,Production,15`;

t.test('daily rated usage of Partner Center', async (t) => {
  const found = await read(
    lines(
      DAILY,
      daily('9/3/2026', '24', '1.836', '2.04'),
      daily('9/14/2026', '10', '0.765', '0.85'),
    ),
  );
  t.equal(found.mapping, 'azure-partner');
  t.match(found, { exported: { BilledCost: '2.601' }, rejected: {} });
  t.match(found.charges[0], {
    BillingAccountId: 'p1',
    BillingCurrency: 'EUR',
    BillingPeriodEnd: '2026-10-01T00:00:00Z',
    ChargeCategory: 'Usage',
    ChargePeriodStart: '2026-09-03T00:00:00Z',
    ChargePeriodEnd: '2026-09-04T00:00:00Z',
    ContractedUnitPrice: '0.0765',
    ListCost: '2.16',
    ListUnitPrice: '0.09',
    PricingCurrency: 'USD',
    PricingCurrencyEffectiveCost: '2.04',
    RegionId: 'westeurope',
    ResourceId: VM.toLowerCase(),
    ServiceCategory: 'Compute',
    ServiceName: 'Virtual Machines',
    SubAccountId: '0a1b',
    Tags: '{"team":"web"}',
    x_CustomerId: 'c1',
  });
  t.same(brokenInvariants(found.charges), {});
});

t.test('an invoice of Partner Center: its taxes are charges', async (t) => {
  const found = await read(
    lines(
      'PartnerId,CustomerId,CustomerName,InvoiceNumber,OrderId,ProductId,SkuId,SkuName,ProductName,ChargeType,UnitPrice,Quantity,Subtotal,TaxTotal,Total,Currency,PublisherName,SubscriptionDescription,SubscriptionId,ChargeStartDate,ChargeEndDate,TermAndBillingCycle,EffectiveUnitPrice,BillableQuantity,BillingFrequency,PricingCurrency,PCToBCExchangeRate,MeterDescription',
      'p1,c1,Customer,G7,o1,CFQ7,0001,Business Basic,Microsoft 365 Business Basic,new,5.1,10,51.00,9.69,60.69,EUR,Microsoft,M365,s9,2026-09-14T00:00:00Z,2026-10-13T00:00:00Z,One month,5.1,10,Monthly,EUR,1,',
      'p1,c1,Customer,G7,o1,CFQ7,0001,Business Basic,Microsoft 365 Business Basic,removeQuantity,5.1,-2,-10.20,-1.94,-12.14,EUR,Microsoft,M365,s9,2026-09-14T00:00:00Z,2026-10-13T00:00:00Z,One month,5.1,-2,Monthly,EUR,1,',
      'p1,c1,Customer,G7,o1,DZH3,0001,VM,Azure plan,new,0,1,20,0,20,EUR,Microsoft,Azure,s9,2026-09-01T00:00:00Z,2026-09-30T00:00:00Z,,0,1,OneTime,EUR,1,D2 hours',
    ),
  );
  t.match(found, { exported: { BilledCost: '68.55' }, rejected: {} });
  t.match(
    found.charges.map(({ BilledCost, ChargeCategory, ChargePeriodEnd, ChargeFrequency }) => [
      BilledCost,
      ChargeCategory,
      ChargeFrequency,
      ChargePeriodEnd?.slice(0, 10),
    ]),
    [
      ['51', 'Purchase', 'Recurring', '2026-10-14'],
      ['9.69', 'Tax', 'One-Time', '2026-10-14'],
      ['-10.2', 'Purchase', 'Recurring', '2026-10-14'],
      ['-1.94', 'Tax', 'One-Time', '2026-10-14'],
      ['20', 'Usage', 'Usage-Based', '2026-10-01'],
    ],
  );
  t.same(brokenInvariants(found.charges), {});
});

t.test('an invoice of MongoDB Atlas, as csv and from its API', async (t) => {
  const csv = await read(
    lines(
      'Organization ID,o1',
      'Invoice ID,i1',
      '',
      'Date,Usage Date,Description,Note,Organization Name,Project,Project ID,SKU,Region,Cluster,Unit,Unit Price,Quantity,Amount',
      '09/04/2026,09/03/2026,M10 Cluster0,,Acme,shop,g1,ATLAS_AWS_INSTANCE_M10,US_EAST_1,Cluster0,server hours,0.09,24,2.16',
      '09/15/2026,09/14/2026,Transfer,,Acme,shop,g1,ATLAS_AZURE_DATA_TRANSFER,,Cluster0,GB,0.01,3.5,0.035',
      '09/15/2026,09/14/2026,,Promotion,Acme,,,ATLAS_CREDIT,,,,,,-1.00',
    ),
  );
  t.match(csv, { mapping: 'mongodb-atlas', exported: { BilledCost: '1.195' }, rejected: {} });
  t.match(csv.charges, [
    {
      BillingAccountId: 'o1',
      ChargePeriodStart: '2026-09-03T00:00:00Z',
      ChargePeriodEnd: '2026-09-04T00:00:00Z',
      HostProviderName: 'AWS',
      InvoiceId: 'i1',
      RegionId: 'us-east-1',
      SubAccountName: 'shop',
    },
    { ChargeDescription: 'Transfer', HostProviderName: 'Microsoft', ListUnitPrice: '0.01' },
    {
      ChargeCategory: 'Credit',
      ChargeDescription: 'Promotion',
      HostProviderName: 'MongoDB',
      PricingQuantity: undefined,
    },
  ]);
  t.same(brokenInvariants(csv.charges), {});
  const api = await read(
    '{"id":"i1","orgId":"o1","lineItems":[{"clusterName":"Cluster0","groupId":"g1","groupName":"shop","startDate":"2026-09-03T00:00:00Z","endDate":"2026-09-04T00:00:00Z","sku":"ATLAS_GCP_INSTANCE_M10","quantity":24,"unit":"server hours","unitPriceDollars":0.09,"totalPriceCents":216},{"clusterName":"Cluster0","groupId":"g1","startDate":"2026-09-04T00:00:00Z","endDate":"2026-09-05T00:00:00Z","sku":"ATLAS_GCP_INSTANCE_M10","quantity":24,"unit":"server hours","unitPriceDollars":0.09,"totalPriceCents":216,"percentDiscount":25.0,"discountCents":54}]}',
  );
  t.match(api, { mapping: 'mongodb-atlas', exported: { BilledCost: '3.78' }, rejected: {} });
  t.match(api.charges, [
    { ListCost: '2.16', ResourceId: 'Cluster0', HostProviderName: 'Google Cloud' },
    { BilledCost: '1.62', ContractedUnitPrice: '0.0675', ListCost: '2.16', ListUnitPrice: '0.09' },
  ]);
  t.same(brokenInvariants(api.charges), {});
});

const USAGE =
  'account_id,workspace_id,record_id,sku_name,cloud,usage_start_time,usage_end_time,usage_date,custom_tags,usage_unit,usage_quantity,usage_metadata,record_type,billing_origin_product';
const USED =
  'a1,w1,r1,PREMIUM_JOBS_COMPUTE,AZURE,2026-09-01T10:00:00.000Z,2026-09-01T11:00:00.000Z,2026-09-01,"{""team"":""web""}",DBU,2.5,"{""job_id"":""j1"",""cluster_id"":""c1""}"';

t.test('usage of Databricks with prices', async (t) => {
  const rows = [
    `${USAGE},list_price,currency_code`,
    `${USED},ORIGINAL,JOBS,0.35,USD`,
    `${USED.replace('2.5', '-2.5')},RETRACTION,JOBS,0.35,USD`,
    `${USED.replace('r1', 'r2')},RESTATEMENT,JOBS,0.35,USD`,
  ];
  const found = await read(lines(...rows));
  t.match(found, {
    mapping: 'databricks-usage',
    exported: { EffectiveCost: '0.875' },
    repairs: { billed_at_list_price: 3 },
  });
  t.match(found.charges, [
    {
      BilledCost: '0.875',
      HostProviderName: 'Microsoft',
      ListUnitPrice: '0.35',
      ResourceId: 'j1',
      ResourceType: 'Job',
      ServiceName: 'Databricks Jobs',
      SubAccountId: 'w1',
      Tags: '{"team":"web"}',
    },
    { BilledCost: '-0.875', ChargeClass: 'Correction' },
    { BilledCost: '0.875', ChargeClass: 'Correction' },
  ]);
  t.same(brokenInvariants(found.charges), {});
  const estimated = await read(lines(...rows), { list_prices: 'estimated' });
  t.match(estimated.charges[0], {
    BilledCost: '0',
    EffectiveCost: '0.875',
    x_CostSource: 'estimated',
  });
  const struct = await read(
    lines(
      `${USAGE},pricing,account_price`,
      `${USED},ORIGINAL,JOBS,"{""default"":0.5,""effective_list"":{""default"":0.4}}",0.3`,
    ),
  );
  t.match(struct.charges[0], { BilledCost: '0.75', ListCost: '1', ContractedUnitPrice: '0.3' });
  await t.rejects(read(lines(USAGE, `${USED},ORIGINAL,JOBS`)), /list_prices p ON/);
});

t.test('usage of Snowflake in currency', async (t) => {
  const found = await read(
    lines(
      'ORGANIZATION_NAME,CONTRACT_NUMBER,ACCOUNT_NAME,ACCOUNT_LOCATOR,REGION,SERVICE_LEVEL,USAGE_DATE,USAGE_TYPE,CURRENCY,USAGE,USAGE_IN_CURRENCY,BALANCE_SOURCE,BILLING_TYPE,RATING_TYPE,SERVICE_TYPE,IS_ADJUSTMENT',
      'ACME,77,PROD,XY12,PUBLIC.AWS_EU_CENTRAL_1,Enterprise,2026-09-01,compute,USD,1.25,3.75,capacity,consumption,compute,WAREHOUSE_METERING,false',
      'ACME,77,PROD,XY12,AWS_EU_CENTRAL_1,Enterprise,2026-09-01,compute,USD,-0.25,-0.75,capacity,consumption,compute,WAREHOUSE_METERING,true',
      'ACME,77,PROD,XY12,AWS_EU_CENTRAL_1,Enterprise,2026-09-01,rebate,USD,0,-0.1,rebate,rebate,rebate,,false',
      'ACME,77,PROD,XY12,AWS_EU_CENTRAL_1,Enterprise,2026-09-01,storage,USD,0.5,0.4,capacity,consumption,storage,STORAGE,false',
    ),
  );
  t.match(found, { mapping: 'snowflake-usage', exported: { BilledCost: '3.3' }, rejected: {} });
  t.match(found.charges, [
    { ContractedUnitPrice: '3', HostProviderName: 'AWS', PricingUnit: 'Credits' },
    { ChargeCategory: 'Adjustment' },
    { ChargeCategory: 'Credit' },
    { PricingUnit: 'TB', RegionId: 'aws-eu-central-1' },
  ]);
  t.same(brokenInvariants(found.charges), {});
});

t.test('costs of Confluent Cloud', async (t) => {
  const found = await read(
    '{"api_version":"billing/v1","kind":"CostList","data":[{"id":"c1","start_date":"2026-09-01","end_date":"2026-09-02","granularity":"DAILY","product":"SCHEMA_REGISTRY","line_type":"SCHEMA_REGISTRY","price":0.002,"unit":"Schema-hour","quantity":300,"original_amount":0.6,"discount_amount":0.05,"amount":0.55,"resource":{"id":"lsrc-1","display_name":"prod","environment":{"id":"env-1"}}}]}',
  );
  t.match(found, { mapping: 'confluent-costs', exported: { BilledCost: '0.55' }, rejected: {} });
  t.match(found.charges[0], {
    ChargePeriodEnd: '2026-09-02T00:00:00Z',
    ListCost: '0.6',
    ResourceName: 'prod',
    ServiceName: 'Confluent Schema Registry',
    SubAccountId: 'env-1',
  });
  t.same(brokenInvariants(found.charges), {});
});

t.test('an invoice of DigitalOcean', async (t) => {
  const found = await read(
    lines(
      'product,group_description,description,hours,start,end,USD,project_name,category',
      'Droplets,web,web-1 (s-1vcpu-1gb),720,2026-09-01 00:00:00 +0000,2026-09-30 23:59:59 +0000,$5.00,shop,iaas',
      'Taxes,,VAT (19%),,2026-09-01 00:00:00 +0000,2026-09-30 23:59:59 +0000,$0.95,,iaas',
      'Product usage credit,,Credit,,2026-09-01 00:00:00 +0000,2026-09-30 23:59:59 +0000,-$1.00,,iaas',
    ),
  );
  t.match(found, { mapping: 'digitalocean-invoice', exported: { BilledCost: '4.95' } });
  t.match(found.charges, [
    { ChargePeriodEnd: '2026-10-01T00:00:00Z', ServiceCategory: 'Compute', SubAccountId: 'shop' },
    { ChargeCategory: 'Tax', SkuId: undefined },
    { ChargeCategory: 'Credit' },
  ]);
  t.same(brokenInvariants(found.charges), {});
});

t.test('daily csv files of Google from before 2021', async (t) => {
  const found = await read(
    lines(
      'Account ID,Line Item,Start Time,End Time,Project,Measurement1,Measurement1 Total Consumption,Measurement1 Units,Credit1,Credit1 Amount,Credit1 Currency,Cost,Currency,Project Number,Project ID,Project Name,Project Labels,Description',
      '01A,com.google.cloud/services/compute-engine/VmN1,2020-09-01T00:00:00-07:00,2020-09-02T00:00:00-07:00,123,m,86400,seconds,Sustained,-0.14,USD,1.14,USD,123,shop-1,Shop,"env:prod,team:web",N1 running',
      '01A,com.google.cloud/services/cloud-storage/Storage,2020-09-01T00:00:00-07:00,2020-09-02T00:00:00-07:00,123,m,5,byte-seconds,,,,0.000001,USD,123,shop-1,Shop,,Storage',
    ),
  );
  t.match(found, {
    mapping: 'gcp-csv',
    exported: { BilledCost: '1.000001' },
    rejected: {},
  });
  t.match(found.charges, [
    {
      ChargePeriodStart: '2020-09-01T07:00:00Z',
      ListCost: '1.14',
      ServiceCategory: 'Compute',
      ServiceName: 'Compute Engine',
      SubAccountId: 'shop-1',
      Tags: '{"project/env":"prod","project/team":"web"}',
    },
    { ServiceName: 'Cloud Storage', ServiceCategory: 'Storage' },
  ]);
  t.same(brokenInvariants(found.charges), {});
});

t.test("usage as Azure's command line lists it", async (t) => {
  const found = await read(
    '{"data":[{"additionalInfo":null,"billingPeriodId":"/b/202609","consumedService":"Microsoft.Compute","currency":"EUR","instanceId":"/subscriptions/0a1b/resourceGroups/web/providers/Microsoft.Compute/virtualMachines/vm1","instanceLocation":"westeurope","instanceName":"vm1","meterId":"m1","pretaxCost":"1.25","product":"D2","subscriptionGuid":"0a1b","subscriptionName":"Shop","tags":{"team":"web"},"usageEnd":"2026-09-03T23:59:59Z","usageQuantity":"12","usageStart":"2026-09-03T00:00:00Z"}]}',
  );
  t.match(found, { mapping: 'azure-cost', exported: { BilledCost: '1.25' }, rejected: {} });
  t.match(found.charges[0], {
    ChargePeriodStart: '2026-09-03T00:00:00Z',
    RegionId: 'westeurope',
    SubAccountId: '0a1b',
    Tags: '{"team":"web"}',
  });
});

t.test('an enterprise export of old has the subscription beside a number', async (t) => {
  const found = await read(
    lines(
      'Daily usage details',
      '',
      'AccountOwnerId,Account Name,SubscriptionId,SubscriptionGuid,Subscription Name,Date,Month,Day,Year,Product,Meter ID,Meter Category,Meter Sub-Category,Meter Name,Consumed Quantity,ResourceRate,ExtendedCost,Resource Location,Consumed Service,Instance ID,AdditionalInfo,Tags,Department Name,Cost Center,Unit Of Measure,Resource Group',
      'a@example.com,Team,4711,0a1b,Shop,09/03/2026,9,3,2026,D2,m1,Virtual Machines,Dv3 Series,D2 v3,24,0.117,2.808,uswest,Microsoft.Compute,,,,Dept,CC1,1 Hour,web',
    ),
    { currency: 'USD' },
  );
  t.match(found, { mapping: 'azure-cost', exported: { BilledCost: '2.808' } });
  t.match(found.charges[0], { SubAccountId: '0a1b', x_SkuMeterSubcategory: 'Dv3 Series' });
});

t.test('tables that are no bills say what to read instead', async (t) => {
  const cases = [
    [
      'Date,Product,SKU,Quantity,Unit Type,Price Per Unit ($),Multiplier,Owner,Repository Slug',
      /before 2025/,
    ],
    [
      'ReservationId,SkuName,UsageDate,ReservedHours,UsedHours,TotalReservedQuantity',
      /hours without costs/,
    ],
    [
      'Usage Date,Meter Category,Meter Id,Meter Name,Consumed Quantity,Resource Group',
      /usage without costs/,
    ],
    [
      'Service description,Service ID,SKU description,SKU ID,Usage amount,Usage unit,Cost (€),Savings programs (€),Unrounded subtotal (€),Subtotal (€)',
      /reports of Google's console/,
    ],
    ['ResourceId,ServiceName,Meter,CostUSD,Cost,Currency', /cost analysis/],
    ['a,b,c,d,e', /A mapping of your own/],
  ] as const;
  for (const [header, words] of cases) await t.rejects(read(lines(header, '1,2,3,4,5')), words);
});
