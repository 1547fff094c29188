/**
 * Rules about what stands inside the JSON columns AllocatedMethodDetails and ContractApplied in 1.3. The 1.3 model writes ContractCommitmentID where the text and the schema write
 * ContractCommitmentId: keys are compared without case, and ContractId is a key of FOCUS.
 */

import { isUnit } from './formats.ts';
import {
  APPLIED_KEYS,
  COMMITMENT,
  CONTRACT,
  COST,
  each,
  elementsOf,
  hasElements,
  isGiven,
  isObject,
  keysAre,
  lowerKeys,
  numeric,
  objectsOnly,
  plainValues,
  QUANTITY,
  RATIO_KEYS,
  readable,
  textual,
  UNIT,
  unitIn,
} from './json-elements.ts';
import type { Check, Condition, JsonObject, Keyword, Rule, RuleKind } from './rule.ts';

/** JSON rules of Cost and Usage 1.3. */
export function jsonRules13(): readonly Rule[] {
  return [...rules13('AllocatedMethodDetails', ALLOCATED), ...rules13('ContractApplied', APPLIED)];
}

/** Number, kind, keyword, what is demanded, and the test of the object. */
type Line = readonly [string, RuleKind, Keyword, string, (value: JsonObject) => boolean];

const ALLOCATED: readonly Line[] = [
  ['O-001-M', 'type', 'MUST', 'have an array `Elements`', hasElements],
  ['O-002-M', 'type', 'MUST', 'hold objects in `Elements`', objectsOnly],
  ['O-003-M', 'format', 'MUST', 'hold plain values in its elements', each(plainValues)],
  ['O-009-C', 'format', 'MUST', 'prefix own keys with `x_`', each(keysAre(RATIO_KEYS))],
  hasKey('O-012-M', 'AllocatedRatio'),
  ['O-013-M', 'type', 'MUST', 'hold AllocatedRatio as a number', each(numeric('allocatedratio'))],
  [
    'O-016-C',
    'presence',
    'MUST',
    'have UsageUnit beside UsageQuantity',
    each((element) => !isGiven(element, 'usagequantity') || element.has('usageunit')),
  ],
  ['O-018-O', 'format', 'SHOULD', 'write UsageUnit as a FOCUS unit', each(unitIn('usageunit'))],
  ['O-021-M', 'format', 'MUST', 'hold UsageQuantity as a number', each(numeric('usagequantity'))],
];

const APPLIED: readonly Line[] = [
  ['O-001-M', 'type', 'MUST', 'have an array `Elements`', hasElements],
  ['O-003-M', 'type', 'MUST', 'hold objects in `Elements`', objectsOnly],
  ['O-004-M', 'format', 'MUST', 'hold plain values in its elements', each(plainValues)],
  [
    'O-007-M',
    'validation',
    'MUST',
    'have the keys ContractCommitmentId, -AppliedCost, -AppliedQuantity and -AppliedUnit',
    each((element) => APPLIED_KEYS.slice(1).every((key) => element.has(key))),
  ],
  ['O-010-M', 'format', 'MUST', 'prefix own keys with `x_`', each(keysAre(APPLIED_KEYS))],
  ['O-017-C', 'format', 'MUST', 'prefix own keys with `x_`', each(keysAre(APPLIED_KEYS))],
  ['O-020-M', 'type', 'MUST', 'hold ContractId as text', each(textual(CONTRACT))],
  ['O-021-M', 'format', 'MUST', 'hold ContractId as readable text', each(readable(CONTRACT))],
  ['O-030-M', 'type', 'MUST', 'hold ContractCommitmentId as text', each(textual(COMMITMENT))],
  [
    'O-031-M',
    'format',
    'MUST',
    'hold ContractCommitmentId as readable text',
    each(readable(COMMITMENT)),
  ],
  ['O-038-M', 'validation', 'MUST', 'have one ContractId for each commitment', oneContractEach],
  ['O-043-M', 'type', 'MUST', 'hold the applied cost as a number', each(numeric(COST))],
  ['O-044-M', 'format', 'MUST', 'hold the applied cost as a number', each(numeric(COST))],
  [
    'O-046-C',
    'nullability',
    'MUST NOT',
    'have the applied cost where the applied quantity is null',
    each((element) => isGiven(element, QUANTITY) || isGiven(element, COST)),
  ],
  ['O-052-M', 'type', 'MUST', 'hold the applied quantity as a number', each(numeric(QUANTITY))],
  ['O-053-M', 'format', 'MUST', 'hold the applied quantity as a number', each(numeric(QUANTITY))],
  [
    'O-055-C',
    'nullability',
    'MUST NOT',
    'have the applied quantity where the applied cost is null',
    each((element) => isGiven(element, COST) || isGiven(element, QUANTITY)),
  ],
  hasKey('O-019-C', 'ContractId'),
  ...['O-029-C', 'O-042-C', 'O-051-C', 'O-060-C'].map((number) =>
    hasKey(number, 'ContractCommitmentId'),
  ),
  ['O-061-M', 'type', 'MUST', 'hold the applied unit as text', each(textual(UNIT))],
  ['O-062-M', 'format', 'MUST', 'hold the applied unit as readable text', each(readable(UNIT))],
  ['O-063-O', 'format', 'SHOULD', 'write the applied unit as a FOCUS unit', each(unitIn(UNIT))],
  [
    'O-065-C',
    'nullability',
    'MUST',
    'have no applied unit without an applied quantity',
    each((element) => isGiven(element, QUANTITY) || !isGiven(element, UNIT)),
  ],
  [
    'O-066-C',
    'nullability',
    'MUST NOT',
    'have an applied unit beside an applied quantity',
    each((element) => !isGiven(element, QUANTITY) || isGiven(element, UNIT)),
  ],
];

function hasKey(number: string, key: string): Line {
  return [
    number,
    'presence',
    'MUST',
    `have the key ${key}`,
    each((element) => element.has(key.toLowerCase())),
  ];
}

/** Objects as they nearly always are; they break none of the rules. */
const SOUND = {
  AllocatedMethodDetails: soundAllocation,
  ContractApplied: soundApplication,
} as const;

function soundAllocation({ Elements }: JsonObject): boolean {
  return (
    Array.isArray(Elements) &&
    Elements.every(
      (element: unknown) =>
        isObject(element) &&
        typeof element.AllocatedRatio === 'number' &&
        typeof element.UsageUnit === 'string' &&
        typeof element.UsageQuantity === 'number' &&
        isUnit(element.UsageUnit) &&
        hasOnly(element, SOUND_RATIO),
    )
  );
}

function soundApplication({ Elements }: JsonObject): boolean {
  if (!Array.isArray(Elements)) return false;
  const commitments = new Set<unknown>();
  return (
    Elements.every((element: unknown) => {
      if (!isObject(element) || !hasOnly(element, SOUND_APPLIED)) return false;
      commitments.add(element.ContractCommitmentId);
      const {
        ContractId,
        ContractCommitmentId,
        ContractCommitmentAppliedCost: cost,
        ContractCommitmentAppliedQuantity: quantity,
        ContractCommitmentAppliedUnit: unit,
      } = element;
      return (
        isName(ContractId) &&
        isName(ContractCommitmentId) &&
        ((typeof cost === 'number' && quantity === null && unit === null) ||
          (cost === null &&
            typeof quantity === 'number' &&
            typeof unit === 'string' &&
            isUnit(unit)))
      );
    }) && commitments.size === Elements.length
  );
}

const SOUND_RATIO: ReadonlySet<string> = new Set(['AllocatedRatio', 'UsageUnit', 'UsageQuantity']);
const SOUND_APPLIED: ReadonlySet<string> = new Set([
  'ContractId',
  'ContractCommitmentId',
  'ContractCommitmentAppliedCost',
  'ContractCommitmentAppliedQuantity',
  'ContractCommitmentAppliedUnit',
]);

function isName(value: unknown): boolean {
  return typeof value === 'string' && value.trim() !== '';
}

function hasOnly(element: JsonObject, known: ReadonlySet<string>): boolean {
  for (const key in element) {
    if (known.has(key)) continue;
    const value = element[key];
    if (!key.startsWith('x_') || (typeof value === 'object' && value !== null)) return false;
  }
  return true;
}

const PURCHASE: Condition = [[{ column: 'ChargeCategory', op: 'in', values: ['Purchase'] }]];

function rules13(
  column: 'AllocatedMethodDetails' | 'ContractApplied',
  lines: readonly Line[],
): Rule[] {
  const base = { dataset: 'CostAndUsage' as const, column };
  const rules: Rule[] = lines.map(([number, kind, keyword, demand, holds]) => ({
    ...base,
    id: `CAU-${column}Object-${number}`,
    kind,
    keyword,
    check: { op: 'json', holds, sound: SOUND[column] } satisfies Check,
    message: `${column} ${keyword.startsWith('MUST') ? 'must' : 'should'} ${demand}`,
  }));
  if (column === 'ContractApplied')
    rules.push({
      ...base,
      id: 'CAU-ContractAppliedObject-O-039-C',
      kind: 'validation',
      keyword: 'MUST',
      check: { op: 'jsonWith', column: 'ResourceId', holds: namesResource },
      when: PURCHASE,
      message:
        'ContractApplied must name the ResourceId as its ContractCommitmentId when ChargeCategory is Purchase',
    });
  return rules;
}

function oneContractEach(value: JsonObject): boolean {
  const contracts = new Map<unknown, unknown>();
  return elementsOf(value).every((item) => {
    if (!isObject(item)) return true;
    const element = lowerKeys(item);
    const commitment = element.get(COMMITMENT) ?? null;
    if (commitment === null) return true;
    const known = contracts.get(commitment);
    contracts.set(commitment, element.get(CONTRACT));
    return known === undefined || known === element.get(CONTRACT);
  });
}

/** A purchased commitment is its own resource; elements of other contracts may stand beside it. */
function namesResource(value: JsonObject, resource: string | undefined): boolean {
  const named = elementsOf(value).flatMap((item) => {
    const id = isObject(item) ? lowerKeys(item).get(COMMITMENT) : undefined;
    return typeof id === 'string' ? [id] : [];
  });
  return named.length === 0 || (resource !== undefined && named.includes(resource));
}
