import t from 'tap';
import { focusd, type Ran } from '../helpers/focusd-process.ts';
import { put, readOnce, worldFolder } from '../helpers/world.ts';

const HEADER = 'provider,sku,price,currency,valid_from,name\n';

t.test('the catalog is looked into from the command line', async (t) => {
  const folder = worldFolder(t, {
    more: 'extensions: { catalog: { files: [./rates.csv], built_in: false } }',
    extensions: 'catalog',
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
