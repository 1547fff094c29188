/**
 * Amounts that differ from row to row as OTLP attributes. Which of them a row has decides all of its bytes but the numbers:
 * a row is a copy of such a template, into which the numbers are written column by column. Hot: plain indexed loops.
 */
import { AMOUNT } from '../../focus/amounts.ts';
import type { AmountColumn } from '../../focus/batch.ts';
import { Bytes } from '../bytes.ts';
import type { NamedAmounts } from '../field.ts';

/** Columns that are taken together: there is a template for each subset that occurs. */
const MOST_COLUMNS = 12;

/** Everything about the rows that have the same of the amounts. */
interface Template {
  readonly bytes: Bytes;
  /** Where the number of each column belongs; -1: these rows do not have it. */
  readonly holes: Int32Array;
}

let masks = new Uint16Array(4096);

/** Appends the attributes of these columns row by row; `bounds` gets where those of each row are. Answers the longest. */
export function writeAmounts(
  out: Bytes,
  columns: readonly NamedAmounts[],
  { rows, bounds }: { readonly rows: number; readonly bounds: Uint32Array },
): number | undefined {
  if (columns.length > MOST_COLUMNS) return undefined;
  if (masks.length < rows) masks = new Uint16Array(rows);
  masks.fill(0, 0, rows);
  for (const [i, { column }] of columns.entries()) markPresent(column, rows, 1 << i);
  const templates = new Array<Template | undefined>(1 << columns.length);
  const most = columns.reduce((sum, { key }) => sum + key.length + 8, 0);
  out.reserve((rows + 1) * most);
  let longest = 0;
  for (let row = 0; row < rows; row++) {
    const mask = masks[row] as number;
    let template = templates[mask];
    if (template === undefined) {
      template = templateFor(columns, mask, most);
      templates[mask] = template;
      longest = Math.max(longest, template.bytes.length);
    }
    bounds[row << 1] = out.length;
    out.words(template.bytes);
    bounds[(row << 1) + 1] = out.length;
  }
  for (const [i, { column }] of columns.entries())
    fillHoles(out.view, column, { rows, bounds, i, templates });
  return longest;
}

function markPresent({ codes, values: { state } }: AmountColumn, rows: number, bit: number): void {
  for (let row = 0; row < rows; row++) {
    const kind = state[codes[row] as number];
    if (kind === AMOUNT.limbs || kind === AMOUNT.big) masks[row] = (masks[row] as number) | bit;
  }
}

function fillHoles(
  view: DataView,
  { codes, values: { double } }: AmountColumn,
  at: {
    readonly rows: number;
    readonly bounds: Uint32Array;
    readonly i: number;
    readonly templates: readonly (Template | undefined)[];
  },
): void {
  const holes = new Int32Array(at.templates.length);
  at.templates.forEach((template, mask) => {
    holes[mask] = template?.holes[at.i] ?? -1;
  });
  const { rows, bounds } = at;
  for (let row = 0; row < rows; row++) {
    const hole = holes[masks[row] as number] as number;
    if (hole >= 0)
      view.setFloat64(
        (bounds[row << 1] as number) + hole,
        (double[codes[row] as number] as number) + 0,
        true,
      );
  }
}

function templateFor(columns: readonly NamedAmounts[], mask: number, most: number): Template {
  const bytes = new Bytes(most);
  const holes = new Int32Array(columns.length).fill(-1);
  columns.forEach(({ key }, i) => {
    if ((mask & (1 << i)) === 0) return;
    bytes.append(key);
    holes[i] = bytes.length;
    bytes.float64(0);
  });
  return { bytes, holes };
}
