/**
 * Runs mapping expressions over batches: once per distinct value of one column, once per distinct combination of several.
 * A result shares the `codes` of the column it depends on. Hot: it touches rows only where several columns meet.
 */
import { Amounts } from '../focus/amounts.ts';
import type { AmountColumn, Batch, Column, TextColumn } from '../focus/batch.ts';
import type { Dictionary } from '../focus/dictionary.ts';
import { AmountChoices } from './amount-choices.ts';
import { addAmounts, identityCodes, rowPresence, rowSigns } from './amount-columns.ts';
import { type Combinations, MAX_COMBINATIONS } from './combinations.ts';
import {
  addValue,
  apply,
  applyParts,
  applyRow,
  columnOf,
  isObject,
  isPresence,
  isSign,
  newValues,
  sameValues,
  sharedSize,
  type Values,
  varyingCodes,
} from './entry-values.ts';
import type { AmountExpression, Expression, Test, TextExpression } from './expressions.ts';
import {
  type Canonical,
  canonical,
  type Group,
  isSameVarying,
  Memory,
  type Varying,
  varyingOf,
} from './memory.ts';
import { addObjects } from './row-objects.ts';
import { SameExpressions } from './same-expressions.ts';
import { SettledColumns } from './settled-columns.ts';
import { type Numbered, SharedCombinations } from './shared-combinations.ts';

/** After so many rows an expression whose combinations were distinct in most of them is evaluated row by row: sooner where that is cheap. */
const MANY_ROWS = 65_536;
const FEW_ROWS = 4_096;

/** Evaluates expressions of one part, batch after batch. */
export class Evaluator {
  #batch: Batch = { rows: 0, columns: new Map(), rowNumbers: new Float64Array(0) };
  /** Number of the batch. */
  #number = 0;
  /** Expressions that say the same have one memory. */
  readonly #memories = new Map<Expression, Memory>();
  readonly #same = new SameExpressions();
  readonly #sources = new Set<Values>();
  #mended: AmountColumn[] = [];
  #constantCodes = new Uint32Array(0);
  readonly #constants = new Map<Expression, Column>();
  readonly #settled = new SettledColumns();
  readonly #shared = new SharedCombinations();
  readonly #choices = new AmountChoices({
    text: (of) => this.text(of),
    amount: (of) => this.amount(of),
    has: (of) => this.#memory(of).batch === this.#number,
  });

  /** Turns to the next batch; columns given for the one before are void. `sources` has the columns as they were read, no two entries of theirs equal. */
  begin(batch: Batch, sources = batch): void {
    this.#batch = batch;
    this.#number++;
    this.#sources.clear();
    this.#mended = [];
    for (const column of sources.columns.values()) this.#sources.add(column.values);
    if (this.#constantCodes.length < batch.rows) {
      this.#constantCodes = new Uint32Array(batch.rows);
      this.#constants.clear();
    }
    this.#settled.begin(batch.rows, this.#constantCodes);
    this.#shared.begin(batch);
    this.#choices.begin(batch.rows);
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
    const memory = this.#memory(expression);
    if (memory.column !== undefined && memory.batch === this.#number) return memory.column;
    const column = this.#settled.settle(memory.settled, this.#evaluate(expression));
    memory.column = column;
    memory.batch = this.#number;
    return column;
  }

  #evaluate(expression: Expression): Column {
    switch (expression.kind) {
      case 'text':
        if (expression.op === 'column') return this.#source(expression);
        if (expression.op === 'constant') return this.#constant(expression, expression.value);
        if (expression.op === 'when') return this.#when(expression);
        if (expression.op === 'first') return this.#first(expression);
        return this.#derived(expression, this.#inputsOf(expression));
      case 'amount':
        return this.#amount(expression);
      default:
        return this.#derived(expression, this.#inputsOf(expression));
    }
  }

  #inputsOf({ inputs }: Expression): readonly Column[] {
    return inputs.map((input) => this.column(input));
  }

  /** A test that says the same on all rows leaves only one branch to look at. */
  #when(expression: TextExpression): Column {
    const [test, then, otherwise] = expression.inputs as [Test, TextExpression, TextExpression];
    const holds = this.text(test);
    if (holds.values.size === 1) return this.column(holds.values.isNull(0) ? otherwise : then);
    return this.#derived(expression, [holds, this.column(then), this.column(otherwise)]);
  }

  /** What is null on all rows is passed over; what is on none ends the search. */
  #first(expression: TextExpression): Column {
    const candidates: Column[] = [];
    let last: Column | undefined;
    for (const input of expression.inputs) {
      last = this.column(input);
      if (last.values.size === 1 && (last as TextColumn).values.isNull(0)) continue;
      candidates.push(last);
      if (last.values.size === 1) break;
    }
    if (candidates.length > 1) return this.#derived(expression, candidates);
    return candidates[0] ?? (last as Column);
  }

  #amount(expression: AmountExpression): Column {
    switch (expression.op) {
      case 'column':
        return this.#source(expression);
      case 'constant':
        return this.#constant(expression, expression.value);
      case 'derive':
        return this.#derived(expression, this.#inputsOf(expression));
      default:
        break;
    }
    const memory = this.#memory(expression);
    memory.amounts ??= new Amounts(this.#batch.rows + 1, true);
    if (expression.op !== 'add')
      return this.#choices.column(expression, {
        into: memory.amounts,
        codes: () => memory.rowCodes(this.#batch.rows),
      });
    const inputs = this.#inputsOf(expression) as AmountColumn[];
    const options = { rows: this.#batch.rows, into: memory.amounts };
    return addAmounts(inputs, expression.signs ?? [], options);
  }

  /** The same value on every row; null also for a column that the part does not have. */
  #constant(expression: TextExpression | AmountExpression, value: string | undefined): Column {
    const known = this.#constants.get(expression);
    if (known !== undefined) return known;
    const values = newValues(expression.kind, false);
    addValue(values, value);
    const column = columnOf(this.#constantCodes, values);
    this.#constants.set(expression, column);
    return column;
  }

  /** A source column, read as the expression wants it. */
  #source(expression: TextExpression | AmountExpression): Column {
    const column = this.#batch.columns.get(expression.value ?? '');
    if (column === undefined) return this.#constant(expression, undefined);
    const read =
      column.kind === expression.kind ? column : this.#perEntry(expression, [column], column.codes);
    if (read.kind === 'amount' && read.values.mended.size > 0) this.#mended.push(read);
    return read;
  }

  /** Source columns that were read as amounts in this batch and have cells that are no plain decimals, or words for "nothing". */
  get mended(): readonly AmountColumn[] {
    return this.#mended;
  }

  #derived(expression: Expression, inputs: readonly Column[]): Column {
    const [only] = inputs;
    if (inputs.length === 1 && only?.values.transient === true) {
      if (isSign(expression) && only.kind === 'amount')
        return rowSigns(only, this.#batch.rows, this.#rowCodes(expression));
      if (isPresence(expression) && only.kind === 'text')
        return rowPresence(only, this.#batch.rows, this.#rowCodes(expression));
    }
    const codes = varyingCodes(inputs);
    if (codes === 'none') return this.#perBatch(expression, inputs);
    if (codes === 'several') return this.#perCombination(expression, inputs);
    return this.#perEntry(expression, inputs, codes);
  }

  /** Codes for each row that the expression keeps for itself. */
  #rowCodes(expression: Expression): Uint32Array {
    const memory = this.#memory(expression);
    const codes = memory.rowCodes(this.#batch.rows);
    this.#shared.tell(codes, memory);
    return codes;
  }

  /** No input varies: evaluated once, and anew only when an input has become another. */
  #perBatch(expression: Expression, inputs: readonly Column[]): Column {
    const memory = this.#memory(expression);
    const isTransient = inputs.some((input) => input.values.transient);
    if (isTransient || memory.values?.size !== 1 || !sameValues(memory.inputs, inputs)) {
      memory.restart(expression.kind, inputs, false);
      apply(expression, inputs, 0, memory.values as Values);
    }
    return columnOf(this.#constantCodes, memory.values as Values);
  }

  /** All varying inputs share their codes: evaluated once per entry. */
  #perEntry(expression: Expression, inputs: readonly Column[], codes: Uint32Array): Column {
    const memory = this.#memory(expression);
    const transient = inputs.some((input) => input.values.transient);
    if (transient || !sameValues(memory.inputs, inputs))
      memory.restart(expression.kind, inputs, transient);
    const values = memory.values as Values;
    const size = sharedSize(inputs);
    while (values.size < size) apply(expression, inputs, values.size, values);
    return columnOf(codes, values);
  }

  /** Inputs of different codes: evaluated once per distinct combination. */
  #perCombination(expression: Expression, inputs: readonly Column[]): Column {
    const memory = this.#memory(expression);
    if (
      memory.mostlyDistinct ||
      inputs.some((input) => input.values.transient && input.values.size !== 1)
    )
      return this.#perRow(expression, inputs);
    const varying = varyingOf(inputs);
    const { groups } = varying;
    const numbered = this.#shared.number(groups);
    if (numbered !== undefined) return this.#perShared(expression, inputs, { varying, numbered });
    if (
      memory.combinations === undefined ||
      memory.shared ||
      memory.combinations.size > MAX_COMBINATIONS ||
      !isSameVarying(memory, varying)
    )
      memory.restartCombinations(expression.kind, varying);
    const combinations = memory.combinations as Combinations;
    const values = memory.values as Values;
    const keys = groups.map((group, i) => {
      if (!this.#isSource(group)) return canonical(group, memory.canonicals[i] as Canonical);
      return { codes: group.codes, remap: undefined, size: group.columns[0]?.values.size ?? 0 };
    });
    combinations.number(keys, this.#batch.rows);
    this.#shared.tell(combinations.codes, combinations);
    for (const row of combinations.fresh) applyRow(expression, inputs, row, values);
    memory.rows += this.#batch.rows;
    if (memory.rows > (isObject(expression) ? FEW_ROWS : MANY_ROWS))
      memory.mostlyDistinct = combinations.size * 2 > memory.rows;
    return columnOf(combinations.codes, values);
  }

  /** Once per combination of codes; others use the same combinations. */
  #perShared(
    expression: Expression,
    inputs: readonly Column[],
    { varying, numbered }: { readonly varying: Varying; readonly numbered: Numbered },
  ): Column {
    const { combinations, places } = numbered;
    const memory = this.#memory(expression);
    if (memory.combinations !== combinations || !isSameVarying(memory, varying))
      memory.share(expression.kind, varying, combinations);
    const values = memory.values as Values;
    if (values.size < combinations.size) {
      const parts = inputs.map(
        ({ codes }) => places[varying.groups.findIndex((group) => group.codes === codes)] ?? 0,
      );
      while (values.size < combinations.size)
        applyParts(expression, inputs, values, (input) =>
          combinations.part(values.size, parts[input] as number),
        );
    }
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
    const { rows } = this.#batch;
    if (isObject(expression)) addObjects(inputs as TextColumn[], rows, values as Dictionary);
    else for (let row = 0; row < rows; row++) applyRow(expression, inputs, row, values);
    return columnOf(identityCodes(rows), values);
  }

  #memory(expression: Expression): Memory {
    let memory = this.#memories.get(expression);
    if (memory === undefined) {
      const first = this.#same.firstOf(expression);
      memory = this.#memories.get(first) ?? new Memory();
      this.#memories.set(first, memory);
      this.#memories.set(expression, memory);
    }
    return memory;
  }
}
