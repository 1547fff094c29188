/** What can go wrong between a bucket (moto, signatures and policies checked) and a bill, and how it ends. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Line } from '../helpers/plugin-world.ts';
import {
  BUCKET,
  type Cloud,
  cloud,
  DATA,
  MANIFEST,
  manifestOf,
  POLICY,
  putRun,
  settingsFor,
  take,
} from './aws-bills.ts';
import { moto } from './programs/moto.ts';
import { type Fault, type Passing, type Relay, startRelay } from './programs/relay.ts';
import { focusBill, monthsAgo, storeAgent } from './store-agent.ts';

t.setTimeout(20 * 60_000);

const program = await moto();
const skip = 'skip' in program ? program.skip : false;

async function relayTo(t: Test, { s3 }: Cloud): Promise<Relay> {
  const relay = await startRelay(s3.url);
  t.teardown(() => relay.stop());
  return relay;
}

/** An answer as S3 refuses. */
function refusal(status: number, code: string, message = '', headers = {}): Fault {
  const body = `<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  return { status, headers: { 'content-type': 'application/xml', ...headers }, body };
}

const isPart =
  (name: string) =>
  ({ path }: Passing): boolean =>
    path.endsWith(`/${name}`);

t.test('faults between bucket and agent', { skip }, async (t) => {
  const world = await cloud(t);
  const { change, put, user } = world;

  t.test('a bill that is written anew while it is read', async (t) => {
    await change(() => putRun(put, 'run-1', { 'a.csv': 'old', 'b.csv': 'old' }));
    const relay = await relayTo(t, world);
    const settings = settingsFor(relay.url, user);
    const folder = t.testdir({});
    const onceAt = (name: string, work: () => Promise<void>) => {
      relay.fault = async (passing) => {
        if (!isPart(name)(passing)) return undefined;
        relay.fault = () => undefined;
        await change(work);
        return undefined;
      };
    };
    onceAt('b.csv', () => putRun(put, 'run-2', { 'a.csv': 'new a', 'b.csv': 'new b' }));
    t.match(await take(t, settings, { folder }), [
      { revision: 'run-2', texts: ['new a', 'new b'] },
    ]);
    t.same(readdirSync(join(folder, 'parts')), [], 'nothing of the former run is left');
    onceAt('b.csv', () => put(MANIFEST, manifestOf('run-3', ['a.csv', 'b.csv'])));
    const [delivery, ...more] = await take(t, settings, { folder });
    t.same(more, []);
    t.equal(delivery?.revision, 'run-3', 'only its manifest changed, when all parts were there');
  });

  t.test('a download that is cut, twice', async (t) => {
    const content = 'charges'.repeat(300_000);
    await change(() => putRun(put, 'run-4', { 'a.csv': content, 'b.csv': 'small' }));
    const relay = await relayTo(t, world);
    const settings = settingsFor(relay.url, user, { parallel_downloads: 1 });
    const folder = t.testdir({});
    relay.fault = (passing) => (isPart('a.csv')(passing) ? { cutAfter: 400_000 } : undefined);
    for (let i = 0; i < 2; i++)
      await t.rejects(take(t, settings, { folder }), { name: 'Unavailable' });
    relay.fault = () => undefined;
    const [delivery] = await take(t, settings, { folder });
    t.equal(delivery?.texts[0] === content, true, 'every byte');
    const offsets = relay.passed.filter(isPart('a.csv')).map(({ headers }) => headers.range);
    t.match(offsets, [undefined, /^bytes=[1-9]\d+-$/, /^bytes=[1-9]\d+-$/]);
    t.equal(relay.passed.filter(isPart('b.csv')).length, 1);
  });

  t.test('a store that is busy', async (t) => {
    await change(() => putRun(put, 'run-5', { 'a.csv': 'a', 'b.csv': 'b' }));
    const relay = await relayTo(t, world);
    const settings = settingsFor(relay.url, user, { parallel_downloads: 1 });
    const folder = t.testdir({});
    const wait = { 'retry-after': '7' };
    for (const fault of [
      refusal(503, 'SlowDown', 'Please reduce your request rate.', wait),
      refusal(429, 'TooManyRequests', '', wait),
    ]) {
      relay.fault = (passing) => (isPart('b.csv')(passing) ? fault : undefined);
      const error = { name: 'Unavailable', retryAfter: 7_000 };
      await t.rejects(take(t, settings, { folder }), error);
    }
    relay.fault = () => undefined;
    t.match(await take(t, settings, { folder }), [{ texts: ['a', 'b'] }]);
    t.equal(relay.passed.filter(isPart('a.csv')).length, 1, 'what is there is not asked for again');
  });

  t.test('objects whose key may not be used, and a bucket whose reader pays', async (t) => {
    const relay = await relayTo(t, world);
    const kms = refusal(
      403,
      'AccessDenied',
      'User: arn:aws:sts::1:assumed-role/focusd is not authorized to perform: kms:Decrypt on the resource associated with this ciphertext because no identity-based policy allows the kms:Decrypt action',
    );
    relay.fault = (passing) => (isPart('a.csv')(passing) ? kms : undefined);
    const error = { name: 'Misconfigured', path: 'receivers.test.credentials' };
    await t.rejects(take(t, settingsFor(relay.url, user)), { ...error, hint: /kms:Decrypt/ });
    relay.fault = ({ headers }) =>
      headers['x-amz-request-payer'] === 'requester' ? undefined : refusal(403, 'AccessDenied');
    const poor = take(t, settingsFor(relay.url, user));
    await t.rejects(poor, { ...error, hint: /request_payer: true/ });
    const paying = settingsFor(relay.url, user, { request_payer: true });
    t.match(await take(t, paying), [{ texts: ['a', 'b'] }]);
  });

  t.test('two exports of one bill', async (t) => {
    const manifest = (name: string) =>
      JSON.stringify({
        executionId: 'run-1',
        exportArn: `arn:aws:bcm-data-exports:us-east-1:123456789012:export/${name}`,
        exportName: name,
        dataFiles: [`s3://${BUCKET}/${DATA}/a.csv`],
      });
    await change(async () => {
      for (const name of ['one', 'two']) {
        const key = `twins/${name}/metadata/BILLING_PERIOD=2026-09/${name}-Manifest.json`;
        await put(`exports/${key}`, manifest(name));
        await put(`exports/twins/${name}/data/a.csv`, 'a');
      }
    });
    const lines: Line[] = [];
    const delivered = await take(t, settingsFor(world.s3.url, user), { lines });
    const scopes = ['exports/twins/one/2026-09', 'exports/twins/two/2026-09'];
    t.same(
      delivered.slice(1).map(({ scope }) => scope),
      scopes,
    );
    const warnings = lines.filter(({ level }) => level === 'warn');
    t.match(warnings, [{ message: /same bill twice/, fields: { scopes } }]);
    t.equal(warnings.length, 1);
  });
});

t.test('a role of another account, for a time', { skip }, async (t) => {
  const world = await cloud(t);
  const { s3, change, put } = world;
  let role = '';
  let reader = world.user;
  await change(async () => {
    role = await s3.role(POLICY, { user: 'assumer', externalId: 'external-1' });
    const assume = { Effect: 'Allow', Action: 'sts:AssumeRole', Resource: role };
    reader = await s3.user({ Version: '2012-10-17', Statement: [assume] }, 'assumer');
    await putRun(put, 'run-1', { 'a.csv': 'first', 'b.csv': 'second' });
  });
  const relay = await relayTo(t, world);
  process.env.AWS_ENDPOINT_URL_STS = relay.url;
  t.teardown(() => delete process.env.AWS_ENDPOINT_URL_STS);
  const credentials = (external_id: string) => ({
    ...(settingsFor('', reader).credentials as object),
    role_arn: role,
    external_id,
  });
  const settings = settingsFor(relay.url, reader, {
    credentials: credentials('external-1'),
    parallel_downloads: 1,
  });
  const asked = () => relay.passed.filter(({ method }) => method === 'POST').length;

  t.test('is assumed with its external id', async (t) => {
    t.match(await take(t, settings), [{ texts: ['first', 'second'] }]);
    t.equal(asked(), 1);
    const other = settingsFor(relay.url, reader, { credentials: credentials('external-2') });
    await t.rejects(take(t, other), {
      name: 'Misconfigured',
      path: 'receivers.test.credentials',
      hint: /external_id/,
    });
    const direct = settingsFor(relay.url, reader);
    await t.rejects(take(t, direct), { name: 'Misconfigured', hint: /s3:ListBucket/ });
  });

  t.test('is assumed again when its credentials expire in the middle', async (t) => {
    const expired = new Set<string | undefined>();
    const before = asked();
    relay.fault = (passing) => {
      const token = passing.headers['x-amz-security-token'];
      if (expired.size === 0 && isPart('b.csv')(passing)) expired.add(token);
      return expired.has(token) && token !== undefined
        ? refusal(400, 'ExpiredToken', 'The provided token has expired.')
        : undefined;
    };
    t.match(await take(t, settings), [{ texts: ['first', 'second'] }]);
    t.equal(asked() - before, 2);
  });

  t.test('is asked for later when nobody answers', async (t) => {
    relay.fault = ({ method }) => (method === 'POST' ? { status: 503, body: '' } : undefined);
    await t.rejects(take(t, settings), { name: 'Unavailable', message: /no AWS credentials/ });
    relay.stop();
    await t.rejects(take(t, settings), { name: 'Unavailable', message: /no AWS credentials/ });
  });
});

t.test('closed months that are restated with fewer charges, and with none', { skip }, async (t) => {
  const world = await cloud(t);
  const putMonth = async (of: string, run: string, costs: readonly string[] | undefined) => {
    const data = `exports/focus/data/BILLING_PERIOD=${of}/${run}.csv`;
    if (costs !== undefined) await world.put(data, focusBill(of, costs));
    const dataFiles = costs === undefined ? [] : [`s3://${BUCKET}/${data}`];
    await world.put(
      `exports/focus/metadata/BILLING_PERIOD=${of}/focus-Manifest.json`,
      JSON.stringify({ executionId: run, exportName: 'focus', dataFiles }),
    );
  };
  const settings = settingsFor(world.s3.url, world.user, { look_back: 2 });
  const agent = storeAgent(t, { dir: t.testdir({}), type: 'aws-data-exports', settings });
  const billedAfter = async (work: () => Promise<void>): Promise<string | undefined> => {
    await world.change(work);
    return await agent.billed();
  };
  const first = await billedAfter(async () => {
    await putMonth(monthsAgo(0), 'now', ['1']);
    await putMonth(monthsAgo(2), 'closed', ['0.1', '0.2', '0.4']);
    await putMonth(monthsAgo(3), 'long-ago', ['100']);
  });
  t.equal(first, '1.7', 'the month before look_back is left alone');
  t.equal(await billedAfter(() => putMonth(monthsAgo(2), 'restated', ['0.2'])), '1.2');
  t.equal(await billedAfter(() => putMonth(monthsAgo(2), 'empty', [])), '1', 'a header and no row');
  t.equal(
    await billedAfter(() => putMonth(monthsAgo(0), 'none', undefined)),
    '0',
    'no file at all',
  );
});

t.test('fifty thousand objects beside a bill', { skip }, async (t) => {
  const crowd = { bucket: BUCKET, prefix: 'exports/aside/', count: 50_000 };
  const { s3, user, change, put } = await cloud(t, crowd);
  await change(() => putRun(put, 'run-1', { 'a.csv': 'found' }));
  const [before, start] = [process.memoryUsage().rss, performance.now()];
  t.match(await take(t, settingsFor(s3.url, user)), [{ revision: 'run-1', texts: ['found'] }]);
  const seconds = (performance.now() - start) / 1000;
  const megabytes = (process.memoryUsage().rss - before) / 1e6;
  t.comment(`${seconds.toFixed(1)} s with moto's own time, ${megabytes.toFixed(0)} MB more`);
  t.ok(seconds < 240, `${seconds} s`);
  t.ok(megabytes < 200, `${megabytes} MB`);
});
