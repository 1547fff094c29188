/** What an hour of a machine costs: by the price lists, and by what bills charged for it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import t, { type Test } from 'tap';
import type {
  LinkedDelivery,
  Linker,
  PriceBook,
  ResourceCost,
} from '../../../pipelines/plugin/index.ts';
import catalog from '../../../plugins/extensions/catalog/index.ts';
import { checkedSettings, inspection, turnedClock, worldOf } from '../../helpers/plugin-world.ts';

const AGENT = { version: '1', ready: () => true, health: () => [], inspect: () => inspection() };
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOW = Date.parse('2026-09-17T12:00:00Z');

/** A catalog that has read these files, as the receivers and bills see it. */
async function opened(t: Test, folder: string, files: Readonly<Record<string, string>> = {}) {
  const paths = Object.entries(files).map(([name, text]) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  });
  const clock = turnedClock();
  clock.set(NOW);
  const config = await checkedSettings(catalog, { built_in: false, files: paths });
  const world = worldOf(config, { id: 'catalog', clock, once: true, folder });
  t.teardown(() => world.close());
  const { prices, linker, close } = await catalog.open(world, AGENT);
  if (prices === undefined || linker === undefined) throw new Error('it knows no prices');
  return { prices, linker, close, lines: world.lines, clock };
}

const EC2_HEAD = [
  '"FormatVersion","v1.0"',
  '"Disclaimer","Written for tests"',
  '"Publication Date","2026-09-01T00:00:00Z"',
  '"Version","1"',
  '"OfferCode","AmazonEC2"',
  'SKU,RateCode,TermType,EffectiveDate,StartingRange,Unit,PricePerUnit,Currency,Region Code,usageType,Instance Type,Operating System,Tenancy,Pre Installed S/W,CapacityStatus,License Model',
];

function ec2(sku: string, price: string, of: string): string {
  return `${sku},${sku}.A.B,OnDemand,2026-09-01,0,Hrs,${price},USD,eu-west-1,EU-BoxUsage:m5.xlarge,m5.xlarge,${of}`;
}

const EC2 = [
  ...EC2_HEAD,
  ec2('LINUX', '0.214', 'Linux,Shared,NA,Used,No License required'),
  ec2('SQL', '0.9', 'Linux,Shared,SQL Std,Used,No License required'),
  ec2('HOST', '0.3', 'Linux,Dedicated,NA,Used,No License required'),
  ec2('UNUSED', '0.213', 'Linux,Shared,NA,UnusedCapacityReservation,No License required'),
  ec2('RHEL', '0.25', 'RHEL,Shared,NA,Used,No License required'),
  ec2('WINDOWS', '0.398', 'Windows,Shared,NA,Used,No License required'),
  ec2('BYOL', '0.2139', 'Windows,Shared,NA,Used,Bring your own license'),
].join('\n');

const machine = (prices: PriceBook, name: string, of: object = {}) =>
  prices.machine({
    ...{ provider: 'AWS', machine: name, region: 'eu-west-1', currency: 'USD', atMs: NOW },
    ...of,
  });

t.test('machines of the price list files of AWS, without what is sold beside them', async (t) => {
  const { prices, close } = await opened(t, t.testdir(), { 'ec2.csv': `${EC2}\n` });
  t.match(machine(prices, 'm5.xlarge'), { hourly: '0.214', source: /^catalog: file:.*LINUX$/ });
  t.match(machine(prices, 'm5.xlarge/windows'), { hourly: '0.398', source: /WINDOWS$/ });
  t.equal(machine(prices, 'm5.xlarge/spot'), undefined);
  t.equal(machine(prices, 'm5.xlarge', { region: 'us-east-1' }), undefined);
  t.equal(machine(prices, 'm5.xlarge', { currency: 'EUR' }), undefined);
  t.equal(machine(prices, 'm5.xlarge', { provider: 'Acme' }), undefined);
  t.equal(machine(prices, 'm5.xlarge', { atMs: Date.UTC(2026, 7, 1) }), undefined, 'not yet');
  await close();
  t.equal(machine(prices, 'm5.xlarge'), undefined, 'closed');
});

t.test('the same in JSON, machines of Azure, and prices of one’s own', async (t) => {
  const json = {
    formatVersion: 'v1.0',
    publicationDate: '2026-09-01T00:00:00Z',
    products: {
      L: {
        attributes: {
          regionCode: 'eu-west-1',
          instanceType: 'c7g.large',
          operatingSystem: 'Linux',
          tenancy: 'Shared',
          preInstalledSw: 'NA',
          capacitystatus: 'Used',
          licenseModel: 'No License required',
        },
      },
    },
    terms: {
      OnDemand: {
        L: {
          'L.A': {
            effectiveDate: '2026-09-01T00:00:00Z',
            priceDimensions: {
              'L.A.B': {
                rateCode: 'L.A.B',
                unit: 'Hrs',
                beginRange: '0',
                pricePerUnit: { USD: '0.0790' },
              },
            },
          },
        },
      },
    },
  };
  const azure = (skuName: string, productName: string, retailPrice: number) => ({
    ...{
      currencyCode: 'USD',
      tierMinimumUnits: 0,
      armRegionName: 'westeurope',
      type: 'Consumption',
    },
    ...{
      effectiveStartDate: '2026-01-01T00:00:00Z',
      meterId: `m-${skuName}-${productName}`,
      meterName: 'D4s v3',
    },
    ...{ serviceName: 'Virtual Machines', unitOfMeasure: '1 Hour', armSkuName: 'Standard_D4s_v3' },
    ...{ skuId: `D/${skuName}/${productName}`, skuName, productName, retailPrice },
  });
  const linux = 'Virtual Machines Dsv3 Series';
  const page = {
    Items: [
      azure('D4s v3', linux, 0.24),
      azure('D4s v3 Spot', linux, 0.05),
      azure('D4s v3 Low Priority', linux, 0.048),
      azure('D4s v3', `${linux} Windows`, 0.424),
    ],
  };
  const own = [
    'provider,sku,price,currency,valid_from,per,region',
    'AWS,c7g.large,0.06,USD,2026-09-01,1,',
    'AWS,c7g.large/spot,2,USD,2026-09-01,100,',
  ];
  const { prices, close } = await opened(t, t.testdir(), {
    'ec2.json': JSON.stringify(json),
    'azure.json': JSON.stringify(page),
    'own.csv': `${own.join('\n')}\n`,
  });
  const there = { provider: 'Microsoft', region: 'westeurope' };
  t.equal(machine(prices, 'Standard_D4s_v3', there)?.hourly, '0.24');
  t.equal(machine(prices, 'Standard_D4s_v3/spot', there)?.hourly, '0.05');
  t.equal(machine(prices, 'Standard_D4s_v3/windows', there)?.hourly, '0.424');
  t.equal(machine(prices, 'c7g.large')?.hourly, '0.079', 'of the region before everywhere');
  t.equal(machine(prices, 'c7g.large', { region: 'us-east-1' })?.hourly, '0.06');
  t.equal(machine(prices, 'c7g.large/spot')?.hourly, '0.02', 'two dollars are for a hundred');
  await close();
});

t.test('machines of Google are made of cores and memory', async (t) => {
  const { prices, close } = await opened(t, t.testdir(), {
    'google.json': google([
      ['E2-C', 'E2 Instance Core running in Americas', 'h', 21_811_590],
      ['E2-R', 'E2 Instance Ram running in Americas', 'GiBy.h', 2_923_530],
      ['N1-C', 'N1 Predefined Instance Core running in Americas', 'h', 31_611_000],
      ['N1-R', 'N1 Predefined Instance Ram running in Americas', 'GiBy.h', 4_237_000],
      ['N1C-C', 'Custom Instance Core running in Americas', 'h', 33_174_000],
      ['N1C-R', 'Custom Instance Ram running in Americas', 'GiBy.h', 4_446_000],
      ['N2D-C', 'N2D AMD Instance Core running in Americas', 'h', 27_502_000],
      ['N2D-R', 'N2D AMD Instance Ram running in Americas', 'GiBy.h', 3_686_000],
      ['N2DC-C', 'N2D AMD Custom Instance Core running in Americas', 'h', 28_877_000],
      ['N2DC-R', 'N2D AMD Custom Instance Ram running in Americas', 'GiBy.h', 3_870_000],
      ['C2-C', 'Compute optimized Core running in Americas', 'h', 33_982_000],
      ['C2-R', 'Compute optimized Ram running in Americas', 'GiBy.h', 4_550_000],
      [
        'S-C',
        'Spot Preemptible E2 Instance Core running in Americas',
        'h',
        8_000_000,
        'Preemptible',
      ],
      [
        'S-R',
        'Spot Preemptible E2 Instance Ram running in Americas',
        'GiBy.h',
        1_000_000,
        'Preemptible',
      ],
      ['CUD', 'Commitment v1: E2 Cpu in Americas for 1 Year', 'h', 1, 'Commit1Yr'],
      ['SOLE', 'E2 Sole Tenancy Instance Core running in Americas', 'h', 2],
      ['T2A', 'T2A Arm Instance Core running in Americas', 'h', 3],
      ['ODD', 'C3 Instance Core running in Americas', 'GiBy.h', 4],
    ]),
  });
  const hourly = (name: string) =>
    machine(prices, name, { provider: 'Google Cloud', region: 'us-central1' })?.hourly;
  t.equal(hourly('e2-small'), '0.016752855', 'as in the price table of Google');
  t.equal(hourly('e2-medium'), '0.03350571', 'likewise');
  t.equal(hourly('e2-standard-4'), '0.13402284');
  t.equal(hourly('e2-standard-4/spot'), '0.048');
  t.equal(hourly('n1-highcpu-16'), '0.5667888', 'with 14.4 GiB');
  t.equal(hourly('n2d-highmem-2'), '0.11398');
  t.equal(hourly('n2d-custom-6-20480'), '0.250662');
  t.equal(hourly('custom-2-3840'), '0.0830205');
  t.equal(hourly('c2-standard-8'), '0.417456');
  for (const unknown of [
    't2a-standard-4',
    'c3-standard-4',
    'e2-standard-4/windows',
    'n1-custom-2-3841',
    'n2d-standard-0',
    'a2-highgpu-1g',
    'c3-standard-4-lssd',
    'n2d-custom-6-20480-ext',
    'e2-mega-4',
    'n2d-standard-2/spot',
  ])
    t.equal(hourly(unknown), undefined, unknown);
  t.match(machine(prices, 'e2-medium', { provider: 'Google Cloud', region: 'us-central1' }), {
    source: /^catalog: file:.* E2-C \+ E2-R$/,
  });
  t.equal(machine(prices, 'e2-medium', { provider: 'AWS', region: 'us-central1' }), undefined);
  await close();
});

/** A page of the Cloud Billing Catalog API: id, description, unit, billionths of a dollar, usage type. */
function google(skus: readonly (readonly [string, string, string, number, string?])[]): string {
  return JSON.stringify({
    skus: skus.map(([skuId, description, usageUnit, nanos, usageType = 'OnDemand']) => ({
      skuId,
      description,
      category: { resourceFamily: 'Compute', usageType },
      serviceRegions: ['us-central1', 'us-east1'],
      pricingInfo: [
        {
          pricingExpression: {
            usageUnit,
            tieredRates: [
              { startUsageAmount: 0, unitPrice: { currencyCode: 'USD', units: '0', nanos } },
            ],
          },
          effectiveTime: '2026-09-01T00:00:00Z',
        },
      ],
    })),
    nextPageToken: '',
  });
}

for (const version of [1, 2])
  t.test(
    `a catalog of version ${version} is brought up to date, its lists read again`,
    async (t) => {
      const folder = t.testdir();
      const first = await opened(t, folder, { 'ec2.csv': `${EC2}\n` });
      await first.close();
      const database = new DatabaseSync(join(folder, 'catalog.sqlite'));
      database.exec(version === 1 ? 'DROP TABLE machines' : 'DELETE FROM machines');
      database.exec(`PRAGMA user_version = ${version}`);
      database.close();
      const { prices, close } = await opened(t, folder, { 'ec2.csv': `${EC2}\n` });
      t.equal(machine(prices, 'm5.xlarge')?.hourly, '0.214');
      await close();
    },
  );

const NODE = 'i-0123456789abcdef0';
const SINCE = Date.parse('2026-09-01T00:00:00Z');

function delivery(given: Partial<LinkedDelivery> = {}): LinkedDelivery {
  const rest = { id: 'd1', pipeline: 'costs', receiver: 'aws', observedMs: NOW };
  return { ...rest, scope: '1/2026-09', mode: 'snapshot', ...given };
}

/** A charge of the node that begins on a day of September; a day long unless hours are given. */
function cost(day: number, amount: string, given: Partial<ResourceCost> & { hours?: number } = {}) {
  const { hours = 24, ...rest } = given;
  const startMs = Date.UTC(2026, 8, day);
  return {
    class: 'linkable',
    resourceId: `arn:aws:ec2:eu-west-1:123456789012:instance/${NODE}`,
    ...{ startMs, endMs: startMs + hours * HOUR, currency: 'USD', costSource: null, charges: 1 },
    effectiveCost: amount,
    ...rest,
  } satisfies ResourceCost;
}

async function take(linker: Linker, costs: readonly ResourceCost[], of?: Partial<LinkedDelivery>) {
  const linked = await linker.link(delivery(of), costs);
  t.same([...linked.events], []);
  linked.commit();
}

const hour = (prices: PriceBook, given: object = {}) =>
  prices.billed({ resourceId: NODE, currency: 'USD', sinceMs: SINCE, ...given });

t.test('an hour costs a 24th of the newest day that is settled', async (t) => {
  const folder = t.testdir();
  const first = await opened(t, folder);
  t.equal(first.linker.linkable(), undefined, 'nobody has asked for anything');
  t.equal(hour(first.prices), undefined);
  t.match(first.linker.linkable(), { resources: new Set([NODE]), maxWindowMs: DAY });
  const bill = [
    cost(13, '9.6'),
    cost(14, '4'),
    cost(14, '0.80'),
    cost(14, '100', { costSource: 'estimated' }),
    cost(14, '7', { currency: 'EUR' }),
    cost(14, '50', { resourceId: 'i-0123456789abcdef1' }),
    cost(14, '50', { class: 'no_spans', resourceId: null }),
    cost(15, '2.4'),
    cost(16, '0.1', { hours: 12 }),
  ];
  await take(first.linker, bill);
  t.same(hour(first.prices), { hourly: '0.2', source: 'bill: aws 2026-09-14' });
  t.match(hour(first.prices, { resourceId: NODE.toUpperCase() }), { hourly: '0.2' });
  t.match(
    hour(first.prices, { currency: 'EUR' })?.source,
    undefined,
    'its newest day is not settled',
  );
  const joined = Date.UTC(2026, 8, 14, 5);
  t.equal(hour(first.prices, { sinceMs: joined }), undefined, 'no whole day is settled yet');
  await first.close();
  t.equal(hour(first.prices), undefined, 'closed');

  const next = await opened(t, folder);
  t.match(next.linker.linkable(), { resources: new Set([NODE]) }, 'still looked for');
  t.match(hour(next.prices), { hourly: '0.2' }, 'still known');
  await take(next.linker, [cost(14, '1.2'), cost(15, '1.2'), cost(16, '1.2', { hours: 23 })]);
  t.match(hour(next.prices), { hourly: '0.05' }, 'the new revision counts alone');
  await take(next.linker, [cost(14, '0'), cost(16, '1', { hours: 23 })]);
  t.equal(hour(next.prices), undefined, 'what was given away says nothing of a price');
  next.clock.set(NOW + 4 * DAY);
  await take(next.linker, []);
  t.equal(next.linker.linkable(), undefined, 'nobody asks for it any more');
  await next.close();
});

t.test('deliveries that add up do, also when one is taken again; receivers do not', async (t) => {
  const { prices, linker, close } = await opened(t, t.testdir());
  hour(prices);
  const append = (id: string, costs: readonly ResourceCost[], receiver = 'gcp') =>
    take(linker, costs, { id, receiver, mode: 'append', scope: 'table' });
  await append('a', [cost(14, '2.4')]);
  await append('b', [cost(14, '1.2'), cost(16, '1')]);
  await append('b', [cost(14, '1.2'), cost(16, '1')]);
  t.match(hour(prices), { hourly: '0.15', source: 'bill: gcp 2026-09-14' });
  await append('a', [cost(14, '2.4'), cost(16, '1')], 'the-same-again');
  t.match(hour(prices), { hourly: '0.15' });
  await close();
});

t.test('a bill with too many charges is said', async (t) => {
  const { prices, linker, close, lines } = await opened(t, t.testdir());
  hour(prices);
  await take(linker, [cost(14, '5', { class: 'overflow', resourceId: null })]);
  t.ok(lines.some(({ message }) => message.startsWith('a bill has too many charges')));
  await close();
});
