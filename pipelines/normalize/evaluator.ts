/**
 * Runs mapping expressions over batches: once per distinct value of one column, once per distinct combination of several.
 * A result shares the `codes` of the column it depends on. Hot: it touches rows only where several columns meet.
 */
import { Amounts } from '../focus/amounts.ts';
import type { AmountColumn, Batch, Column, TextColumn } from '../focus/batch.ts';
import { Dictionary } from '../focus/dictionary.ts';
import { Times } from '../focus/times.ts';
import {
  addAmounts,
  chosenAmounts,
  firstAmounts,
  identityCodes,
  rowSigns,
} from './amount-columns.ts';
import { type CombinationInput, Combinations, MAX_COMBINATIONS } from './combinations.ts';
import type {
  AmountExpression,
  Expression,
  Test,
  TextExpression,
  TimeExpression,
} from './expressions.ts';

/** Evaluates expressions of one part, batch after batch. */
export class Evaluator {
  #batch: Batch = { rows: 0, columns: new Map(), rowNumbers: new Float64Array(0) };
  readonly #results = new Map<Expression, Column>();
  readonly #memories = new Map<Expression, Memory>();
  readonly #sources = new Set<Values>();
  #constantCodes = new Uint32Array(0);
  readonly #constants = new Map<Expression, Column>();

  /** Turns to the next batch; columns given for the one before are void. */
  begin(batch: Batch): void {
    this.#batch = batch;
    this.#results.clear();
    this.#sources.clear();
    for (const column of batch.columns.values()) this.#sources.add(column.values);
    if (this.#constantCodes.length < batch.rows) {
      this.#constantCodes = new Uint32Array(batch.rows);
      this.#constants.clear();
    }
  }

  /** The expression's value for every row of the batch. */
  text(expression: TextExpression | Test): TextColumn {
    return this.column(expression) as TextColumn;
  }

  /** The expression's value for every row of the batch. */
  amount(expression: AmountExpression): AmountColumn {
    return this.column(expression) as AmountColumn;
  }

  /** The expression's value for every row of the batch. Tests give text: `1` or null. */
  column(expression: Expression): Column {
    const known = this.#results.get(expression);
    if (known !== undefined) return known;
    const column = this.#evaluate(expression);
    this.#results.set(expression, column);
    return column;
  }

  #evaluate(expression: Expression): Column {
    switch (expression.kind) {
      case 'text':
        if (expression.op === 'column') return this.#source(expression);
        if (expression.op === 'constant') return this.#constant(expression);
        return this.#derived(expression);
      case 'amount':
        return this.#amount(expression);
      default:
        return this.#derived(expression);
    }
  }

  #amount(expression: AmountExpression): Column {
    switch (expression.op) {
      case 'column':
        return this.#source(expression);
      case 'constant':
        return this.#constant(expression);
      case 'derive':
        return this.#derived(expression);
      default:
        break;
    }
    const inputs = expression.inputs.map((input) => this.column(input));
    const memory = this.#memory(expression);
    memory.amounts ??= new Amounts(this.#batch.rows + 1, true);
    const options = { rows: this.#batch.rows, into: memory.amounts };
    if (expression.op === 'choose') return chosenAmounts(inputs, options);
    if (expression.op === 'first') return firstAmounts(inputs as AmountColumn[], options);
    return addAmounts(inputs as AmountColumn[], expression.signs ?? [], options);
  }

  #constant(expression: TextExpression | AmountExpression): Column {
    const known = this.#constants.get(expression);
    if (known !== undefined) return known;
    const column = this.#constantColumn(expression.kind, (values) =>
      addValue(values, expression.value),
    );
    this.#constants.set(expression, column);
    return column;
  }

  #constantColumn(kind: Expression['kind'], fill: (values: Values) => void): Column {
    const values = newValues(kind, false);
    fill(values);
    return columnOf(this.#constantCodes, values);
  }

  /** A source column, read as the expression wants it. */
  #source(expression: TextExpression | AmountExpression): Column {
    const column = this.#batch.columns.get(expression.value ?? '');
    if (column === undefined) return this.#absent(expression);
    if (column.kind === expression.kind) return column;
    return this.#perEntry(expression, [column]);
  }

  #absent(expression: TextExpression | AmountExpression): Column {
    const known = this.#constants.get(expression);
    if (known !== undefined) return known;
    const column = this.#constantColumn(expression.kind, (values) => addValue(values, undefined));
    this.#constants.set(expression, column);
    return column;
  }

  #derived(expression: TextExpression | AmountExpression | TimeExpression | Test): Column {
    const inputs = expression.inputs.map((input) => this.column(input));
    if (
      expression.kind === 'text' &&
      expression.op === 'sign' &&
      inputs[0]?.values.transient === true
    )
      return this.#signs(expression, inputs[0] as AmountColumn);
    const varying = inputs.filter((input) => input.values.size !== 1);
    if (varying.length === 0)
      return this.#constantColumn(expression.kind, (values) =>
        apply(expression, inputs, 0, values),
      );
    const codes = (varying[0] as Column).codes;
    if (varying.every((input) => input.codes === codes)) return this.#perEntry(expression, inputs);
    return this.#perCombination(expression, inputs);
  }

  #signs(expression: Expression, input: AmountColumn): Column {
    const memory = this.#memory(expression);
    if (memory.codes.length < this.#batch.rows) memory.codes = new Uint32Array(this.#batch.rows);
    return rowSigns(input, this.#batch.rows, memory.codes);
  }

  /** All varying inputs share their codes: evaluated once per entry. */
  #perEntry(expression: Expression, inputs: readonly Column[]): Column {
    const leader = inputs.find((input) => input.values.size !== 1) ?? (inputs[0] as Column);
    const memory = this.#memory(expression);
    const transient = inputs.some((input) => input.values.transient);
    if (transient || !sameValues(memory.inputs, inputs))
      memory.restart(expression.kind, inputs, transient);
    const values = memory.values as Values;
    const size = sharedSize(inputs);
    while (values.size < size) apply(expression, inputs, values.size, values);
    return columnOf(leader.codes, values);
  }

  /** Inputs of different codes: evaluated once per distinct combination. */
  #perCombination(expression: Expression, inputs: readonly Column[]): Column {
    const memory = this.#memory(expression);
    if (
      memory.mostlyDistinct ||
      inputs.some((input) => input.values.transient && input.values.size !== 1)
    )
      return this.#perRow(expression, inputs);
    const groups = groupsOf(inputs);
    if (
      memory.combinations === undefined ||
      memory.combinations.size > MAX_COMBINATIONS ||
      !sameGroups(memory, groups)
    )
      memory.restartCombinations(expression.kind, groups);
    const combinations = memory.combinations as Combinations;
    const values = memory.values as Values;
    const keys = groups.map((group, i) => {
      if (!this.#isSource(group)) return canonical(group, memory.canonicals[i] as Canonical);
      return { codes: group.codes, remap: undefined, size: group.columns[0]?.values.size ?? 0 };
    });
    combinations.number(keys, this.#batch.rows);
    for (const row of combinations.fresh) applyRow(expression, inputs, row, values);
    memory.rows += this.#batch.rows;
    if (memory.rows > 65_536 && combinations.size * 2 > memory.rows) memory.mostlyDistinct = true;
    return columnOf(combinations.codes, values);
  }

  /** A source dictionary has no two equal entries: its codes are good numbers as they are. */
  #isSource(group: Group): boolean {
    const [only] = group.columns;
    return group.columns.length === 1 && only?.kind === 'text' && this.#sources.has(only.values);
  }

  #perRow(expression: Expression, inputs: readonly Column[]): Column {
    const memory = this.#memory(expression);
    memory.restart(expression.kind, inputs, true);
    const values = memory.values as Values;
    addValue(values, undefined);
    for (let row = 0; row < this.#batch.rows; row++) applyRow(expression, inputs, row, values);
    return columnOf(identityCodes(this.#batch.rows), values);
  }

  #memory(expression: Expression): Memory {
    let memory = this.#memories.get(expression);
    if (memory === undefined) {
      memory = new Memory();
      this.#memories.set(expression, memory);
    }
    return memory;
  }
}

type Values = Dictionary | Amounts | Times;

/** Numbers equal values of a group of columns alike, entry by entry. */
interface Canonical {
  readonly numbers: Map<string, number>;
  remap: Uint32Array;
  size: number;
}

/** What is remembered of an expression from batch to batch. */
class Memory {
  inputs: readonly Values[] = [];
  values: Values | undefined;
  combinations: Combinations | undefined;
  canonicals: Canonical[] = [];
  groupSizes: readonly number[] = [];
  amounts: Amounts | undefined;
  codes = new Uint32Array(0);
  rows = 0;
  mostlyDistinct = false;

  restart(kind: Expression['kind'], inputs: readonly Column[], transient: boolean): void {
    this.inputs = inputs.map((input) => input.values);
    if (transient && this.values?.transient === true) this.values.clear();
    else this.values = newValues(kind, transient);
  }

  restartCombinations(kind: Expression['kind'], groups: readonly Group[]): void {
    this.inputs = groups.flatMap((group) => group.columns.map((column) => column.values));
    this.groupSizes = groups.map((group) => group.columns.length);
    this.values = newValues(kind, false);
    this.combinations = new Combinations(groups.length);
    this.canonicals = groups.map(() => ({
      numbers: new Map(),
      remap: new Uint32Array(64),
      size: 0,
    }));
  }
}

/** Inputs with the same codes. */
interface Group {
  readonly codes: Uint32Array;
  readonly columns: Column[];
}

function groupsOf(inputs: readonly Column[]): readonly Group[] {
  const groups: Group[] = [];
  for (const input of inputs) {
    if (input.values.size === 1) continue;
    const group = groups.find((candidate) => candidate.codes === input.codes);
    if (group === undefined) groups.push({ codes: input.codes, columns: [input] });
    else if (!group.columns.some((column) => column.values === input.values))
      group.columns.push(input);
  }
  return groups;
}

function sameGroups(memory: Memory, groups: readonly Group[]): boolean {
  if (memory.groupSizes.length !== groups.length) return false;
  if (groups.some((group, i) => group.columns.length !== memory.groupSizes[i])) return false;
  const values = groups.flatMap((group) => group.columns.map((column) => column.values));
  return values.every((value, i) => value === memory.inputs[i]);
}

/** Extends the group's numbering to its present entries. */
function canonical(group: Group, known: Canonical): CombinationInput {
  const size = Math.min(...group.columns.map((column) => column.values.size));
  if (size > known.remap.length) {
    const larger = new Uint32Array(Math.max(size, known.remap.length * 2));
    larger.set(known.remap);
    known.remap = larger;
  }
  for (; known.size < size; known.size++) {
    const key = group.columns
      .map((column) => entryKey(column.values.text(known.size)))
      .join('\u0000');
    let number = known.numbers.get(key);
    if (number === undefined) {
      number = known.numbers.size;
      known.numbers.set(key, number);
    }
    known.remap[known.size] = number;
  }
  return { codes: group.codes, remap: known.remap, size: known.numbers.size };
}

function entryKey(text: string | undefined): string {
  return text === undefined ? '\u0001' : text;
}

function sameValues(known: readonly Values[], inputs: readonly Column[]): boolean {
  return known.length === inputs.length && inputs.every((input, i) => input.values === known[i]);
}

/** Entries that all varying inputs have. */
function sharedSize(inputs: readonly Column[]): number {
  let size = Number.POSITIVE_INFINITY;
  for (const input of inputs) if (input.values.size !== 1) size = Math.min(size, input.values.size);
  return Number.isFinite(size) ? size : 1;
}

function entryText(input: Column, code: number): string | undefined {
  return input.values.text(input.values.size === 1 ? 0 : code);
}

/** Evaluates for entry `code` of inputs that share their codes. */
function apply(
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
  if (inputs.length === 1) addResult(expression, values, [entryText(only, code)]);
  else
    addResult(
      expression,
      values,
      inputs.map((input) => entryText(input, code)),
    );
}

function applyRow(
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
}

function newValues(kind: Expression['kind'], transient: boolean): Values {
  if (kind === 'amount') return new Amounts(16, transient);
  return kind === 'time' ? new Times(16, transient) : new Dictionary({ transient });
}

function addValue(values: Values, value: string | undefined): void {
  if (values instanceof Dictionary) values.add(value);
  else if (values instanceof Times) values.add(Number.NaN);
  else if (value === undefined || value === '') values.addNull();
  else values.addText(value);
}

function columnOf(codes: Uint32Array, values: Values): Column {
  if (values instanceof Dictionary) return { kind: 'text', codes, values };
  return values instanceof Amounts
    ? { kind: 'amount', codes, values }
    : { kind: 'time', codes, values };
}
