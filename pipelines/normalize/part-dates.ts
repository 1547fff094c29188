import type { Batch, TextColumn } from '../focus/batch.ts';
import type { Dictionary } from '../focus/dictionary.ts';
import { formatTime } from '../focus/times.ts';
import { CellRewriter } from './cell-rewriter.ts';
import { type DatesFound, DateVotes, isWithin, namedOrder, type OrderFound } from './date-order.ts';
import type { Expression } from './expressions.ts';
import type { Mapping, MappingTable } from './mapping.ts';
import { needsOrder, readTime } from './written-times.ts';

/** The dates of a part whose day and month only an order tells apart (`9/1/26`): all of them are heard before the first one is read. */
export class PartDates {
  /** Rows of the batch with a date whose order is assumed: no date of the part tells, or a few contradict. */
  readonly assumed = new Set<number>();
  readonly #mapping: Mapping;
  readonly #rename: ReadonlyMap<string, string>;
  readonly #times: ReadonlySet<string>;
  readonly #short = new CellRewriter(isShortDate);
  #found: OrderFound | undefined;
  /** By column, where the months in which dates are read differ by it. */
  readonly #rewriters = new Map<string, CellRewriter>();

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
    const order = namedOrder(of.settings.date_order);
    if (order !== undefined) this.#found = { order, assumed: false };
  }

  /** Whether the batch has such dates and nobody has said how to read them: `read` has to hear the part first. */
  awaited(batch: Batch): boolean {
    if (this.#found !== undefined) return false;
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
    if ('order' in found) this.#found = found;
    return found;
  }

  /** Prepares for the next batch. */
  begin(): void {
    this.assumed.clear();
  }

  /** The column (canonical name) with such dates as ISO 8601 where it is read as times; the column itself where it has none. */
  written(name: string, column: TextColumn, rows: number): TextColumn {
    const found = this.#found;
    if (found === undefined || !this.#times.has(name)) return column;
    let rewriter = this.#rewriters.get(name);
    if (rewriter === undefined) {
      const header = [...this.#rename].find(([, canonical]) => canonical === name)?.[0] ?? name;
      rewriter = inOrder(found, header);
      this.#rewriters.set(name, rewriter);
    }
    return rewriter.written(
      column,
      rows,
      found.assumed || found.within !== undefined ? (row) => this.assumed.add(row) : undefined,
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

/** A date with a `/` or `-` behind its first digit or two. */
function isShortDate(values: Dictionary, code: number): boolean {
  const { arena, starts, ends } = values;
  const start = starts[code] as number;
  if ((ends[code] as number) - start < SHORTEST) return false;
  const mayBe =
    (arena[start] as number) <= BLANK ||
    isSeparator(arena[start + 1]) ||
    isSeparator(arena[start + 2]);
  return mayBe && needsOrder(values.text(code) ?? '');
}

/** `1/1/26`. */
const SHORTEST = 6;
const BLANK = 32;

function isSeparator(byte: number | undefined): boolean {
  return byte === 47 || byte === 45;
}

/** Writes short dates as ISO 8601; what is no date in the order, or may not be read in it, stays as it is, and is none. */
function inOrder(found: OrderFound, column: string): CellRewriter {
  return new CellRewriter(isShortDate, (text) => {
    if (!isWithin(found, column, text)) return text;
    const time = formatTime(readTime(text, found.order));
    return time === undefined ? text : time.replace('T', ' ').replace('Z', '');
  });
}
