/**
 * Amounts that are chosen, by tests or as the first that is there: worked out as lists of rows, through choices within choices, and put together
 * once at the end. A column that all rows take is answered as it is, one that no row takes is not looked at. Hot: row loops.
 */
import { AMOUNT } from '../focus/amounts.ts';
import type { AmountColumn, TextColumn } from '../focus/batch.ts';
import type { AmountExpression, Expression, Test } from './expressions.ts';
import { isNothing, joinedAmounts, type Own, type Rows, type Taken } from './joined-amounts.ts';
import { RowsByCode, type SortedRows } from './rows-by-code.ts';

/** Columns of the batch at hand. */
export interface BatchColumns {
  text(of: Test): TextColumn;
  amount(of: AmountExpression): AmountColumn;
  /** Whether the column has been worked out in this batch. */
  has(of: Expression): boolean;
}

const NO_ROWS = new Uint32Array(0);

/** More branches are not told apart in a byte. */
const MOST_BRANCHES = 255;

/** Tests on more codes are asked row by row. */
const MOST_CODES = 1024;

/** Chooses amounts for the rows of one batch after the other. */
export class AmountChoices {
  readonly #columns: BatchColumns;
  #rows = 0;
  /** Branch of each row, while rows are divided. */
  #branches = new Uint8Array(0);
  /** Branch of each code, if all tests look at the same codes, and how many rows take each branch. */
  readonly #byCode = new Uint8Array(MOST_CODES);
  readonly #counts = new Uint32Array(MOST_BRANCHES);
  readonly #sorted = new RowsByCode(MOST_CODES);
  /** Lists of rows, one behind the other; those in front of `#used` are needed. */
  #lists = new Uint32Array(0);
  #used = 0;
  readonly #nulls = new Map<AmountColumn, boolean>();
  /** The branch that most rows took of late. */
  readonly #usual = new Map<AmountExpression, number>();
  readonly #candidates = new Map<AmountExpression, readonly AmountExpression[]>();

  constructor(columns: BatchColumns) {
    this.#columns = columns;
  }

  /** Turns to the next batch. */
  begin(rows: number): void {
    this.#rows = rows;
    this.#nulls.clear();
    this.#sorted.begin(rows);
    if (this.#branches.length < rows) this.#branches = new Uint8Array(rows);
  }

  /** The amounts of an expression `choose` or `first`. What it keeps for itself is filled if need be. */
  column(expression: AmountExpression, own: Own): AmountColumn {
    if (this.#rows === 0) return this.#columns.amount(lastOf(expression));
    const mark = this.#used;
    const taken: Taken[] = [];
    this.#choose(expression, undefined, taken);
    const column = joinedAmounts(taken, this.#rows, own);
    this.#used = mark;
    return column;
  }

  #take(of: AmountExpression, rows: Rows, taken: Taken[]): void {
    const isChoice = of.op === 'choose' || of.op === 'first';
    if (isChoice && rows !== undefined && !this.#columns.has(of)) this.#choose(of, rows, taken);
    else taken.push({ column: this.#columns.amount(of), rows });
  }

  #choose(of: AmountExpression, rows: Rows, taken: Taken[]): void {
    if (of.op === 'first') this.#first(this.#candidatesOf(of), rows, taken);
    else this.#byTests(of, rows, taken);
  }

  /** The first of firsts is the first of all. */
  #candidatesOf(of: AmountExpression): readonly AmountExpression[] {
    let candidates = this.#candidates.get(of);
    if (candidates === undefined) {
      candidates = (of.inputs as readonly AmountExpression[]).flatMap((input) =>
        input.op === 'first' ? this.#candidatesOf(input) : [input],
      );
      this.#candidates.set(of, candidates);
    }
    return candidates;
  }

  /** inputs: [test, amount, test, amount, …, otherwise]. */
  #byTests(of: AmountExpression, rows: Rows, taken: Taken[]): void {
    const { inputs } = of;
    const tests: TextColumn[] = [];
    const branches: AmountExpression[] = [];
    let otherwise = inputs.at(-1) as AmountExpression;
    for (let i = 0; i + 1 < inputs.length; i += 2) {
      const test = this.#columns.text(inputs[i] as Test);
      const then = inputs[i + 1] as AmountExpression;
      if (test.values.size !== 1) {
        tests.push(test);
        branches.push(then);
      } else if (!test.values.isNull(0)) {
        otherwise = then;
        break;
      }
    }
    branches.push(otherwise);
    if (branches.length > MOST_BRANCHES) throw new RangeError('a choice has too many branches');
    if (tests.length === 0) this.#take(otherwise, rows, taken);
    else if (rows === undefined && shareCodes(tests)) this.#divideByCode(tests, branches, taken);
    else {
      if (rows !== undefined) chooseSome(tests, this.#branches, rows);
      else chooseAll(tests, this.#branches, this.#rows);
      this.#divide(of, branches, { rows, taken });
    }
  }

  /** All tests look at the same codes: the branch that most rows take has all of them, then the others take theirs, code by code. */
  #divideByCode(
    tests: readonly TextColumn[],
    branches: readonly AmountExpression[],
    taken: Taken[],
  ): void {
    const byCode = this.#byCode;
    const { codes, values } = tests[0] as TextColumn;
    const { size } = values;
    chooseCodes(tests, byCode, size);
    const sorted = this.#sorted.of(codes);
    const counts = this.#counts.fill(0, 0, branches.length);
    for (let code = 0; code < size; code++) {
      const branch = byCode[code] as number;
      counts[branch] = (counts[branch] as number) + sorted.count(code);
    }
    const sizes = branches.map((_, branch) => counts[branch] as number);
    const most = sizes.indexOf(Math.max(...sizes));
    this.#take(branches[most] as AmountExpression, undefined, taken);
    const lists = sizes.map((count, branch) =>
      branch === most ? NO_ROWS : this.#listOfCodes(branch, { sorted, size, count }),
    );
    for (const [branch, list] of lists.entries())
      if (list.length > 0) this.#take(branches[branch] as AmountExpression, list, taken);
  }

  /** The rows of a branch. */
  #listOfCodes(
    branch: number,
    {
      sorted,
      size,
      count,
    }: { readonly sorted: SortedRows; readonly size: number; readonly count: number },
  ): Uint32Array {
    if (count === 0) return NO_ROWS;
    const list = this.#room(count);
    const byCode = this.#byCode;
    let filled = 0;
    for (let code = 0; code < size; code++)
      if (byCode[code] === branch) filled = sorted.copy(code, list, filled);
    return list;
  }

  /** Gives each branch its rows: the one that most rows took of late takes all of them, then the others take theirs. */
  #divide(
    of: AmountExpression,
    branches: readonly AmountExpression[],
    { rows, taken }: { readonly rows: Rows; readonly taken: Taken[] },
  ): void {
    const last = branches.length - 1;
    const usual = Math.min(this.#usual.get(of) ?? last, last);
    const count = rows?.length ?? this.#rows;
    const others = this.#others(usual, count);
    const lists = branches.map((_, branch) =>
      branch === usual ? others : this.#listOf(branch, others, rows),
    );
    let most = usual;
    let size = count - others.length;
    if (size > 0) this.#take(branches[usual] as AmountExpression, rows, taken);
    for (const [branch, list] of lists.entries()) {
      if (branch === usual || list.length === 0) continue;
      const isAll = list.length === count;
      this.#take(branches[branch] as AmountExpression, isAll ? rows : list, taken);
      if (list.length > size) [most, size] = [branch, list.length];
    }
    this.#usual.set(of, most);
  }

  /** Where among the rows those stand that take another branch. */
  #others(branch: number, count: number): Uint32Array {
    const chosen = this.#branches;
    const others = this.#room(count);
    let found = 0;
    for (let i = 0; i < count; i++) if (chosen[i] !== branch) others[found++] = i;
    return others.subarray(0, found);
  }

  /** The rows of a branch. */
  #listOf(branch: number, others: Uint32Array, rows: Rows): Uint32Array {
    const chosen = this.#branches;
    const list = this.#room(others.length);
    let found = 0;
    for (let i = 0; i < others.length; i++) {
      const at = others[i] as number;
      if (chosen[at] === branch) list[found++] = rows === undefined ? at : (rows[at] as number);
    }
    return list.subarray(0, found);
  }

  /** The candidates that are all null are passed over, one without nulls ends the search. */
  #first(candidates: readonly AmountExpression[], rows: Rows, taken: Taken[]): void {
    let left = rows;
    let known: AmountColumn | undefined;
    for (const candidate of candidates.slice(0, -1)) {
      const column = this.#columns.amount(candidate);
      if (isNothing(column)) continue;
      known = column;
      if (!this.#hasNull(column)) {
        taken.push({ column, rows: left });
        return;
      }
      const missing = this.#rowsWithout(column, left);
      if (missing.length < (left?.length ?? this.#rows)) taken.push({ column, rows: left });
      if (missing.length === 0) return;
      left = missing;
    }
    const last = candidates.at(-1) as AmountExpression;
    if (last.op === 'constant' && known !== undefined && isNothing(this.#columns.amount(last)))
      taken.push({ column: known, rows: left });
    else this.#take(last, left, taken);
  }

  #hasNull(column: AmountColumn): boolean {
    let found = this.#nulls.get(column);
    if (found === undefined) {
      found = hasNull(column, this.#rows);
      this.#nulls.set(column, found);
    }
    return found;
  }

  /** The rows in which the column is null. */
  #rowsWithout({ codes, values: { state } }: AmountColumn, rows: Rows): Uint32Array {
    const count = rows?.length ?? this.#rows;
    const list = this.#room(count);
    let found = 0;
    for (let i = 0; i < count; i++) {
      const row = rows === undefined ? i : (rows[i] as number);
      if (state[codes[row] as number] === AMOUNT.null) list[found++] = row;
    }
    return list.subarray(0, found);
  }

  /** Room for a list of rows, until the column is worked out. */
  #room(count: number): Uint32Array {
    if (this.#used + count > this.#lists.length) {
      this.#lists = new Uint32Array(Math.max(count, this.#rows) * 4);
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += count;
    return this.#lists.subarray(start, this.#used);
  }
}

function lastOf({ inputs }: AmountExpression): AmountExpression {
  return inputs.at(-1) as AmountExpression;
}

function hasNull({ codes, values: { state } }: AmountColumn, rows: number): boolean {
  for (let row = 0; row < rows; row++) if (state[codes[row] as number] === AMOUNT.null) return true;
  return false;
}

/** Whether they share their codes, of which there are fewer than rows are worth. */
function shareCodes(tests: readonly TextColumn[]): boolean {
  const [first] = tests;
  return (
    first !== undefined &&
    first.values.size <= MOST_CODES &&
    tests.every(({ codes, values }) => codes === first.codes && values.size === first.values.size)
  );
}

/** For each code the number of the first test that holds; as many as there are tests where none does. */
function chooseCodes(tests: readonly TextColumn[], byCode: Uint8Array, size: number): void {
  byCode.fill(tests.length, 0, size);
  for (let branch = tests.length - 1; branch >= 0; branch--) {
    const { starts, ends } = (tests[branch] as TextColumn).values;
    for (let code = 0; code < size; code++)
      if ((starts[code] as number) <= (ends[code] as number)) byCode[code] = branch;
  }
}

/** For each row the number of the first test that holds; as many as there are tests where none does. */
function chooseAll(tests: readonly TextColumn[], chosen: Uint8Array, rows: number): void {
  chosen.fill(tests.length, 0, rows);
  for (let branch = tests.length - 1; branch >= 0; branch--) {
    const { codes, values } = tests[branch] as TextColumn;
    const { starts, ends } = values;
    for (let row = 0; row < rows; row++) {
      const code = codes[row] as number;
      if ((starts[code] as number) <= (ends[code] as number)) chosen[row] = branch;
    }
  }
}

/** The same for listed rows, in the order of the list. */
function chooseSome(tests: readonly TextColumn[], chosen: Uint8Array, rows: Uint32Array): void {
  chosen.fill(tests.length, 0, rows.length);
  for (let branch = tests.length - 1; branch >= 0; branch--) {
    const { codes, values } = tests[branch] as TextColumn;
    const { starts, ends } = values;
    for (let i = 0; i < rows.length; i++) {
      const code = codes[rows[i] as number] as number;
      if ((starts[code] as number) <= (ends[code] as number)) chosen[i] = branch;
    }
  }
}
