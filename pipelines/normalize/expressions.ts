/**
 * Expressions over source columns: what a mapping table is made of. They are plain data; `Evaluator` runs them once per
 * distinct value (or distinct combination of values), not once per row. A text given where an expression is expected names a source column.
 */
import type { Decimal } from '../focus/decimal.ts';
import { parseTime } from '../focus/times.ts';
import { readTime } from './written-times.ts';

/** Gives text for each row, or null (undefined). */
export interface TextExpression {
  readonly kind: 'text';
  /** `when` (inputs: test, then, otherwise) and `first` are derived, too, but ask only for the inputs that matter in a batch. */
  readonly op: 'column' | 'constant' | 'derive' | 'sign' | 'when' | 'first' | 'object';
  /** Column name of `column`, value of `constant`. */
  readonly value?: string | undefined;
  readonly inputs: readonly Expression[];
  readonly fn?: (...values: (string | undefined)[]) => string | undefined;
}

/** Gives an exact decimal for each row, or null. */
export interface AmountExpression {
  readonly kind: 'amount';
  readonly op: 'column' | 'constant' | 'choose' | 'first' | 'add' | 'derive';
  readonly value?: string | undefined;
  /** choose: [test, amount, test, amount, …, otherwise]; add: terms. */
  readonly inputs: readonly Expression[];
  /** add: +1 or -1 for each term. */
  readonly signs?: readonly number[];
  /** derive: per distinct combination of inputs; amount inputs arrive as canonical text. */
  readonly fn?: (...values: (string | undefined)[]) => Decimal | undefined;
}

/** Gives a point in time for each row, or null. */
export interface TimeExpression {
  readonly kind: 'time';
  readonly op: 'derive';
  readonly inputs: readonly Expression[];
  /** Milliseconds; NaN for null, Infinity for what is not a time. */
  readonly fn: (...values: (string | undefined)[]) => number;
}

/** Yes or no for each row: text `1` or null. */
export interface Test {
  readonly kind: 'test';
  /** Asks only whether its input is there. */
  readonly op?: 'present';
  readonly inputs: readonly Expression[];
  readonly fn: (...values: (string | undefined)[]) => boolean;
}

export type Expression = TextExpression | AmountExpression | TimeExpression | Test;

/** An expression, or the name of a source column read as text. */
export type Text = TextExpression | string;
/** An expression, or the name of a source column read as an amount. */
export type Amount = AmountExpression | string;

// ---- text ----

/** The column as it stands; null when the part has no such column. */
export function text(column: Text): TextExpression {
  return typeof column === 'string'
    ? { kind: 'text', op: 'column', value: column, inputs: [] }
    : column;
}

/** The same value on every row. */
export function always(value: string | undefined): TextExpression {
  return { kind: 'text', op: 'constant', value, inputs: [] };
}

/** Null on every row. */
export const nothing: TextExpression = always(undefined);

/** `fn` of the value, once per distinct value; not called for null, which stays null. */
export function map(of: Text, fn: (value: string) => string | undefined): TextExpression {
  return {
    kind: 'text',
    op: 'derive',
    inputs: [text(of)],
    fn: (value) => (value === undefined ? undefined : fn(value)),
  };
}

/** `fn` of several values, once per distinct combination; nulls arrive as undefined. Amount and time inputs arrive as canonical text, tests as `1` or undefined. */
export function derive<const I extends readonly (Expression | string)[]>(
  of: I,
  fn: (...values: { -readonly [K in keyof I]: string | undefined }) => string | undefined,
): TextExpression {
  return {
    kind: 'text',
    op: 'derive',
    inputs: of.map(asExpression),
    fn: fn as TextExpression['fn'] & {},
  };
}

/** The table's entry for the value; `otherwise` (an expression, default null) when the table has none. */
export function lookup(
  table: Readonly<Record<string, string>>,
  of: Text,
  otherwise: TextExpression = nothing,
): TextExpression {
  return derive([text(of), otherwise], (value, rest) =>
    value !== undefined && Object.hasOwn(table, value) ? table[value] : rest,
  );
}

/** The first that is not null. */
export function first(...of: readonly Text[]): TextExpression {
  if (of.length === 1) return text(of[0] as Text);
  return { kind: 'text', op: 'first', inputs: of.map(text), fn: firstPresent };
}

/** `then` where the test holds, `otherwise` (default null) elsewhere. */
export function when(test: Test, then: Text, otherwise: Text = nothing): TextExpression {
  return { kind: 'text', op: 'when', inputs: [test, text(then), text(otherwise)], fn: chosen };
}

function firstPresent(...values: readonly (string | undefined)[]): string | undefined {
  return values.find((value) => value !== undefined);
}

function chosen(
  holds: string | undefined,
  yes: string | undefined,
  no: string | undefined,
): string | undefined {
  return holds === undefined ? no : yes;
}

/** The first branch whose test holds: `[[test, text], …]`, then `otherwise`. */
export function cases(
  branches: readonly (readonly [Test, Text])[],
  otherwise: Text = nothing,
): TextExpression {
  return branches.reduceRight<TextExpression>(
    (rest, [test, then]) => when(test, then, rest),
    text(otherwise),
  );
}

/** Texts joined by a separator; null when one of them is null. */
export function join(separator: string, ...of: readonly Text[]): TextExpression {
  return {
    kind: 'text',
    op: 'derive',
    inputs: of.map(text),
    fn: (...values) => (values.includes(undefined) ? undefined : values.join(separator)),
  };
}

/** A JSON object of the entries that are not null, keys in the given order; null when all are. */
export function jsonObject(entries: Readonly<Record<string, Text>>): TextExpression {
  return jsonOf(
    Object.entries(entries).map(([key, of]) => map(of, (value) => jsonEntry(key, value))),
  );
}

/** A JSON object of entries as `jsonEntry` writes them, no two of the same key; those that are null are left out, null when all are. Cheap where it differs from row to row. */
export function jsonOf(entries: readonly TextExpression[]): TextExpression {
  return {
    kind: 'text',
    op: 'object',
    inputs: entries,
    fn: (...values) => {
      const present = values.filter((value) => value !== undefined);
      return present.length === 0 ? undefined : `{${present.join(',')}}`;
    },
  };
}

/** An entry of a JSON object. */
export function jsonEntry(key: string, value: string): string {
  return `${JSON.stringify(key)}:${JSON.stringify(value)}`;
}

/** `-`, `0` or `+`; null when the amount is null. Cheap on columns with a value per row. */
export function sign(of: Amount): TextExpression {
  return { kind: 'text', op: 'sign', inputs: [amount(of)] };
}

// ---- tests ----

/** Yes where `fn` says so, once per distinct combination. */
export function test<const I extends readonly (Expression | string)[]>(
  of: I,
  fn: (...values: { -readonly [K in keyof I]: string | undefined }) => boolean,
): Test {
  return { kind: 'test', inputs: of.map(asExpression), fn: fn as Test['fn'] };
}

/** Yes where the value is one of these. */
export function is(of: Text, ...values: readonly string[]): Test {
  const set = new Set(values);
  return test([text(of)], (value) => value !== undefined && set.has(value));
}

/** Yes where the value is not null. Amounts count too. */
export function present(of: Expression | string): Test {
  return { ...test([of], isPresent), op: 'present' };
}

/** Yes where the text matches. */
export function matches(of: Text, pattern: RegExp): Test {
  return test([text(of)], (value) => value !== undefined && pattern.test(value));
}

/** Yes where all hold. */
export function all(...of: readonly Test[]): Test {
  return { kind: 'test', inputs: of, fn: areAllPresent };
}

/** Yes where at least one holds. */
export function any(...of: readonly Test[]): Test {
  return { kind: 'test', inputs: of, fn: isAnyPresent };
}

/** Yes where it does not hold. */
export function not(of: Test): Test {
  return test([of], isAbsent);
}

function areAllPresent(...values: readonly (string | undefined)[]): boolean {
  return values.every(isPresent);
}

function isAnyPresent(...values: readonly (string | undefined)[]): boolean {
  return values.some(isPresent);
}

function isPresent(value: string | undefined): boolean {
  return value !== undefined;
}

function isAbsent(value: string | undefined): boolean {
  return value === undefined;
}

// ---- amounts ----

/** The column as exact decimals; null when the part has no such column. What is not a number is invalid: such rows are rejected when the column is a cost. */
export function amount(column: Amount): AmountExpression {
  return typeof column === 'string'
    ? { kind: 'amount', op: 'column', value: column, inputs: [] }
    : column;
}

/** The same amount on every row: `alwaysAmount('0')`. */
export function alwaysAmount(value: string | undefined): AmountExpression {
  return { kind: 'amount', op: 'constant', value, inputs: [] };
}

/** Zero on every row. */
export const zero: AmountExpression = alwaysAmount('0');

/** Null on every row. */
export const noAmount: AmountExpression = alwaysAmount(undefined);

/** The first branch whose test holds: `[[test, amount], …]`, then `otherwise`. Cheap on columns with a value per row. */
export function chooseAmount(
  branches: readonly (readonly [Test, Amount])[],
  otherwise: Amount = noAmount,
): AmountExpression {
  return {
    kind: 'amount',
    op: 'choose',
    inputs: [...branches.flatMap(([test, then]) => [test, amount(then)]), amount(otherwise)],
  };
}

/** The first that is not null. Cheap on columns with a value per row. */
export function firstAmount(...of: readonly Amount[]): AmountExpression {
  return of.length === 1
    ? amount(of[0] as Amount)
    : { kind: 'amount', op: 'first', inputs: of.map(amount) };
}

/** Exact sum; nulls count as zero, null when all are null. Cheap on columns with a value per row. */
export function plus(...of: readonly Amount[]): AmountExpression {
  return { kind: 'amount', op: 'add', inputs: of.map(amount), signs: of.map(() => 1) };
}

/** a - b, exactly; a null counts as zero, null when both are null. */
export function minus(a: Amount, b: Amount): AmountExpression {
  return { kind: 'amount', op: 'add', inputs: [amount(a), amount(b)], signs: [1, -1] };
}

/** Any other arithmetic, once per distinct combination. Amount inputs arrive as canonical text. */
export function deriveAmount<const I extends readonly (Expression | string)[]>(
  of: I,
  fn: (...values: { -readonly [K in keyof I]: string | undefined }) => Decimal | undefined,
): AmountExpression {
  return {
    kind: 'amount',
    op: 'derive',
    inputs: of.map(asExpression),
    fn: fn as AmountExpression['fn'] & {},
  };
}

// ---- times ----

/** Dates and date/times in UTC: ISO 8601 and what exports write beside it (`readTime`). */
export function time(of: Text): TimeExpression {
  return timeBy(of, readTime);
}

/** Milliseconds by `fn`, once per distinct value: Infinity says that the text is not a time. Null stays null. */
export function timeBy(of: Text, fn: (value: string) => number): TimeExpression {
  return {
    kind: 'time',
    op: 'derive',
    inputs: [text(of)],
    fn: (value) => (value === undefined ? Number.NaN : fn(value)),
  };
}

/** Milliseconds from several inputs; time inputs arrive as text (`2026-09-01T00:00:00Z`). NaN is null, Infinity not a time. */
export function deriveTime<const I extends readonly (Expression | string)[]>(
  of: I,
  fn: (...values: { -readonly [K in keyof I]: string | undefined }) => number,
): TimeExpression {
  return {
    kind: 'time',
    op: 'derive',
    inputs: of.map(asExpression),
    fn: fn as TimeExpression['fn'],
  };
}

/** The first that is not null. */
export function firstTime(...of: readonly TimeExpression[]): TimeExpression {
  return deriveTime(of, (...values: (string | undefined)[]) => {
    const value = values.find((candidate) => candidate !== undefined);
    return value === undefined ? Number.NaN : parseTime(value);
  });
}

function asExpression(of: Expression | string): Expression {
  return typeof of === 'string' ? text(of) : of;
}
