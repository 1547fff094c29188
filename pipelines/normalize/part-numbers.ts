/** Numbers that can mean two (`1,234`, and `1.234` beside `12,50`): what they mean is told by all numbers of their column in the part. */
import { AMOUNT, type Amounts } from '../focus/amounts.ts';
import type { AmountColumn, Batch, TextColumn } from '../focus/batch.ts';
import type { Dictionary } from '../focus/dictionary.ts';
import { CellRewriter } from './cell-rewriter.ts';
import { eachText, type PartFault, quoted } from './distinct-texts.ts';
import { type DecimalMark, markShown, withMark } from './written-numbers.ts';

/** A number, where it stands, and how many rows say the same. */
interface Witness {
  readonly text: string;
  readonly row: number;
  alike: number;
}

/** What the numbers of a column show. */
interface Shown {
  ','?: Witness;
  '.'?: Witness;
  /** The first with a point, and with a comma, that can mean two. */
  point?: Witness;
  comma?: Witness;
  /** Whether thousands are written without separators somewhere: `12000`. */
  ungrouped?: boolean;
}

/** The marks that numbers show, each with one that does. */
type Marks = Readonly<Record<DecimalMark, Witness | undefined>>;

/** The numbers of a part. */
export class PartNumbers {
  readonly #rename: ReadonlyMap<string, string>;
  readonly #amounts: ReadonlySet<string>;
  readonly #commas = new CellRewriter(hasComma);
  readonly #rewriters = new Map<string, CellRewriter>();
  #state: 'begun' | 'plain' | 'read' = 'begun';
  /** The first row that has not been read when the part is heard: numbers before it were read as they stand. */
  #from = 0;

  /** `amounts`: canonical names of the columns that are read as amounts. */
  constructor(rename: ReadonlyMap<string, string>, amounts: Iterable<string>) {
    this.#rename = rename;
    this.#amounts = new Set(amounts);
  }

  /** Whether the first batch has numbers with commas: `read` has to hear the part first. */
  awaited(batch: Batch): boolean {
    if (this.#state !== 'begun') return false;
    this.#state = 'plain';
    return this.columns(batch.columns.keys()).some((name) => {
      const column = batch.columns.get(name);
      return column?.kind === 'text' && this.#commas.has(column);
    });
  }

  /** Whether the part has not been heard, as all numbers of the batches before were plain decimals. */
  get unheard(): boolean {
    return this.#state === 'plain';
  }

  /** Whether the amounts of a batch are the first that are no plain decimals: `read` has to hear the part before the batch is read. */
  awaitedLate({ rowNumbers }: Batch, amounts: readonly AmountColumn[]): boolean {
    if (!this.unheard || !amounts.some(({ values }) => isOdd(values))) return false;
    this.#from = rowNumbers[0] ?? 0;
    return true;
  }

  /** The columns of a header that are read as amounts. */
  columns(header: Iterable<string>): readonly string[] {
    return [...header].filter((name) => this.#amounts.has(this.#rename.get(name) ?? ''));
  }

  /** Finds out by all numbers of the part what its ambiguous ones mean; answers why that is not possible, if so. */
  async read(part: AsyncIterable<Batch>): Promise<PartFault | object> {
    const columns = new Map<string, Shown>();
    for await (const batch of part)
      for (const name of this.columns(batch.columns.keys())) {
        const shown = columns.get(name) ?? {};
        columns.set(name, shown);
        hear(shown, name, batch);
      }
    this.#state = 'read';
    const usual = usualMark([...columns.values()]);
    for (const [name, shown] of columns) {
      const found = decide(name, shown, { usual, from: this.#from });
      if (typeof found === 'object') return found;
      if (found !== undefined) this.#rewriters.set(this.#rename.get(name) ?? '', rewriter(found));
    }
    return {};
  }

  /** The column (canonical name) with numbers that can mean one only. */
  written(name: string, column: TextColumn, rows: number): TextColumn {
    return this.#rewriters.get(name)?.written(column, rows) ?? column;
  }
}

function hear(shown: Shown, name: string, batch: Batch): void {
  for (const [text, { row, rows }] of eachText(name, batch)) {
    if (UNGROUPED.test(text)) shown.ungrouped = true;
    const mark = markShown(text);
    if (mark === undefined) continue;
    const place = mark !== 'either' ? mark : text.includes('.') ? 'point' : 'comma';
    const witness = shown[place];
    if (witness === undefined) shown[place] = { text, row, alike: rows };
    else witness.alike += rows;
  }
}

const UNGROUPED = /^\s*[-+\u2212(]?\d{4,}(?:[.,]\d*)?\)?\s*$/;

/** The only mark that the columns show, with a number that shows it. */
function usualMark(columns: readonly Shown[]): Marks {
  const marks = columns.map(prevailing);
  const comma = marks.find((shown) => shown[','] !== undefined)?.[','];
  const point = marks.find((shown) => shown['.'] !== undefined)?.['.'];
  const both = comma !== undefined && point !== undefined;
  return { ',': both ? undefined : comma, '.': both ? undefined : point };
}

/** The mark by which the ambiguous numbers of a column are read, by its others, else by those of the other columns; undefined: as they stand. */
function decide(
  column: string,
  shown: Shown,
  { usual, from }: { readonly usual: Marks; readonly from: number },
): DecimalMark | PartFault | undefined {
  const isTold = shown[','] !== undefined || shown['.'] !== undefined;
  const { ',': comma, '.': point } = isTold ? prevailing(shown) : usual;
  // Beside 12000 and 0.5, nobody knows what 12,500 is: it stays no number.
  if (comma === undefined) return point === undefined || shown.ungrouped === true ? undefined : '.';
  if (shown.point === undefined) return point === undefined ? ',' : undefined;
  if (point === undefined && shown.point.row >= from) return ',';
  const beside = point === undefined ? '' : ` and ${place(point)} a decimal point`;
  return {
    fault: `${column} is ${place(shown.point)}, which can be two numbers: ${place(comma)} has a decimal comma${beside}; write them alike, without separators of thousands`,
    row: shown.point.row,
    column,
  };
}

/** The marks that a column shows, without one that so few of its numbers have that these are mistakes. */
function prevailing({ ',': comma, '.': point }: Shown): Marks {
  const [commas, points] = [comma?.alike ?? 0, point?.alike ?? 0];
  return {
    ',': commas * FEW < points ? undefined : comma,
    '.': points * FEW < commas ? undefined : point,
  };
}

/** One number in so many is a mistake. */
const FEW = 50;

function place({ text, row }: Witness): string {
  return `${quoted(text)} in row ${row}`;
}

function rewriter(mark: DecimalMark): CellRewriter {
  return new CellRewriter(
    (values, code) => {
      const text = values.text(code) ?? '';
      return (mark === ',' || text.includes(',')) && markShown(text) === 'either';
    },
    (text) => withMark(text, mark),
  );
}

/** Whether an entry is no number, or one that is written otherwise than as a plain decimal. */
function isOdd({ invalid, mended, state }: Amounts): boolean {
  return invalid > 0 || [...mended].some((code) => state[code] !== AMOUNT.null);
}

const COMMA = 44;

function hasComma({ arena, starts, ends }: Dictionary, code: number): boolean {
  const end = ends[code] as number;
  for (let at = starts[code] as number; at < end; at++) if (arena[at] === COMMA) return true;
  return false;
}
