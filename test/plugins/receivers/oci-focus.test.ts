import { createHash, createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import ociFocus from '../../../plugins/receivers/oci-focus/index.ts';
import { profileIn } from '../../../plugins/receivers/oci-focus/profile.ts';
import { signedHeaders } from '../../../plugins/receivers/oci-focus/signed.ts';
import { fakeOciPrincipal, tokenOf } from '../../helpers/oci-principal.ts';
import {
  CREDENTIALS,
  EXAMPLE_KEY,
  FINGERPRINT,
  fakeOciStorage,
  type OciStorage,
  TENANCY,
  USER,
} from '../../helpers/oci-storage.ts';
import { checkedSettings, worldOf } from '../../helpers/plugin-world.ts';

/** What the documentation ("Request Signatures", test values) gives for its GET request. */
const SIGNATURE =
  'GBas7grhyrhSKHP6AVIj/h5/Vp8bd/peM79H9Wv8kjoaCivujVXlpbKLjMPeDUhxkFIWtTtLBj3sUzaFj34XE6YZAHc9r2DmE4pMwOAy/kiITcZxa1oHPOeRheC0jP2dqbTll8fmTZVwKZOKHYPtrLJIJQHJjNvxFWeHQjMaR7M=';

t.test('a request is signed as in the documentation', async (t) => {
  const key = createPrivateKey(EXAMPLE_KEY);
  const query = `availabilityDomain=Pjwf%3A%20PHX-AD-1&compartmentId=ocid1.compartment.oc1..aaaaaaaam3we6vgnherjq5q2idnccdflvjsnog7mlr6rtdb25gilchfeyjxa&displayName=TeamXInstances&volumeId=ocid1.volume.oc1.phx.abyhqljrgvttnlx73nmrwfaux7kcvzfs3s66izvxf2h4lgvyndsdsnoiwr5q`;
  const url = new URL(`https://iaas.us-phoenix-1.oraclecloud.com/20160918/instances?${query}`);
  const keyId = `${TENANCY}/${USER}/${FINGERPRINT}`;
  // The weekday of the example is wrong: what is signed is a text.
  const date = 'Thu, 05 Jan 2014 21:31:40 GMT';
  t.same(signedHeaders(url, { signer: { keyId, key }, date }), {
    date,
    authorization: `Signature version="1",keyId="${keyId}",algorithm="rsa-sha256",headers="date (request-target) host",signature="${SIGNATURE}"`,
  });
});

async function worldAt(t: Test, fake: OciStorage, written: object = {}) {
  const config = await checkedSettings(ociFocus, {
    ...{ tenancy: TENANCY, region: 'us-phoenix-1', endpoint: fake.url, credentials: CREDENTIALS },
    ...written,
  });
  const world = worldOf(config, {
    id: 'oci-focus',
    folder: mkdtempSync(join(tmpdir(), 'focusd-oci-')),
    once: true,
  });
  t.teardown(async () => {
    await world.close();
    rmSync(world.folder, { recursive: true });
  });
  return world;
}

interface Given {
  readonly given: readonly (readonly [scope: string, text: string])[];
  readonly cursor: string | undefined;
}

/** What a run delivers: name and content of each report. */
async function look(world: Awaited<ReturnType<typeof worldAt>>, cursor?: string): Promise<Given> {
  const given: (readonly [string, string])[] = [];
  let last = cursor;
  for await (const delivery of ociFocus.receive(world, cursor)) {
    const { scope, parts } = delivery;
    given.push([scope, parts.map(({ path }) => readFileSync(path, 'utf8')).join()]);
    last = delivery.cursor;
  }
  return { given, cursor: last };
}

const DAY = 'FOCUS Reports/2026/09/16';

/** Tenancy and region are those of the principal. */
const NOBODY = { tenancy: null, region: null };

t.test('each report is read once, oldest first, whenever it comes', async (t) => {
  const fake = await fakeOciStorage(t);
  fake.put(`${DAY}/2.csv.gz`, 'second', '2026-09-16T12:00:00.000Z');
  fake.put(`${DAY}/3 ü+%.csv.gz`, 'third', '2026-09-16T18:00:00.000Z');
  fake.put(`${DAY}/1.csv.gz`, 'first');
  fake.put('FOCUS Reports/2026/06/30/1.csv.gz', 'before look_back', '2026-06-30T12:00:00.000Z');
  fake.put('FOCUS Reports/2026/09/16/../../up.csv.gz', 'out of the bucket');
  fake.put(`${DAY}/notes.txt`, 'no report');
  fake.put(`${DAY}/empty.csv.gz`, '');
  fake.put('reports/cost-csv/1.csv.gz', 'the same charges');
  const world = await worldAt(t, fake);
  const first = await look(world);
  t.same(first.given, [
    [`${DAY}/1.csv.gz`, 'first'],
    [`${DAY}/2.csv.gz`, 'second'],
    [`${DAY}/3 ü+%.csv.gz`, 'third'],
  ]);
  t.same((await look(world, first.cursor)).given, [], 'nothing new');

  fake.put('FOCUS Reports/2026/09/14/late.csv.gz', 'late', '2026-09-17T06:00:00.000Z');
  fake.put(`${DAY}/1.csv.gz`, 'written anew');
  const second = await look(world, first.cursor);
  t.same(second.given, [
    [`${DAY}/1.csv.gz`, 'written anew'],
    ['FOCUS Reports/2026/09/14/late.csv.gz', 'late'],
  ]);
  t.same((await look(world, second.cursor)).given, []);
});

t.test('a download that is cut goes on where it stopped', async (t) => {
  const fake = await fakeOciStorage(t);
  fake.put(`${DAY}/1.csv.gz`, '0123456789');
  const world = await worldAt(t, fake);
  fake.fail = (path) => (path.endsWith('.gz') ? 'cut' : undefined);
  await t.rejects(look(world), { name: 'Unavailable' });
  fake.fail = () => undefined;
  t.same((await look(world)).given, [[`${DAY}/1.csv.gz`, '0123456789']]);
  t.equal(fake.asked.at(-1)?.range, 'bytes=4-');
});

t.test('a report that changes while it is read is read anew', async (t) => {
  const fake = await fakeOciStorage(t);
  fake.put(`${DAY}/1.csv.gz`, 'old');
  const world = await worldAt(t, fake);
  let times = 0;
  fake.fail = (path) => {
    if (path.endsWith('.gz') && ++times === 1) fake.put(`${DAY}/1.csv.gz`, 'new');
    return undefined;
  };
  t.same((await look(world)).given, [[`${DAY}/1.csv.gz`, 'new']]);
});

t.test('what is refused says who has to do what', async (t) => {
  const fake = await fakeOciStorage(t);
  const world = await worldAt(t, fake);
  const refused = async (status: number, code: string, headers = {}): Promise<unknown> => {
    fake.fail = () => ({ status, code, headers });
    return await look(world).catch((error: unknown) => error);
  };
  const policy = /define tenancy usage-report as ocid1\.tenancy\.oc1\.\.\w{60}.*endorse group/;
  for (const [status, code] of [
    [404, 'BucketNotFound'],
    [404, 'NotAuthorizedOrNotFound'],
    [403, 'NotAllowed'],
  ] as const)
    t.match(await refused(status, code), {
      name: 'Misconfigured',
      path: 'receivers.oci-focus.region',
      hint: policy,
    });
  t.match(await refused(401, 'NotAuthenticated'), {
    name: 'Misconfigured',
    path: 'receivers.oci-focus.credentials',
    hint: /API keys of the user/,
  });
  t.match(await refused(401, 'NotAuthenticated', { date: 'Thu, 17 Sep 2026 12:06:00 GMT' }), {
    hint: /clock of this machine is wrong by more than 5 minutes/,
  });
  t.match(await refused(429, 'TooManyRequests', { 'retry-after': '7' }), {
    name: 'Unavailable',
    retryAfter: 7_000,
  });
  t.match(await refused(503, 'ServiceUnavailable'), { name: 'Unavailable' });
  fake.fail = () => undefined;
  t.match(await ociFocus.probe?.(world), { bills: [], problems: [/no object below the prefix/] });
});

t.test('the key is read again when it is no longer known', async (t) => {
  const fake = await fakeOciStorage(t);
  fake.put(`${DAY}/1.csv.gz`, 'report');
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = other.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const der = other.publicKey.export({ type: 'spki', format: 'der' });
  const fingerprint = createHash('md5')
    .update(der)
    .digest('hex')
    .replaceAll(/..(?=.)/g, '$&:');
  const folder = t.testdir({ 'old.pem': pem, 'new.pem': EXAMPLE_KEY });
  const config = (file: string, print: string) =>
    `[OTHER]\nuser=x\n[DEFAULT]\n# comment\nuser = ${USER}\nfingerprint=${print}\ntenancy=${TENANCY}\nregion=us-phoenix-1\nkey_file=${join(folder, file)}\n`;
  const config_file = join(folder, 'config');
  writeFileSync(config_file, config('old.pem', fingerprint));
  const settings = await checkedSettings(ociFocus, {
    endpoint: fake.url,
    credentials: { config_file },
  });
  const world = worldOf(settings, { id: 'oci-focus', folder, once: true });
  t.teardown(() => world.close());
  let asked = 0;
  fake.fail = () => {
    if (++asked === 1) writeFileSync(config_file, config('new.pem', FINGERPRINT));
    return undefined;
  };
  t.match((await look(world)).given, [[`${DAY}/1.csv.gz`, 'report']]);
});

t.test(
  'an instance exchanges its certificate for a token, and again before it expires',
  async (t) => {
    const fake = await fakeOciStorage(t);
    fake.put(`${DAY}/1.csv.gz`, 'report');
    const world = await worldAt(t, fake, {});
    const principal = await fakeOciPrincipal(t, world.clock.now());
    fake.tokenKey = (token) => principal.tokens.get(token);
    const instance = await worldAt(t, fake, { ...NOBODY, credentials: principal.credentials });
    const first = await look(instance);
    t.match(first.given, [[`${DAY}/1.csv.gz`, 'report']]);
    t.equal(principal.tokens.size, 1, 'one token for all requests');
    t.match(principal.asked, ['/opc/v2/identity/cert.pem', '/opc/v2/identity/intermediate.pem']);

    await t.test(
      'a token that is refused in the middle of a download is renewed at once',
      async (t) => {
        fake.put(`${DAY}/2.csv.gz`, 'second', '2026-09-16T18:00:00.000Z');
        fake.put(`${DAY}/3.csv.gz`, 'third', '2026-09-16T19:00:00.000Z');
        let gone = '';
        fake.fail = (path) => {
          if (path.endsWith('/3.csv.gz') && gone === '')
            gone = [...principal.tokens.keys()].at(-1) ?? '';
          return undefined;
        };
        fake.tokenKey = (token) => (token === gone ? undefined : principal.tokens.get(token));
        const more = await look(instance, first.cursor);
        t.same(
          more.given.map(([, text]) => text),
          ['second', 'third'],
        );
        t.not(gone, '');
        fake.fail = () => undefined;
      },
    );

    await t.test('a token that expires soon is not used', async (t) => {
      const before = principal.tokens.size;
      principal.lifetime = 59;
      const short = await worldAt(t, fake, { ...NOBODY, credentials: principal.credentials });
      await look(short);
      t.ok(principal.tokens.size > before + 1, 'each request has one of its own');
      principal.lifetime = 1200;
    });

    await t.test('what is not answered is tried again, what is refused says why', async (t) => {
      const refused = async (path: string, status: number, headers = {}): Promise<unknown> => {
        principal.fail = (asked) => (asked.endsWith(path) ? { status, headers } : undefined);
        const other = await worldAt(t, fake, { ...NOBODY, credentials: principal.credentials });
        const error: unknown = await look(other).catch((cause: unknown) => cause);
        principal.fail = () => undefined;
        t.match(
          (await look(other)).given.length,
          3,
          'the same receiver goes on once it is answered',
        );
        return error;
      };
      t.match(await refused('cert.pem', 404), {
        name: 'Unavailable',
        message: /is this an instance of OCI/,
      });
      t.match(await refused('/v1/x509', 503, { 'retry-after': '7' }), {
        name: 'Unavailable',
        retryAfter: 7_000,
      });
      t.match(await refused('/v1/x509', 429), { name: 'Unavailable' });
      t.match(await refused('/v1/x509', 401), {
        name: 'Misconfigured',
        path: 'receivers.oci-focus.credentials.auth',
        hint: /not known as a principal/,
      });
      t.match(await refused('/v1/x509', 401, { date: 'Thu, 17 Sep 2020 12:06:00 GMT' }), {
        hint: /clock of this machine is wrong/,
      });
      const nowhere = { ...principal.credentials, metadata_url: 'http://127.0.0.1:1/opc/v2' };
      const lost = await worldAt(t, fake, { ...NOBODY, credentials: nowhere });
      await t.rejects(look(lost), {
        name: 'Unavailable',
        message: /127\.0\.0\.1:1 does not answer/,
      });
    });
  },
);

t.test(
  'a resource signs with the token that it is given, in whatever file it is renewed',
  async (t) => {
    const fake = await fakeOciStorage(t);
    fake.put(`${DAY}/1.csv.gz`, 'report');
    const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const exp = Date.UTC(2100, 0, 1) / 1000;
    const [old, fresh] = [
      tokenOf({ exp, n: 1, res_tenant: TENANCY }),
      tokenOf({ exp, n: 2, res_tenant: TENANCY }),
    ];
    const folder = t.testdir({ rpst: `${old}\n`, 'key.pem': pem });
    const credentials = {
      auth: 'resource_principal',
      session_token: join(folder, 'rpst'),
      private_key: join(folder, 'key.pem'),
    };
    fake.tokenKey = (token) => (token === fresh ? keys.publicKey : undefined);
    let asked = 0;
    fake.fail = () => {
      if (++asked === 1) writeFileSync(join(folder, 'rpst'), fresh);
      return undefined;
    };
    const world = await worldAt(t, fake, { tenancy: null, region: 'eu-frankfurt-1', credentials });
    t.match((await look(world)).given, [[`${DAY}/1.csv.gz`, 'report']], 'the file is read again');
    const given = await worldAt(t, fake, {
      credentials: { ...credentials, session_token: fresh, private_key: pem },
    });
    t.match((await look(given)).given, [[`${DAY}/1.csv.gz`, 'report']], 'or the token itself');
    const said = async (changes: object, more: object = {}): Promise<unknown> => {
      const other = await worldAt(t, fake, {
        ...more,
        credentials: { ...credentials, ...changes },
      });
      return await look(other).catch((error: unknown) => error);
    };
    t.match(await said({ session_token: null }), {
      name: 'Misconfigured',
      path: 'receivers.oci-focus.credentials.session_token',
      hint: /OCI_RESOURCE_PRINCIPAL_RPST/,
    });
    t.match(await said({}, { region: null }), { path: 'receivers.oci-focus.region' });
    t.match(await said({ session_token: 'no token' }), {
      name: 'Unavailable',
      message: /no token/,
    });
    t.match(await said({ session_token: join(folder, 'none') }), { name: 'Unavailable' });
    t.match(await said({ private_key: 'no key' }), { name: 'Misconfigured' });
  },
);

t.test('credentials that do not fit together', async (t) => {
  const fake = await fakeOciStorage(t);
  const folder = t.testdir({ config: '[DEFAULT]\nregion=x\n[SESSION]\nsecurity_token_file=/t\n' });
  const config_file = join(folder, 'config');
  const said = async (credentials: object, more: object = {}) =>
    await worldAt(t, fake, { credentials, ...more })
      .then((world) => look(world))
      .catch((error: unknown) => error);
  const at = 'receivers.oci-focus.credentials';
  t.match(await said({ config_file: join(folder, 'none') }), { path: `${at}.config_file` });
  t.match(await said({ config_file, profile: 'X' }), { path: `${at}.profile`, hint: /DEFAULT/ });
  t.match(await said({ config_file, profile: 'SESSION' }), { hint: /API key/ });
  t.match(await said({ config_file }), { path: `${at}.fingerprint`, message: /profile DEFAULT/ });
  t.match(await said({ user: USER, fingerprint: FINGERPRINT }), { path: `${at}.key_file` });
  t.match(await said({ fingerprint: FINGERPRINT, private_key: EXAMPLE_KEY }), {
    path: `${at}.user`,
  });
  t.match(await said({ ...CREDENTIALS, private_key: 'x' }), { path: `${at}.key_file` });
  t.match(await said(CREDENTIALS, { tenancy: null }), { path: 'receivers.oci-focus.tenancy' });
  t.match(await said({ ...CREDENTIALS, fingerprint: '00:11' }), {
    path: `${at}.fingerprint`,
    message: new RegExp(FINGERPRINT),
  });
});

t.test('an encrypted key is opened by its pass phrase', async (t) => {
  const fake = await fakeOciStorage(t);
  fake.put(`${DAY}/1.csv.gz`, 'report');
  const private_key = createPrivateKey(EXAMPLE_KEY)
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'open sesame' })
    .toString();
  const credentials = { ...CREDENTIALS, private_key };
  await t.rejects(worldAt(t, fake, { credentials }).then(look), {
    name: 'Misconfigured',
    hint: /pass_phrase/,
  });
  const open = await worldAt(t, fake, {
    credentials: { ...credentials, pass_phrase: 'open sesame' },
  });
  t.equal((await look(open)).given.length, 1);
  t.match(await ociFocus.probe?.(open), {
    source: new RegExp(`^${TENANCY} in us-phoenix-1, FOCUS Reports/`),
    bills: [{ scope: 'FOCUS Reports/2026/09/', files: 1, bytes: 6 }],
    problems: [],
  });
});

t.test('a profile has what DEFAULT has', async (t) => {
  const text =
    '[DEFAULT]\r\nuser=a\r\nregion = r\r\n[B]\r\n; no\r\nuser=b\r\nkey_file=~/k=1.pem\r\n';
  t.same(profileIn(text, 'B'), { user: 'b', region: 'r', key_file: '~/k=1.pem' });
  t.equal(profileIn(text, 'C'), undefined);
});
