/**
 * How a bill and a trace name the same thing: keys made of the attributes of a span's resource on one side, of a FOCUS ResourceId on the other.
 * A pure table; see the README for it in words.
 */
import type { Attributes } from './span-batch.ts';

/** Attributes by which resources are known, most telling first. */
export const KEY_ATTRIBUTES = [
  'cloud.resource_id',
  'aws.ecs.task.arn',
  'host.id',
  'k8s.pod.uid',
  'faas.name',
  'faas.invocation_id',
  'service.name',
] as const;

/** One of them. */
export type KeyAttribute = (typeof KEY_ATTRIBUTES)[number];

/** Those that are kept unless the settings say otherwise. */
export const DEFAULT_KEYS: readonly KeyAttribute[] = KEY_ATTRIBUTES.slice(0, 5);

/** Attributes that spans carry themselves where the resource does not. */
export const SPAN_KEY_ATTRIBUTES = [
  'cloud.resource_id',
  'aws.lambda.invoked_arn',
  'faas.invocation_id',
];

/** Attributes of a service's name. */
export const SERVICE_ATTRIBUTES = [
  'service.name',
  'service.namespace',
  'deployment.environment.name',
  'deployment.environment',
] as const;

/** How a charge names something that spans ran on. */
export interface Derived {
  readonly key: string;
  readonly attribute: KeyAttribute;
  /** The id as it stands in the bill, or one that had to be derived from it. */
  readonly isSame: boolean;
  /** Billed by what was used: then nothing of it is idle. */
  readonly isByUse: boolean;
}

/** The keys of a span's resource. */
export function keysOf(attributes: Attributes, wanted: ReadonlySet<string>): readonly string[] {
  const keys = new Set<string>();
  const add = (attribute: KeyAttribute, value: string | undefined): void => {
    if (value !== undefined && value !== '' && wanted.has(attribute))
      keys.add(keyOf(attribute, value));
  };
  for (const attribute of KEY_ATTRIBUTES) add(attribute, attributes[attribute]);
  const id = attributes['cloud.resource_id'] ?? attributes['aws.lambda.invoked_arn'];
  add('cloud.resource_id', id);
  for (const { attribute, value } of id === undefined ? [] : derivations(id))
    if (attribute === 'cloud.resource_id' || attributes[attribute] === undefined)
      add(attribute, value);
  return [...keys];
}

/** JSON of [service.name, service.namespace, deployment.environment.name]; undefined without a name. */
export function serviceOf(attributes: Attributes): string | undefined {
  const { 'service.name': name, 'service.namespace': namespace } = attributes;
  if (name === undefined) return undefined;
  const environment =
    attributes['deployment.environment.name'] ?? attributes['deployment.environment'];
  return JSON.stringify([name, namespace ?? null, environment ?? null]);
}

/** Attributes of a service by the name that `serviceOf` gave it. */
export function attributesOfService(service: string): Attributes {
  const values: unknown = JSON.parse(service);
  if (!Array.isArray(values)) return {};
  return Object.fromEntries(
    SERVICE_ATTRIBUTES.slice(0, 3).flatMap((name, i) =>
      typeof values[i] === 'string' ? [[name, values[i]]] : [],
    ),
  );
}

/** What a FOCUS ResourceId can be called in traces, the surest first. */
export function derivedKeys(resourceId: string): readonly Derived[] {
  const isByUse = BY_USE.some((pattern) => pattern.test(resourceId));
  const same = KEY_ATTRIBUTES.filter((attribute) => SAME[attribute]?.test(resourceId) ?? false);
  return [
    ...same.map((attribute) => ({
      attribute,
      key: keyOf(attribute, resourceId),
      isSame: normal(attribute, resourceId) === caseless(attribute, resourceId),
      isByUse,
    })),
    ...derivations(resourceId).map(({ attribute, value }) => ({
      attribute,
      key: keyOf(attribute, value),
      isSame: false,
      isByUse: isByUse || attribute === 'faas.name',
    })),
  ];
}

/** By what the workers choose the charges that may be linked: the last segment of the key, in lower case. */
export function lastSegment(key: string): string {
  return /[^/:]*$/.exec(key.toLowerCase())?.[0] ?? '';
}

function keyOf(attribute: KeyAttribute, value: string): string {
  return `${attribute}:${normal(attribute, value)}`;
}

/** One spelling of an id: Azure's are case-insensitive, and a Lambda function is one whatever version or alias was called. */
function normal(attribute: KeyAttribute, value: string): string {
  const same = caseless(attribute, value);
  return attribute === 'cloud.resource_id' ? same.replace(LAMBDA_QUALIFIER, '$1') : same;
}

function caseless(attribute: KeyAttribute, value: string): string {
  const isAzure = attribute === 'cloud.resource_id' && /^\/subscriptions\//i.test(value);
  return isAzure || attribute === 'k8s.pod.uid' ? value.toLowerCase() : value;
}

const LAMBDA_QUALIFIER = /^(arn:[^:]+:lambda:[^:]+:[^:]+:function:[^:]+):.+$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** ResourceIds that are themselves what the attribute says. */
const SAME: Readonly<Partial<Record<KeyAttribute, RegExp>>> = {
  'cloud.resource_id': /^(arn:|\/subscriptions\/|\/\/|ocid1\.)/i,
  'aws.ecs.task.arn': /^arn:[^:]+:ecs:[^:]+:[^:]+:task\//,
  'host.id': /^(i-[0-9a-f]{8,17}|\d{15,20}|ocid1\.instance\..+)$/,
  'k8s.pod.uid': UUID,
  'faas.invocation_id': UUID,
};

interface Derivation {
  /** Its first group is the value. */
  readonly from: RegExp;
  readonly attribute: KeyAttribute;
}

/** ResourceIds from which the value of an attribute can be told. */
const DERIVATIONS: readonly Derivation[] = [
  { from: /^arn:[^:]+:ec2:[^:]+:[^:]+:instance\/(i-[0-9a-f]+)$/, attribute: 'host.id' },
  { from: /^arn:[^:]+:eks:[^:]+:[^:]+:pod\/.+\/([^/]+)$/, attribute: 'k8s.pod.uid' },
  { from: /^arn:[^:]+:lambda:[^:]+:[^:]+:function:([^:]+)/, attribute: 'faas.name' },
  { from: /^arn:[^:]+:ecs:[^:]+:[^:]+:service\/(?:[^/]+\/)?([^/]+)$/, attribute: 'service.name' },
  {
    from: /^(\/subscriptions\/.+\/providers\/microsoft\.web\/sites\/[^/]+)\/.+$/i,
    attribute: 'cloud.resource_id',
  },
  {
    from: /^\/subscriptions\/.+\/providers\/microsoft\.web\/sites\/([^/]+)/i,
    attribute: 'faas.name',
  },
  { from: /^\/\/compute\.googleapis\.com\/.+\/instances\/(\d+)$/, attribute: 'host.id' },
  {
    from: /^\/\/(?:run|cloudfunctions)\.googleapis\.com\/.+\/(?:services|functions)\/([^/]+)$/,
    attribute: 'faas.name',
  },
];

/** What is billed by requests and the time they take. */
const BY_USE: readonly RegExp[] = [
  /^arn:[^:]+:lambda:/,
  /^\/\/(run|cloudfunctions)\.googleapis\.com\//,
];

function derivations(id: string): readonly { attribute: KeyAttribute; value: string }[] {
  return DERIVATIONS.flatMap(({ from, attribute }) => {
    const value = from.exec(id)?.[1];
    return value === undefined ? [] : [{ attribute, value }];
  });
}
