import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type EventOutlet, type LogEvent, Unavailable } from '../../../pipelines/plugin/index.ts';
import catalog from '../../../plugins/extensions/catalog/index.ts';
import {
  knownLists,
  nameHistory,
  priceHistory,
} from '../../../plugins/extensions/catalog/store/look.ts';
import { readCatalog } from '../../../plugins/extensions/catalog/store/open.ts';
import {
  checkedSettings,
  inspection,
  type Line,
  turnedClock,
  worldOf,
} from '../../helpers/plugin-world.ts';

const AGENT = {
  version: '1.2.3',
  ready: () => true,
  health: () => [],
  inspect: () => inspection(),
};
const TESTDATA = new URL('../../../plugins/extensions/catalog/testdata/', import.meta.url);

interface Ran {
  readonly lines: readonly Line[];
  /** Log records for the exporters. */
  readonly sent: readonly LogEvent[];
  /** The prices of a SKU: tier, price, from, to. */
  history(sku: string): readonly string[];
  names(sku: string): readonly string[];
  lists(): readonly string[];
}

/** Reads every list once with these settings. */
async function run(
  t: Test,
  folder: string,
  settings: object,
  { now = Date.UTC(2026, 9, 1), events }: { now?: number; events?: EventOutlet } = {},
): Promise<Ran> {
  const clock = turnedClock();
  clock.set(now);
  const config = await checkedSettings(catalog, { built_in: false, ...settings });
  const world = worldOf(config, { id: 'catalog', clock, once: true, folder });
  t.teardown(() => world.close());
  const opened = await catalog.open({ ...world, ...(events && { events }) }, AGENT);
  await opened.close();
  const sent = world.sent.flatMap((batch) => batch.events);
  return { lines: world.lines, sent, ...looking(t, folder) };
}

function looking(t: Test, folder: string): Omit<Ran, 'lines' | 'sent'> {
  const database = readCatalog(folder);
  if (database === undefined) throw new Error('there is no catalog');
  t.teardown(() => database.close());
  const day = (ms: number | null) => (ms === null ? '' : new Date(ms).toISOString().slice(0, 10));
  return {
    history: (sku) =>
      priceHistory(database, sku).map(
        ({ region, tier_start, price, valid_from, valid_to }) =>
          `${region} ${tier_start} ${price} ${day(valid_from)}..${day(valid_to)}`,
      ),
    names: (sku) =>
      nameHistory(database, sku).map(
        ({ name, valid_from, valid_to }) => `${name} ${day(valid_from)}..${day(valid_to)}`,
      ),
    lists: () => knownLists(database).map(({ id, prices }) => `${id} ${prices}`),
  };
}

const events = ({ lines }: Pick<Ran, 'lines'>) =>
  lines.filter(({ message }) => message === 'price changed').map(({ fields }) => fields);
const errors = ({ lines }: Ran) =>
  lines.filter(({ level }) => level === 'error').map(({ fields }) => String(fields.reason));

const OWN = 'provider,sku,region,unit,tier_start,price,currency,valid_from,valid_to\n';

/** A file of one's own with these prices of `vm`. */
function own(path: string, ...rows: readonly string[]): void {
  writeFileSync(path, OWN + rows.map((row) => `Acme,vm,eu,Hours,${row}\n`).join(''));
}

t.test('a changed price closes the old row and opens a new one, told exactly once', async (t) => {
  const folder = t.testdir();
  const path = join(folder, 'rates.csv');
  own(path, '0,0.10,EUR,2026-01-01,');
  const first = await run(t, folder, { files: [path] });
  t.strictSame(first.history('vm'), ['eu 0 0.1 2026-01-01..']);
  t.strictSame(events(first), [], 'what is new did not change');

  own(path, '0,0.12,EUR,2026-09-01,');
  const second = await run(t, folder, { files: [path] });
  t.strictSame(second.history('vm'), ['eu 0 0.1 2026-01-01..2026-09-01', 'eu 0 0.12 2026-09-01..']);
  t.match(events(second), [
    {
      event: 'finops.sku.price_changed',
      provider: 'Acme',
      sku: 'vm',
      region: 'eu',
      currency: 'EUR',
      old: '0.1',
      new: '0.12',
      percent: '20',
      valid_from: '2026-09-01T00:00:00.000Z',
    },
  ]);

  t.match(second.sent, [
    {
      name: 'finops.sku.price_changed',
      timeMs: Date.UTC(2026, 9, 1),
      attributes: {
        'focus.service_provider_name': 'Acme',
        'focus.sku_id': 'vm',
        'focus.region_id': 'eu',
        'focus.pricing_currency': 'EUR',
        'finops.price.old': 0.1,
        'finops.price.new': 0.12,
        'finops.price.change_percent': 20,
        'finops.price.valid_from': '2026-09-01T00:00:00.000Z',
      },
    },
  ]);

  const again = await run(t, folder, { files: [path] });
  t.strictSame(events(again), [], 'after a restart nothing is told again');
  t.strictSame(again.sent, []);
  own(path, '0,0.120,EUR,2026-09-01,');
  t.strictSame(events(await run(t, folder, { files: [path] })), [], 'nor when only zeros differ');
});

t.test('exporters that cannot take a change are told again, the log is not', async (t) => {
  const folder = t.testdir();
  const path = join(folder, 'rates.csv');
  own(path, '0,0,EUR,2026-01-01,');
  await run(t, folder, { files: [path] });
  own(path, '0,0.12,EUR,2026-09-01,');
  const down: EventOutlet = { send: async () => Promise.reject(new Unavailable('down')) };
  const failed = await run(t, folder, { files: [path] }, { events: down });
  t.match(events(failed), [{ old: '0', new: '0.12', percent: null }]);
  t.match(failed.lines, [{}, {}, { level: 'warn', fields: { reason: 'down' } }]);
  const later = await run(t, folder, { files: [path] });
  t.strictSame(events(later), []);
  t.match(later.sent, [{ attributes: { 'finops.price.old': 0, 'finops.price.new': 0.12 } }]);
  t.strictSame((await run(t, folder, { files: [path] })).sent, []);
});

t.test('prices are exact: twenty digits and more', async (t) => {
  const folder = t.testdir();
  const path = join(folder, 'rates.csv');
  own(path, '0,0.12345678901234567891,EUR,2026-01-01,', '1000,1e-25,EUR,2026-01-01,');
  const { history } = await run(t, folder, { files: [path] });
  t.strictSame(history('vm'), [
    'eu 0 0.12345678901234567891 2026-01-01..',
    'eu 1000 0.0000000000000000000000001 2026-01-01..',
  ]);
});

t.test('what is no longer listed ends; what comes back goes on', async (t) => {
  const folder = t.testdir();
  const path = join(folder, 'rates.csv');
  own(path, '0,0.10,EUR,2026-01-01,', '500,0.08,EUR,2026-01-01,');
  await run(t, folder, { files: [path] });
  own(path, '0,0.10,EUR,2026-01-01,');
  const gone = await run(t, folder, { files: [path] }, { now: Date.UTC(2026, 10, 5) });
  t.strictSame(gone.history('vm'), ['eu 0 0.1 2026-01-01..', 'eu 500 0.08 2026-01-01..2026-11-05']);
  own(path, '0,0.10,EUR,2026-01-01,', '500,0.07,EUR,2026-12-01,');
  const back = await run(t, folder, { files: [path] }, { now: Date.UTC(2026, 11, 5) });
  t.strictSame(back.history('vm'), [
    'eu 0 0.1 2026-01-01..',
    'eu 500 0.08 2026-01-01..2026-11-05',
    'eu 500 0.07 2026-12-01..',
  ]);
});

t.test('a price may end, and begin in the future', async (t) => {
  const folder = t.testdir();
  const path = join(folder, 'rates.csv');
  own(path, '0,1,EUR,2026-01-01,2026-03-01', '0,2,EUR,2027-01-01,');
  const rows = ['eu 0 1 2026-01-01..2026-03-01', 'eu 0 2 2027-01-01..'];
  t.strictSame((await run(t, folder, { files: [path] })).history('vm'), rows);
  t.strictSame((await run(t, folder, { files: [path] })).history('vm'), rows);
});

t.test('a hostile file is an error that names the place, and old prices stay', async (t) => {
  const folder = t.testdir();
  const path = join(folder, 'rates.csv');
  own(path, '0,0.10,EUR,2026-01-01,');
  await run(t, folder, { files: [path] });
  const cases: readonly (readonly [string | Uint8Array, RegExp])[] = [
    [`${OWN}Acme,vm,eu,Hours,0,0.12,EUR,2026-09-01,\nAcme,vm,eu,Ho`, /row 3 has 4 cells, not 9/],
    [`${OWN}Acme,vm,eu,Hours,0,"0.12,EUR,2026-09-01,\n`, /ends within quotes/],
    [`${OWN}Acme,vm,eu,Hours,0,a lot,EUR,2026-09-01,\n`, /row 2, price: "a lot" is not a number/],
    [`${OWN}Acme,vm,eu,Hours,0,1e999,EUR,2026-09-01,\n`, /row 2, price: "1e999" is not a number/],
    [`${OWN}Acme,vm,eu,Hours,0,1,EUR,someday,\n`, /row 2, valid_from: "someday" is not a date/],
    [`${OWN}Acme,,eu,Hours,0,1,EUR,2026-09-01,\n`, /row 2, sku: it is empty/],
    ['sku,price\nvm,1\n', /no column provider, currency, valid_from/],
    ['', /it is empty/],
    [new Uint8Array([...new TextEncoder().encode(OWN), 0xff, 0xfe, 10]), /not UTF-8/],
    [`${OWN}${'x'.repeat(1_100_000)}`, /longer than 1000000/],
    ['{"Items": [{"retailPrice": 0.1', /no JSON, or cut off/],
    ['{"hello": 1}', /no AWS price list/],
    ['"FormatVersion","v1.0"\n"Disclaimer","x"\n', /ends before its column names/],
  ];
  for (const [content, reason] of cases) {
    writeFileSync(path, content);
    const ran = await run(t, folder, { files: [path] });
    const [error = ''] = errors(ran);
    t.match(error, reason);
    t.ok(error.startsWith(path), `names the file: ${error.slice(0, 120)}`);
    t.strictSame(ran.history('vm'), ['eu 0 0.1 2026-01-01..']);
  }
});

t.test('a list that lacks most of its prices is refused', async (t) => {
  const folder = t.testdir();
  const path = join(folder, 'rates.csv');
  const rows = Array.from({ length: 300 }, (_, i) => `Acme,vm-${i},eu,Hours,0,1,EUR,2026-01-01,\n`);
  writeFileSync(path, OWN + rows.join(''));
  await run(t, folder, { files: [path] });
  writeFileSync(path, OWN + rows.slice(0, 100).join(''));
  const ran = await run(t, folder, { files: [path] });
  t.match(errors(ran), [/200 of 300 prices are missing in it/]);
  t.strictSame(ran.lists(), [`file:${path} 300`]);
  const accepted = await run(t, folder, { files: [path], max_loss: 100 });
  t.strictSame(accepted.lists(), [`file:${path} 100`]);
});

const golden = (name: string) => new URL(name, TESTDATA).pathname;

t.test('files of AWS, Azure and Google are known by what is in them', async (t) => {
  const folder = t.testdir();
  const files = ['aws.csv', 'aws.json', 'azure.json', 'google.json'].map(golden);
  const ran = await run(t, folder, { files });
  t.strictSame(errors(ran), []);
  t.strictSame(ran.lists(), [
    `file:${golden('aws.csv')} 5`,
    `file:${golden('aws.json')} 3`,
    `file:${golden('azure.json')} 4`,
    `file:${golden('google.json')} 6`,
  ]);
  t.strictSame(ran.history('TG3M4CAGBA3NYQBH'), [
    'us-east-1 0 0.0000166667 2026-09-01..',
    'us-east-1 6000000000 0.000015 2026-09-01..',
    'us-east-1 15000000000 0.0000133334 2026-09-01..',
  ]);
  t.strictSame(ran.names('TG3M4CAGBA3NYQBH').slice(0, 1), ['Lambda-GB-Second 2026-09-01..']);
  t.strictSame(ran.history('AZ0FUNCTIONS/0001'), [
    'westeurope 0 0 2026-01-01..',
    'westeurope 100000 0.0000160000000000000001 2026-01-01..2026-06-01',
    'westeurope 100000 0.000017 2026-06-01..',
  ]);
  t.strictSame(ran.history('AAAA-BBBB-0001'), [
    'europe-west1 0 0 2026-08-31..',
    'europe-west1 5 1234.000000012 2026-08-31..',
    'us-central1 0 0 2026-08-31..',
    'us-central1 5 1234.000000012 2026-08-31..',
  ]);
});

t.test('only prices of the regions that were asked for', async (t) => {
  const folder = t.testdir();
  const settings = { files: [golden('google.json')], google: { regions: ['us-central1'] } };
  const { history } = await run(t, folder, settings);
  t.strictSame(history('AAAA-BBBB-0001'), [
    'us-central1 0 0 2026-08-31..',
    'us-central1 5 1234.000000012 2026-08-31..',
  ]);
  const more = { ...settings, google: { regions: ['us-central1', 'europe-west1'] } };
  t.equal((await run(t, folder, more)).history('AAAA-BBBB-0001').length, 4, 'read anew for others');
});

t.test('a SKU with another name is a rename', async (t) => {
  const folder = t.testdir();
  const path = join(folder, 'azure.json');
  const text = readFileSync(golden('azure.json'), 'utf8');
  writeFileSync(path, text);
  await run(t, folder, { files: [path] });
  writeFileSync(path, text.replaceAll('Standard Execution Time', 'Execution Time'));
  const { names, lines } = await run(t, folder, { files: [path] }, { now: Date.UTC(2026, 9, 20) });
  t.strictSame(names('AZ0FUNCTIONS/0001'), [
    'Standard Execution Time 2026-01-01..2026-10-20',
    'Execution Time 2026-10-20..',
  ]);
  t.match(lines, [{ message: 'price list taken', fields: { renamed: { Microsoft: 1 } } }]);
});

interface Pages {
  readonly url: string;
  readonly asked: readonly IncomingMessage[];
  set(path: string, answer: string | number): void;
}

/** A server that answers paths with texts or statuses. */
async function serve(t: Test): Promise<Pages> {
  const answers = new Map<string, string | number>();
  const asked: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    asked.push(request);
    const answer = answers.get(request.url ?? '') ?? 404;
    response.statusCode = typeof answer === 'number' ? answer : 200;
    response.end(typeof answer === 'number' ? '' : answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  return { url, asked, set: (path, answer) => void answers.set(path, answer) };
}

t.test(
  'AWS: from the index to the file of a region, and only when there is a new one',
  async (t) => {
    const folder = t.testdir();
    const { url, set, asked } = await serve(t);
    const at = (version: string) => `/offers/v1.0/aws/AWSLambda/${version}/us-east-1/index`;
    const region = (version: string) =>
      set(
        '/offers/v1.0/aws/AWSLambda/current/region_index.json',
        JSON.stringify({ regions: { 'us-east-1': { currentVersionUrl: `${at(version)}.json` } } }),
      );
    set(
      '/offers/v1.0/aws/index.json',
      JSON.stringify({
        offers: {
          AWSLambda: {
            currentRegionIndexUrl: '/offers/v1.0/aws/AWSLambda/current/region_index.json',
          },
        },
      }),
    );
    region('20260919');
    const file = readFileSync(golden('aws.csv'), 'utf8');
    set(`${at('20260919')}.csv`, file);
    const aws = { services: ['AWSLambda'], regions: ['us-east-1'], endpoint: url };
    t.strictSame((await run(t, folder, { aws })).lists(), ['aws:AWSLambda:us-east-1 5']);
    await run(t, folder, { aws });
    t.equal(asked.filter(({ url }) => url?.endsWith('.csv')).length, 1, 'the same version is left');

    set(
      `${at('20261001')}.csv`,
      file.replaceAll('0.0000166667', '0.00002').replaceAll('2026-09-01', '2026-10-01'),
    );
    region('20261001');
    const moved = await run(t, folder, { aws });
    t.match(events(moved), [{ old: '0.0000166667', new: '0.00002', percent: '20' }]);

    region('20261002');
    const missing = await run(t, folder, { aws });
    t.match(errors(missing), [/20261002\/us-east-1\/index.csv: status 404/]);
    t.strictSame(missing.lists(), ['aws:AWSLambda:us-east-1 5']);

    const elsewhere = JSON.stringify({
      regions: { 'us-east-1': { currentVersionUrl: 'http://169.254.169.254/x.json' } },
    });
    set('/offers/v1.0/aws/AWSLambda/current/region_index.json', elsewhere);
    t.match(errors(await run(t, folder, { aws })), [/names a page elsewhere/]);
  },
);

t.test('Azure: page after page', async (t) => {
  const folder = t.testdir();
  const { url, set, asked } = await serve(t);
  const page = JSON.parse(readFileSync(golden('azure.json'), 'utf8'));
  const query =
    '?api-version=2023-01-01-preview&currencyCode=%27USD%27&%24filter=serviceName+eq+%27Functions%27+and+armRegionName+eq+%27westeurope%27+and+priceType+eq+%27Consumption%27';
  const [first, ...others] = page.Items;
  set(`/prices${query}`, JSON.stringify({ Items: [first], NextPageLink: `${url}/prices?$skip=1` }));
  set('/prices?$skip=1', JSON.stringify({ Items: others, NextPageLink: null }));
  const azure = { services: ['Functions'], regions: ['westeurope'], endpoint: `${url}/prices` };
  const whole = await run(t, folder, { azure });
  t.strictSame(errors(whole), []);
  t.strictSame(whole.lists(), ['azure:Functions:westeurope:USD 4']);
  t.equal(asked.length, 2);

  set('/prices?$skip=1', 503);
  const cut = await run(t, folder, { azure });
  t.match(errors(cut), [/status 503/]);
  t.strictSame(cut.lists(), ['azure:Functions:westeurope:USD 4'], 'half a list is no list');

  const away = { Items: [], NextPageLink: 'http://169.254.169.254/latest' };
  set('/prices?$skip=1', JSON.stringify(away));
  t.match(errors(await run(t, folder, { azure })), [/names a page elsewhere/]);
});

t.test('Google: page after page, the key in a header', async (t) => {
  const folder = t.testdir();
  const { url, set, asked } = await serve(t);
  const { skus } = JSON.parse(readFileSync(golden('google.json'), 'utf8'));
  const path = '/v1/services/152E-C115-5142/skus?pageSize=5000&currencyCode=USD';
  set(path, JSON.stringify({ skus: skus.slice(0, 1), nextPageToken: 'next' }));
  set(`${path}&pageToken=next`, JSON.stringify({ skus: skus.slice(1), nextPageToken: '' }));
  const google = { services: ['152E-C115-5142'], api_key: 'k-1', endpoint: url };
  const ran = await run(t, folder, { google });
  t.strictSame(errors(ran), []);
  t.strictSame(ran.lists(), ['google:152E-C115-5142:USD 6']);
  t.strictSame(
    asked.map(({ headers }) => headers['x-goog-api-key']),
    ['k-1', 'k-1'],
  );
  set(path, 403);
  t.match(errors(await run(t, folder, { google })), [/status 403/]);
});

t.test('what cannot be read as it is set is said before anything starts', async (t) => {
  const folder = t.testdir();
  await t.rejects(run(t, folder, { aws: { services: ['AmazonEC2'] } }), {
    name: 'Misconfigured',
    path: 'extensions.catalog.aws.regions',
  });
  await t.rejects(run(t, folder, { google: { services: ['x'] } }), {
    name: 'Misconfigured',
    path: 'extensions.catalog.google.api_key',
  });
});

t.test('a damaged catalog is named', async (t) => {
  const folder = t.testdir({ 'catalog.sqlite': 'no database, but long enough to look like one' });
  await t.rejects(run(t, folder, {}), { name: 'Misconfigured', message: /catalog\.sqlite/ });
});

t.test('the public prices that ship with it', async (t) => {
  const { history } = await run(t, t.testdir(), { built_in: true });
  t.strictSame(history('actions_linux'), [
    ' 0 0.008 2025-01-01..2026-01-01',
    ' 0 0.006 2026-01-01..',
  ]);
});

t.test('lists are read again after a while, until it is closed', async (t) => {
  const folder = t.testdir();
  const path = join(folder, 'rates.csv');
  own(path, '0,0.10,EUR,2026-01-01,');
  const config = await checkedSettings(catalog, { built_in: false, files: [path], refresh: '1h' });
  let rounds = 0;
  let done: () => void = () => {};
  const enough = new Promise<void>((resolve) => {
    done = resolve;
  });
  const clock = turnedClock(() => {
    rounds += 1;
    if (rounds === 1) own(path, '0,0.2,EUR,2026-02-01,');
    if (rounds === 5) done();
  });
  const world = worldOf(config, { id: 'catalog', clock, folder });
  t.teardown(() => world.close());
  const opened = await catalog.open(world, AGENT);
  await enough;
  await opened.close();
  t.ok(
    clock.slept.every((ms) => ms >= 54 * 60_000 && ms <= 66 * 60_000),
    'an hour, more or less',
  );
  t.equal(events(world).length, 1);
});
