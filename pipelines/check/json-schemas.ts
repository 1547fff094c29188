/** Rules that hold the JSON columns of 1.4 against their published schemas. */
import {
  APPLIED_KEYS,
  COMMITMENT,
  CONTRACT,
  COST,
  type Each,
  isGiven,
  isObject,
  keysAre,
  lowerKeys,
  numeric,
  QUANTITY,
  RATIO_KEYS,
  textual,
  UNIT,
} from './json-elements.ts';
import type { JsonObject, Rule } from './rule.ts';

/** JSON rules of Cost and Usage 1.4: the official schemas, one rule per column. */
export function jsonRules14(): readonly Rule[] {
  return Object.entries(SCHEMAS).map(([column, holds]) => ({
    id: `CostAndUsage.${column}.schema`,
    dataset: 'CostAndUsage' as const,
    column,
    kind: 'format' as const,
    keyword: 'MUST' as const,
    check: { op: 'json' as const, holds },
    message: `${column} must follow its published JSON schema`,
  }));
}

const SCHEMAS: Readonly<Record<string, (value: JsonObject) => boolean>> = {
  AllocatedMethodDetails: list('Elements', (element) => {
    const ratio = element.get('allocatedratio');
    return (
      typeof ratio === 'number' &&
      ratio >= 0 &&
      ratio <= 1 &&
      keysAre(RATIO_KEYS)(element) &&
      numeric('usagequantity')(element) &&
      textual('usageunit')(element) &&
      (!isGiven(element, 'usagequantity') || isGiven(element, 'usageunit'))
    );
  }),
  ContractApplied: list(
    'Elements',
    (element) =>
      typeof element.get(CONTRACT) === 'string' &&
      typeof element.get(COMMITMENT) === 'string' &&
      keysAre(APPLIED_KEYS)(element) &&
      numeric(COST)(element) &&
      numeric(QUANTITY)(element) &&
      textual(UNIT)(element) &&
      isGiven(element, COST) !== isGiven(element, QUANTITY) &&
      isGiven(element, QUANTITY) === isGiven(element, UNIT),
  ),
  CommitmentProgramEligibilityDetails: list(
    'CommitmentPrograms',
    (element) =>
      typeof element.get('programtype') === 'string' && keysAre(['programtype'])(element),
  ),
};

/** A non-empty array of objects under `key`, each as it shall be, and nothing else but `x_` keys. */
function list(key: string, test: Each): (value: JsonObject) => boolean {
  return (value) => {
    const items = value[key];
    return (
      Array.isArray(items) &&
      items.length > 0 &&
      items.every((item) => isObject(item) && test(lowerKeys(item))) &&
      Object.keys(value).every((name) => name === key || name.startsWith('x_'))
    );
  };
}
