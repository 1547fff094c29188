/** Values of expressions: how an entry is computed from the entries it depends on. Hot: called once per distinct value or combination. */
import { AMOUNT, Amounts } from '../focus/amounts.ts';
import type { Column } from '../focus/batch.ts';
import { Dictionary } from '../focus/dictionary.ts';
import { Times } from '../focus/times.ts';
import { entrySign } from './amount-columns.ts';
import type { Expression } from './expressions.ts';
import { saysNothing } from './null-words.ts';
import { writtenNumber } from './written-numbers.ts';

/** The distinct values of a column. */
export type Values = Dictionary | Amounts | Times;

/** Whether the inputs have the values they had. */
export function sameValues(known: readonly Values[], inputs: readonly Column[]): boolean {
  return known.length === inputs.length && inputs.every((input, i) => input.values === known[i]);
}

/** The codes that all varying inputs share; `none`: no input varies. */
export function varyingCodes(inputs: readonly Column[]): Uint32Array | 'none' | 'several' {
  let codes: Uint32Array | undefined;
  for (const input of inputs) {
    if (input.values.size === 1 || input.codes === codes) continue;
    if (codes !== undefined) return 'several';
    codes = input.codes;
  }
  return codes ?? 'none';
}

/** Entries that all varying inputs have. */
export function sharedSize(inputs: readonly Column[]): number {
  let size = Number.POSITIVE_INFINITY;
  for (const input of inputs) if (input.values.size !== 1) size = Math.min(size, input.values.size);
  return Number.isFinite(size) ? size : 1;
}

function entryText(input: Column, code: number): string | undefined {
  return input.values.text(input.values.size === 1 ? 0 : code);
}

/** Evaluates for entry `code` of inputs that share their codes. */
export function apply(
  expression: Expression,
  inputs: readonly Column[],
  code: number,
  values: Values,
): void {
  const only = inputs[0] as Column;
  if (isSourceRead(expression)) {
    readEntry(only, code, values);
    return;
  }
  if (isSign(expression) && only.kind === 'amount')
    (values as Dictionary).add(entrySign(only.values, only.values.size === 1 ? 0 : code));
  else if (isPresence(expression)) addPresence(only, code, values as Dictionary);
  else if (inputs.length === 1) addResult(expression, values, [entryText(only, code)]);
  else
    addResult(
      expression,
      values,
      inputs.map((input) => entryText(input, code)),
    );
}

/** Whether it asks for the sign of its input. */
export function isSign(expression: Expression): boolean {
  return expression.kind === 'text' && expression.op === 'sign';
}

/** Whether it asks only whether its input is there. */
export function isPresence(expression: Expression): boolean {
  return expression.kind === 'test' && expression.op === 'present';
}

/** Whether it puts a JSON object together. */
export function isObject(expression: Expression): boolean {
  return expression.kind === 'text' && expression.op === 'object';
}

/** Without making a string of a text. */
function addPresence(only: Column, code: number, values: Dictionary): void {
  const entry = only.values.size === 1 ? 0 : code;
  const isNull =
    only.kind === 'text' ? only.values.isNull(entry) : entryText(only, entry) === undefined;
  values.add(isNull ? undefined : '1');
}

/** Evaluates for a row of inputs with codes of their own. */
export function applyRow(
  expression: Expression,
  inputs: readonly Column[],
  row: number,
  values: Values,
): void {
  addResult(
    expression,
    values,
    inputs.map((input) => input.values.text(input.codes[row] as number)),
  );
}

/** Evaluates for a combination; `codeOf` gives the code that the input of this number has in it. */
export function applyParts(
  expression: Expression,
  inputs: readonly Column[],
  values: Values,
  codeOf: (input: number) => number,
): void {
  addResult(
    expression,
    values,
    inputs.map((input, i) => entryText(input, codeOf(i))),
  );
}

function addResult(
  expression: Expression,
  values: Values,
  texts: readonly (string | undefined)[],
): void {
  switch (expression.kind) {
    case 'test':
      (values as Dictionary).add(expression.fn(...texts) ? '1' : undefined);
      return;
    case 'text':
      (values as Dictionary).add(
        expression.op === 'sign' ? signOf(texts[0]) : expression.fn?.(...texts),
      );
      return;
    case 'time':
      (values as Times).add(expression.fn(...texts));
      return;
    case 'amount': {
      const value = expression.fn?.(...texts);
      if (value === undefined) (values as Amounts).addNull();
      else (values as Amounts).addDecimal(value);
    }
  }
}

function signOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  if (text.startsWith('-')) return '-';
  return text === '0' ? '0' : '+';
}

function isSourceRead(expression: Expression): boolean {
  return (expression.kind === 'text' || expression.kind === 'amount') && expression.op === 'column';
}

/** Reads a source entry of another kind: text as amount, amount or time as text. */
function readEntry(from: Column, code: number, values: Values): void {
  if (values instanceof Dictionary) {
    values.add(from.values.text(code));
    return;
  }
  if (!(values instanceof Amounts) || from.kind !== 'text')
    throw new TypeError('a point in time was read as an amount');
  const { starts, ends, arena } = from.values;
  const start = starts[code] as number;
  const end = ends[code] as number;
  if (start > end) values.addNull();
  else if ((arena[start] as number) > 32 && (arena[end - 1] as number) > 32)
    values.addBytes(arena, start, end);
  else addValue(values, from.values.text(code)?.trim());
  const added = values.size - 1;
  if (values.state[added] === AMOUNT.invalid) mend(values, added, from.values.text(code) ?? '');
}

/** A cell that is no plain decimal may still mean a number, or that there is none. */
function mend(values: Amounts, code: number, text: string): void {
  const meant = writtenNumber(text);
  if (meant !== undefined || saysNothing(text)) values.mend(code, meant);
}

/** Values of an expression of that kind, empty. */
export function newValues(kind: Expression['kind'], transient: boolean): Values {
  if (kind === 'amount') return new Amounts(16, transient);
  return kind === 'time' ? new Times(16, transient) : new Dictionary({ transient });
}

/** Adds one value given as text. */
export function addValue(values: Values, value: string | undefined): void {
  if (values instanceof Dictionary) values.add(value);
  else if (values instanceof Times) values.add(Number.NaN);
  else if (value === undefined || value === '') values.addNull();
  else values.addText(value);
}

/** A column of such values. */
export function columnOf(codes: Uint32Array, values: Values): Column {
  if (values instanceof Dictionary) return { kind: 'text', codes, values };
  return values instanceof Amounts
    ? { kind: 'amount', codes, values }
    : { kind: 'time', codes, values };
}
