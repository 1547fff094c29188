/** One charge looked at: `focusd tap` finds it, `focusd explain` tells its whole way. */
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { add, decimal, formatDecimal } from '../../pipelines/focus/decimal.ts';
import { focusd, type Ran, startFocusd } from '../helpers/focusd-process.ts';
import {
  bill,
  filesBelow,
  focusCsv,
  focusRow,
  put,
  readOnce,
  worldFolder,
} from '../helpers/world.ts';

interface Tapped {
  readonly uid: string;
  readonly path: string;
  readonly row: number;
  readonly charge: Readonly<Record<string, string>>;
}

const tapped = ({ stdout }: Ran): readonly Tapped[] =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Tapped);

/** A bill with equal charges, an owner, a repair and a row that is refused; and one of AWS. */
async function charges(t: Test) {
  const folder = worldFolder(t, { exporters: { file: '{ folder: ./out }' } });
  const owned = focusRow(3.25, { service: 'Queue', tags: '"{""team"":""platform""}"' });
  const rows = [1.25, owned, focusRow('x'), 7, 1.25, 1.25];
  put(folder, 'bills/a.csv', focusCsv(rows));
  await bill(folder, { provider: 'aws', rows: 60 });
  await readOnce(t, folder);
  return { folder, run: (...args: string[]): Promise<Ran> => focusd(t, args, { cwd: folder }) };
}

t.test('tap: charges that fit, with the ids that were sent', async (t) => {
  const { folder, run } = await charges(t);
  const own = ['tap', '--json', '--limit', '1000'];
  const [all, unsaid, queue, first, every, nobody, people, wrong] = await Promise.all([
    run(...own),
    run(...own, '-w', 'BilledCost>=1.250', 'BilledCost<7', 'Tags!~x'),
    run(...own, '--where', 'ServiceName~QUE', 'owner=platform'),
    run('tap', '--json', '--limit', '1', '-w', 'ServiceName=Blob'),
    run(...own, '--every', '2', '-w', 'ServiceName=Blob'),
    run(...own, '-w', 'SubAccountId=', 'ServiceName=Blob'),
    run('tap', '-w', 'BilledCost=7'),
    run('tap', '-w', 'BiledCost=7'),
  ]);
  const records = Object.values(filesBelow(join(folder, 'out'))).join('\n');
  const sent = [...records.matchAll(/"log\.record\.uid","value":\{"stringValue":"([^"]+)"/g)].map(
    ([, uid]) => uid,
  );
  t.ok(sent.length > 60);
  t.strictSame(
    tapped(all)
      .map(({ uid }) => uid)
      .sort(),
    sent.sort(),
    'every charge, by the id that it was sent with',
  );
  t.match(unsaid, { code: 2, stderr: /"Tags!~x" is no condition/ });
  t.match(tapped(queue), [{ path: /a\.csv$/, row: 2, charge: { BilledCost: '3.25' } }]);
  t.equal(tapped(first).length, 1);
  t.strictSame(
    tapped(every).map(({ row }) => row),
    [1, 5],
    'every second one',
  );
  t.strictSame(
    tapped(nobody).map(({ row }) => row),
    [1, 4, 5, 6],
    'null is written as nothing',
  );
  t.match(
    people.stdout,
    /^[0-9a-f]{20}-[0-9a-f]{32} {2}7 EUR {2}2026-09-02T.* {2}Blob {2}unowned\n$/,
  );
  t.match(wrong, { code: 2, stderr: /BiledCost is no column of a charge/ });
});

t.test('explain: from the id to the row and the total', async (t) => {
  const { run } = await charges(t);
  const own = ['tap', '--json', '--limit', '1000'];
  const queue = tapped(await run(...own, '-w', 'ServiceName=Queue'))[0];
  const equal = tapped(await run(...own, '-w', 'BilledCost=1.25', 'ServiceName=Blob'));
  const aws = tapped(await run(...own, '-w', 'ServiceProviderName=AWS'))[0];
  const [one, text, third, cur, stranger, gone, nonsense] = await Promise.all([
    run('explain', String(queue?.uid), '--json'),
    run('explain', String(queue?.uid)),
    run('explain', String(equal[2]?.uid), '--json'),
    run('explain', String(aws?.uid), '--json'),
    run('explain', `${'0'.repeat(20)}-${'1'.repeat(32)}`),
    run('explain', `${queue?.uid.slice(0, 21)}${'1'.repeat(32)}.r2`),
    run('explain', 'what'),
  ]);
  t.match(JSON.parse(one.stdout), {
    uid: queue?.uid,
    delivery: { receiver: 'files', pipeline: 'costs', scope: /a\.csv$/, exporters: ['file'] },
    file: /a\.csv$/,
    row: 2,
    changed: false,
    mapping: 'focus',
    charge: { BilledCost: '3.25', owner: 'platform', ServiceProviderName: 'Microsoft' },
    rules: {
      BilledCost: { kind: 'column', from: { BilledCost: '3.25' } },
      ServiceName: { kind: 'derived', from: { ServiceName: 'Queue' } },
    },
    ownerTags: ['team'],
    source: { ProviderName: 'Microsoft', Tags: '{"team":"platform"}' },
    total: { day: '2026-09-02', charges: 1, costs: { BilledCost: '3.25' }, overflow: false },
  });
  t.match(text.stdout, /^file +.*a\.csv, row 2$/m);
  t.match(text.stdout, /^owner +platform \(tags team\)$/m);
  t.match(
    text.stdout,
    /^total +2026-09-01, day 2026-09-02, .*Queue.*: 1 charges, BilledCost 3\.25/m,
  );
  t.match(text.stdout, /^BilledCost +3\.25 +BilledCost, as it stands$/m);
  t.match(JSON.parse(third.stdout), {
    ordinal: 3,
    row: 6,
    total: { charges: 4, costs: { BilledCost: '10.75' } },
  });
  const explained = JSON.parse(cur.stdout);
  t.equal(explained.mapping, 'aws-cur');
  t.match(explained.rules.BilledCost, { from: { line_item_unblended_cost: /^-?[\d.]+/ } });
  const kinds = Object.values(explained.rules).map((rule) => Object(rule).kind);
  t.strictSame([...new Set(kinds)].sort(), ['column', 'constant', 'derived']);
  const cost = explained.total.costs.BilledCost;
  t.equal(formatDecimal(add(decimal(cost), decimal('0'))), cost, 'an exact decimal');
  t.match(stranger, { code: 1, stderr: /no delivery that is committed here/ });
  t.match(gone, { code: 1, stderr: /no charge of .*a\.csv says this any more: revision/ });
  t.match(nonsense, { code: 2, stderr: /"what" is no id of a charge/ });
});

t.test('tap follows what is committed from now on', async (t) => {
  const folder = worldFolder(t);
  put(folder, 'bills/before.csv', focusCsv([1]));
  await readOnce(t, folder);
  const following = startFocusd(
    t,
    ['tap', '--follow', '--json', '--limit', '2', '-c', join(folder, 'focusd.yaml')],
    { cwd: folder },
  );
  const agent = startFocusd(t, ['run', '-c', join(folder, 'focusd.yaml')], { cwd: folder });
  await agent.said('agent is ready');
  await following.warned(/waiting for deliveries/);
  put(folder, 'bills/after.csv', focusCsv([2, 4, 8]));
  const { code, stdout } = await following.ended;
  t.equal(code, 0);
  t.strictSame(
    tapped({ stdout } as Ran).map(({ charge }) => charge.BilledCost),
    ['2', '4'],
    'only what came since, and no more than asked for',
  );
  agent.kill('SIGTERM');
  await agent.ended;
});
