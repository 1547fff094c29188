/** What compose files and Kubernetes manifests of this repository may say: narrower than the official schemas, so that a slip is found. */
import { Ajv } from 'ajv';

type Json = { readonly [key: string]: unknown };

const text = { type: 'string', minLength: 1 } as const;
const int = { type: 'integer', minimum: 0 } as const;
const flag = { type: 'boolean' } as const;
const list = (items: Json): Json => ({ type: 'array', items, minItems: 1 });
const map = (values: Json): Json => ({ type: 'object', additionalProperties: values });
const only = (...values: unknown[]): Json => ({ enum: values });
/** Exactly these properties; those whose name ends in `?` may be missing. */
function object(properties: Json): Json {
  const names = Object.keys(properties);
  return {
    type: 'object',
    additionalProperties: false,
    required: names.filter((name) => !name.endsWith('?')),
    properties: Object.fromEntries(
      names.map((name) => [name.replace(/\?$/, ''), properties[name]]),
    ),
  };
}

/** A service of a compose file. */
export interface Service {
  readonly image: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly depends_on?: readonly string[];
}

/** A compose file. */
export interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, null>>;
}

/** Hardening is not a choice: a service without it does not fit. */
const service = object({
  restart: only('unless-stopped', 'no'),
  read_only: only(true),
  cap_drop: only(['ALL']),
  security_opt: only(['no-new-privileges:true']),
  tmpfs: only(['/tmp']),
  image: { type: 'string', pattern: '^[a-z0-9./-]+:v?\\d+\\.\\d+\\.\\d+$' },
  'build?': object({ context: text, dockerfile: text }),
  'profiles?': list(text),
  'command?': list(text),
  'environment?': map(text),
  'volumes?': list({
    type: 'string',
    pattern: '^(?:[a-z]+|\\$\\{[A-Z_]+:-[a-z]+\\}|\\./[\\w./-]+):/[\\w./-]+(?::ro)?$',
  }),
  'ports?': list({ type: 'string', pattern: '^127\\.0\\.0\\.1:(\\d+):\\d+$' }),
  'depends_on?': list(text),
  'healthcheck?': object({ disable: flag }),
  'network_mode?': only('none'),
  'stop_grace_period?': { type: 'string', pattern: '^\\d+s$' },
});

const compose = object({
  name: text,
  'x-hardened': { type: 'object' },
  services: map(service),
  volumes: map({ type: 'null' }),
});

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly restartPolicy?: string;
  readonly env?: readonly { readonly name: string }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly startupProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly securityContext: { readonly runAsUser?: number };
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
}

export interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

export interface PodSpec {
  readonly serviceAccountName?: string;
  readonly automountServiceAccountToken: boolean;
  readonly initContainers?: readonly Container[];
  readonly containers: readonly Container[];
  readonly volumes: readonly {
    readonly name: string;
    readonly configMap?: { readonly name: string };
    readonly persistentVolumeClaim?: { readonly claimName: string };
  }[];
}

/** A Kubernetes object; which of the rest it has depends on its kind. */
export interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly roleRef?: { readonly name: string };
  readonly subjects?: readonly { readonly name: string }[];
  readonly spec?: {
    readonly selector?: { readonly matchLabels?: Labels };
    readonly podSelector?: { readonly matchLabels: Labels };
    readonly template?: { readonly metadata: { readonly labels: Labels }; readonly spec: PodSpec };
    readonly ports?: readonly { readonly targetPort: string }[];
  };
}

export type Labels = Readonly<Record<string, string>>;

const labels = map({ type: 'string', pattern: '^[a-z0-9]([\\w.-]*[a-z0-9])?$' });
const name = { type: 'string', pattern: '^[a-z0-9]([a-z0-9-]*[a-z0-9])?$', maxLength: 63 } as const;
const quantity = { type: 'string', pattern: '^\\d+(m|Mi|Gi)?$' } as const;
const probe = object({
  httpGet: object({ path: only('/live', '/ready'), port: name }),
  'periodSeconds?': int,
  'timeoutSeconds?': int,
  'failureThreshold?': int,
});
const limits = object({ 'cpu?': quantity, memory: quantity });
const container = object({
  name,
  image: { type: 'string', pattern: ':\\d+(\\.\\d+)+$' },
  'restartPolicy?': only('Always'),
  'command?': list(text),
  'env?': list(
    object({ name: text, valueFrom: object({ fieldRef: object({ fieldPath: text }) }) }),
  ),
  'ports?': list(object({ name, containerPort: int })),
  'startupProbe?': probe,
  'livenessProbe?': probe,
  'readinessProbe?': probe,
  resources: object({ requests: object({ cpu: quantity, memory: quantity }), limits }),
  securityContext: object({
    'runAsNonRoot?': flag,
    'runAsUser?': int,
    allowPrivilegeEscalation: only(false),
    readOnlyRootFilesystem: only(true),
    capabilities: object({ drop: only(['ALL']), 'add?': only(['CHOWN']) }),
  }),
  'volumeMounts?': list(object({ name, mountPath: text, 'readOnly?': flag })),
});
const volume = {
  ...object({
    name,
    'configMap?': object({ name }),
    'persistentVolumeClaim?': object({ claimName: name }),
    'hostPath?': object({ path: text, type: only('DirectoryOrCreate') }),
    'emptyDir?': object({}),
  }),
  minProperties: 2,
  maxProperties: 2,
};
const pod = object({
  'serviceAccountName?': name,
  automountServiceAccountToken: flag,
  terminationGracePeriodSeconds: int,
  'tolerations?': list(object({ operator: only('Exists') })),
  securityContext: object({
    runAsNonRoot: only(true),
    runAsUser: only(10001),
    runAsGroup: only(10001),
    'fsGroup?': only(10001),
    'fsGroupChangePolicy?': only('OnRootMismatch'),
    seccompProfile: only({ type: 'RuntimeDefault' }),
  }),
  'initContainers?': list(container),
  containers: list(container),
  volumes: list(volume),
});
const selector = object({ matchLabels: labels });
const template = object({ metadata: object({ labels }), spec: pod });
const peers = list(object({ 'namespaceSelector?': selector, 'podSelector?': selector }));
const targets = list(
  object({ protocol: only('TCP', 'UDP'), port: { type: ['integer', 'string'] } }),
);

function kind(apiVersion: string, kindName: string, rest: Json): Json {
  return object({
    apiVersion: only(apiVersion),
    kind: only(kindName),
    metadata: object({ name, labels }),
    ...rest,
  });
}

const rule = object({
  apiGroups: list({ type: 'string' }),
  resources: list(text),
  'resourceNames?': list(text),
  verbs: list({ enum: ['get', 'list', 'watch', 'patch'] }),
});
const RBAC = 'rbac.authorization.k8s.io';

const KINDS: Readonly<Record<string, Json>> = {
  ServiceAccount: kind('v1', 'ServiceAccount', { automountServiceAccountToken: only(false) }),
  ClusterRole: kind(`${RBAC}/v1`, 'ClusterRole', { rules: list(rule) }),
  CustomResourceDefinition: object({
    apiVersion: only('apiextensions.k8s.io/v1'),
    kind: only('CustomResourceDefinition'),
    metadata: object({ name: { type: 'string', pattern: '^[a-z]+(\\.[a-z]+)+$' }, labels }),
    spec: object({
      group: text,
      scope: only('Namespaced'),
      names: object({
        ...{ kind: text, listKind: text, plural: text, singular: text },
        shortNames: list(text),
      }),
      versions: list(
        object({
          ...{ name: text, served: flag, storage: flag },
          subresources: object({ status: object({}) }),
          additionalPrinterColumns: list(object({ name: text, type: text, jsonPath: text })),
          schema: object({ openAPIV3Schema: { type: 'object' } }),
        }),
      ),
    }),
  }),
  ClusterRoleBinding: kind(`${RBAC}/v1`, 'ClusterRoleBinding', {
    roleRef: object({ apiGroup: only(RBAC), kind: only('ClusterRole'), name }),
    subjects: list(object({ kind: only('ServiceAccount'), name, namespace: name })),
  }),
  ConfigMap: kind('v1', 'ConfigMap', { data: object({ 'focusd.yaml': text }) }),
  PersistentVolumeClaim: kind('v1', 'PersistentVolumeClaim', {
    spec: object({
      accessModes: only(['ReadWriteOnce']),
      resources: object({ requests: object({ storage: quantity }) }),
    }),
  }),
  Service: kind('v1', 'Service', {
    spec: object({ selector: labels, ports: list(object({ name, port: int, targetPort: name })) }),
  }),
  NetworkPolicy: kind('networking.k8s.io/v1', 'NetworkPolicy', {
    spec: object({
      podSelector: selector,
      policyTypes: only(['Ingress', 'Egress']),
      ingress: list(object({ from: peers, ports: targets })),
      egress: list(object({ 'to?': peers, ports: targets })),
    }),
  }),
  Deployment: kind('apps/v1', 'Deployment', {
    spec: object({
      replicas: only(1),
      'strategy?': only({ type: 'Recreate' }),
      selector,
      template,
    }),
  }),
  DaemonSet: kind('apps/v1', 'DaemonSet', {
    spec: object({
      selector,
      updateStrategy: object({
        type: only('RollingUpdate'),
        rollingUpdate: object({ maxUnavailable: text }),
      }),
      template,
    }),
  }),
};

/** The compose file; throws with everything that does not fit. */
export function asCompose(value: unknown): Compose {
  return fitting<Compose>(compose, value);
}

/** A Kubernetes object; throws with everything that does not fit its kind. */
export function asManifest(value: unknown): Manifest {
  const { kind: found } = value as { readonly kind?: string };
  const schema = KINDS[String(found)];
  if (schema === undefined) throw new Error(`no schema for the kind ${found}`);
  return fitting<Manifest>(schema, value);
}

function fitting<T>(schema: Json, value: unknown): T {
  const validate = new Ajv({ allErrors: true, allowUnionTypes: true }).compile<T>(schema);
  if (validate(value)) return value;
  const faults = (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath}: ${message} ${JSON.stringify(params)}`,
  );
  throw new Error(faults.join('\n'));
}
