/**
 * The stage: source batches in, charges out. Applies a mapping's table: rejects, drops, then one batch per row template;
 * keeps the account of every row and every cost on the way.
 */

import type { RejectedRow } from '../decode/source.ts';
import { AMOUNT, type Amounts } from '../focus/amounts.ts';
import { type Batch, type Column, cellText, type TextColumn } from '../focus/batch.ts';
import { type CostColumn, columnFact } from '../focus/columns.ts';
import { Sums } from '../focus/sums.ts';
import { Evaluator } from './evaluator.ts';
import { type AmountExpression, derive, type TextExpression } from './expressions.ts';
import { Gatherer } from './gather.ts';
import { defaultSettings, renamedHeader } from './header.ts';
import { JointColumns } from './joint-columns.ts';
import type { Mapping, MappingTable, RowTemplate } from './mapping.ts';
import { NullWords } from './null-words.ts';
import { PartDates } from './part-dates.ts';
import { PartNumbers } from './part-numbers.ts';
import {
  columnsOfTemplate,
  type Fits,
  holds,
  nulledCells,
  type Refuse,
  type Rows,
  refuseRows,
  rowsWhere,
  wantedTemplates,
} from './row-rules.ts';
import { amountSources, usedColumns } from './used-columns.ts';

/** Charges of one row template. */
export interface Charges {
  readonly batch: Batch;
  /** Number of the template in the mapping's table; a source row may give a charge by each. */
  readonly template: number;
}

/** What became of a batch. */
export interface Normalized {
  readonly charges: readonly Charges[];
  readonly rejected: readonly RejectedRow[];
}

/** Rows and money so far. */
export interface NormalizeCounts {
  rows: number;
  written: number;
  rejected: Map<string, number>;
  dropped: Map<string, number>;
  repairs: Map<string, number>;
  /** Per measured cost column: sums of the source's text. */
  readonly measures: ReadonlyMap<CostColumn, MeasureSums>;
}

/** Sums of one measure over all rows, the rejected, the dropped, and the measure minus the charges' cost over the kept. */
export interface MeasureSums {
  readonly column: string;
  readonly read: Sums;
  readonly rejected: Sums;
  readonly dropped: Sums;
  readonly exported: Sums;
}

/** What a normalizer knows beside the mapping and the header. */
export interface NormalizerOptions {
  /** Settings of the mapping that differ from its defaults. */
  readonly settings?: Readonly<Record<string, string>>;
  /** What lines above the table say. */
  readonly titles?: ReadonlyMap<string, string> | undefined;
  /** Whether an amount can be written by every exporter; a row with one that cannot is rejected. Absent: all can. */
  readonly fits?: Fits;
}

/** Most cells kept of a rejected row, in characters. */
const RAW_LIMIT = 65_536;
/** Normalizes the batches of one part by one mapping. */
export class Normalizer {
  readonly table: MappingTable;
  readonly counts: NormalizeCounts;
  /** Asked about each batch before it is normalized: dates may have to be read ahead. */
  readonly dates: PartDates;
  /** The same of numbers. */
  readonly numbers: PartNumbers;
  readonly #evaluator = new Evaluator();
  readonly #joint = new JointColumns();
  readonly #words = new NullWords();
  readonly #names: ReadonlySet<string>;
  /** Canonical names of the columns that the table looks at. */
  readonly #used: ReadonlySet<string>;
  /** Rows of the batch in which a word for "nothing" became null. */
  readonly #nulled = new Set<number>();
  readonly #rename: ReadonlyMap<string, string>;
  readonly #repairs: TextExpression | undefined;
  readonly #fits: NormalizerOptions['fits'];
  /** The source columns that the table reads as amounts. */
  readonly #amounts: readonly AmountExpression[];
  /** The templates that want a row of the batch. */
  #wanted: readonly RowTemplate[] = [];
  /** The next batch, if the evaluator has it already. */
  #prepared: Batch | undefined;
  #kept = new Uint8Array(0);
  #taken = new Uint8Array(0);
  #rows = new Uint32Array(0);
  readonly #gatherers: Gatherer[] = [];

  constructor(
    mapping: Mapping,
    header: readonly string[],
    { settings = {}, titles = new Map(), fits }: NormalizerOptions = {},
  ) {
    this.#fits = fits;
    const { rename, repairs } = renamedHeader(mapping, header);
    this.#rename = rename;
    const columns = [...rename.values()];
    const set = new Set(columns);
    this.table = mapping.build({
      columns,
      settings: { ...defaultSettings(mapping), ...settings },
      has: (column) => set.has(column),
      titles,
    });
    this.#names = new Set(this.table.names);
    this.#used = new Set([...usedColumns(this.table), ...this.#names]);
    this.dates = new PartDates(mapping, { table: this.table, rename, settings });
    this.#repairs = repairsExpression(this.table);
    this.#amounts = amountSources(this.table);
    this.numbers = new PartNumbers(
      rename,
      this.#amounts.map(({ value = '' }) => value),
    );
    const measures = Object.entries(this.table.measures) as [CostColumn, { column: string }][];
    const headers = new Map([...rename].map(([header, canonical]) => [canonical, header.trim()]));
    this.counts = {
      rows: 0,
      written: 0,
      rejected: new Map(),
      dropped: new Map(),
      repairs,
      measures: new Map(
        measures.map(([cost, { column }]) => [
          cost,
          {
            column: headers.get(column) ?? column,
            read: new Sums(),
            rejected: new Sums(),
            dropped: new Sums(),
            exported: new Sums(),
          },
        ]),
      ),
    };
  }

  /** The columns of the header that the table looks at; of others only what is rejected is asked for. */
  get used(): ReadonlySet<string> {
    return new Set(
      [...this.#rename].filter(([, name]) => this.#used.has(name)).map(([header]) => header),
    );
  }

  /** Whether the batch, which is to be normalized next, has numbers that only the others of the part explain: `numbers.read` has to hear it first. */
  awaitsNumbers(source: Batch): boolean {
    if (this.numbers.awaited(source)) return true;
    if (!this.numbers.unheard) return false;
    const batch = this.#prepare(source);
    const amounts = this.#amounts.map((of) => this.#evaluator.amount(of));
    const isLate = this.numbers.awaitedLate(source, amounts);
    this.#prepared = isLate ? undefined : batch;
    return isLate;
  }

  /** The batch's charges and rejected rows. Columns are valid until the next call. */
  normalize(source: Batch): Normalized {
    const batch = this.#prepared ?? this.#prepare(source);
    this.#prepared = undefined;
    this.counts.rows += batch.rows;
    const kept = this.#fit(batch.rows);
    this.#wanted = wantedTemplates(this.#rowsAt(batch), this.table);
    const rejected = this.#reject(source, batch, kept);
    this.#drop(batch, kept);
    const charges = this.table.templates.flatMap((template, number) =>
      this.#charges(batch, kept, { template, number }),
    );
    this.#leftOver(batch, kept);
    this.#measure(batch, kept, charges);
    this.#countRepairs(batch, kept);
    return { charges, rejected };
  }

  #prepare(source: Batch): Batch {
    const renamed = this.#renamed(source);
    const batch = this.#joint.join(renamed);
    this.#evaluator.begin(batch, renamed);
    return batch;
  }

  #fit(rows: number): Uint8Array {
    if (this.#kept.length < rows) {
      this.#kept = new Uint8Array(rows);
      this.#taken = new Uint8Array(rows);
      this.#rows = new Uint32Array(rows);
    }
    this.#kept.fill(KEPT, 0, rows);
    this.#taken.fill(0, 0, rows);
    return this.#kept;
  }

  #renamed(source: Batch): Batch {
    const columns = new Map<string, Column>();
    this.#nulled.clear();
    this.dates.begin();
    for (const [name, column] of source.columns) {
      const canonical = this.#rename.get(name) ?? (name.startsWith(MADE) ? name : undefined);
      if (canonical !== undefined && this.#used.has(canonical))
        columns.set(canonical, this.#named(canonical, column, source));
    }
    return { ...source, columns };
  }

  /** The column without words for "nothing" where they would be taken for names, and with dates as ISO 8601. */
  #named(name: string, column: Column, { rows }: Batch): Column {
    if (column.kind !== 'text') return column;
    const named = this.#names.has(name)
      ? this.#words.clean(column, rows, (row) => this.#nulled.add(row))
      : column;
    return this.numbers.written(name, this.dates.written(name, named, rows), rows);
  }

  #rowsAt({ rows }: Batch): Rows {
    return { evaluator: this.#evaluator, rows };
  }

  /** Marks what cannot become a charge; a row of empty cells, as spreadsheets leave them behind the table, says nothing. */
  #reject(source: Batch, batch: Batch, kept: Uint8Array): RejectedRow[] {
    const rejected: RejectedRow[] = [];
    const refuse: Refuse = (row, why) => {
      if (kept[row] !== KEPT) return;
      const raw = rawRow(source, row);
      if (raw === '{}') {
        kept[row] = DROPPED;
        increment(this.counts.dropped, 'blank_row');
        return;
      }
      kept[row] = REJECTED;
      increment(this.counts.rejected, why.reason);
      const costs = this.#costsAt(row);
      rejected.push({ ...why, row: batch.rowNumbers[row] as number, raw, ...(costs && { costs }) });
    };
    const rules = { table: this.table, templates: this.#wanted, fits: this.#fits };
    refuseRows(this.#rowsAt(batch), rules, refuse);
    return rejected;
  }

  /** The measured costs of a row, as far as they can be read. */
  #costsAt(row: number): RejectedRow['costs'] {
    const costs: [CostColumn, string][] = [];
    for (const cost of this.counts.measures.keys()) {
      const measure = this.table.measures[cost];
      const text = measure && cellText(this.#evaluator.amount(measure.amount), row);
      if (text !== undefined) costs.push([cost, text]);
    }
    return costs.length === 0 ? undefined : Object.fromEntries(costs);
  }

  #drop(batch: Batch, kept: Uint8Array): void {
    for (const { reason, where } of this.table.drop ?? []) {
      rowsWhere(this.#rowsAt(batch), where, (row) => {
        if (kept[row] !== KEPT) return;
        kept[row] = DROPPED;
        increment(this.counts.dropped, reason);
      });
    }
  }

  #charges(
    batch: Batch,
    kept: Uint8Array,
    { template, number }: { readonly template: RowTemplate; readonly number: number },
  ): Charges[] {
    if (!this.#wanted.includes(template)) return [];
    const where = template.where === undefined ? undefined : this.#evaluator.text(template.where);
    const rows = this.#rowsOf(batch, kept, where);
    if (rows.length === 0) return [];
    this.counts.written += rows.length;
    const columns = new Map<string, Column>();
    for (const [name, expression] of columnsOfTemplate(template)) {
      const column = this.#evaluator.column(expression);
      if (!isNothing(column)) columns.set(name, column);
    }
    if (this.#repairs !== undefined) {
      const repairs = this.#evaluator.text(this.#repairs);
      if (!isNothing(repairs)) columns.set('x_Repairs', repairs);
    }
    if (rows.length === batch.rows) return [{ batch: { ...batch, columns }, template: number }];
    return [
      { batch: this.#gatherer(number).gather(columns, rows, batch.rowNumbers), template: number },
    ];
  }

  /** The kept rows that a template wants. */
  #rowsOf(batch: Batch, kept: Uint8Array, where: TextColumn | undefined): Uint32Array {
    let count = 0;
    for (let row = 0; row < batch.rows; row++) {
      if (kept[row] !== KEPT || (where !== undefined && !holds(where, row))) continue;
      this.#rows[count++] = row;
      this.#taken[row] = 1;
    }
    return this.#rows.subarray(0, count);
  }

  #gatherer(template: number): Gatherer {
    let gatherer = this.#gatherers[template];
    if (gatherer === undefined) {
      gatherer = new Gatherer();
      this.#gatherers[template] = gatherer;
    }
    return gatherer;
  }

  /** A row that no template wants is not lost silently. */
  #leftOver(batch: Batch, kept: Uint8Array): void {
    for (let row = 0; row < batch.rows; row++) {
      if (kept[row] !== KEPT || this.#taken[row] === 1) continue;
      kept[row] = DROPPED;
      increment(this.counts.dropped, 'no_row_template');
    }
  }

  #countRepairs(batch: Batch, kept: Uint8Array): void {
    const count = (code: string, row: number): void => {
      if (kept[row] === KEPT) increment(this.counts.repairs, code);
    };
    const rows = this.#rowsAt(batch);
    for (const { code, where } of this.table.repairs ?? [])
      rowsWhere(rows, where, (row) => count(code, row));
    for (const template of this.#wanted) nulledCells(rows, template, count);
    this.#countMended(batch.rows, count);
    for (const row of this.#nulled) count('null_word', row);
    for (const row of this.dates.assumed) count('date_order_assumed', row);
  }

  /** Rows with a number that is no plain decimal (`$1,234.50`), or with a word for "nothing" in its place, be it needed for the row or not. */
  #countMended(rows: number, count: (code: string, row: number) => void): void {
    for (const source of this.#amounts) this.#evaluator.amount(source);
    const { mended } = this.#evaluator;
    if (mended.length === 0) return;
    for (let row = 0; row < rows; row++) {
      let written = false;
      for (const { codes, values } of mended) {
        const code = codes[row] as number;
        if (!values.mended.has(code)) continue;
        if (values.state[code] === AMOUNT.null) this.#nulled.add(row);
        else written = true;
      }
      if (written) count('number_format', row);
    }
  }

  #measure(batch: Batch, kept: Uint8Array, charges: readonly Charges[]): void {
    for (const [cost, sums] of this.counts.measures) {
      const measure = this.table.measures[cost];
      if (measure === undefined) continue;
      const column = this.#evaluator.amount(measure.amount);
      sums.read.addColumn(column, batch.rows);
      if (kept.subarray(0, batch.rows).some((state) => state !== KEPT)) {
        sums.rejected.addWhere(column, batch.rows, kept, REJECTED);
        sums.dropped.addWhere(column, batch.rows, kept, DROPPED);
      }
      for (const { batch: output } of charges) {
        const exported = output.columns.get(cost);
        if (exported?.kind === 'amount') sums.exported.addColumn(exported, output.rows);
      }
    }
  }
}

/** Columns that a rewriting table makes begin with this. */
const MADE = 'focusd_';

const KEPT = 1;
const REJECTED = 2;
const DROPPED = 3;

/** Null on every row: not worth a column. */
function isNothing(column: Column): boolean {
  if (column.values.size !== 1) return false;
  if (column.kind === 'text') return column.values.isNull(0);
  return column.kind === 'amount'
    ? (column.values as Amounts).state[0] === AMOUNT.null
    : Number.isNaN(column.values.ms[0]);
}

function rawRow(source: Batch, row: number): string {
  const cells: Record<string, string> = {};
  for (const [name, column] of source.columns) {
    const text = cellText(column, row);
    if (text !== undefined) cells[name] = text;
  }
  return JSON.stringify(cells).slice(0, RAW_LIMIT);
}

function repairsExpression(table: MappingTable): TextExpression | undefined {
  const rules = table.repairs ?? [];
  if (rules.length === 0) return undefined;
  return derive(
    rules.map(({ where }) => where),
    (...found) => {
      const codes = rules.filter((_, i) => found[i] !== undefined).map(({ code }) => code);
      return codes.length === 0 ? undefined : codes.join(',');
    },
  );
}

function increment(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** The custom columns a table can give, in order of appearance. */
export function customColumns(table: MappingTable): readonly string[] {
  const names = new Set(
    table.templates
      .flatMap((template) => Object.keys(template.columns))
      .filter((name) => columnFact(name) === undefined),
  );
  if ((table.repairs ?? []).length > 0) names.add('x_Repairs');
  return [...names];
}
