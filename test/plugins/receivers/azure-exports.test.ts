import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Http, HttpRequest } from '../../../pipelines/plugin/index.ts';
import azureExports from '../../../plugins/receivers/azure-exports/index.ts';
import { checkedSettings, turnedClock, worldOf } from '../../helpers/plugin-world.ts';
import { type RecordedAnswer, recordedHttp } from '../../helpers/receiver-case.ts';

const CONTAINER = 'https://acme.blob.core.windows.net/exports';
const LIST = `${CONTAINER}?restype=container&comp=list`;
const ENTRA = 'https://login.microsoftonline.com/tenant/oauth2/v2.0/token';
const METADATA =
  'http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fstorage.azure.com%2F';
const EMPTY = '<EnumerationResults><Blobs/><NextMarker/></EnumerationResults>';
const APPLICATION = { tenant_id: 'tenant', client_id: 'app' };
const SECRET = { kind: 'client-secret', ...APPLICATION, client_secret: 's3cret' };

interface Asked {
  readonly credentials: object;
  readonly answers: readonly RecordedAnswer[];
  readonly container?: string;
}

/** Looks at the container as often as told, half an hour apart; what was asked. */
async function look(
  { credentials, answers, container = CONTAINER }: Asked,
  looks = 1,
): Promise<readonly HttpRequest[]> {
  const config = await checkedSettings(azureExports, { container, credentials, interval: '30m' });
  const clock = turnedClock((count) => {
    if (count >= looks) world.stop.abort();
  });
  const world = worldOf(config, { id: 'azure-exports', clock });
  const recorded = recordedHttp(answers);
  const asked: HttpRequest[] = [];
  const noted =
    <K extends keyof Http>(name: K) =>
    (request: HttpRequest) => {
      asked.push(request);
      return recorded[name](request) as ReturnType<Http[K]>;
    };
  const http = { request: noted('request'), stream: noted('stream') } as Http;
  try {
    for await (const _ of azureExports.receive({ ...world, http }, undefined));
  } catch (error) {
    if (!world.stop.signal.aborted) throw error;
  } finally {
    await world.close();
  }
  return asked;
}

const token = (value: string, seconds: number | string): object => ({
  access_token: value,
  expires_in: seconds,
});

const bearers = (asked: readonly HttpRequest[]): readonly (string | undefined)[] =>
  asked.filter(({ url }) => url === LIST).map(({ headers }) => headers?.authorization);

t.test('tokens', async (t) => {
  t.test('by a client secret, kept until they expire soon', async (t) => {
    const answers = [
      { method: 'POST', url: ENTRA, body: token('one', 3600) },
      { method: 'POST', url: ENTRA, body: token('two', 3600) },
      { url: LIST, body: EMPTY },
    ];
    const asked = await look({ credentials: SECRET, answers }, 3);
    const form = new URLSearchParams(String(asked[0]?.body));
    t.same(Object.fromEntries(form), {
      grant_type: 'client_credentials',
      client_id: 'app',
      client_secret: 's3cret',
      scope: 'https://storage.azure.com/.default',
    });
    t.same(bearers(asked), ['Bearer one', 'Bearer one', 'Bearer two']);
  });

  t.test('by a federated token, read again each time', async (t) => {
    const token_file = join(t.testdir({ token: 'jwt\n' }), 'token');
    const answers = [
      { method: 'POST', url: ENTRA, body: token('one', 60) },
      { url: LIST, body: EMPTY },
    ];
    const credentials = { kind: 'workload-identity', ...APPLICATION, token_file };
    const asked = await look({ credentials, answers });
    t.match(String(asked[0]?.body), /client_assertion=jwt$/);
    writeFileSync(token_file, 'other');
    t.match(String((await look({ credentials, answers }))[0]?.body), /client_assertion=other$/);
    const gone = { ...credentials, token_file: join(t.testdirName, 'gone') };
    await t.rejects(look({ credentials: gone, answers }), {
      name: 'Misconfigured',
      path: 'receivers.azure-exports.credentials.token_file',
    });
  });

  t.test('of the machine', async (t) => {
    const url = `${METADATA}&client_id=mine`;
    const answers = [
      { url, body: token('machine', '3600') },
      { url: LIST, body: EMPTY },
    ];
    const asked = await look({ credentials: { client_id: 'mine' }, answers });
    t.same(asked[0]?.headers, { metadata: 'true' });
    t.same(bearers(asked), ['Bearer machine']);
  });

  t.test('are asked for once more when the store takes them no longer', async (t) => {
    const answers = [
      { url: METADATA, body: token('old', '3600') },
      { url: METADATA, body: token('new', '3600') },
      { url: LIST, status: 401, headers: { 'x-ms-error-code': 'InvalidAuthenticationInfo' } },
      { url: LIST, body: EMPTY },
    ];
    t.same(bearers(await look({ credentials: {}, answers })), ['Bearer old', 'Bearer new']);
    const refused = [answers[0], answers[2]].filter((answer) => answer !== undefined);
    await t.rejects(look({ credentials: {}, answers: refused }), {
      name: 'Misconfigured',
      hint: /Storage Blob Data Reader/,
    });
  });

  t.test('that are not given', async (t) => {
    const invalid = {
      error: 'invalid_client',
      error_description: 'AADSTS7000222: expired. Trace ID: 1',
    };
    const answered = (status: number, body: object, headers = {}) =>
      look({
        credentials: SECRET,
        answers: [{ method: 'POST', url: ENTRA, status, body, headers }],
      });
    await t.rejects(answered(401, invalid), {
      name: 'Misconfigured',
      message: 'no token for client-secret: HTTP 401 invalid_client AADSTS7000222: expired.',
    });
    await t.rejects(answered(429, {}, { 'retry-after': '7' }), {
      name: 'Unavailable',
      retryAfter: 7_000,
    });
    await t.rejects(answered(503, {}), { name: 'Unavailable' });
    await t.rejects(answered(200, {}), { name: 'Unavailable', message: /without a token/ });
    const none = { error: 'invalid_request', error_description: 'Identity not found' };
    await t.rejects(
      look({ credentials: {}, answers: [{ url: METADATA, status: 400, body: none }] }),
      { name: 'Misconfigured', hint: /assign a managed identity/ },
    );
    await t.rejects(look({ credentials: { kind: 'client-secret' }, answers: [] }), {
      path: 'receivers.azure-exports.credentials.client_secret',
      name: 'Misconfigured',
    });
  });
});

/** What comes of an answer to the listing. */
async function refusedWith(
  t: Test,
  answer: Omit<RecordedAnswer, 'url'>,
  error: { readonly name: string; readonly [more: string]: unknown },
): Promise<void> {
  const answers = [
    { url: METADATA, body: token('machine', '3600') },
    { url: LIST, ...answer },
  ];
  await t.rejects(look({ credentials: {}, answers }), error);
}

t.test('refusals', async (t) => {
  const code = (value: string) => ({ 'x-ms-error-code': value });
  await refusedWith(
    t,
    { status: 403, headers: code('AuthorizationPermissionMismatch') },
    {
      name: 'Misconfigured',
      path: 'receivers.azure-exports.credentials',
      hint: /role "Storage Blob Data Reader"/,
    },
  );
  await refusedWith(
    t,
    { status: 403, headers: code('AuthorizationFailure') },
    {
      name: 'Misconfigured',
      path: 'receivers.azure-exports.container',
      hint: /firewall/,
    },
  );
  const skewed = { ...code('AuthenticationFailed'), date: 'Thu, 17 Sep 2026 13:00:00 GMT' };
  await refusedWith(
    t,
    { status: 403, headers: skewed },
    {
      name: 'Misconfigured',
      hint: /clock of this machine is wrong/,
    },
  );
  const body = '<Error><Code>ServerBusy</Code><Message>Busy.\nTime: x</Message></Error>';
  await refusedWith(
    t,
    { status: 503, headers: { 'retry-after': '30' }, body },
    {
      name: 'Unavailable',
      message: /HTTP 503 ServerBusy Busy\.$/,
      retryAfter: 30_000,
    },
  );
  await t.rejects(
    look({ credentials: {}, answers: [], container: CONTAINER.replace('https', 'http') }),
    { name: 'Misconfigured', path: 'receivers.azure-exports.container', hint: 'write https:' },
  );
});
