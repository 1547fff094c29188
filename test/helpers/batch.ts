/** Batches of charges from plain rows, for tests. */
import { Amounts } from '../../pipelines/focus/amounts.ts';
import type { Batch, Column } from '../../pipelines/focus/batch.ts';
import { columnFact } from '../../pipelines/focus/columns.ts';
import { Dictionary } from '../../pipelines/focus/dictionary.ts';
import { parseTime, Times } from '../../pipelines/focus/times.ts';

/** A charge as text cells; undefined is null. */
export type Row = Readonly<Record<string, string | undefined>>;

/** How the rows are laid out as columns. */
export interface BatchOptions {
  /** Columns whose values live for one batch, an entry per row. */
  readonly transient?: readonly string[];
  /** Columns that come from one source column: they share their codes. */
  readonly together?: readonly (readonly string[])[];
  /** Columns with a single value for all rows: one entry, codes all 0. */
  readonly constant?: readonly string[];
  /** Number of the first row. Default 1. */
  readonly firstRow?: number;
}

/** One batch of all the rows. */
export function batchOf(rows: readonly Row[], options: BatchOptions = {}): Batch {
  const [batch] = batchesOf(rows, { ...options, batchRows: Math.max(1, rows.length) });
  return batch ?? { rows: 0, columns: new Map(), rowNumbers: new Float64Array(0) };
}

/** The rows batch by batch; dictionaries grow from one to the next, as those of a part do. */
export function* batchesOf(
  rows: readonly Row[],
  options: BatchOptions & { readonly batchRows: number },
): Generator<Batch> {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const together = options.together ?? [];
  const groups = [
    ...together.map((group) => group.filter((name) => names.includes(name))),
    ...names.filter((name) => !together.flat().includes(name)).map((name) => [name]),
  ].map((group) => new Group(group));
  for (let from = 0; from < rows.length; from += options.batchRows) {
    const chosen = rows.slice(from, from + options.batchRows);
    const zeros = new Uint32Array(chosen.length);
    const columns = groups.flatMap((group) => group.columns(chosen, options, zeros));
    const byName = new Map(columns);
    yield {
      rows: chosen.length,
      columns: new Map(
        names.flatMap((name) => {
          const column = byName.get(name);
          return column === undefined ? [] : [[name, column] as const];
        }),
      ),
      rowNumbers: Float64Array.from(chosen, (_, i) => (options.firstRow ?? 1) + from + i),
    };
  }
}

/** Columns that share their codes: an entry per distinct combination, the first all null. */
class Group {
  readonly #names: readonly string[];
  readonly #codes = new Map<string, number>();
  readonly #values: Column['values'][];

  constructor(names: readonly string[]) {
    this.#names = names;
    this.#values = names.map((name) => valuesOf(name, false));
    this.#codeOf({});
  }

  columns(rows: readonly Row[], options: BatchOptions, zeros: Uint32Array): [string, Column][] {
    const [first] = this.#names;
    if (first !== undefined && options.constant?.includes(first))
      return this.#constant(rows, zeros);
    if (first !== undefined && options.transient?.includes(first)) return this.#transient(rows);
    const codes = Uint32Array.from(rows, (row) => this.#codeOf(row));
    return this.#names.map((name, i) => [
      name,
      columnOf(codes, this.#values[i] as Column['values']),
    ]);
  }

  #constant(rows: readonly Row[], zeros: Uint32Array): [string, Column][] {
    return this.#names.map((name) => {
      const values = valuesOf(name, false);
      addValue(values, rows[0]?.[name]);
      return [name, columnOf(zeros, values)];
    });
  }

  #transient(rows: readonly Row[]): [string, Column][] {
    const codes = Uint32Array.from(rows, (_, i) => i + 1);
    return this.#names.map((name) => {
      const values = valuesOf(name, true);
      addValue(values, undefined);
      for (const row of rows) addValue(values, row[name]);
      return [name, columnOf(codes, values)];
    });
  }

  #codeOf(row: Row): number {
    const key = JSON.stringify(this.#names.map((name) => row[name] ?? null));
    const known = this.#codes.get(key);
    if (known !== undefined) return known;
    const code = this.#codes.size;
    this.#codes.set(key, code);
    this.#names.forEach((name, i) => {
      addValue(this.#values[i] as Column['values'], row[name]);
    });
    return code;
  }
}

function valuesOf(name: string, transient: boolean): Column['values'] {
  const kind = columnFact(name)?.kind ?? 'text';
  if (kind === 'amount') return new Amounts(4, transient);
  return kind === 'time' ? new Times(4, transient) : new Dictionary({ transient });
}

function addValue(values: Column['values'], text: string | undefined): void {
  if (values instanceof Dictionary) values.add(text);
  else if (values instanceof Times) values.add(text === undefined ? Number.NaN : parseTime(text));
  else if (text === undefined) values.addNull();
  else values.addText(text);
}

function columnOf(codes: Uint32Array, values: Column['values']): Column {
  if (values instanceof Dictionary) return { kind: 'text', codes, values };
  return values instanceof Amounts
    ? { kind: 'amount', codes, values }
    : { kind: 'time', codes, values };
}
