/** Metadata service and auth service of OCI as far as a test needs them; the interop tests hold them against Oracle's own SDK. */
import { createHash, createPublicKey, type KeyObject, verify, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';

const pem = (name: string): string =>
  readFileSync(new URL(`oci-principal/${name}.pem`, import.meta.url), 'utf8');

/** A failure that comes instead of an answer. */
type Failure = { readonly status: number; readonly headers?: Record<string, string> };

/** The services of an instance. */
export interface OciPrincipal {
  /** Settings that lead to them. */
  readonly credentials: {
    readonly auth: 'instance_principal';
    readonly metadata_url: string;
    readonly federation_url: string;
  };
  /** Tokens given so far with the keys they are for. */
  readonly tokens: Map<string, KeyObject>;
  /** Paths asked for, in order. */
  readonly asked: string[];
  /** How long a token lasts, seconds. */
  lifetime: number;
  /** Milliseconds that the service believes it is. */
  now: number;
  fail: (path: string) => Failure | undefined;
}

/** Answers as the metadata service of version 2 and the auth service do; refuses what they refuse. */
export async function fakeOciPrincipal(t: Test, now: number): Promise<OciPrincipal> {
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    fake.asked.push(path);
    const failure = fake.fail(path);
    const refuse = (status: number, headers: Record<string, string> = {}): void =>
      void response
        .writeHead(status, { date: new Date(fake.now).toUTCString(), ...headers })
        .end(JSON.stringify({ code: 'NotAuthenticated', message: 'it is not' }));
    if (failure !== undefined) return refuse(failure.status, failure.headers);
    if (path === '/v1/x509')
      return void exchange(fake, request, { refuse, done: (text) => response.end(text) });
    if (request.headers.authorization !== 'Bearer Oracle') return refuse(401);
    const found = METADATA[path];
    return found === undefined ? refuse(404) : void response.end(found);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const fake: OciPrincipal = {
    credentials: {
      auth: 'instance_principal',
      metadata_url: `${url}/opc/v2`,
      federation_url: `${url}/v1/x509`,
    },
    tokens: new Map(),
    asked: [],
    lifetime: 1200,
    now,
    fail: () => undefined,
  };
  return fake;
}

const METADATA: Readonly<Record<string, string>> = {
  '/opc/v2/identity/cert.pem': pem('cert'),
  '/opc/v2/identity/intermediate.pem': pem('intermediate'),
  '/opc/v2/identity/key.pem': pem('key'),
  '/opc/v2/instance/region': 'eu-frankfurt-1',
  '/opc/v2/instance/regionInfo': JSON.stringify({
    realmDomainComponent: 'oraclecloud.com',
    realmKey: 'oc1',
    regionIdentifier: 'eu-frankfurt-1',
    regionKey: 'FRA',
  }),
};

async function exchange(
  fake: OciPrincipal,
  request: IncomingMessage,
  answer: { readonly refuse: (status: number) => void; readonly done: (text: string) => void },
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  if (!isSignedByInstance(request, body)) return answer.refuse(401);
  const asked = JSON.parse(body.toString('utf8')) as Readonly<Record<string, string>>;
  const given = [asked.certificate, ...(asked.intermediateCertificates ?? [])];
  if (given.join() !== [bare(pem('cert')), bare(pem('intermediate'))].join())
    return answer.refuse(401);
  const token = tokenOf({
    exp: fake.now / 1000 + fake.lifetime,
    iat: fake.now / 1000,
    jti: String(fake.tokens.size),
  });
  const der = Buffer.from(asked.publicKey ?? '', 'base64');
  fake.tokens.set(token, createPublicKey({ key: der, format: 'der', type: 'spki' }));
  answer.done(JSON.stringify({ token }));
}

/** An unsigned token (JWT) with these claims. */
export function tokenOf(claims: object): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}.c2lnbmF0dXJl`;
}

/** Over what came, with the key of the certificate that the key id names by its fingerprint. */
function isSignedByInstance({ headers, url }: IncomingMessage, body: Buffer): boolean {
  const certificate = new X509Certificate(pem('cert'));
  const { authorization = '' } = headers;
  const field = (name: string): string =>
    new RegExp(`${name}="([^"]+)"`).exec(authorization)?.[1] ?? '';
  const tenancy = /opc-tenant:(\S+)/.exec(certificate.subject)?.[1];
  const hash = createHash('sha256').update(body).digest('base64');
  const names = field('headers').split(' ');
  const wanted = ['date', '(request-target)', 'content-length', 'content-type', 'x-content-sha256'];
  const text = names
    .map((name) => `${name}: ${name === '(request-target)' ? `post ${url}` : headers[name]}`)
    .join('\n');
  return (
    field('keyId') === `${tenancy}/fed-x509/${certificate.fingerprint}` &&
    wanted.every((name) => names.includes(name)) &&
    headers['x-content-sha256'] === hash &&
    verify(
      'sha256',
      Buffer.from(text),
      certificate.publicKey,
      Buffer.from(field('signature'), 'base64'),
    )
  );
}

function bare(text: string): string {
  return text.replace(/-----[A-Z ]+-----|\s/g, '');
}
