import type { Batch, TextColumn } from '../focus/batch.ts';
import { type DatesFound, DateVotes, namedOrder } from './date-order.ts';
import type { Expression } from './expressions.ts';
import type { Mapping, MappingTable } from './mapping.ts';
import { ShortDates } from './short-dates.ts';

/** The dates of a part whose day and month only an order tells apart (`9/1/26`): all of them are heard before the first one is read. */
export class PartDates {
  /** Rows of the batch with a date whose order is assumed: no date of the part tells. */
  readonly assumed = new Set<number>();
  readonly #mapping: Mapping;
  readonly #rename: ReadonlyMap<string, string>;
  readonly #times: ReadonlySet<string>;
  readonly #short: ShortDates;
  #assumes = false;

  constructor(
    mapping: Mapping,
    of: {
      readonly table: MappingTable;
      /** Header name → canonical name. */
      readonly rename: ReadonlyMap<string, string>;
      readonly settings: Readonly<Record<string, string>>;
    },
  ) {
    this.#mapping = mapping;
    this.#rename = of.rename;
    this.#times = timeColumns(of.table);
    this.#short = new ShortDates(namedOrder(of.settings.date_order));
  }

  /** Whether the batch has such dates and nobody has said how to read them: `read` has to hear the part first. */
  awaited(batch: Batch): boolean {
    if (this.#short.isOrdered) return false;
    return this.columns(batch.columns.keys()).some((name) => {
      const column = batch.columns.get(name);
      return column?.kind === 'text' && this.#short.has(column);
    });
  }

  /** The columns of a header that are read as times. */
  columns(header: Iterable<string>): readonly string[] {
    return [...header].filter((name) => this.#times.has(this.#rename.get(name) ?? ''));
  }

  /** Finds out by all dates of the part how to read them; the answer says whether that is possible. */
  async read(part: AsyncIterable<Batch>): Promise<DatesFound> {
    const votes = new DateVotes();
    for await (const batch of part)
      for (const name of this.columns(batch.columns.keys()))
        votes.add(name, batch, BILLING_PERIOD.test(this.#rename.get(name) ?? ''));
    const found = votes.decide(this.#mapping);
    if ('order' in found) {
      this.#short.order(found.order);
      this.#assumes = found.assumed;
    }
    return found;
  }

  /** Prepares for the next batch. */
  begin(): void {
    this.assumed.clear();
  }

  /** The column (canonical name) with such dates as ISO 8601 where it is read as times; the column itself where it has none. */
  written(name: string, column: TextColumn, rows: number): TextColumn {
    if (!this.#short.isOrdered || !this.#times.has(name)) return column;
    return this.#short.written(
      column,
      rows,
      this.#assumes ? (row) => this.assumed.add(row) : undefined,
    );
  }
}

const BILLING_PERIOD = /billing_?period/i;

/** The source columns that go into the points in time of a table's charges. */
function timeColumns(table: MappingTable): ReadonlySet<string> {
  const columns = new Set<string>();
  for (const template of table.templates)
    for (const expression of Object.values(template.columns))
      if (expression?.kind === 'time') collect(expression, columns);
  return columns;
}

function collect(expression: Expression, columns: Set<string>): void {
  if (expression.kind === 'text' && expression.op === 'column') columns.add(expression.value ?? '');
  for (const input of expression.inputs) collect(input, columns);
}
