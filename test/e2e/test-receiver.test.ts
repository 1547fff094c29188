import t from 'tap';
import { focusd } from '../helpers/focusd-process.ts';
import { filesBelow, focusCsv, worldFolder } from '../helpers/world.ts';

const MANIFEST = 'bills/metadata/BILLING_PERIOD=2026-09/costs-Manifest.json';

t.test('test-receiver shows what would be read, and stores nothing', async (t) => {
  const folder = worldFolder(t, {}, { 'bills/a.csv': focusCsv([1, 2]) });
  const before = Object.keys(filesBelow(folder));
  const ran = await focusd(t, ['test-receiver', 'files'], { cwd: folder });
  const bytes = focusCsv([1, 2]).length;
  t.match(ran, { code: 0, stderr: '' });
  t.match(ran.stdout, /^files sees 1 files in .*bills\n1 bill would be read:\n/);
  t.match(ran.stdout, new RegExp(`bills/a\\.csv +1 file, ${bytes} bytes, revision by content`));
  t.strictSame(Object.keys(filesBelow(folder)), before);
});

t.test('test-receiver says what stands in the way', async (t) => {
  const dataFiles = ['s3://b/data/BILLING_PERIOD=2026-09/run-00001.csv'];
  const manifest = JSON.stringify({ executionId: 'r', dataFiles });
  const folder = worldFolder(t, {}, { [MANIFEST]: manifest });
  const [text, json, none] = await Promise.all(
    [['files'], ['files', '--json'], ['filez']].map((args) =>
      focusd(t, ['test-receiver', ...args], { cwd: folder }),
    ),
  );
  t.match(text, { code: 1, stderr: '' });
  t.match(text?.stdout, /\n0 bills would be read\.\n {2}! .*-Manifest\.json names .*run-00001/);
  t.match(JSON.parse(json?.stdout ?? ''), { bills: [], problems: [/run-00001\.csv, which/] });
  t.match(none, { code: 2, stdout: '', stderr: /no receiver filez .*\n {2}there are: files/ });
});
