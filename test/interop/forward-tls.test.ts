/** With `tls.client_ca` nobody comes in without a certificate of that authority, and with `tls.agent_name` nobody speaks for another agent, over neither protocol. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'node:tls';
import t from 'tap';
import { focusd, startFocusd } from '../helpers/focusd-process.ts';
import { centralFolder } from '../helpers/forwarding.ts';
import { committed, configuration, focusCsv, focusRow, put } from '../helpers/world.ts';
import { type Certificates, makeCertificates } from './programs/certs.ts';
import { freePort } from './programs/ports.ts';

t.setTimeout(10 * 60_000);

const IN = 'let in';
/** The server's alert, or that it hung up. */
const REFUSED = /^(ERR_SSL_TLSV1|ECONNRESET|closed)/;

/** What a client says first, and what the server answers only to whom it lets in. */
const PROTOCOLS = {
  grpc: { alpn: 'h2', hello: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0' },
  http: { alpn: 'http/1.1', hello: 'POST /v1/logs HTTP/1.1\r\nHost: localhost\r\n\r\n' },
} as const;

for (const protocol of ['grpc', 'http'] as const)
  t.test(protocol, async (t) => {
    const root = t.testdir({});
    const certs = await makeCertificates(join(root, 'certs'));
    const others = await makeCertificates(join(root, 'others'));
    if ('skip' in certs || 'skip' in others) return t.plan(0, 'openssl is not installed');
    const port = await freePort();
    const { ca, serverCert: cert, serverKey: key } = certs;
    const forward = `tls: ${JSON.stringify({ cert, key, client_ca: ca })}`;
    const folder = centralFolder(join(root, 'central'), { port, protocol, forward });
    const central = startFocusd(t, ['run'], { cwd: folder });
    await central.said('agent is ready');
    const client = { port, ca, protocol };
    const known = { ...client, of: certs };
    while ((await outcome(known)) === 'ECONNREFUSED') await delay(50);
    t.equal(await outcome(known), IN, 'a client that the authority vouches for');
    t.match(await outcome(client), REFUSED, 'one without a certificate');
    t.match(await outcome({ ...client, of: others }), REFUSED, 'one of another authority');
    central.kill('SIGTERM');
    t.match(await central.ended, { code: 0 });
  });

for (const protocol of ['grpc', 'http'] as const)
  t.test(`an agent under its own name, ${protocol}`, async (t) => {
    const root = t.testdir({});
    const certs = await makeCertificates(join(root, 'certs'));
    if ('skip' in certs) return t.plan(0, 'openssl is not installed');
    const { ca, serverCert: cert, serverKey: key } = certs;
    const port = await freePort();

    /** What a central agent with these settings has of three agents with the same certificate, whose names are `localhost`, `client` and `other`. */
    const takenWith = async (settings: object): Promise<readonly string[]> => {
      const name = JSON.stringify(settings).replaceAll(/\W+/g, '-');
      const tls = JSON.stringify({ cert, key, client_ca: ca, ...settings });
      const folder = join(root, `central${name}`);
      centralFolder(folder, { port, protocol, forward: `tls: ${tls}` });
      const central = startFocusd(t, ['run'], { cwd: folder });
      await central.said('agent is ready');
      while ((await outcome({ port, ca, protocol, of: certs })) === 'ECONNREFUSED') await delay(50);
      const isTaken: Record<string, boolean> = {};
      for (const agent of ['localhost', 'client', 'other']) {
        const account = join(root, `${agent}${name}`);
        const exporter = {
          ...{ agent, backend_profile: 'focusd', endpoint: `https://localhost:${port}` },
          protocol: protocol === 'grpc' ? 'grpc' : 'http/protobuf',
          tls: { ca, cert: certs.clientCert, key: certs.clientKey },
          retry: { max_elapsed_time: '5s' },
        };
        put(
          account,
          'focusd.yaml',
          configuration({ exporters: { otlp: JSON.stringify(exporter) } }),
        );
        put(account, 'bills/a.csv', focusCsv([focusRow(1)]));
        const { code, stderr } = await focusd(t, ['run', '--once'], { cwd: account });
        isTaken[agent] = code === 0;
        if (code !== 0)
          t.match(stderr, /may not speak for the agent/, `${agent} is told why (${name})`);
      }
      const agents = Object.keys(isTaken).filter((agent) => isTaken[agent]);
      while ((await committed(folder)).length < agents.length) await delay(50);
      central.kill('SIGTERM');
      const { stderr } = await central.ended;
      const refusals = stderr.match(/sent under the name of another agent/g) ?? [];
      t.equal(refusals.length, 3 - agents.length, 'the log says it once of each');
      const scopes = (await committed(folder)).map(({ scope }) => scope.split('/')[0] ?? '');
      t.strictSame(scopes.sort(), [...agents].sort(), 'nothing came of the others');
      return agents;
    };

    const speaks_for = { client: 'localhost, other' };
    const all = ['localhost', 'client', 'other'];
    if (protocol === 'grpc') {
      t.strictSame(await takenWith({ agent_name: 'san' }), ['localhost']);
      t.strictSame(await takenWith({ agent_name: 'cn', speaks_for }), all, 'for others, too');
    } else {
      t.strictSame(await takenWith({}), all, 'any name');
      t.strictSame(await takenWith({ agent_name: 'cn' }), ['client']);
    }
  });

/** What becomes of a client: `IN`, or the code of its error. */
function outcome({
  port,
  ca,
  protocol,
  of,
}: {
  readonly port: number;
  readonly ca: string;
  readonly protocol: keyof typeof PROTOCOLS;
  readonly of?: Certificates;
}): Promise<string> {
  const { alpn, hello } = PROTOCOLS[protocol];
  const own = of && { cert: readFileSync(of.clientCert), key: readFileSync(of.clientKey) };
  return new Promise((resolve) => {
    const socket = connect({
      host: 'localhost',
      port,
      ca: readFileSync(ca),
      ALPNProtocols: [alpn],
      ...own,
    });
    socket.once('secureConnect', () => socket.write(hello));
    socket.once('data', () => resolve(IN));
    socket.once('data', () => socket.destroy());
    socket.once('error', ({ code = '' }: NodeJS.ErrnoException) => resolve(code));
    socket.once('close', () => resolve('closed'));
  });
}
