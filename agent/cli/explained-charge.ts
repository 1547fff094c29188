import type { ReadBatch } from '../../pipelines/engine/read-charges.ts';
import { type Batch, cellText } from '../../pipelines/focus/batch.ts';
import { COST_COLUMNS } from '../../pipelines/focus/columns.ts';
import { formatDecimal } from '../../pipelines/focus/decimal.ts';
import { type DescribedRule, describeRule } from '../../pipelines/normalize/describe-rule.ts';
import { Evaluator } from '../../pipelines/normalize/evaluator.ts';
import { renamedHeader } from '../../pipelines/normalize/header.ts';
import { columnsOfTemplate, holds, nulledCells } from '../../pipelines/normalize/row-rules.ts';
import { TOTAL_DIMENSIONS, type Total } from '../../pipelines/plugin/totals.ts';
import { cells } from './tap.ts';
import { safeText, textTable } from './terminal.ts';

/** A charge, where it came from, and where it went. */
export interface Explained {
  readonly uid: string;
  readonly delivery: {
    readonly id: string;
    readonly pipeline: string;
    readonly receiver: string;
    readonly scope: string;
    readonly revision: string;
    readonly mode: string;
    readonly committed: string;
    readonly exporters: readonly string[];
  };
  readonly file: string;
  /** The file is not what it was when it was read. */
  readonly changed: boolean;
  /** Counted from 1; the header is not counted. */
  readonly row: number;
  readonly mapping: string;
  /** Of equal charges, which of them: which row is which is chance. */
  readonly ordinal: number;
  readonly charge: Readonly<Record<string, string>>;
  readonly rules: Readonly<Record<string, ExplainedRule>>;
  /** Codes of what was repaired in it. */
  readonly repairs: readonly string[];
  /** Tags that may name the owner, the first that is there does. */
  readonly ownerTags: readonly string[];
  /** The cells of its row that are not empty. */
  readonly source: Readonly<Record<string, string>>;
  /** The committed total that it is part of. */
  readonly total?: ExplainedTotal;
}

interface ExplainedRule extends Omit<DescribedRule, 'from'> {
  /** Source columns that it looks at, with what stands there; null: nothing. */
  readonly from: Readonly<Record<string, string | null>>;
}

interface ExplainedTotal {
  readonly billingPeriod: string;
  readonly day: string;
  readonly dimensions: Readonly<Record<string, string | null>>;
  /** Charges in it, this one included. */
  readonly charges: number;
  readonly costs: Readonly<Record<string, string>>;
  /** It was folded together with others beyond the budget. */
  readonly overflow: boolean;
}

/** What a batch knows of one of its charges. */
export function explainedCharge(
  batch: ReadBatch,
  row: number,
  about: { readonly path: string; readonly changed: boolean; readonly tags: readonly string[] },
): Omit<Explained, 'uid' | 'delivery' | 'total'> {
  const { charges, source, mapping, template, ids } = batch;
  const number = charges.rowNumbers[row] ?? 0;
  const at = source.rowNumbers.subarray(0, source.rows).indexOf(number);
  const renamed = renamedBatch(batch);
  const rules = columnsOfTemplate(template).map(([name, expression]) => {
    const { kind, from } = describeRule(expression);
    return [
      name,
      { kind, from: Object.fromEntries(from.map((of) => [of, cell(renamed, of, at)])) },
    ];
  });
  return {
    file: about.path,
    changed: about.changed,
    row: number,
    mapping: mapping.name,
    ordinal: ids.ordinals[row] ?? 1,
    charge: cells(charges, row),
    rules: Object.fromEntries(rules),
    repairs: repairsAt(batch, renamed, at),
    ownerTags: about.tags,
    source: cells(source, at),
  };
}

/** The part's rows with canonical column names, as the mapping sees them. */
function renamedBatch({ source, mapping }: ReadBatch): Batch {
  const { rename } = renamedHeader(mapping, [...source.columns.keys()]);
  const columns = new Map([...source.columns].map(([name, of]) => [rename.get(name) ?? name, of]));
  return { ...source, columns };
}

function cell({ columns }: Batch, name: string, row: number): string | null {
  const column = columns.get(name);
  return (column && cellText(column, row)) ?? null;
}

function repairsAt({ normalizer, template }: ReadBatch, renamed: Batch, at: number): string[] {
  const evaluator = new Evaluator();
  evaluator.begin(renamed);
  const codes = (normalizer.table.repairs ?? [])
    .filter(({ where }) => holds(evaluator.text(where), at))
    .map(({ code }) => code);
  nulledCells({ evaluator, rows: renamed.rows }, template, (code, row) => {
    if (row === at) codes.push(code);
  });
  return [...new Set(codes)];
}

/** The total of a charge: that of its dimensions, billing period and day, or the one that others were folded into. */
export function totalOf(
  totals: readonly Total[],
  charge: Explained['charge'],
): Pick<Explained, 'total'> {
  const period = charge.BillingPeriodStart?.slice(0, 10);
  const day = charge.ChargePeriodStart?.slice(0, 10);
  const there = totals.filter((total) => total.billingPeriod === period && total.day === day);
  const total =
    there.find(
      ({ dimensions, overflow }) =>
        !overflow && TOTAL_DIMENSIONS.every((name, i) => dimensions[i] === (charge[name] ?? null)),
    ) ?? there.find(({ overflow }) => overflow);
  if (total === undefined) return {};
  const { billingPeriod, dimensions, charges, overflow, costs } = total;
  return {
    total: {
      billingPeriod,
      day: total.day,
      dimensions: Object.fromEntries(
        TOTAL_DIMENSIONS.map((name, i) => [name, dimensions[i] ?? null]),
      ),
      charges,
      costs: Object.fromEntries(COST_COLUMNS.map((name) => [name, formatDecimal(costs[name])])),
      overflow,
    },
  };
}

/** The same for people. */
export function explainedText(explained: Explained): string {
  const { uid, delivery, file, row, mapping, changed, ordinal, repairs, source } = explained;
  const { pipeline, receiver, scope, revision, committed, exporters } = delivery;
  const facts = [
    ['charge', uid],
    ['came', `from ${receiver} through ${pipeline}, scope ${scope}`],
    ['revision', `${revision}, committed ${committed}`],
    ['file', `${file}, row ${row}${changed ? ' (the file was changed since)' : ''}`],
    ...(ordinal > 1 ? [['equal', `number ${ordinal} of rows that say the same`]] : []),
    ['mapping', mapping],
    ['repairs', repairs.length === 0 ? 'none' : repairs.join(', ')],
    ['owner', ownerText(explained)],
    ['total', totalText(explained.total)],
    ['sent to', exporters.join(', ')],
  ];
  const cellRows = Object.entries(source).map(([name, value]) => [`  ${name}`, value]);
  return `${[
    ...facts.map(([name = '', value = '']) => `${name.padEnd(9)} ${safeText(value)}`),
    '',
    ...textTable(['COLUMN', 'VALUE', 'FROM'], columnRows(explained)),
    '',
    ...textTable(['ITS ROW', ''], cellRows),
  ].join('\n')}\n`;
}

function ownerText({ charge, ownerTags }: Explained): string {
  const tags = ownerTags.length === 0 ? 'no tag is configured' : `tags ${ownerTags.join(', ')}`;
  return `${charge.owner ?? 'nobody'} (${tags})`;
}

function totalText(total: ExplainedTotal | undefined): string {
  if (total === undefined) return 'none that is committed';
  const { billingPeriod, day, dimensions, charges, costs, overflow } = total;
  const named = Object.values(dimensions).filter((value) => value !== null);
  const money = Object.entries(costs).map(([name, cost]) => `${name} ${cost}`);
  const what = overflow ? 'what is beyond the series limit' : named.join(' / ');
  return `${billingPeriod}, day ${day}, ${what}: ${charges} charges, ${money.join(', ')}`;
}

function columnRows({ charge, rules }: Explained): string[][] {
  return Object.entries(charge).map(([name, value]) => [name, value, ruleText(rules[name])]);
}

function ruleText(rule: ExplainedRule | undefined): string {
  if (rule === undefined) return 'focusd';
  const from = Object.entries(rule.from).map(([name, value]) => `${name}=${value ?? ''}`);
  if (rule.kind === 'constant') return 'always';
  return rule.kind === 'column' ? `${Object.keys(rule.from)[0]}, as it stands` : from.join(', ');
}
