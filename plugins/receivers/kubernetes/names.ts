/** What things are called in FOCUS. */
import type { PodHour } from './hour.ts';
import type { KubeNode, KubeVolume } from './objects.ts';

/** Who sells a node or a volume, and its id there. */
export interface Sold {
  /** As FOCUS names it in `ServiceProviderName`. */
  readonly provider: string;
  /** As the provider's own bill names it. */
  readonly id: string;
}

/** Providers by the scheme of a providerID. */
const PROVIDERS: Readonly<Record<string, string>> = {
  aws: 'AWS',
  gce: 'Google Cloud',
  azure: 'Microsoft',
  oci: 'Oracle',
  ocid1: 'Oracle',
};

/** `aws:///us-east-1a/i-0abc`, `gce://project/zone/name`, `azure:///subscriptions/…`, `ocid1.instance…`; a node without one is sold by nobody known. */
export function nodeSold({
  providerId,
  instanceId,
  uid,
}: Pick<KubeNode, 'providerId' | 'instanceId' | 'uid'>): Sold {
  if (providerId === '') return { provider: UNKNOWN, id: uid };
  const scheme = /^[a-z0-9]+/i.exec(providerId)?.[0].toLowerCase() ?? '';
  const provider = PROVIDERS[scheme] ?? scheme;
  const path = providerId.replace(/^[a-z0-9]+:\/\//i, '');
  return { provider, id: IDS[scheme]?.(path, instanceId) ?? path };
}

/** The provider of what has none of its own. */
export const UNKNOWN = 'Kubernetes';

const IDS: Readonly<Record<string, (path: string, instanceId: string | undefined) => string>> = {
  aws: (path) => path.split('/').at(-1) ?? path,
  gce: (path, instanceId) => {
    const [project, zone, name, ...more] = path.split('/');
    if (name === undefined || more.length > 0) return path;
    const place = `projects/${project}/zones/${zone}/instances`;
    return instanceId ? `//compute.googleapis.com/${place}/${instanceId}` : `${place}/${name}`;
  },
};

/** Providers by the driver of a volume. */
const DRIVERS: Readonly<Record<string, string>> = {
  'ebs.csi.aws.com': 'AWS',
  'efs.csi.aws.com': 'AWS',
  'pd.csi.storage.gke.io': 'Google Cloud',
  'filestore.csi.storage.gke.io': 'Google Cloud',
  'disk.csi.azure.com': 'Microsoft',
  'file.csi.azure.com': 'Microsoft',
  'blockvolume.csi.oraclecloud.com': 'Oracle',
};

/** Who sells a volume, by its driver. */
export function volumeSold({ driver, handle, name }: KubeVolume): Sold {
  return { provider: DRIVERS[driver] ?? UNKNOWN, id: handle || name };
}

/** `namespace/pod/container`; the pod as a whole has no third part. */
export function containerName({ pod }: PodHour, container: string): string {
  return [pod.namespace, pod.name, ...(container === '' ? [] : [container])].join('/');
}

/** Labels of a pod, those of its namespace that it has not, and what they are not: namespace and controller. */
export function podTags(
  { pod, namespace }: PodHour,
  inherited: readonly string[],
): Readonly<Record<string, string>> {
  return {
    ...chosen(namespace, inherited),
    ...pod.labels,
    'k8s.namespace.name': pod.namespace,
    ...(pod.controllerKind !== '' && {
      'k8s.controller.kind': pod.controllerKind,
      'k8s.controller.name': pod.controllerName,
    }),
  };
}

function chosen(
  labels: Readonly<Record<string, string>>,
  names: readonly string[],
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = labels[name];
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}
