/** `CostAllocation` objects as the API has them. Pure. */
import { type JsonObject, objectAt, textAt } from '../../../kit/json.ts';

/** Where the API has them. */
export const GROUP = 'focusd.dev';
export const VERSION = 'v1alpha1';
export const PLURAL = 'costallocations';
/** All of them, of all namespaces. */
export const PATH = `/apis/${GROUP}/${VERSION}/${PLURAL}`;

/** What counts for the chosen pods: what is allocated to them, or beside it their part of what their nodes keep idle and for themselves. */
export const RULES = ['Direct', 'WithIdle'] as const;
export type Rule = (typeof RULES)[number];

/** Pods of one namespace whose cost somebody wants to see in its status. */
export interface CostAllocation {
  readonly uid: string;
  readonly name: string;
  readonly namespace: string;
  /** Its `resourceVersion`: a status that was made for another one is not written. */
  readonly version: string;
  readonly generation: number;
  readonly rule: Rule;
  /** Whether a pod with these labels is meant. */
  readonly selects: (labels: Labels) => boolean;
  /** Why nothing can be counted; undefined when it can. */
  readonly problem: string | undefined;
  readonly status: JsonObject;
}

type Labels = Readonly<Record<string, string>>;

/** The allocation of the API's object. */
export function allocationOf(raw: JsonObject): CostAllocation {
  const metadata = objectAt(raw.metadata) ?? {};
  const spec = objectAt(raw.spec) ?? {};
  const rule = RULES.find((one) => one === (spec.rule ?? 'Direct'));
  const selector = selectorOf(spec.selector);
  const problem = rule === undefined ? `there is no rule ${String(spec.rule)}` : undefined;
  return {
    uid: textAt(metadata.uid) ?? '',
    name: textAt(metadata.name) ?? '',
    namespace: textAt(metadata.namespace) ?? '',
    version: textAt(metadata.resourceVersion) ?? '',
    generation: Number(textAt(metadata.generation) ?? 0),
    rule: rule ?? 'Direct',
    selects: typeof selector === 'string' ? () => false : selector,
    problem: problem ?? (typeof selector === 'string' ? selector : undefined),
    status: objectAt(raw.status) ?? {},
  };
}

/** A label selector as a test, or what is wrong with it. */
function selectorOf(value: unknown): ((labels: Labels) => boolean) | string {
  const selector = objectAt(value);
  if (selector === undefined) return 'it has no selector';
  const tests: ((labels: Labels) => boolean)[] = Object.entries(
    objectAt(selector.matchLabels) ?? {},
  ).map(
    ([key, wanted]) =>
      (labels) =>
        labels[key] === wanted,
  );
  const expressions = Array.isArray(selector.matchExpressions) ? selector.matchExpressions : [];
  for (const one of expressions) {
    const { key, operator, values } = objectAt(one) ?? {};
    const make = OPERATORS[String(operator)];
    if (make === undefined) return `there is no operator ${String(operator)}`;
    tests.push(make(String(key), new Set(Array.isArray(values) ? values.map(String) : [])));
  }
  return (labels) => tests.every((test) => test(labels));
}

const OPERATORS: Readonly<
  Record<string, (key: string, values: ReadonlySet<string>) => (labels: Labels) => boolean>
> = {
  In: (key, values) => (labels) => values.has(labels[key] ?? '') && labels[key] !== undefined,
  NotIn: (key, values) => (labels) => labels[key] === undefined || !values.has(labels[key]),
  Exists: (key) => (labels) => labels[key] !== undefined,
  DoesNotExist: (key) => (labels) => labels[key] === undefined,
};
