/** Bills in a real S3 API that checks signatures and policies (moto): the receiver, its faults, and the command line. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { generateBill } from '../../agent/generate/generate-bill.ts';
import { focusd } from '../helpers/focusd-process.ts';
import { committedCosts, filesBelow } from '../helpers/world.ts';
import {
  BUCKET,
  type Cloud,
  cloud,
  DATA,
  putRun,
  type Settings,
  settingsFor,
  take,
} from './aws-bills.ts';
import { moto } from './programs/moto.ts';

t.setTimeout(10 * 60_000);

const program = await moto();
const skip = 'skip' in program ? program.skip : false;

function settingsOf({ s3, user }: Cloud, more: Settings = {}): Settings {
  return settingsFor(s3.url, user, more);
}

t.test('bills come out of a bucket, signed and by the least policy', { skip }, async (t) => {
  const world = await cloud(t);
  const { s3, change, put } = world;

  t.test('whole, and a restated month replaces the former one', async (t) => {
    await change(() => putRun(put, 'run-1', { 'a 1+%.csv': 'first', 'b.csv': 'second' }));
    const [first, ...more] = await take(t, settingsOf(world));
    t.same(more, []);
    t.match(first, {
      scope: 'exports/focus/2026-09',
      revision: 'run-1',
      texts: ['first', 'second'],
    });
    t.same(await take(t, settingsOf(world), { cursor: first?.cursor ?? '' }), []);
    await change(() => putRun(put, 'run-2', { 'b.csv': 'less' }));
    const [second] = await take(t, settingsOf(world), { cursor: first?.cursor ?? '' });
    t.match(second, { scope: 'exports/focus/2026-09', revision: 'run-2', texts: ['less'] });
  });

  t.test('not while a part is missing', async (t) => {
    await change(async () => {
      await putRun(put, 'run-3', { 'c.csv': 'c', 'd.csv': 'd' });
      await s3.delete(BUCKET, `${DATA}/d.csv`);
    });
    t.same(await take(t, settingsOf(world)), []);
    await change(() => s3.put(BUCKET, `${DATA}/d.csv`, 'd again'));
    t.match(await take(t, settingsOf(world)), [{ revision: 'run-3', texts: ['c', 'd again'] }]);
  });

  t.test('from a listing of several pages', async (t) => {
    await change(async () => {
      for (let i = 0; i < 1_100; i++) await s3.put(BUCKET, `exports/other/${i}.csv`, '');
      await putRun(put, 'run-4', { 'z.csv': 'behind a thousand' });
    });
    t.match(await take(t, settingsOf(world)), [
      { revision: 'run-4', texts: ['behind a thousand'] },
    ]);
  });

  t.test('and what stands in the way is said with its remedy', async (t) => {
    const fails = async (more: Settings, error: object) =>
      await t.rejects(take(t, settingsOf(world, more)), { name: 'Misconfigured', ...error });
    const { access_key_id } = settingsOf(world).credentials as Record<string, string>;
    await fails(
      { credentials: { access_key_id, secret_access_key: 'wrong' } },
      { message: /SignatureDoesNotMatch/, hint: /secret is wrong/ },
    );
    await fails(
      { credentials: { access_key_id: 'AKIANOBODY', secret_access_key: 'x' } },
      { message: /InvalidAccessKeyId/, path: 'receivers.test.credentials' },
    );
    await fails(
      { bucket: 'no-such-bucket' },
      { message: /s3:ListBucket on arn:aws:s3:::no-such-bucket/ },
    );
    await change(async () => {
      await s3.put(BUCKET, 'secret/data/a.csv', 'x');
      const dataFiles = [`s3://${BUCKET}/secret/data/a.csv`];
      const key = 'secret/metadata/BILLING_PERIOD=2026-09/s-Manifest.json';
      await s3.put(BUCKET, key, JSON.stringify({ executionId: 'r', dataFiles }));
    });
    await fails(
      { prefix: 'secret/' },
      {
        message: /s3:GetObject/,
        hint: /"Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-billing\/secret/,
      },
    );
  });
});

t.test('from the bucket to charges, by the command line', { skip }, async (t) => {
  const world = await cloud(t);
  const dir = t.testdir({ bill: {} });
  const truth = await generateBill({
    folder: join(dir, 'bill'),
    provider: 'aws',
    format: 'parquet',
    rows: 3_000,
    seed: 11,
    month: '2026-09',
    revision: 1,
    faults: 0,
    parts: 3,
  });
  await world.change(async () => {
    for (const [path, content] of Object.entries(filesBelow(join(dir, 'bill'))))
      await world.s3.put(BUCKET, `exports/cur2/${path}`, content);
  });
  const config = join(dir, 'focusd.json');
  writeFileSync(
    config,
    JSON.stringify({
      receivers: {
        'aws-data-exports': settingsOf(world, { prefix: 'exports/cur2/', keep_bills: true }),
      },
      exporters: { console: {} },
      storage: { folder: join(dir, 'state') },
      service: {
        telemetry: { metrics: { address: 'off' } },
        pipelines: { costs: { receivers: ['aws-data-exports'], exporters: ['console'] } },
      },
    }),
  );
  const probe = await focusd(t, ['test-receiver', 'aws-data-exports', '-c', config]);
  t.match(probe, { code: 0, stdout: /1 bill would be read:\n.*2026-09 +3 files/ });
  const ran = await focusd(t, ['run', '--once', '-c', config]);
  t.equal(ran.code, 0, ran.stderr);
  const audit = await focusd(t, ['audit', '-c', config, '--json']);
  t.equal(audit.code, 0, 'derived again from the bills that were kept');
  t.same(committedCosts(dir), truth.costs, 'the totals are the truth');
});
