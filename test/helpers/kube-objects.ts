/** Kubernetes objects as the API writes them, as far as the tests need them. */
import type { Raw } from './kube-server.ts';

/** A node of AWS with 4 cores and 16 GiB, of which it keeps 80m and 1 GiB for itself. */
export function rawNode(name: string, given: Readonly<Record<string, unknown>> = {}): Raw {
  const { labels = {}, capacity = {}, allocatable = {}, made = '2026-09-01T00:00:00Z' } = given;
  return {
    metadata: {
      uid: `node-${name}`,
      name,
      creationTimestamp: made,
      labels: {
        'node.kubernetes.io/instance-type': 'm5.xlarge',
        'topology.kubernetes.io/region': 'eu-west-1',
        'topology.kubernetes.io/zone': 'eu-west-1a',
        ...(labels as object),
      },
      managedFields: [{ manager: 'kubelet' }],
    },
    spec: { providerID: `aws:///eu-west-1a/i-${name}` },
    status: {
      capacity: { cpu: '4', memory: '16Gi', pods: '58', ...(capacity as object) },
      allocatable: { cpu: '3920m', memory: '15Gi', pods: '58', ...(allocatable as object) },
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
    },
  };
}

/** What a test says of a pod. */
export interface PodGiven {
  readonly node?: string;
  readonly namespace?: string;
  readonly cpu?: string;
  readonly memory?: string;
  readonly started?: string;
  readonly phase?: string;
  readonly finished?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly owner?: { readonly kind: string; readonly name: string };
  readonly claims?: readonly string[];
}

/** A running pod with one container `app`. */
export function rawPod(name: string, given: PodGiven = {}): Raw {
  const { node = 'a', namespace = 'shop', cpu = '1', memory = '4Gi', phase = 'Running' } = given;
  const { started = '2026-09-17T09:00:00Z', finished, owner, claims = [], labels = {} } = given;
  return {
    metadata: {
      uid: `pod-${name}`,
      name,
      namespace,
      creationTimestamp: started,
      labels,
      ...(owner && { ownerReferences: [{ ...owner, controller: true }] }),
    },
    spec: {
      nodeName: node,
      containers: [{ name: 'app', resources: { requests: { cpu, memory } } }],
      volumes: claims.map((claimName) => ({
        name: claimName,
        persistentVolumeClaim: { claimName },
      })),
    },
    status: {
      phase,
      startTime: started,
      ...(finished && {
        containerStatuses: [{ state: { terminated: { finishedAt: finished } } }],
      }),
    },
  };
}
