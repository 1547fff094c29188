import type { FocusVersion } from '../focus/columns.ts';
import type { Dataset, Keyword, Level, RuleKind } from './rule.ts';

/** A row that breaks a rule, with the cells the rule looks at. */
export interface Example {
  /** Counted from 1, the header is not counted. */
  readonly row: number;
  readonly values: Readonly<Record<string, string | null>>;
}

/** A rule that is broken. */
export interface Violation {
  readonly id: string;
  readonly column: string;
  readonly kind: RuleKind;
  readonly keyword: Keyword;
  readonly level: Level;
  readonly message: string;
  /** Rows that break it; 0 for rules about the header. */
  readonly rows: number;
  /** The first few; none for rules about the header. */
  readonly examples: readonly Example[];
}

/** Something the reader should know that is no violation. */
export interface Note {
  readonly id: string;
  readonly column?: string;
  /** For a missing conditional column: what the provider would have to support. */
  readonly needs?: string;
  readonly message: string;
}

/** What checking a file comes to. Plain data: `JSON.stringify` gives the machine's form. */
export interface CheckReport {
  readonly dataset: Dataset;
  readonly version: FocusVersion;
  /** Whether the version was found by the header rather than given. */
  readonly detected: boolean;
  readonly rows: number;
  readonly columns: number;
  /** Rules applied, and those left out because the file lacks their columns. */
  readonly rules: { readonly applied: number; readonly skipped: number };
  /** No MUST is broken. */
  readonly ok: boolean;
  readonly errors: number;
  readonly warnings: number;
  /** Errors first, then by the number of rows. */
  readonly violations: readonly Violation[];
  readonly notes: readonly Note[];
}

/** Rows per broken rule; rules about the header count once. */
export function violationCounts(report: CheckReport): Readonly<Record<string, number>> {
  return Object.fromEntries(
    report.violations.map(({ id, rows }) => [id, Math.max(1, rows)] as const),
  );
}

/** How the text is written. */
export interface FormatOptions {
  readonly color?: boolean;
  /** Named in the first line. */
  readonly file?: string;
}

/** The report for people. */
export function formatCheckReport(report: CheckReport, options: FormatOptions = {}): string {
  const paint = painter(options.color === true);
  const lines = [
    `${paint(report.ok ? 'green' : 'red', report.ok ? 'conforms' : 'does not conform')} ${headline(report, options)}`,
    `  ${count(report.errors, 'error')}, ${count(report.warnings, 'warning')} · ${count(report.rules.applied, 'rule')} applied${skipped(report)}`,
  ];
  const foreign = report.notes.find(({ id }) => id === NOT_FOCUS);
  if (foreign !== undefined) return `${lines.join('\n')}\n\n  ${foreign.message}\n`;
  const missing = report.violations.filter(isMissingColumn);
  if (missing.length > 0) lines.push('', ...missing.flatMap((each) => violationLines(each, paint)));
  for (const violation of report.violations)
    if (!isMissingColumn(violation)) lines.push('', ...violationLines(violation, paint));
  const notes = noteLines(report.notes);
  if (notes.length > 0) lines.push('', paint('bold', 'notes'), ...notes.map((line) => `  ${line}`));
  return `${lines.join('\n')}\n`;
}

function isMissingColumn({ kind, rows }: Violation): boolean {
  return kind === 'presence' && rows === 0;
}

/** The note of a file in another format; what rules it breaks says nothing then. */
export const NOT_FOCUS = 'focusd.not-focus';

/** Missing conditional columns are told together, by what they are for. */
function noteLines(notes: readonly Note[]): string[] {
  const byNeed = new Map<string, string[]>();
  for (const { needs, column } of notes)
    if (needs !== undefined) byNeed.set(needs, [...(byNeed.get(needs) ?? []), column ?? '']);
  const lines = notes.flatMap(({ needs, message }) => (needs === undefined ? [message] : []));
  if (byNeed.size === 0) return lines;
  lines.push('conditional columns that are missing, which is right only if the provider has no');
  for (const [needs, columns] of byNeed) lines.push(`  ${needs}: ${columns.join(', ')}`);
  return lines;
}

type Paint = (style: keyof typeof STYLES, text: string) => string;

const STYLES = { red: 31, green: 32, yellow: 33, bold: 1, dim: 2 } as const;

function painter(color: boolean): Paint {
  return (style, text) => (color ? `\u001b[${STYLES[style]}m${text}\u001b[0m` : text);
}

function headline(report: CheckReport, { file }: FormatOptions): string {
  const what = `FOCUS ${report.version} ${DATASETS[report.dataset]}`;
  const how = report.detected ? ' (version found by its columns)' : '';
  const size = `${count(report.rows, 'row')}, ${count(report.columns, 'column')}`;
  return `${file === undefined ? '' : `${file}: `}${what}${how}, ${size}`;
}

const DATASETS: Readonly<Record<Dataset, string>> = {
  CostAndUsage: 'Cost and Usage',
  ContractCommitment: 'Contract Commitment',
  BillingPeriod: 'Billing Period',
  InvoiceDetail: 'Invoice Detail',
};

function skipped({ rules }: CheckReport): string {
  return rules.skipped === 0 ? '' : `, ${rules.skipped} not (the file lacks their columns)`;
}

function violationLines(violation: Violation, paint: Paint): string[] {
  const { level, id, message, rows, examples } = violation;
  const where = rows === 0 ? 'in the header' : `in ${count(rows, 'row')}`;
  return [
    `${paint(level === 'error' ? 'red' : 'yellow', level)} ${message} ${paint('dim', `[${id}]`)} ${where}`,
    ...examples.map(
      ({ row, values }) =>
        `    row ${row}: ${Object.entries(values)
          .map(([name, value]) => `${name} ${value === null ? 'null' : quoted(value)}`)
          .join(', ')}`,
    ),
  ];
}

const LONGEST = 80;

function quoted(value: string): string {
  return JSON.stringify(value.length > LONGEST ? `${value.slice(0, LONGEST)}…` : value);
}

function count(number: number, noun: string): string {
  return `${number.toLocaleString('en-US')} ${noun}${number === 1 ? '' : 's'}`;
}
