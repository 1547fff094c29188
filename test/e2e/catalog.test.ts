import { join } from 'node:path';
import t from 'tap';
import { focusd, type Ran } from '../helpers/focusd-process.ts';
import { filesBelow, focusCsv, put, readOnce, worldFolder } from '../helpers/world.ts';

const HEADER = 'provider,sku,price,currency,valid_from,name\n';

t.test('the catalog is looked into from the command line', async (t) => {
  const folder = worldFolder(t, {
    more: 'extensions: { catalog: { files: [./rates.csv], built_in: false } }',
    extensions: 'catalog',
    exporters: { 'file/otlp': '{ folder: ./out, format: otlp-json }' },
  });
  const run = (...args: string[]): Promise<Ran> =>
    focusd(t, ['catalog', ...args, '-c', 'focusd.yaml'], { cwd: folder });
  t.match(await run('list'), { code: 2, stderr: /there is no price catalog/ });

  put(folder, 'rates.csv', `${HEADER}Acme,vm,0.10,EUR,2026-01-01,Small machine\n`);
  await readOnce(t, folder);
  put(folder, 'rates.csv', `${HEADER}Acme,vm,0.12,EUR,2026-02-01,Small \u001b[31mmachine\n`);
  const { logs } = await readOnce(t, folder);
  t.match(
    logs.filter(({ message }) => message === 'price changed'),
    [{ event: 'finops.sku.price_changed', sku: 'vm', old: '0.1', new: '0.12', percent: '20' }],
  );

  const sent = Object.entries(filesBelow(join(folder, 'out'))).filter(([path]) =>
    path.includes('price-changes'),
  );
  t.equal(sent.length, 1, 'exporters that take logs have it');
  t.match(String(sent[0]?.[1]), /"eventName":"finops\.sku\.price_changed"/);

  const [list, show, history, json, none] = await Promise.all([
    run('list'),
    run('show', 'vm'),
    run('history', 'vm'),
    run('history', 'vm', '--json'),
    run('show', 'nothing'),
  ]);
  t.match(list, { code: 0, stdout: /rates\.csv: 1 prices in force, published -, read 20/ });
  t.match(show, { code: 0, stdout: /^Acme vm: 0\.12 EUR, 2026-02-01 to - \(file:.*\)\n$/ });
  t.match(history.stdout, /0\.1 EUR, 2026-01-01 to 2026-02-01/);
  t.match(history.stdout, /called Small machine, 2026-01-01 to/);
  t.match(history.stdout, /called Small \?\[31mmachine/, 'nothing steers the terminal');
  t.match(JSON.parse(json.stdout), { prices: [{ price: '0.1' }, { price: '0.12' }] });
  t.match(none, { code: 1, stdout: 'nothing is known\n' });
});

t.test('SKUs of a bill are compared with the price lists once it is committed', async (t) => {
  const [header = '', row = ''] = focusCsv([1.5]).trimEnd().split('\n');
  const skus = [
    'vm,vm/eu,Small machine,eu-west,Hours,0.1',
    'vm,vm/eu,Small machine,eu-west,Hours,0.3',
    'vm,vm/us,Tiny machine,eu-west,Hours,0.1',
    'disk,disk,Disk,eu-west,GB,1',
    ',,,,,',
  ];
  const bill = [
    `${header},SkuId,SkuPriceId,SkuMeter,RegionId,PricingUnit,ListUnitPrice`,
    ...skus.map((sku) => `${row},${sku}`),
    '',
  ].join('\n');
  const rates = `${HEADER}Microsoft,vm,0.10,EUR,2026-01-01,Small machine\n`;
  const more = 'extensions: { catalog: { files: [./rates.csv], built_in: false } }';
  const folder = worldFolder(
    t,
    { more, extensions: 'catalog' },
    { 'rates.csv': rates, 'bills/a.csv': bill },
  );
  const { ok, logs } = await readOnce(t, folder);
  t.ok(ok);
  t.match(
    logs.filter(({ message }) => message === 'SKUs compared with the price lists'),
    [{ known: 1, price_differs: 1, renamed: 1, unknown: 1, omitted: 0 }],
  );
  const run = (...args: string[]): Promise<Ran> =>
    focusd(t, ['catalog', 'charged', ...args, '-c', 'focusd.yaml'], { cwd: folder });
  const [all, unknown] = await Promise.all([run('--json'), run('--result', 'unknown')]);
  t.equal(JSON.parse(all.stdout).length, 3, 'a SKU with two prices is one that differs');
  t.match(unknown, {
    code: 0,
    stdout: 'unknown: Microsoft disk eu-west Disk 1 EUR, charged 2026-09-02\n',
  });
});
