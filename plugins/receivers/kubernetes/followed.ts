import type { JsonObject } from '../../kit/json.ts';
import { claimOf, type Kept, namespaceOf, nodeOf, podOf, serviceOf, volumeOf } from './objects.ts';
import type { Settings } from './settings.ts';

/** A kind of objects that the costs depend on. */
export interface FollowedKind {
  readonly kind: Kept['kind'];
  readonly path: string;
  readonly fieldSelector?: string;
  readonly keep: (raw: JsonObject) => Kept;
}

/** What is followed with these settings, in the order in which it is listed: pods need to know of nodes and namespaces. */
export function followedKinds(
  config: Pick<
    Settings,
    'node' | 'costs' | 'storage_prices' | 'load_balancer_price' | 'namespace_labels'
  >,
): readonly FollowedKind[] {
  const { node } = config;
  if (node !== undefined)
    return [
      { ...NODES, fieldSelector: `metadata.name=${node}` },
      { ...PODS, fieldSelector: `spec.nodeName=${node}` },
    ];
  return [
    NODES,
    ...(config.namespace_labels.length > 0 ? [NAMESPACES] : []),
    ...(config.costs.includes('volumes') && Object.keys(config.storage_prices).length > 0
      ? [CLAIMS, VOLUMES]
      : []),
    ...(config.costs.includes('services') && config.load_balancer_price !== undefined
      ? [SERVICES]
      : []),
    PODS,
  ];
}

const NODES: FollowedKind = { kind: 'node', path: '/api/v1/nodes', keep: nodeOf };
const PODS: FollowedKind = { kind: 'pod', path: '/api/v1/pods', keep: podOf };
const NAMESPACES: FollowedKind = {
  kind: 'namespace',
  path: '/api/v1/namespaces',
  keep: namespaceOf,
};
const CLAIMS: FollowedKind = {
  kind: 'claim',
  path: '/api/v1/persistentvolumeclaims',
  keep: claimOf,
};
const VOLUMES: FollowedKind = { kind: 'volume', path: '/api/v1/persistentvolumes', keep: volumeOf };
const SERVICES: FollowedKind = { kind: 'service', path: '/api/v1/services', keep: serviceOf };
