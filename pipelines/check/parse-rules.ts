/**
 * Reads rule tables. A line without indent names a column; the lines under it hold its rules, divided by `;`:
 * `number [should|recommended] check [when condition] [if FLAG + FLAG] [@version]`.
 * A condition is `a and b or c and d` over `Column null`, `Column not null`, `Column = value`, `Column != value`,
 * `Column in value | value`, `Column not in value | value`.
 */
import { describeRule } from './describe.ts';
import type {
  Atom,
  Check,
  Condition,
  Dataset,
  Keyword,
  Rule,
  RuleKind,
  ValueForm,
} from './rule.ts';

/** Where the rules of a table belong. */
export interface TableOptions {
  readonly dataset: Dataset;
  /** Keeps rules without `@version` and those of this one. */
  readonly version: string;
  /** The rule's id from its column and number. */
  readonly id: (column: string, number: string) => string;
  /** Allowed values of a column, for `listed`. */
  readonly listed: (column: string) => readonly string[] | undefined;
}

/** The rules of a table, in its order. Throws on a line it cannot read: tables are code. */
export function parseRules(table: string, options: TableOptions): readonly Rule[] {
  const rules: Rule[] = [];
  let column = '';
  for (const line of table.split('\n')) {
    if (line === '') continue;
    if (!line.startsWith(' ')) {
      column = line;
      continue;
    }
    for (const text of line.split(';')) {
      const rule = parseRule(text.trim(), column, options);
      if (rule !== undefined) rules.push(rule);
    }
  }
  return rules;
}

const RULE =
  /^(\S+) (?:(should|recommended) )?(.+?)(?: when (.+?))?(?: if ([A-Z_ +]+))?(?: @(\S+))?$/;

function parseRule(text: string, column: string, options: TableOptions): Rule | undefined {
  const match = RULE.exec(text);
  if (match === null) throw new SyntaxError(`not a rule: ${column}: ${text}`);
  const [, number = '', strength, words = '', condition, flags, version] = match;
  if (version !== undefined && version !== options.version) return undefined;
  const check = parseCheck(words, column, options);
  const rule = {
    id: number.startsWith('=') ? number.slice(1) : options.id(column, number),
    dataset: options.dataset,
    column,
    kind: kindOf(check),
    keyword: keywordOf(check, strength),
    check,
    ...(condition !== undefined && { when: parseCondition(condition) }),
    ...(flags !== undefined && { applicability: flags.split(' + ') }),
  };
  return { ...rule, message: describeRule(rule) };
}

const FORMS = new Map<string, ValueForm>(
  (
    [
      'string',
      'decimal',
      'datetime',
      'object',
      'text',
      'numeric',
      'utc',
      'unit',
      'currency',
      'national',
      'keyvalue',
      'json',
      'applicability',
    ] as const
  ).map((form) => [form, form]),
);

function parseCheck(words: string, column: string, { listed }: TableOptions): Check {
  const form = FORMS.get(words);
  if (form !== undefined) return { op: 'form', form };
  const [first = '', second = '', third = '', fourth = ''] = words.split(' ');
  switch (first) {
    case 'present':
    case 'null':
    case 'unique':
      return { op: first };
    case 'not':
      return { op: 'notNull' };
    case 'listed': {
      const values = listed(column);
      if (values === undefined) throw new SyntaxError(`no list of values for ${column}`);
      return { op: 'in', values };
    }
    case '=':
      return Number.isNaN(Number(second))
        ? { op: 'in', values: [words.slice(2)] }
        : { op: 'equals', number: second };
    case '!=':
      return { op: 'notIn', values: [words.slice(3)] };
    case '>=':
      return { op: 'atLeast', number: second };
    case 'product':
      return { op: 'product', a: second, b: third, result: fourth };
    case 'same':
    case 'from':
    case 'after':
    case 'under':
    case 'one':
      return { op: first, column: second };
    default:
      throw new SyntaxError(`not a check: ${column}: ${words}`);
  }
}

function parseCondition(text: string): Condition {
  return text.split(' or ').map((part) => part.split(' and ').map(parseAtom));
}

const ATOM = /^(\w+) (?:(not null|null)|(=|!=|in|not in) (.+))$/;

function parseAtom(text: string): Atom {
  const match = ATOM.exec(text);
  if (match === null) throw new SyntaxError(`not a condition: ${text}`);
  const [, column = '', nullness, operator, values = ''] = match;
  if (nullness !== undefined)
    return { column, op: nullness === 'null' ? 'null' : 'notNull', values: [] };
  const wanted = operator === '=' || operator === 'in' ? 'in' : 'notIn';
  return { column, op: wanted, values: values.split(' | ') };
}

const TYPES: ReadonlySet<ValueForm> = new Set(['string', 'decimal', 'datetime', 'object']);

function kindOf(check: Check): RuleKind {
  switch (check.op) {
    case 'present':
      return 'presence';
    case 'null':
    case 'notNull':
      return 'nullability';
    case 'form':
      return TYPES.has(check.form) ? 'type' : 'format';
    case 'unique':
    case 'one':
      return 'set';
    default:
      return 'validation';
  }
}

function keywordOf(check: Check, strength: string | undefined): Keyword {
  if (strength === 'recommended') return 'RECOMMENDED';
  const negative = check.op === 'notNull' || check.op === 'notIn';
  if (strength === 'should') return negative ? 'SHOULD NOT' : 'SHOULD';
  return negative ? 'MUST NOT' : 'MUST';
}
