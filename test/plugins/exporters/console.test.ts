import t from 'tap';
import type { Total } from '../../../pipelines/plugin/index.ts';
import { formatTotals } from '../../../plugins/exporters/console/format-totals.ts';
import consoleExporter from '../../../plugins/exporters/console/index.ts';
import { checkedSettings, total, totalsOf, worldOf } from '../../helpers/plugin-world.ts';

const TOTALS = [
  total(
    { ServiceProviderName: 'AWS', ServiceName: 'Amazon EC2', owner: 'team-a' },
    { billed: '1234567.105', effective: '1000000.001', list: '2000000', charges: 1200 },
  ),
  total(
    { ServiceProviderName: 'AWS', ServiceName: 'Amazon S3' },
    { billed: '0.000000000012', effective: '0.000000000012', charges: 3 },
  ),
  total(
    { ServiceProviderName: 'AWS', ServiceName: 'Refunds', owner: 'team-b' },
    { billed: '-1500.5', charges: 1 },
  ),
  total(
    { ServiceProviderName: 'Azure', BillingCurrency: 'EUR' },
    { billed: '7', period: '2026-08-01' },
  ),
];

const EXPECTED = `2026-08-01  EUR       Billed  Effective  List  Contracted  Charges
Provider
  Azure                 7.00       7.00  7.00        7.00        1
Service
  (none)                7.00       7.00  7.00        7.00        1
Owner
  (none)                7.00       7.00  7.00        7.00        1
Total                   7.00       7.00  7.00        7.00        1

2026-09-01  USD             Billed     Effective          List  Charges
Provider
  AWS                 1,233,066.61    998,499.50  1,998,499.50    1,204
Service
  Amazon EC2          1,234,567.11  1,000,000.00  2,000,000.00    1,200
  Refunds                -1,500.50     -1,500.50     -1,500.50        1
  Amazon S3                   0.00          0.00          0.00        3
Owner
  team-a              1,234,567.11  1,000,000.00  2,000,000.00    1,200
  team-b                 -1,500.50     -1,500.50     -1,500.50        1
  (none)                      0.00          0.00          0.00        3
Total                 1,233,066.61    998,499.50  1,998,499.50    1,204
`;

t.test('a table per period and currency, numbers aligned', async (t) => {
  t.equal(formatTotals(TOTALS, { width: 80 }), EXPECTED);
});

t.test('totals are not held once they went by', async (t) => {
  const passing = { ...(TOTALS[0] as Total) };
  function* all() {
    for (const each of TOTALS) yield Object.assign(passing, each);
  }
  t.equal(formatTotals(all(), { width: 80 }), EXPECTED);
});

t.test('every digit, if asked for', async (t) => {
  const table = formatTotals(TOTALS.slice(0, 3), { width: 120, exact: true });
  const total = table.split('\n').find((line) => line.startsWith('Total')) ?? '';
  t.match(total, /1,233,066\.605000000012 +998,499\.501000000012 +1,998,499\.500000000012/);
  const s3 = table.split('\n').find((line) => line.includes('Amazon S3')) ?? '';
  t.equal(s3.indexOf('.'), total.indexOf('.'), 'decimal points stand below each other');
});

t.test('the largest first, credits by their size, the rest summed up', async (t) => {
  const many = Array.from({ length: 25 }, (_, n) =>
    total(
      { ServiceName: `s${String(n).padStart(2, '0')}` },
      { billed: n === 3 ? '-99' : String(n) },
    ),
  );
  const lines = formatTotals(many, { top: 3 }).split('\n');
  const at = lines.indexOf('Service');
  t.strictSame(
    lines.slice(at + 1, at + 5).map((line) => line.trim().split(/ {2,}/).slice(0, 2)),
    [
      ['s03', '-99.00'],
      ['s24', '24.00'],
      ['s23', '23.00'],
      ['22 others', '250.00'],
    ],
  );
});

t.test('narrow terminals lose columns, never digits', async (t) => {
  for (const width of [20, 45, 60, 80, 200]) {
    const lines = formatTotals(TOTALS, { width }).split('\n');
    t.ok(
      lines.every((line) => line.length <= Math.max(width, 50)),
      `${width}`,
    );
    t.ok(lines.some((line) => line.includes('1,234,567.11')));
  }
});

t.test('names cannot steer the terminal', async (t) => {
  const evil = total(
    { ServiceName: '\u001b[2Jboom\r\n\u202e', owner: 'x'.repeat(300) },
    { billed: '1' },
  );
  const table = formatTotals([evil], { width: 80 });
  for (const steering of ['\u001b', '\r', '\u202e']) t.notOk(table.includes(steering));
  t.match(table, /x…/);
  t.ok(formatTotals([evil], { color: true }).startsWith('\u001b[1m'), 'only our own colors');
});

t.test('folded series, periods, nothing', async (t) => {
  const folded = total({}, { billed: '3', overflow: true });
  t.match(formatTotals([folded]), /\(over the series limit\) +3\.00/);
  t.notMatch(formatTotals(TOTALS, { periods: 1 }), /2026-08-01/);
  t.equal(formatTotals([]), 'No charges yet.\n');
});

t.test('the exporter prints when totals have changed', async (t) => {
  const printed = t.capture(process.stdout, 'write', () => true);
  const world = worldOf(await checkedSettings(consoleExporter, {}));
  const totals = totalsOf(TOTALS);
  const sink = await consoleExporter.open(world, totals);
  t.equal(sink.encoding, undefined);
  const tables = () =>
    printed()
      .flatMap(({ args }) => args.map(String))
      .filter((text) => text.includes('Provider'));
  await sink.flush?.();
  await sink.flush?.();
  const first = tables();
  totals.replace([]);
  await sink.flush?.();
  await sink.close();
  t.equal(first.length, 1);
  t.match(first[0], /1,234,567\.11/);
});
