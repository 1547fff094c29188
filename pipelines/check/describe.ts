import type { Atom, Condition, Rule, ValueForm } from './rule.ts';

/** A rule in one sentence: `SkuMeter must be null when SkuId is null`. */
export function describeRule(rule: Omit<Rule, 'message'>): string {
  const verb = rule.keyword.startsWith('MUST') ? 'must' : 'should';
  const when = rule.when === undefined ? '' : ` when ${describeCondition(rule.when)}`;
  return `${rule.column} ${verb} ${demand(rule)}${when}`;
}

const FORMS: Readonly<Record<ValueForm, string>> = {
  string: 'be text',
  decimal: 'be a decimal number',
  datetime: 'be a date and time',
  object: 'be a JSON object',
  text: 'be readable text and not only blanks',
  numeric: 'be written as a plain number (`-1.5`, `2E-7`)',
  utc: 'be written as `2026-09-01T00:00:00Z`',
  unit: 'be a unit in FOCUS writing (`Hours`, `GB-Months`, `Requests/Second`)',
  currency: 'be an ISO 4217 code in upper case or the name of a virtual currency',
  national: 'be an ISO 4217 code of a national currency',
  keyvalue: 'be a JSON object with unique keys and plain values',
  json: 'be a JSON object',
  applicability: 'be an object of the applicability schema',
};

function demand({ check }: Omit<Rule, 'message'>): string {
  switch (check.op) {
    case 'present':
      return 'be there';
    case 'null':
      return 'be null';
    case 'notNull':
      return 'not be null';
    case 'unique':
      return 'be unique';
    case 'form':
      return FORMS[check.form];
    case 'in':
      return check.values.length > 10
        ? `be one of the ${check.values.length} listed values`
        : `be ${listed(check.values)}`;
    case 'notIn':
      return `not be ${listed(check.values)}`;
    case 'equals':
      return `be ${check.number}`;
    case 'atLeast':
      return `be at least ${check.number}`;
    case 'product':
      return `fit ${check.a} × ${check.b} = ${check.result}`;
    case 'same':
      return `equal ${check.column}`;
    case 'from':
      return `not be before ${check.column}`;
    case 'after':
      return `be after ${check.column}`;
    case 'under':
      return `be a value that is listed under its ${check.column}`;
    case 'one':
      return `belong to one ${check.column} only`;
    case 'json':
    case 'jsonWith':
      return 'hold a well-formed object';
  }
}

function describeCondition(condition: Condition): string {
  return condition.map((atoms) => atoms.map(describeAtom).join(' and ')).join(' or ');
}

function describeAtom({ column, op, values }: Atom): string {
  switch (op) {
    case 'null':
      return `${column} is null`;
    case 'notNull':
      return `${column} is not null`;
    case 'in':
      return `${column} is ${listed(values)}`;
    case 'notIn':
      return `${column} is not ${listed(values)}`;
  }
}

function listed(values: readonly string[]): string {
  return values.length <= 1
    ? (values[0] ?? '')
    : `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`;
}
