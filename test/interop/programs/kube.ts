import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { cached, type Program, type Recipe } from './cache.ts';
import type { Certificates } from './certs.ts';
import { step } from './go.ts';
import { freePorts } from './ports.ts';
import { type Running, start } from './running.ts';

/** An answer of the API server. */
export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** A Kubernetes API server with its etcd; nothing else of a cluster runs. */
export interface Kube {
  readonly url: string;
  /** Asks as the administrator, or with another token. */
  ask(method: string, path: string, body?: unknown, token?: string): Promise<Answer>;
  /** Ends the API server and starts it again on the same port; the objects stay. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** The store of the API server. */
export function etcd(): Promise<Program> {
  return cached(ETCD);
}

/** The API server of Kubernetes. */
export function apiserver(): Promise<Program> {
  return cached(APISERVER);
}

/** Starts both in a folder and answers once the API server is ready. */
export async function startKube({
  dir,
  certs,
}: {
  readonly dir: string;
  readonly certs: Certificates;
}): Promise<Kube> {
  const [store, program] = [await etcd(), await apiserver()];
  if ('skip' in store) throw new Error(store.skip);
  if ('skip' in program) throw new Error(program.skip);
  await mkdir(dir, { recursive: true });
  const [client = 0, peer = 0, secure = 0] = await freePorts(3);
  const running = await start({
    path: store.path,
    args: etcdArguments({ dir, client, peer }),
    cwd: dir,
    ready: /ready to serve client requests/,
  });
  const admin = randomBytes(16).toString('hex');
  await writeKeys(dir, admin);
  const url = `https://127.0.0.1:${secure}`;
  const run = () =>
    start({
      path: program.path,
      args: serverArguments({ dir, certs, client, secure }),
      cwd: dir,
      ready: /Serving securely on/,
      within: 120_000,
    });
  const ask: Kube['ask'] = (method, path, body, token = admin) =>
    send({ url: `${url}${path}`, method, token, body });
  let server: Running = await run();
  await ready(ask, server);
  return {
    url,
    ask,
    async restart() {
      await server.stop();
      server = await run();
      await ready(ask, server);
    },
    async stop() {
      await server.stop();
      await running.stop();
    },
  };
}

function etcdArguments(at: {
  readonly dir: string;
  readonly client: number;
  readonly peer: number;
}): readonly string[] {
  const client = `http://127.0.0.1:${at.client}`;
  const peer = `http://127.0.0.1:${at.peer}`;
  return [
    ...['--data-dir', join(at.dir, 'etcd'), '--unsafe-no-fsync'],
    ...['--listen-client-urls', client, '--advertise-client-urls', client],
    ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
    ...['--initial-cluster', `default=${peer}`],
  ];
}

function serverArguments(at: {
  readonly dir: string;
  readonly certs: Certificates;
  readonly client: number;
  readonly secure: number;
}): readonly string[] {
  return [
    `--etcd-servers=http://127.0.0.1:${at.client}`,
    ...['--bind-address=127.0.0.1', `--secure-port=${at.secure}`, `--cert-dir=${at.dir}`],
    `--tls-cert-file=${at.certs.serverCert}`,
    `--tls-private-key-file=${at.certs.serverKey}`,
    `--token-auth-file=${join(at.dir, 'tokens.csv')}`,
    '--authorization-mode=RBAC',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-signing-key-file=${join(at.dir, 'accounts.key')}`,
    `--service-account-key-file=${join(at.dir, 'accounts.pub')}`,
    '--service-cluster-ip-range=10.0.0.0/24',
    // No controllers run that would make the service accounts that it asks of each pod.
    '--disable-admission-plugins=ServiceAccount',
    '--endpoint-reconciler-type=none',
  ];
}

async function writeKeys(dir: string, admin: string): Promise<void> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = { format: 'pem' } as const;
  await writeFile(join(dir, 'accounts.key'), privateKey.export({ ...pem, type: 'pkcs1' }));
  await writeFile(join(dir, 'accounts.pub'), publicKey.export({ ...pem, type: 'spki' }));
  await writeFile(join(dir, 'tokens.csv'), `${admin},admin,admin,system:masters\n`);
}

async function ready(ask: Kube['ask'], server: Running): Promise<void> {
  const end = performance.now() + 120_000;
  for (;;) {
    const answer = await ask('GET', '/readyz').catch(() => undefined);
    if (answer?.status === 200) return;
    if (performance.now() > end)
      throw new Error(`the API server is not ready:\n${server.logs().slice(-4000)}`);
    await delay(200);
  }
}

/** The certificate is not checked here: the receiver under test does that. */
function send(of: {
  readonly url: string;
  readonly method: string;
  readonly token: string;
  readonly body: unknown;
}): Promise<Answer> {
  const body = of.body === undefined ? '' : JSON.stringify(of.body);
  const headers = {
    'content-length': Buffer.byteLength(body),
    authorization: `Bearer ${of.token}`,
    'content-type': of.method === 'PATCH' ? 'application/merge-patch+json' : 'application/json',
  };
  return new Promise((resolve, reject) => {
    const sent = request(
      of.url,
      { method: of.method, headers, rejectUnauthorized: false },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (piece: string) => {
          text += piece;
        });
        response.once('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            body: text.startsWith('{') ? (JSON.parse(text) as Answer['body']) : {},
          }),
        );
        response.once('error', reject);
      },
    );
    sent.once('error', reject);
    sent.end(body);
  });
}

const KUBERNETES = 'v1.36.3';
/** The version of the modules that are developed in the repository of Kubernetes. */
const STAGING = 'v0.36.3';
/** Its go.mod replaces these by folders, which a module from the proxy does not have. */
const STAGED = [
  ...['api', 'apiextensions-apiserver', 'apimachinery', 'apiserver', 'cli-runtime', 'client-go'],
  ...['cloud-provider', 'cluster-bootstrap', 'code-generator', 'component-base'],
  ...['component-helpers', 'controller-manager', 'cri-api', 'cri-client', 'cri-streaming'],
  ...['csi-translation-lib', 'dynamic-resource-allocation', 'endpointslice', 'externaljwt'],
  ...['kms', 'kube-aggregator', 'kube-controller-manager', 'kube-proxy', 'kube-scheduler'],
  ...['kubectl', 'kubelet', 'metrics', 'mount-utils', 'pod-security-admission'],
  ...['sample-apiserver', 'sample-controller', 'streaming'],
];

const GO_MOD = `module focusd.example/kube

go 1.26.0

require k8s.io/kubernetes ${KUBERNETES}

replace (
${STAGED.map((name) => `\tk8s.io/${name} => k8s.io/${name} ${STAGING}`).join('\n')}
)
`;

const LINK = `-s -w -X k8s.io/component-base/version.gitVersion=${KUBERNETES}`;

function recipe(name: string, pkg: string, link: string): Recipe {
  return {
    name,
    version: KUBERNETES,
    source: JSON.stringify([GO_MOD, pkg, link]),
    build: (folder) => build(folder, { name, pkg, link }),
  };
}

/** One package at a time: the machine has other work. */
async function build(
  folder: string,
  { name, pkg, link }: { readonly name: string; readonly pkg: string; readonly link: string },
): Promise<void> {
  await writeFile(join(folder, 'go.mod'), GO_MOD);
  await step({
    command: 'go',
    args: ['build', '-p', '1', '-trimpath', '-ldflags', link, '-o', name, pkg],
    cwd: folder,
    env: { GOFLAGS: '-mod=mod -buildvcs=false', CGO_ENABLED: '0' },
  });
}

const ETCD = recipe('etcd', 'go.etcd.io/etcd/server/v3', '-s -w');
const APISERVER = recipe('kube-apiserver', 'k8s.io/kubernetes/cmd/kube-apiserver', LINK);
