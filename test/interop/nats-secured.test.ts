/** A real nats-server that lets in only who proves who he is, by TLS: in each way that the settings have. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nkeys } from '@nats-io/transport-node';
import t, { type Test } from 'tap';
import { focusCsv, put } from '../helpers/world.ts';
import { busAgent } from './bus-agents.ts';
import { type Certificates, makeCertificates } from './programs/certs.ts';
import { natsServer, startNats } from './programs/nats.ts';

t.setTimeout(30 * 60_000);

/** What both need, as their READMEs say. */
const NEEDED = [
  ...['focus.charges', '$JS.API.STREAM.NAMES', '$JS.API.STREAM.CREATE.CHARGES'],
  ...['INFO', 'CREATE', 'MSG.NEXT'].map((what) => `$JS.API.CONSUMER.${what}.CHARGES.focusd`),
  '$JS.ACK.CHARGES.focusd.>',
];

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

/** A JWT as nsc writes them: signed by the nkey of its issuer. */
function jwt(issuer: ReturnType<typeof nkeys.createUser>, claims: object): string {
  const base64 = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const head = base64({ typ: 'JWT', alg: 'ed25519-nkey' });
  const body = base64({ jti: 'test', iat: 1_700_000_000, iss: issuer.getPublicKey(), ...claims });
  const signature = issuer.sign(Buffer.from(`${head}.${body}`));
  return `${head}.${body}.${Buffer.from(signature).toString('base64url')}`;
}

/** What a server with accounts of an operator is configured by, and the credentials of a user. */
function operatorMode(): { readonly more: string; readonly credentials: string } {
  const operator = nkeys.createOperator();
  const operatorJwt = jwt(operator, {
    sub: operator.getPublicKey(),
    name: 'O',
    nats: { type: 'operator', version: 2 },
  });
  const any = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true };
  const limits = { ...any, conn: -1, leaf: -1 };
  const account = (name: string, more: object) => {
    const keys = nkeys.createAccount();
    const sub = keys.getPublicKey();
    const nats = { type: 'account', version: 2, limits: { ...limits, ...more } };
    return { keys, sub, entry: `${sub}: ${jwt(operator, { sub, name, nats })}` };
  };
  const system = account('SYS', {});
  const streams = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
  const shop = account('A', streams);
  const user = nkeys.createUser();
  const userJwt = jwt(shop.keys, {
    sub: user.getPublicKey(),
    name: 'U',
    nats: { type: 'user', version: 2, pub: {}, sub: {}, subs: -1, data: -1, payload: -1 },
  });
  const lines = [
    `operator: ${operatorJwt}`,
    `system_account: ${system.sub}`,
    'resolver: MEMORY',
    `resolver_preload: { ${system.entry}, ${shop.entry} }`,
  ];
  return {
    more: lines.join('\n'),
    credentials: `-----BEGIN NATS USER JWT-----\n${userJwt}\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n${text(user.getSeed())}\n------END USER NKEY SEED------\n`,
  };
}

/** A bill goes from one agent over the server to another, both with these settings. */
async function passes(t: Test, folder: string, settings: object) {
  const [from, to] = [join(folder, 'from'), join(folder, 'to')];
  for (const dir of [from, to]) mkdirSync(dir, { recursive: true });
  put(from, 'bills/a.csv', focusCsv([1, 2]));
  const all = { ...settings, stream: 'CHARGES', create: true };
  const retry = { max_elapsed_time: '1s' };
  const sent = await busAgent(t, from, { exporter: ['nats', { ...all, retry }] }).once();
  const taker = busAgent(t, to, { receiver: ['nats', { ...all, seal_every: '1s' }] });
  const taken = await taker.once();
  return { sent, taken, billed: taker.billed() };
}

t.test('NATS with TLS', async (t) => {
  const program = await natsServer();
  if ('skip' in program) return t.plan(0, program.skip);
  const root = t.testdir({});
  const certificates = await makeCertificates(join(root, 'certs'));
  if ('skip' in certificates) return t.plan(0, certificates.skip);
  const { ca, serverCert, serverKey, clientCert, clientKey } = certificates as Certificates;
  const tls = (more = '') =>
    `tls { cert_file: "${serverCert}", key_file: "${serverKey}", ca_file: "${ca}" ${more} }`;
  const user = nkeys.createUser();
  const nkeyUser = `authorization { users: [ { nkey: ${user.getPublicKey()} } ] }`;
  const operated = operatorMode();
  const credentials = join(root, 'user.creds');
  writeFileSync(credentials, operated.credentials);

  for (const [name, more, settings] of [
    ['token', 'authorization { token: "s3cret" }', { token: 's3cret' }],
    [
      'user and password',
      `authorization { users: [ { user: a, password: "s3cret", permissions: { publish: ${JSON.stringify(NEEDED)}, subscribe: ["_INBOX.>"] } } ] }`,
      { user: 'a', password: 's3cret' },
    ],
    ['nkey', nkeyUser, { nkey: text(user.getSeed()) }],
    ['credentials', operated.more, { credentials }],
  ] as const)
    t.test(name, async (t) => {
      const folder = t.testdir({ nats: {} });
      const dir = join(folder, 'nats');
      const server = await startNats({ dir, more: `${tls()}\n${more}` });
      t.teardown(() => server.stop());
      const servers = [`tls://localhost:${server.port}`];
      const good = await passes(t, folder, { servers, tls: { ca }, ...settings });
      t.match(good, { sent: { code: 0 }, taken: { code: 0 }, billed: '3' }, JSON.stringify(good));
      const stranger = await passes(t, join(folder, 'x'), { servers, tls: { ca } });
      t.match(stranger.taken, { code: 1, stderr: /Authorization.*/i });
      t.match(stranger.sent, { code: 1, stderr: /check credentials|Authorization/i });
    });

  t.test('mTLS, and what is wrong with TLS is said', async (t) => {
    const folder = t.testdir({ nats: {} });
    const dir = join(folder, 'nats');
    const server = await startNats({ dir, more: tls(', verify: true') });
    t.teardown(() => server.stop());
    const servers = [`nats://127.0.0.1:${server.port}`];
    const client = { ca, cert: clientCert, key: clientKey };
    const good = await passes(t, folder, { servers, tls: client });
    t.match(good, { sent: { code: 0 }, taken: { code: 0 }, billed: '3' }, JSON.stringify(good));
    const unknown = await passes(t, join(folder, 'unknown'), { servers });
    t.match(unknown.taken, { code: 1, stderr: /unknown authority; set tls\.ca/ });
    const named = { ...client, server_name: 'elsewhere' };
    const other = await passes(t, join(folder, 'other'), { servers, tls: named });
    t.match(other.taken, { code: 1, stderr: /for another name/ });
  });

  t.test('who insists on TLS is not talked out of it', async (t) => {
    const folder = t.testdir({ nats: {} });
    const server = await startNats({ dir: join(folder, 'nats') });
    t.teardown(() => server.stop());
    const servers = [`tls://127.0.0.1:${server.port}`];
    const { taken } = await passes(t, folder, { servers });
    t.match(taken, { code: 1, stderr: /server does not support 'tls'/ });
  });
});
