import {
  add,
  COST_COLUMNS,
  type CostColumn,
  compare,
  type Decimal,
  formatDecimal,
  negate,
  roundDecimal,
  ZERO,
} from '../../../pipelines/focus/index.ts';
import {
  TOTAL_DIMENSIONS,
  type Total,
  type TotalDimension,
} from '../../../pipelines/plugin/index.ts';

export interface FormatOptions {
  /** Columns of the terminal. Default 100. */
  readonly width?: number;
  /** Bold and dim by ANSI codes. Default no. */
  readonly color?: boolean;
  /** Rows of each list; the rest is summed up. Default 10. */
  readonly top?: number;
  /** Every digit instead of two decimal places. */
  readonly exact?: boolean;
  /** Newest billing periods shown; default all. */
  readonly periods?: number;
}

/** Totals as a table for people: per billing period and currency by provider, service and owner. The sums are exact. */
export function formatTotals(totals: Iterable<Total>, options: FormatOptions = {}): string {
  const tables = tablesOf(totals, options);
  if (tables.length === 0) return 'No charges yet.\n';
  return tables.map((table) => formatTable(table, options)).join('\n');
}

interface Sums {
  readonly label: string;
  readonly charges: number;
  readonly costs: Readonly<Record<CostColumn, Decimal>>;
}

interface Table {
  readonly period: string;
  readonly currency: string;
  readonly sections: readonly { readonly title: string; readonly rows: readonly Sums[] }[];
  readonly total: Sums;
}

const SECTIONS: readonly { readonly title: string; readonly dimension: TotalDimension }[] = [
  { title: 'Provider', dimension: 'ServiceProviderName' },
  { title: 'Service', dimension: 'ServiceName' },
  { title: 'Owner', dimension: 'owner' },
];
const NO_VALUE = '(none)';
const OVERFLOW = '(over the series limit)';
const DEFAULT_WIDTH = 100;
const DEFAULT_TOP = 10;

function tablesOf(totals: Iterable<Total>, options: FormatOptions): readonly Table[] {
  const byTable = new Map<string, Gathered>();
  for (const total of totals) {
    const currency = dimension(total, 'BillingCurrency');
    const key = `${total.billingPeriod} ${currency ?? ''}`;
    const gathered = byTable.get(key) ?? gathering(total.billingPeriod, currency);
    byTable.set(key, gathered);
    gather(gathered, total);
  }
  const tables = [...byTable.values()].map((gathered) => tableOf(gathered, options));
  const order = (table: Table) => `${table.period} ${table.currency}`;
  tables.sort((a, b) => (order(a) < order(b) ? -1 : 1));
  const newest = [...new Set(tables.map(({ period }) => period))].slice(-(options.periods ?? 1e9));
  return tables.filter(({ period }) => newest.includes(period));
}

/** The sums of a table while its totals go by one at a time: of a million only what is shown is held. */
interface Gathered {
  readonly period: string;
  readonly currency: string | null;
  /** By label, for each of SECTIONS. */
  readonly sections: readonly Map<string, RunningSums>[];
  readonly total: RunningSums;
}

type RunningSums = { charges: number; readonly costs: Record<CostColumn, Decimal> };

function gathering(period: string, currency: string | null): Gathered {
  return { period, currency, sections: SECTIONS.map(() => new Map()), total: noSums() };
}

function noSums(): RunningSums {
  const costs = { BilledCost: ZERO, EffectiveCost: ZERO, ListCost: ZERO, ContractedCost: ZERO };
  return { charges: 0, costs };
}

function gather({ sections, total: all }: Gathered, total: Total): void {
  addTo(all, total);
  for (const [i, { dimension: name }] of SECTIONS.entries()) {
    const label = total.overflow ? OVERFLOW : (dimension(total, name) ?? NO_VALUE);
    const section = sections[i] as Map<string, RunningSums>;
    const sums = section.get(label) ?? noSums();
    section.set(label, sums);
    addTo(sums, total);
  }
}

function addTo(sums: RunningSums, part: Pick<Sums, 'charges' | 'costs'>): void {
  sums.charges += part.charges;
  for (const column of COST_COLUMNS)
    sums.costs[column] = add(sums.costs[column], part.costs[column]);
}

function tableOf(gathered: Gathered, { top = DEFAULT_TOP }: FormatOptions): Table {
  const sections = SECTIONS.map(({ title }, i) => {
    const rows = [...(gathered.sections[i] ?? [])].map(([label, sums]) => ({ label, ...sums }));
    return { title, rows: withOthers(rows.sort(byCost), top) };
  });
  return {
    period: gathered.period,
    currency: gathered.currency ?? '(no currency)',
    sections,
    total: { label: 'Total', ...gathered.total },
  };
}

function dimension(total: Total, name: TotalDimension): string | null {
  return total.dimensions[TOTAL_DIMENSIONS.indexOf(name)] ?? null;
}

function sumOf(label: string, parts: readonly Pick<Sums, 'charges' | 'costs'>[]): Sums {
  const sums = noSums();
  for (const part of parts) addTo(sums, part);
  return { label, ...sums };
}

function byCost(a: Sums, b: Sums): number {
  const difference = compare(size(b), size(a));
  return difference === 0 ? (a.label < b.label ? -1 : 1) : difference;
}

function size({ costs }: Sums): Decimal {
  const { EffectiveCost: cost } = costs;
  return cost.digits < 0n ? negate(cost) : cost;
}

function withOthers(rows: readonly Sums[], top: number): readonly Sums[] {
  const rest = rows.slice(top);
  if (rest.length < 2) return rows;
  return [...rows.slice(0, top), sumOf(`${rest.length} others`, rest)];
}

/** A table as cells: numbers are ready texts of equal width per column. */
interface Cells {
  readonly heads: readonly string[];
  readonly widths: readonly number[];
  /** As many as there are rows in the sections, and the total. */
  readonly texts: readonly (readonly string[])[];
}

const HEADS: Readonly<Record<CostColumn, string>> = {
  BilledCost: 'Billed',
  EffectiveCost: 'Effective',
  ListCost: 'List',
  ContractedCost: 'Contracted',
};
const MIN_LABEL = 20;
const GAP = 2;

function formatTable(table: Table, options: FormatOptions): string {
  const { width = DEFAULT_WIDTH } = options;
  const rows = [...table.sections.flatMap((section) => section.rows), table.total];
  const cells = narrowed(cellsOf(rows, options), width - MIN_LABEL);
  const numbers = cells.widths.reduce((sum, each) => sum + each + GAP, 0);
  const longest = Math.max(...rows.map((row) => [...row.label].length)) + GAP;
  const label = Math.max(MIN_LABEL, Math.min(width - numbers, longest));
  const line = (name: string, texts: readonly string[]) =>
    `${fitted(name, label)}${texts.map((text, i) => text.padStart((cells.widths[i] ?? 0) + GAP)).join('')}`;
  const { bold, dim } = styles(options.color === true);
  const lines = [bold(line(`${table.period}  ${table.currency}`, cells.heads))];
  let at = 0;
  for (const { title, rows: sectionRows } of table.sections) {
    lines.push(dim(title));
    for (const row of sectionRows) lines.push(line(`  ${row.label}`, cells.texts[at++] ?? []));
  }
  lines.push(bold(line(table.total.label, cells.texts[at] ?? [])));
  return lines.map((text) => `${text}\n`).join('');
}

function cellsOf(rows: readonly Sums[], { exact = false }: FormatOptions): Cells {
  const columns = COST_COLUMNS.map((column) =>
    aligned(rows.map(({ costs }) => amount(costs[column], exact))),
  );
  const charges = rows.map((row) => thousands(String(row.charges)));
  const all = [...columns, charges];
  const heads = [...COST_COLUMNS.map((column) => HEADS[column]), 'Charges'];
  return {
    heads,
    widths: all.map((texts, i) =>
      Math.max(heads[i]?.length ?? 0, ...texts.map(({ length }) => length)),
    ),
    texts: rows.map((_, row) => all.map((texts) => texts[row] ?? '')),
  };
}

/** Leaves columns out until the rest fits: contracted, list, charges; billed and effective always stay. */
function narrowed(cells: Cells, room: number): Cells {
  const kept = [0, 1, 2, 3, 4];
  const taken = () => kept.reduce((sum, i) => sum + (cells.widths[i] ?? 0) + GAP, 0);
  for (const column of [3, 2, 4]) {
    if (taken() > room) kept.splice(kept.indexOf(column), 1);
  }
  const pick = <T>(list: readonly T[]) => list.filter((_, i) => kept.includes(i));
  return { heads: pick(cells.heads), widths: pick(cells.widths), texts: cells.texts.map(pick) };
}

function amount(value: Decimal, exact: boolean): string {
  if (exact) return thousands(formatDecimal(value));
  const [whole = '0', fraction = ''] = formatDecimal(roundDecimal(value, 2)).split('.');
  return `${thousands(whole)}.${fraction.padEnd(2, '0')}`;
}

/** Pads behind the decimal point, so that the points stand below each other. */
function aligned(texts: readonly string[]): readonly string[] {
  const behind = (text: string) => (text.includes('.') ? text.length - text.indexOf('.') : 0);
  const most = Math.max(0, ...texts.map(behind));
  return texts.map((text) => text + ' '.repeat(most - behind(text)));
}

function thousands(text: string): string {
  const [whole = '', fraction] = text.split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** Exactly so wide; nothing in it can steer the terminal. */
function fitted(text: string, width: number): string {
  const shown = [...text.replace(/\p{C}/gu, '?')];
  const cut = shown.length > width ? [...shown.slice(0, width - 1), '…'] : shown;
  return cut.join('') + ' '.repeat(width - cut.length);
}

function styles(color: boolean) {
  const style = (code: number) => (text: string) =>
    color ? `\u001b[${code}m${text}\u001b[0m` : text;
  return { bold: style(1), dim: style(2) };
}
