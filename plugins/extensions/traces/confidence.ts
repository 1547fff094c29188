import type { KeyAttribute } from './identity.ts';

/** How a cost came to a service or span. */
export type Method =
  | 'id'
  | 'derived_id'
  | 'sole_owner'
  | 'usage_weighted'
  | 'duration_weighted'
  | 'count_weighted'
  | 'none';

/** How sure that is. */
export type Confidence = 'exact' | 'high' | 'medium' | 'low' | 'none';

/** What a method is worth at best. */
const OF_METHOD: Readonly<Record<Method, Confidence>> = {
  id: 'exact',
  derived_id: 'high',
  sole_owner: 'high',
  usage_weighted: 'medium',
  duration_weighted: 'medium',
  count_weighted: 'low',
  none: 'none',
};

/** Names are not unique: what was found by one may be another of that name. */
const OF_ATTRIBUTE: Readonly<Partial<Record<KeyAttribute, Confidence>>> = {
  'faas.name': 'medium',
  'service.name': 'low',
};

const ORDER: readonly Confidence[] = ['none', 'low', 'medium', 'high', 'exact'];

/** The lesser of what the method and the attribute by which the resource was found are worth. */
export function confidenceOf(method: Method, found?: KeyAttribute): Confidence {
  const ofMethod = OF_METHOD[method];
  const ofFinding = (found && OF_ATTRIBUTE[found]) ?? 'exact';
  return ORDER.indexOf(ofFinding) < ORDER.indexOf(ofMethod) ? ofFinding : ofMethod;
}
