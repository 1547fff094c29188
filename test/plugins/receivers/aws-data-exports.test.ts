import t, { type Test } from 'tap';
import receiver from '../../../plugins/receivers/aws-data-exports/index.ts';
import { checkedSettings, worldOf } from '../../helpers/plugin-world.ts';
import { type RecordedAnswer, recordedHttp } from '../../helpers/receiver-case.ts';

const LIST = 'http://127.0.0.1:9/bills/?list-type=2&encoding-type=url&prefix=exports%2F';
const EMPTY = '<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>';
const DATA = 'exports/costs/data/BILLING_PERIOD=2026-09/a.csv';

/** A receiver of the bucket `bills` that is given these answers. */
async function worldWith(t: Test, answers: readonly RecordedAnswer[], more: object = {}) {
  const config = await checkedSettings(receiver, {
    ...{ bucket: 'bills', prefix: 'exports/', endpoint: 'http://127.0.0.1:9' },
    credentials: { access_key_id: 'AKIAEXAMPLE', secret_access_key: 'example' },
    ...more,
  });
  const world = worldOf(config, { once: true, folder: t.testdir({}) });
  t.teardown(() => world.close());
  return { ...world, http: recordedHttp(answers) };
}

async function probe(t: Test, answers: readonly RecordedAnswer[], more: object = {}) {
  return await receiver.probe?.(await worldWith(t, answers, more));
}

function error(code: string, message = '', more = ''): string {
  return `<Error><Code>${code}</Code><Message>${message}</Message>${more}</Error>`;
}

t.test('what S3 refuses is said with what to do about it', async (t) => {
  const cases: readonly (readonly [status: number, body: string, path: string, hint: RegExp])[] = [
    [403, error('AccessDenied'), '.credentials', /"s3:ListBucket".*"arn:aws:s3:::bills"/],
    [403, error('AccessDenied', 'no kms:Decrypt'), '.credentials', /allow kms:Decrypt/],
    [404, error('NoSuchBucket'), '.bucket', /no bucket bills/],
    [
      400,
      error('AuthorizationHeaderMalformed', '', '<Region>eu-west-1</Region>'),
      '.region',
      /set region: eu-west-1/,
    ],
    [403, error('InvalidAccessKeyId'), '.credentials', /wrong or deleted/],
    [403, error('RequestTimeTooSkewed'), '', /clock of this machine/],
  ];
  for (const [status, body, path, hint] of cases)
    await t.rejects(
      probe(t, [{ url: LIST, status, body }]),
      { name: 'Misconfigured', path: `receivers.test${path}`, hint },
      body,
    );
});

t.test('a bucket of another region says which', async (t) => {
  const headers = { 'x-amz-bucket-region': 'eu-north-1' };
  const moved = { url: LIST, status: 301, headers, body: error('PermanentRedirect') };
  await t.rejects(probe(t, [moved]), { name: 'Misconfigured', hint: /set region: eu-north-1/ });
});

t.test('what passes is tried again', async (t) => {
  const slow = { url: LIST, status: 503, headers: { 'retry-after': '7' }, body: error('SlowDown') };
  await t.rejects(probe(t, [slow]), { name: 'Unavailable', retryAfter: 7000 });
  await t.rejects(probe(t, [{ url: LIST, status: 500, body: 'oops' }]), { name: 'Unavailable' });
  await t.rejects(
    probe(t, [{ url: LIST, status: 429, headers: { 'retry-after': '2' }, body: '' }]),
    { name: 'Unavailable', retryAfter: 2000 },
  );
});

t.test('credentials that have expired are renewed', async (t) => {
  const expired = { url: LIST, status: 400, body: error('ExpiredToken') };
  t.match(await probe(t, [expired, { url: LIST, body: EMPTY }]), { bills: [] });
  await t.rejects(probe(t, [expired]), { name: 'Unavailable', message: /ExpiredToken/ });
});

t.test('settings that cannot be meant', async (t) => {
  const credentials = { access_key_id: 'AKIAEXAMPLE' };
  await t.rejects(probe(t, [], { credentials }), {
    name: 'Misconfigured',
    message: /needs access_key_id and secret_access_key/,
  });
});

/** A listing with the manifests of some exports of September, all of the same data. */
function exportsOf(arns: Readonly<Record<string, string>>): readonly RecordedAnswer[] {
  const manifests = Object.entries(arns).map(([exportName, exportArn]) => ({
    key: `exports/${exportName}/metadata/BILLING_PERIOD=2026-09/${exportName}-Manifest.json`,
    body: JSON.stringify({ exportName, exportArn, executionId: '1', dataFiles: [DATA] }),
  }));
  const entry = (key: string) =>
    `<Contents><Key>${key}</Key><LastModified>2026-09-05T03:00:00.000Z</LastModified><ETag>e</ETag><Size>2</Size></Contents>`;
  const listed = [DATA, ...manifests.map(({ key }) => key)].map(entry).join('');
  return [
    { url: LIST, body: `<ListBucketResult>${listed}</ListBucketResult>` },
    { url: urlOf(DATA), headers: { etag: 'e' }, body: 'a\n' },
    ...manifests.map(({ key, body }) => ({ url: urlOf(key), headers: { etag: 'e' }, body })),
  ];
}

function urlOf(key: string): string {
  return `http://127.0.0.1:9/bills/${key.split('/').map(encodeURIComponent).join('/')}`;
}

t.test('two exports of one bill are warned of', async (t) => {
  const arn = (account: string, name: string) =>
    `arn:aws:bcm-data-exports:us-east-1:${account}:export/${name}`;
  const same = exportsOf({ focus: arn('111111111111', 'focus'), cur: arn('111111111111', 'cur') });
  t.match((await probe(t, same))?.problems, [
    /^exports\/focus\/2026-09 and exports\/cur\/2026-09 .* account 111111111111 twice/,
  ]);
  const world = await worldWith(t, same);
  for await (const _ of receiver.receive(world, undefined));
  t.match(
    world.lines.filter(({ level }) => level === 'warn'),
    [{ message: 'same bill twice, its charges count twice', fields: { account: '111111111111' } }],
  );
  const others = exportsOf({ a: arn('111111111111', 'a'), b: arn('222222222222', 'b') });
  t.same((await probe(t, others))?.problems, [], 'of two accounts');
});
