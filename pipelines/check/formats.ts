/** How single values shall be written. Pure; one text in, yes or no out. */

import { CURRENCIES } from '../focus/currencies.ts';
import { parseDecimal } from '../focus/decimal.ts';
import { parseTime } from '../focus/times.ts';
import type { JsonObject, ValueForm } from './rule.ts';

/** A cell that is not null: its text, and what the part's format says it is. */
export interface Cell {
  readonly kind: 'text' | 'amount' | 'time';
  /** Undefined for an amount or a time that could not be read. */
  readonly text: string | undefined;
}

/** Whether the cell has the form. */
export function hasForm(form: ValueForm, cell: Cell): boolean {
  const { kind, text } = cell;
  if (text === undefined) return form === 'string' || form === 'text';
  if (kind === 'amount') return AMOUNT_FORMS.has(form);
  if (kind === 'time') return TIME_FORMS.has(form);
  return TEXT_FORMS[form](text);
}

/** Numbers of a typed format stand for numbers however they are stored; so do times. */
const AMOUNT_FORMS: ReadonlySet<ValueForm> = new Set(['decimal', 'numeric', 'text']);
const TIME_FORMS: ReadonlySet<ValueForm> = new Set(['datetime', 'utc', 'text']);

const TEXT_FORMS: Readonly<Record<ValueForm, (text: string) => boolean>> = {
  string: () => true,
  decimal: (text) => parseDecimal(text) !== undefined,
  datetime: (text) => Number.isFinite(parseTime(text)),
  object: isJsonObject,
  text: isReadable,
  numeric: (text) => NUMERIC.test(text),
  utc: (text) => UTC.test(text) && Number.isFinite(parseTime(text)),
  unit: isUnit,
  currency: isCurrency,
  national: (text) => CURRENCIES.has(text),
  keyvalue: isKeyValue,
  json: isJsonObject,
  applicability: isApplicability,
};

const NUMERIC = /^-?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE]-?\d+)?$/;
const UTC = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;

/** Valid Unicode (no replacement characters, no controls but tab and line ends) that is not blank. */
function isReadable(text: string): boolean {
  return text.trim() !== '' && !UNREADABLE.test(text);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const UNREADABLE = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFD]/;

/** A national currency in its code, or another name than a code in the wrong case. */
function isCurrency(text: string): boolean {
  if (CURRENCIES.has(text)) return true;
  return isReadable(text) && !CURRENCIES.has(text.trim().toUpperCase());
}

const TIMES = 'Year|Month|Week|Day|Hour|Minute|Second';
const UNIT = new RegExp(
  `^(?:\\d+ )?(?:b|[a-z]?[A-Z][A-Za-z0-9]*(?: (?!Per |(?:${TIMES})s?(?: |$))[a-z]?[A-Z][A-Za-z0-9]*)*)(?:-(?:${TIMES})s|/(?:\\d+ )?(?:${TIMES})s?)?$`,
);

/** `Hours`, `1000 Requests`, `GB-Months`, `Requests/Second`: one of the three shapes, words in capitals. */
export function isUnit(text: string): boolean {
  return UNIT.test(text);
}

/** The object a text holds, undefined when it holds something else. Remembers the last: rules ask after one cell in turn. */
export function parseObject(text: string): JsonObject | undefined {
  if (text !== lastText) {
    lastObject = parsedObject(text);
    lastText = text;
  }
  return lastObject;
}

let lastText = '';
let lastObject: JsonObject | undefined;

function parsedObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as JsonObject)
      : undefined;
  } catch {
    return undefined;
  }
}

function isJsonObject(text: string): boolean {
  return parseObject(text) !== undefined;
}

/** A JSON object whose values are plain and whose keys are unique. */
function isKeyValue(text: string): boolean {
  const value = parseObject(text);
  if (value === undefined) return false;
  if (Object.values(value).some((entry) => typeof entry === 'object' && entry !== null))
    return false;
  let keys = 0;
  for (const match of text.matchAll(STRINGS)) if (match[1] !== undefined) keys++;
  return keys === Object.keys(value).length;
}

/** Every string of a JSON text; the group is there for keys. */
const STRINGS = /"(?:[^"\\]|\\.)*"(\s*:)?/g;

const OPERATORS = new Set([
  'In',
  'NotIn',
  'StartsWith',
  'NotStartsWith',
  'Contains',
  'NotContains',
  'EndsWith',
  'Exists',
  'DoesNotExist',
]);

/** An object of ContractCommitmentApplicability: rules of dimension, operator and values. */
function isApplicability(text: string): boolean {
  const value = parseObject(text);
  if (value === undefined) return false;
  return ['Inclusions', 'Exclusions'].every((name) => {
    const rules = value[name];
    return rules === undefined || (Array.isArray(rules) && rules.every(isApplicabilityRule));
  });
}

function isApplicabilityRule(rule: unknown): boolean {
  if (typeof rule !== 'object' || rule === null) return false;
  const { Dimension, Operator, Values } = rule as JsonObject;
  return (
    typeof Dimension === 'string' &&
    typeof Operator === 'string' &&
    OPERATORS.has(Operator) &&
    Array.isArray(Values) &&
    Values.length > 0 &&
    Values.every((value) => typeof value === 'string')
  );
}
