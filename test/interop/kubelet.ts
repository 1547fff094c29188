/** What a kubelet serves of a node's use: over TLS, to whom the API server knows (TokenReview) and lets read `nodes/stats` (SubjectAccessReview), as kubelets ask. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';
import type { Cluster } from './kube-cluster.ts';

/** What a pod uses. */
export interface PodUse {
  readonly name: string;
  readonly uid: string;
  readonly cores: number;
  readonly bytes: number;
}

/** Serves the summary of a node; answers its port, and the statuses that it gave. */
export async function startKubelet(
  t: Test,
  cluster: Cluster,
  { node, pods }: { readonly node: string; readonly pods: () => readonly PodUse[] },
): Promise<{ readonly port: number; readonly statuses: readonly number[] }> {
  const statuses: number[] = [];
  const tls = {
    cert: readFileSync(cluster.certs.serverCert),
    key: readFileSync(cluster.certs.serverKey),
  };
  const server = createServer(tls, (request, response) => {
    statusFor(cluster, request, node).then(
      (status) => {
        statuses.push(status);
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(status === 200 ? summary(pods()) : 'Forbidden');
      },
      () => response.destroy(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, statuses };
}

async function statusFor(
  { kube }: Cluster,
  { url, headers }: IncomingMessage,
  node: string,
): Promise<number> {
  if (url !== '/stats/summary') return 404;
  const token = headers.authorization?.replace('Bearer ', '');
  const review = await kube.ask('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenReview',
    spec: { token },
  });
  const { authenticated, user } = review.body.status as {
    readonly authenticated?: boolean;
    readonly user?: { readonly username: string; readonly groups: readonly string[] };
  };
  if (authenticated !== true || user === undefined) return 401;
  const access = await kube.ask('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: {
      user: user.username,
      groups: user.groups,
      resourceAttributes: { verb: 'get', resource: 'nodes', subresource: 'stats', name: node },
    },
  });
  return (access.body.status as { readonly allowed: boolean }).allowed ? 200 : 403;
}

function summary(pods: readonly PodUse[]): string {
  return JSON.stringify({
    node: { nodeName: 'a' },
    pods: pods.map(({ name, uid, cores, bytes }) => ({
      podRef: { name, namespace: 'shop', uid },
      containers: [
        {
          name: 'app',
          cpu: { usageNanoCores: cores * 1e9, usageCoreNanoSeconds: 1 },
          memory: { workingSetBytes: bytes, usageBytes: bytes * 2 },
        },
      ],
      network: { name: 'eth0', txBytes: 1000 },
    })),
  });
}
