/** Which rows of a batch a rule or a cell speaks of. */
import { AMOUNT, type Amounts } from '../focus/amounts.ts';
import { type AmountColumn, type Column, cellText, type TextColumn } from '../focus/batch.ts';
import { COST_COLUMNS } from '../focus/columns.ts';
import type { Evaluator } from './evaluator.ts';
import {
  type AmountExpression,
  type Expression,
  type Test,
  type TextExpression,
  text,
} from './expressions.ts';
import type { MappingTable, RowTemplate } from './mapping.ts';
import { needsOrder } from './written-times.ts';

/** Whether entry `code` of an amount column can be written by every exporter. */
export type Fits = (column: string, amounts: Amounts, code: number) => boolean;

/** Takes a row that cannot become a charge. */
export type Refuse = (
  row: number,
  why: { readonly reason: string; readonly message: string; readonly column: string },
) => void;

/** The batch that the evaluator is at. */
export interface Rows {
  readonly evaluator: Evaluator;
  readonly rows: number;
}

/** The templates that want a row of the batch; nothing need be worked out for the others. */
export function wantedTemplates(
  { evaluator, rows }: Rows,
  { templates }: MappingTable,
): readonly RowTemplate[] {
  return templates.filter(
    ({ where }) => where === undefined || holdsSomewhere(evaluator.text(where), rows),
  );
}

function holdsSomewhere(column: TextColumn, rows: number): boolean {
  if (column.values.size === 1) return !column.values.isNull(0);
  for (let row = 0; row < rows; row++) if (holds(column, row)) return true;
  return false;
}

/** Refuses what cannot become a charge: by the table's rules, unreadable costs and periods, amounts that do not fit. */
export function refuseRows(
  batch: Rows,
  {
    table,
    templates,
    fits,
  }: {
    readonly table: MappingTable;
    /** Those that want a row. */
    readonly templates: readonly RowTemplate[];
    readonly fits: Fits | undefined;
  },
  refuse: Refuse,
): void {
  refuseUnstated(batch, table, refuse);
  for (const { where, ...rule } of table.reject ?? [])
    rowsWhere(batch, where, (row) => refuse(row, rule));
  for (const template of templates) {
    refuseInvalid(batch, template, refuse);
    if (fits !== undefined) refuseUnfit(batch, template, { fits, refuse });
  }
}

/** Visits the rows for which a test holds. */
export function rowsWhere({ evaluator, rows }: Rows, where: Test, visit: (row: number) => void) {
  const column = evaluator.text(where);
  if (column.values.size === 1 && column.values.isNull(0)) return;
  for (let row = 0; row < rows; row++) if (holds(column, row)) visit(row);
}

/** Visits cells that cannot be read and that a charge can do without: they become null. `code` names the repair. */
export function nulledCells(
  batch: Rows,
  template: RowTemplate,
  visit: (code: string, row: number) => void,
): void {
  invalidCells(batch, template, (name, column, row) => {
    if (!isFatal(name)) visit(`${invalidReason(column)}_${name}`, row);
  });
}

/** The columns of a template. */
export function columnsOfTemplate(template: RowTemplate): [string, Expression][] {
  return Object.entries(template.columns).filter(
    (entry): entry is [string, Expression] => entry[1] !== undefined,
  );
}

/** Whether a test holds for the row. */
export function holds({ codes, values }: TextColumn, row: number): boolean {
  return !values.isNull(codes[row] as number);
}

/** What a bill states as billed has to be a number: where a word stands for "nothing", no cost is known. In other costs it is a null. */
function refuseUnstated(
  { evaluator, rows }: Rows,
  { measures }: MappingTable,
  refuse: Refuse,
): void {
  for (const source of sourcesOf(measures.BilledCost?.amount, 'amount')) {
    const { codes, values } = evaluator.column(source) as AmountColumn;
    if (values.mended.size === 0) continue;
    for (let row = 0; row < rows; row++) {
      const code = codes[row] as number;
      if (values.state[code] !== AMOUNT.null || !values.mended.has(code)) continue;
      const cell = cellText(evaluator.text(text(source.value ?? '')), row) ?? 'NaN';
      const message = `BilledCost is ${JSON.stringify(cell)}, which is not a decimal number`;
      refuse(row, { reason: 'invalid_number', column: 'BilledCost', message });
    }
  }
}

/** Costs that are no numbers and periods that are no times. */
function refuseInvalid(batch: Rows, template: RowTemplate, refuse: Refuse): void {
  invalidCells(batch, template, (name, column, row) => {
    if (!isFatal(name)) return;
    const cell = sourceCell(batch, template.columns[name as keyof typeof template.columns], row);
    const said =
      cell === undefined
        ? name
        : `${name} is ${JSON.stringify(cell.slice(0, LONGEST_SHOWN))}, which`;
    refuse(row, {
      reason: invalidReason(column),
      column: name,
      message: `${said} is not ${wantedOf(column, cell)}`,
    });
  });
}

/** Characters of a cell that a message shows. */
const LONGEST_SHOWN = 40;

function wantedOf({ kind }: Column, cell: string | undefined): string {
  if (kind !== 'amount')
    return needsOrder(cell ?? '')
      ? 'a date in the order of day and month, and in the months, that the others have (date_order names the order)'
      : 'a date and time';
  return TWO_MEANINGS.test(cell ?? '')
    ? 'certain: its comma can separate thousands or decimals, and no other number of the file tells which'
    : 'a decimal number';
}

const TWO_MEANINGS = /^\D*\d{1,3},\d{3}\D*$/;

/** The source cell that an expression cannot read: of an amount the first that is no number, of a time the first that is there. */
function sourceCell(
  { evaluator }: Rows,
  of: Expression | undefined,
  row: number,
): string | undefined {
  const cells = sourcesOf(of, of?.kind === 'amount' ? 'amount' : 'text').flatMap((source) => {
    const column = evaluator.column(source);
    if (source.kind === 'amount' && !isInvalid(column, row)) return [];
    return cellText(evaluator.text(text(source.value ?? '')), row) ?? [];
  });
  return cells[0];
}

type Source = TextExpression | AmountExpression;

/** The source columns that an expression reads as this kind. */
export function sourcesOf(of: Expression | undefined, kind: Source['kind']): readonly Source[] {
  if (of === undefined) return [];
  if (of.kind === kind && of.op === 'column') return [of];
  return of.inputs.flatMap((input) => sourcesOf(input, kind));
}

/** Amounts that an exporter's format has no room for. */
function refuseUnfit(
  { evaluator, rows }: Rows,
  template: RowTemplate,
  { fits, refuse }: { readonly fits: Fits; readonly refuse: Refuse },
): void {
  const wanted = wantedRows(evaluator, template);
  for (const [name, expression] of columnsOfTemplate(template)) {
    if (expression.kind !== 'amount') continue;
    const { codes, values } = evaluator.amount(expression);
    const unfit = new Set<number>();
    for (let code = 0; code < values.size; code++) if (!fits(name, values, code)) unfit.add(code);
    for (let row = 0; unfit.size > 0 && row < rows; row++) {
      const code = codes[row] as number;
      if (!unfit.has(code) || !wanted(row)) continue;
      const message = `${name} is ${values.text(code)}: more digits before the point than a decimal in a Parquet file has`;
      refuse(row, { reason: 'amount_too_large', column: name, message });
    }
  }
}

function invalidCells(
  { evaluator, rows }: Rows,
  template: RowTemplate,
  visit: (name: string, column: Column, row: number) => void,
): void {
  const wanted = wantedRows(evaluator, template);
  for (const [name, expression] of columnsOfTemplate(template)) {
    if (expression.kind !== 'amount' && expression.kind !== 'time') continue;
    const column = evaluator.column(expression);
    if (column.kind === 'text' || column.values.invalid === 0) continue;
    for (let row = 0; row < rows; row++)
      if (isInvalid(column, row) && wanted(row)) visit(name, column, row);
  }
}

function wantedRows(evaluator: Evaluator, { where }: RowTemplate): (row: number) => boolean {
  if (where === undefined) return () => true;
  const column = evaluator.text(where);
  return (row) => holds(column, row);
}

function isInvalid(column: Column, row: number): boolean {
  const code = column.codes[row] as number;
  if (column.kind === 'amount') return column.values.state[code] === AMOUNT.invalid;
  return column.kind === 'time' && column.values.ms[code] === Number.POSITIVE_INFINITY;
}

/** Time columns that a charge cannot be without. */
const PERIODS = new Set([
  'ChargePeriodStart',
  'ChargePeriodEnd',
  'BillingPeriodStart',
  'BillingPeriodEnd',
]);

/** A charge cannot be without these; other cells that cannot be read become null, counted as repairs. */
function isFatal(name: string): boolean {
  return PERIODS.has(name) || (COST_COLUMNS as readonly string[]).includes(name);
}

function invalidReason(column: Column): string {
  return column.kind === 'amount' ? 'invalid_number' : 'invalid_time';
}
