import { type Batch, cellText } from '../focus/batch.ts';
import type { Example, Violation } from './report.ts';
import { levelOf, type Rule } from './rule.ts';
import { columnsOfRule } from './rules.ts';

/** Examples kept of each rule. */
const EXAMPLES = 5;

/** What was found against one rule. */
export class Finding {
  readonly rule: Rule;
  rows = 0;
  readonly examples: Example[] = [];
  readonly #columns: readonly (readonly [name: string, header: string])[];

  constructor(rule: Rule, header: (name: string) => string | undefined) {
    this.rule = rule;
    this.#columns = [...new Set(columnsOfRule(rule))].flatMap((name) => {
      const column = header(name);
      return column === undefined ? [] : [[name, column] as const];
    });
  }

  /** Whether more examples are wanted. */
  get open(): boolean {
    return this.examples.length < EXAMPLES;
  }

  /** Keeps the row as an example while some are wanted; does not count it. */
  show(batch: Batch, row: number): void {
    if (!this.open) return;
    const values = this.#columns.map(([name, header]) => {
      const column = batch.columns.get(header);
      return [name, (column && cellText(column, row)) ?? null] as const;
    });
    this.examples.push({
      row: batch.rowNumbers[row] as number,
      values: Object.fromEntries(values),
    });
  }

  /** Keeps a ready example while some are wanted. */
  tell(example: Example): void {
    if (this.open) this.examples.push(example);
  }

  violation(): Violation {
    const { id, column, kind, keyword, message } = this.rule;
    return {
      id,
      column,
      kind,
      keyword,
      level: levelOf(keyword),
      message,
      rows: this.rows,
      examples: this.examples,
    };
  }
}
