/** What the tests put into a real API server, and who the agent is there. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { dockerFile, documents } from '../helpers/deployment-files.ts';
import { type PodGiven, rawPod } from '../helpers/kube-objects.ts';
import type { Raw } from '../helpers/kube-server.ts';
import { type Certificates, makeCertificates } from './programs/certs.ts';
import { apiserver, etcd, type Kube, startKube } from './programs/kube.ts';

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const ACCOUNTS = '/api/v1/namespaces/focusd/serviceaccounts';
export const ROLE = `${RBAC}/clusterroles`;
export const NODES = '/api/v1/nodes';
export const SHOP = '/api/v1/namespaces/shop/pods';

/** Where objects of a manifest go that say what the agent may do. */
const PLACES: Readonly<Record<string, string>> = {
  ServiceAccount: ACCOUNTS,
  ClusterRole: ROLE,
  ClusterRoleBinding: `${RBAC}/clusterrolebindings`,
  CustomResourceDefinition: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
};

/** A real API server with the namespaces `focusd` and `shop`. */
export interface Cluster {
  readonly kube: Kube;
  readonly dir: string;
  readonly certs: Certificates;
}

/** Who the agent is, as a pod has it. */
export interface Account {
  /** Folder with `token` and `ca.crt`. */
  readonly folder: string;
  readonly token: string;
}

/** Starts a server that ends with the test, or says why that is not possible here. */
export async function startCluster(t: Test): Promise<Cluster | { readonly skip: string }> {
  for (const program of [await etcd(), await apiserver()]) if ('skip' in program) return program;
  const dir = t.testdir();
  const certs = await makeCertificates(join(dir, 'certs'));
  if ('skip' in certs) return certs;
  const kube = await startKube({ dir: join(dir, 'kube'), certs });
  t.teardown(() => kube.stop());
  for (const name of ['focusd', 'shop'])
    await made(kube, '/api/v1/namespaces', { metadata: { name } });
  return { kube, dir, certs };
}

/** Makes what a manifest below docker/kubernetes says of permissions and definitions. */
export async function apply({ kube }: Cluster, manifest: string): Promise<void> {
  for (const object of documents(dockerFile(`kubernetes/${manifest}`)) as readonly Raw[]) {
    const place = PLACES[String(object.kind)];
    if (place !== undefined) await made(kube, place, object);
  }
}

/** A token of a service account, as a pod has it. */
export async function accountOf({ kube, dir, certs }: Cluster, name: string): Promise<Account> {
  const { body } = await kube.ask('POST', `${ACCOUNTS}/${name}/token`, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: 7200 },
  });
  const { token } = body.status as { readonly token: string };
  const folder = join(dir, name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'token'), token);
  writeFileSync(join(folder, 'ca.crt'), readFileSync(certs.ca));
  return { folder, token };
}

/** Makes an object; throws what the server says against it. */
export async function made(kube: Kube, path: string, object: Raw): Promise<void> {
  const { status, body } = await kube.ask('POST', path, object);
  if (status !== 201) throw new Error(`POST ${path}: ${status} ${String(body.message)}`);
}

/** An object without what the server gives it. */
export function fresh({ metadata, ...rest }: Raw): Raw {
  const { uid, creationTimestamp, managedFields, ...given } = metadata;
  return { ...rest, metadata: given };
}

/** Makes a pod in the namespace `shop`. */
export async function pod(kube: Kube, name: string, given: PodGiven = {}): Promise<void> {
  const raw = rawPod(name, { cpu: '1m', memory: '1Mi', ...given });
  const spec = raw.spec as { readonly containers: readonly object[] };
  const containers = spec.containers.map((one) => ({ ...one, image: 'example/app:1' }));
  await made(kube, SHOP, fresh({ ...raw, spec: { ...spec, containers } }));
}
