/** With `tls.client_ca` nobody comes in without a certificate of that authority, over neither protocol. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'node:tls';
import t from 'tap';
import { startFocusd } from '../helpers/focusd-process.ts';
import { centralFolder } from '../helpers/forwarding.ts';
import { type Certificates, makeCertificates } from './programs/certs.ts';
import { freePort } from './programs/ports.ts';

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
