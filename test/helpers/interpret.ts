/**
 * The slow twin of the normalize stage: runs a mapping table row by row over plain objects. Nothing in it is clever,
 * so that the fast evaluator can be checked against it.
 */
import { COST_COLUMNS, type CostColumn } from '../../pipelines/focus/columns.ts';
import {
  add,
  type Decimal,
  formatDecimal,
  parseDecimal,
  subtract,
  ZERO,
} from '../../pipelines/focus/decimal.ts';
import { formatTime } from '../../pipelines/focus/times.ts';
import type {
  AmountExpression,
  Expression,
  TextExpression,
} from '../../pipelines/normalize/expressions.ts';
import type {
  Mapping,
  MappingInput,
  MappingTable,
  RowTemplate,
} from '../../pipelines/normalize/mapping.ts';
import { saysNothing } from '../../pipelines/normalize/null-words.ts';
import { writtenNumber } from '../../pipelines/normalize/written-numbers.ts';

/** A source row by canonical column name. Missing, empty and `NULL` cells are null. */
export type SourceRow = Readonly<Record<string, string | undefined>>;

/** A charge: every column that is not null, as text. */
export type ChargeRow = Readonly<Record<string, string>>;

/** Where a rule fired; `row` counts from 1. */
export interface Mark {
  readonly row: number;
  readonly reason: string;
  readonly column?: string;
}

/** Money of one cost column: read = exported + rejected + dropped + reshaped. */
export interface Sums {
  readonly read: string;
  readonly exported: string;
  readonly dropped: string;
  readonly rejected: string;
  readonly reshaped: string;
}

/** What became of the rows. */
export interface Interpreted {
  readonly rows: readonly ChargeRow[];
  /** Number of the source row of each charge. */
  readonly from: readonly number[];
  readonly drops: readonly Mark[];
  readonly repairs: readonly Mark[];
  readonly rejects: readonly Mark[];
  /** Sums of each cost column; `read` is the table's measure, or what was exported when it has none. */
  readonly sums: Readonly<Record<CostColumn, Sums>>;
}

/** Runs a built table over rows whose columns have canonical names. */
export function interpret(table: MappingTable, rows: readonly SourceRow[]): Interpreted {
  const charges: ChargeRow[] = [];
  const from: number[] = [];
  const drops: Mark[] = [];
  const repairs: Mark[] = [];
  const rejects: Mark[] = [];
  const totals = new Totals(table);
  rows.forEach((given, index) => {
    const row = index + 1;
    const source = withoutNullWords(table, given);
    const outcome = interpretRow(table, source);
    if (outcome.reject !== undefined && isBlank(given)) {
      drops.push({ row, reason: 'blank_row' });
      return;
    }
    if (outcome.reject !== undefined) {
      rejects.push({ row, ...outcome.reject });
      totals.leave('rejected', source);
      return;
    }
    for (const reason of outcome.repairs) repairs.push({ row, reason });
    const amounts = amountSources(table).some((column) => isNullWord(cell(source, column)));
    if (source !== given || amounts) repairs.push({ row, reason: 'null_word' });
    if (outcome.drop !== undefined) {
      drops.push({ row, reason: outcome.drop });
      totals.leave('dropped', source);
      return;
    }
    for (const charge of outcome.charges) {
      charges.push(charge);
      from.push(row);
    }
    totals.keep(source, outcome.charges);
  });
  return { rows: charges, from, drops, repairs, rejects, sums: totals.sums() };
}

/** No cell says anything. */
function isBlank(source: SourceRow): boolean {
  return Object.keys(source).every((column) => cell(source, column) === undefined);
}

/** The row with cells null that say nothing where a name is expected; the row itself when there are none. */
function withoutNullWords({ names = [] }: MappingTable, source: SourceRow): SourceRow {
  const nothing = names.filter((name) => {
    const text = cell(source, name);
    return text !== undefined && saysNothing(text);
  });
  if (nothing.length === 0) return source;
  return { ...source, ...Object.fromEntries(nothing.map((name) => [name, undefined])) };
}

/** Builds the mapping for a header and runs it: renames the columns (the first of equal names wins), then interprets. */
export function applyMapping(
  mapping: Mapping,
  header: readonly string[],
  rows: readonly SourceRow[],
  settings: Readonly<Record<string, string>> = {},
): Interpreted {
  const { input, rows: renamed } = renameRows(mapping, header, rows, settings);
  const dated = withOrderedDates(mapping, renamed, settings);
  const result = interpret(mapping.build(input), dated.rows);
  const assumed = dated.assumed.filter((row) => !result.rejects.some((mark) => mark.row === row));
  return {
    ...result,
    repairs: [...result.repairs, ...assumed.map((row) => ({ row, reason: 'date_order_assumed' }))],
  };
}

const SHORT_DATE = /^\s*(\d{1,2})[/-](\d{1,2})[/-](\d{4}|\d{2})(?!\d)(.*)$/;

/** Dates such as 9/1/26 written 2026-09-01, in the order that all of them together show; as they are where they do not. */
function withOrderedDates(
  mapping: Mapping,
  rows: readonly SourceRow[],
  settings: Readonly<Record<string, string>>,
): { readonly rows: readonly SourceRow[]; readonly assumed: readonly number[] } {
  const dates = rows.flatMap((row) =>
    Object.entries(row).flatMap(([name, text]) => {
      const [, one, two] = (isTime(name) && SHORT_DATE.exec(text ?? '')) || [];
      return one === undefined ? [] : [{ name, one: Number(one), two: Number(two) }];
    }),
  );
  const bounds = dates.filter(({ name }) => /billing_?period/i.test(name));
  const shown = (dayFirst: boolean, monthFirst: boolean): string | undefined =>
    dayFirst === monthFirst ? undefined : dayFirst ? 'dmy' : 'mdy';
  const told = [
    settings.date_order === 'auto' ? undefined : settings.date_order,
    shown(
      dates.some(({ one, two }) => one > 12 && two <= 12),
      dates.some(({ one, two }) => two > 12 && one <= 12),
    ),
    shown(
      bounds.some(({ one, two }) => one === 1 && two !== 1),
      bounds.some(({ one, two }) => two === 1 && one !== 1),
    ),
  ].find((order) => order !== undefined);
  const order = told ?? mapping.dateOrder;
  const assumed = new Set<number>();
  const ordered = rows.map((row, i) =>
    Object.fromEntries(
      Object.entries(row).map(([name, text]) => {
        const match = isTime(name) ? SHORT_DATE.exec(text ?? '') : null;
        if (match === null || order === undefined) return [name, text];
        const [, one = '', two = '', year = '', rest = ''] = match;
        if (told === undefined && one !== two) assumed.add(i + 1);
        const [month, day] = order === 'mdy' ? [one, two] : [two, one];
        if (Number(month) > 12) return [name, text];
        return [
          name,
          `${year.padStart(4, '20')}-${month.padStart(2, '0')}-${day.padStart(2, '0')}${rest}`,
        ];
      }),
    ),
  );
  return { rows: ordered, assumed: [...assumed] };
}

function isTime(column: string): boolean {
  return /date|time|period|start|end/i.test(column);
}

/** The rows under their canonical names, and what the mapping's `build` is given. */
export function renameRows(
  mapping: Mapping,
  header: readonly string[],
  rows: readonly SourceRow[],
  settings: Readonly<Record<string, string>> = {},
): { readonly input: MappingInput; readonly rows: readonly SourceRow[] } {
  const names = new Map<string, string>();
  for (const name of header) {
    const canonical = mapping.rename(name);
    if (!names.has(canonical)) names.set(canonical, name);
  }
  return {
    input: mappingInput([...names.keys()], withDefaults(mapping, settings)),
    rows: rows.map((row) =>
      Object.fromEntries([...names].map(([canonical, name]) => [canonical, row[name]])),
    ),
  };
}

/** What a mapping's `build` is given, for columns with canonical names. */
export function mappingInput(
  columns: readonly string[],
  settings: Readonly<Record<string, string>> = {},
): MappingInput {
  const set = new Set(columns);
  return { columns, has: (column) => set.has(column), settings };
}

/** How often each reason was given. */
export function countReasons(marks: readonly Mark[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { reason } of marks) counts[reason] = (counts[reason] ?? 0) + 1;
  return counts;
}

function withDefaults(
  mapping: Mapping,
  settings: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const defaults = Object.entries(mapping.settings ?? {}).map(
    ([name, { values }]) => [name, values[0] ?? ''] as const,
  );
  return { ...Object.fromEntries(defaults), ...settings };
}

interface Outcome {
  readonly reject?: { readonly reason: string; readonly column: string };
  readonly drop?: string;
  readonly repairs: readonly string[];
  readonly charges: readonly ChargeRow[];
}

const NONE = { repairs: [], charges: [] } as const;

const PERIODS: ReadonlySet<string> = new Set([
  'ChargePeriodStart',
  'ChargePeriodEnd',
  'BillingPeriodStart',
  'BillingPeriodEnd',
]);

function interpretRow(table: MappingTable, source: SourceRow): Outcome {
  const holds = (of: Expression): boolean => evaluate(of, source).text !== undefined;
  const billed = amountsRead(table.measures.BilledCost?.amount);
  if (billed.some((column) => isNullWord(cell(source, column))))
    return { ...NONE, reject: { reason: 'invalid_number', column: 'BilledCost' } };
  const reject = table.reject?.find((rule) => holds(rule.where));
  if (reject !== undefined)
    return { ...NONE, reject: { reason: reject.reason, column: reject.column } };
  const read = table.templates
    .filter(({ where }) => where === undefined || holds(where))
    .map((template) => interpretTemplate(template, source));
  const fatal = read.flatMap(({ invalid }) => invalid).find(isFatal);
  if (fatal !== undefined) return { ...NONE, reject: fatal };
  const drop = table.drop?.find((rule) => holds(rule.where));
  if (drop !== undefined) return { ...NONE, drop: drop.reason };
  if (read.length === 0) return { ...NONE, drop: 'no_row_template' };
  const repairs = (table.repairs ?? []).flatMap((rule) => (holds(rule.where) ? [rule.code] : []));
  const nulled = read.flatMap(({ invalid }) =>
    invalid.map(({ reason, column }) => `${reason}_${column}`),
  );
  const mended = amountSources(table).some((column) => isMended(cell(source, column)))
    ? ['number_format']
    : [];
  return { repairs: [...repairs, ...nulled, ...mended], charges: read.map(({ charge }) => charge) };
}

/** Source columns that the table reads as amounts. */
function amountSources(table: MappingTable): readonly string[] {
  const known = AMOUNT_SOURCES.get(table);
  if (known !== undefined) return known;
  const found = new Set<string>();
  const visit = (of: Expression): void => {
    for (const column of amountsRead(of)) found.add(column);
  };
  for (const { where, columns } of table.templates)
    for (const of of [where, ...Object.values(columns)]) if (of !== undefined) visit(of);
  for (const { where } of [
    ...(table.reject ?? []),
    ...(table.drop ?? []),
    ...(table.repairs ?? []),
  ])
    visit(where);
  for (const { amount } of Object.values(table.measures)) visit(amount);
  AMOUNT_SOURCES.set(table, [...found]);
  return [...found];
}

/** Source columns that an expression reads as amounts. */
function amountsRead(of: Expression | undefined): readonly string[] {
  if (of === undefined) return [];
  if (of.kind === 'amount' && of.op === 'column') return [of.value ?? ''];
  return of.inputs.flatMap(amountsRead);
}

/** A word for "nothing" where an amount is expected. */
function isNullWord(text: string | undefined): boolean {
  return text !== undefined && parseDecimal(text.trim()) === undefined && saysNothing(text);
}

const AMOUNT_SOURCES = new WeakMap<MappingTable, readonly string[]>();

function isMended(text: string | undefined): boolean {
  return (
    text !== undefined &&
    parseDecimal(text.trim()) === undefined &&
    writtenNumber(text) !== undefined
  );
}

interface Invalid {
  readonly reason: string;
  readonly column: string;
}

/** Costs that are no numbers and periods that are no times; other such cells become null. */
function isFatal({ column }: Invalid): boolean {
  return PERIODS.has(column) || (COST_COLUMNS as readonly string[]).includes(column);
}

function interpretTemplate(
  template: RowTemplate,
  source: SourceRow,
): { readonly charge: ChargeRow; readonly invalid: readonly Invalid[] } {
  const charge: Record<string, string> = {};
  const invalid: Invalid[] = [];
  for (const [column, expression] of Object.entries(template.columns)) {
    if (expression === undefined) continue;
    const value = evaluate(expression, source);
    if (value.invalid === true)
      invalid.push({
        reason: expression.kind === 'time' ? 'invalid_time' : 'invalid_number',
        column,
      });
    if (value.text !== undefined) charge[column] = value.text;
  }
  return { charge, invalid };
}

/** Text (canonical for amounts and times) or null; `invalid` for what is not a number or not a time. */
interface Value {
  readonly text?: string | undefined;
  readonly decimal?: Decimal | undefined;
  readonly invalid?: boolean;
}

function evaluate(of: Expression, source: SourceRow): Value {
  if (of.kind === 'amount') return evaluateAmount(of, source);
  if (of.kind === 'text') return { text: evaluateText(of, source) };
  const values = of.inputs.map((input) => evaluate(input, source).text);
  if (of.kind === 'test') return { text: of.fn(...values) ? '1' : undefined };
  const ms = of.fn(...values);
  if (Number.isNaN(ms)) return {};
  const text = formatTime(ms);
  return text === undefined ? { invalid: true } : { text };
}

function evaluateText(of: TextExpression, source: SourceRow): string | undefined {
  if (of.op === 'column') return cell(source, of.value ?? '');
  if (of.op === 'constant') return of.value;
  if (of.op === 'sign') {
    const digits = evaluate(of.inputs[0] as Expression, source).decimal?.digits;
    return digits === undefined ? undefined : digits === 0n ? '0' : digits < 0n ? '-' : '+';
  }
  return of.fn?.(...of.inputs.map((input) => evaluate(input, source).text));
}

function evaluateAmount(of: AmountExpression, source: SourceRow): Value {
  const value = (input: Expression | undefined): Value =>
    input === undefined ? {} : evaluate(input, source);
  switch (of.op) {
    case 'column':
      return number(cell(source, of.value ?? ''));
    case 'constant':
      return number(of.value);
    case 'derive':
      return fromDecimal(of.fn?.(...of.inputs.map((input) => value(input).text)));
    case 'first':
      return of.inputs.map(value).find((each) => !isNull(each)) ?? {};
    case 'choose': {
      for (let i = 0; i + 1 < of.inputs.length; i += 2)
        if (value(of.inputs[i]).text !== undefined) return value(of.inputs[i + 1]);
      return value(of.inputs.at(-1));
    }
    case 'add': {
      const terms = of.inputs.map(value);
      if (terms.some(({ invalid }) => invalid === true)) return { invalid: true };
      if (terms.every(isNull)) return {};
      return fromDecimal(
        terms.reduce<Decimal>((total, { decimal = ZERO }, i) => {
          return (of.signs?.[i] ?? 1) < 0 ? subtract(total, decimal) : add(total, decimal);
        }, ZERO),
      );
    }
  }
}

function isNull(value: Value): boolean {
  return value.text === undefined && value.invalid !== true;
}

function number(text: string | undefined): Value {
  if (text === undefined) return {};
  if (isNullWord(text)) return {};
  const decimal = parseDecimal(text) ?? writtenNumber(text);
  return decimal === undefined ? { invalid: true } : fromDecimal(decimal);
}

function fromDecimal(decimal: Decimal | undefined): Value {
  return decimal === undefined ? {} : { decimal, text: formatDecimal(decimal) };
}

/** What decoders read as null. */
const NULLS: ReadonlySet<string> = new Set(['', 'NULL', 'null', '\\N']);

function cell(source: SourceRow, column: string): string | undefined {
  const value = source[column];
  return value === undefined || NULLS.has(value) ? undefined : value;
}

/** The ledger of each cost column. */
class Totals {
  readonly #table: MappingTable;
  readonly #sums = new Map<string, Decimal>();

  constructor(table: MappingTable) {
    this.#table = table;
  }

  leave(how: 'rejected' | 'dropped', source: SourceRow): void {
    for (const column of COST_COLUMNS) {
      const measure = this.#measure(column, source);
      this.#add(column, 'read', measure);
      this.#add(column, how, measure);
    }
  }

  keep(source: SourceRow, charges: readonly ChargeRow[]): void {
    for (const column of COST_COLUMNS) {
      const exported = charges.reduce(
        (total, charge) => add(total, parseDecimal(charge[column] ?? '') ?? ZERO),
        ZERO,
      );
      this.#add(column, 'exported', exported);
      const stated = this.#table.measures[column] !== undefined;
      this.#add(column, 'read', stated ? this.#measure(column, source) : exported);
    }
  }

  sums(): Record<CostColumn, Sums> {
    const of = (column: CostColumn): Sums => {
      const [read, exported, dropped, rejected] = (
        ['read', 'exported', 'dropped', 'rejected'] as const
      ).map((part) => this.#sums.get(`${column} ${part}`) ?? ZERO) as [
        Decimal,
        Decimal,
        Decimal,
        Decimal,
      ];
      return {
        read: formatDecimal(read),
        exported: formatDecimal(exported),
        dropped: formatDecimal(dropped),
        rejected: formatDecimal(rejected),
        reshaped: formatDecimal(subtract(read, add(exported, add(dropped, rejected)))),
      };
    };
    return {
      BilledCost: of('BilledCost'),
      EffectiveCost: of('EffectiveCost'),
      ListCost: of('ListCost'),
      ContractedCost: of('ContractedCost'),
    };
  }

  #measure(column: CostColumn, source: SourceRow): Decimal {
    const measure = this.#table.measures[column];
    return (measure && evaluate(measure.amount, source).decimal) ?? ZERO;
  }

  #add(column: CostColumn, part: string, value: Decimal): void {
    const key = `${column} ${part}`;
    this.#sums.set(key, add(this.#sums.get(key) ?? ZERO, value));
  }
}
