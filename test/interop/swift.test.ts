/** Bills in an S3 API that is not Amazon's: OpenStack Swift with s3api, which checks signatures and clocks. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { BUCKET, MANIFEST, manifestOf, putRun, settingsFor, take } from './aws-bills.ts';
import { startRelay } from './programs/relay.ts';
import { startSwift, swift } from './programs/swift.ts';

t.setTimeout(10 * 60_000);

const program = await swift();
const skip = 'skip' in program ? program.skip : false;

t.test('bills in OpenStack Swift', { skip }, async (t) => {
  const store = await startSwift(t.testdir({}));
  t.teardown(() => store.stop());
  const put = (key: string, content: string) =>
    store.put(`${BUCKET}/${key.split('/').map(encodeURIComponent).join('/')}`, content);
  const settings = settingsFor(store.url, store.owner);
  await store.put(BUCKET);

  t.test('come whole, and a restated month replaces the former one', async (t) => {
    await putRun(put, 'run-1', { 'a 1+%&ü.csv': 'first', 'b.csv': 'second' });
    const [first, ...more] = await take(t, settings);
    t.same(more, []);
    t.match(first, { scope: 'exports/focus/2026-09', revision: 'run-1' });
    t.same(first?.texts, ['first', 'second']);
    const cursor = first?.cursor ?? '';
    t.same(await take(t, settings, { cursor }), []);
    await putRun(put, 'run-2', { 'b.csv': 'less' });
    t.match(await take(t, settings, { cursor }), [{ revision: 'run-2', texts: ['less'] }]);
  });

  t.test('come from a listing of several pages', async (t) => {
    for (let i = 0; i < 45; i++) await put(`exports/aside/${i}`, '');
    const relay = await startRelay(store.url);
    t.teardown(() => relay.stop());
    const delivered = await take(t, { ...settings, endpoint: relay.url });
    t.match(delivered, [{ revision: 'run-2', texts: ['less'] }]);
    t.equal(relay.passed.filter(({ path }) => path.includes('list-type=2')).length, 3);
  });

  t.test('that change while they are read are read again', async (t) => {
    await putRun(put, 'run-3', { 'a.csv': 'old', 'b.csv': 'old' });
    const relay = await startRelay(store.url);
    t.teardown(() => relay.stop());
    relay.fault = async ({ path }) => {
      if (!path.endsWith('/b.csv')) return undefined;
      relay.fault = () => undefined;
      await putRun(put, 'run-4', { 'a.csv': 'new a', 'b.csv': 'new b' });
      return undefined;
    };
    t.match(await take(t, { ...settings, endpoint: relay.url }), [
      { revision: 'run-4', texts: ['new a', 'new b'] },
    ]);
  });

  t.test('go on where a download was cut', async (t) => {
    const content = 'charges'.repeat(200_000);
    await putRun(put, 'run-5', { 'a.csv': content });
    const relay = await startRelay(store.url);
    t.teardown(() => relay.stop());
    relay.fault = ({ path }) => (path.endsWith('/a.csv') ? { cutAfter: 300_000 } : undefined);
    const folder = t.testdir({});
    const through = { ...settings, endpoint: relay.url };
    await t.rejects(take(t, through, { folder }), { name: 'Unavailable' });
    relay.fault = () => undefined;
    const [delivery] = await take(t, through, { folder });
    t.equal(delivery?.texts[0] === content, true, 'every byte');
    const ranges = relay.passed.flatMap(({ headers }) => headers.range ?? []);
    t.equal(ranges.length, 1);
    const from = Number(/^bytes=(\d+)-$/.exec(ranges[0] ?? '')?.[1]);
    t.ok(from > 0 && from <= 300_000, `from byte ${from}`);
    t.same(readdirSync(join(folder, 'parts')), []);
  });

  t.test('that are refused say why', async (t) => {
    const fails = (more: object, error: object, skewMs = 0) =>
      t.rejects(take(t, { ...settings, ...more }, { skewMs }), { name: 'Misconfigured', ...error });
    const clock = /clock of this machine is wrong/;
    for (const hours of [-1, 1])
      await fails({}, { message: /RequestTimeTooSkewed/, hint: clock }, hours * 3_600_000);
    const { accessKeyId: access_key_id } = store.owner;
    const wrong = { access_key_id, secret_access_key: 'wrong' };
    await fails({ credentials: wrong }, { message: /SignatureDoesNotMatch/, hint: /secret/ });
    const { credentials } = settingsFor(store.url, store.stranger);
    await fails({ credentials }, { message: /AccessDenied/, hint: /"s3:ListBucket"/ });
    await fails({ bucket: 'nowhere' }, { message: /NoSuchBucket/, path: 'receivers.test.bucket' });
    await fails({ region: 'eu-west-1' }, { hint: /set region: us-east-1/ });
  });

  t.test('are waited for while a part is missing, and empty where a month is', async (t) => {
    await put(MANIFEST, manifestOf('run-6', ['a.csv', 'absent.csv']));
    t.same(await take(t, settings), []);
    await put(MANIFEST, manifestOf('run-7', []));
    t.match(await take(t, settings), [{ revision: 'run-7', parts: [] }]);
  });
});
