/**
 * Checks a file against the rules of its version, batch by batch. Rows are told apart by the classes of their cells;
 * every rule is judged once per combination of classes. Hot: the loop over the rows of a batch.
 */
import type { Batch } from '../focus/batch.ts';
import type { FocusVersion } from '../focus/columns.ts';
import { Finding } from './findings.ts';
import { parseObject } from './formats.ts';
import { headerFlaws, headerNames, identify } from './header.ts';
import { canApply, type Plan, planRules, type RowRule } from './judge.ts';
import { checkPresence } from './presence.ts';
import { type CheckReport, NOT_FOCUS, type Note, type Violation } from './report.ts';
import { type Dataset, levelOf, type Rule } from './rule.ts';
import { checkRules } from './rules.ts';
import { MAX_REMEMBERED, OneEach, type SetCheck, Unique } from './set-checks.ts';
import { Signatures, type StepInput } from './signatures.ts';
import { type SumCheck, sumChecks } from './sum-checks.ts';

/** What is checked. */
export interface CheckerOptions {
  /** Header names as they stand in the file. */
  readonly columns: readonly string[];
  /** Default: found by the columns. */
  readonly version?: FocusVersion | undefined;
  /** Default: found by the columns. */
  readonly dataset?: Dataset | undefined;
  /**
   * What the provider supports, for rules that depend on it (`CAPACITY_RESERVATION`, also with `_SUPPORTED`): a list,
   * or `all`. Default: not known, then a missing conditional column is a note.
   */
  readonly applicability?: 'all' | readonly string[] | undefined;
}

/** Takes the batches of one file. */
export interface Checker {
  add(batch: Batch): void;
  /** The report; nothing can be added afterwards. */
  finish(): CheckReport;
}

/** A checker for one file. Batches may lack columns of the header: those are null. */
export function createChecker(options: CheckerOptions): Checker {
  return new FileChecker(options);
}

/** Combinations kept at once: more only come with very irregular files. */
const MAX_COMBINATIONS = 20_000;

/** A combination of classes: what it breaks. */
interface Verdict {
  rows: number;
  readonly broken: readonly Finding[];
  /** Rules whose condition holds and that need a look at the row. */
  readonly looks: readonly { readonly finding: Finding; readonly breaks: RowLook }[];
}

type RowLook = (batch: Batch, row: number) => boolean;

class FileChecker implements Checker {
  readonly #identity: { readonly dataset: Dataset; readonly version: FocusVersion };
  readonly #options: CheckerOptions;
  readonly #rules: readonly Rule[];
  readonly #header: (name: string) => string | undefined;
  readonly #plan: Plan;
  #signatures: Signatures;
  readonly #findings = new Map<Rule, Finding>();
  #verdicts: Verdict[] = [];
  readonly #marks: readonly Uint8Array[] = [];
  readonly #sets: readonly { readonly check: SetCheck; readonly finding: Finding }[];
  readonly #sums: readonly SumCheck[];
  #applied = 0;
  #rows = 0;

  constructor(options: CheckerOptions) {
    const found = identify(options.columns);
    this.#options = options;
    this.#identity = {
      dataset: options.dataset ?? found.dataset,
      version: options.version ?? found.version,
    };
    this.#rules = checkRules(this.#identity.version, this.#identity.dataset);
    const names = headerNames(options.columns, this.#rules);
    this.#header = (name) => names.get(name);
    const usable = this.#rules.filter(
      (rule) => rule.check.op !== 'present' && canApply(rule, this.#header),
    );
    this.#applied = usable.length;
    this.#plan = planRules(usable, this.#header);
    this.#signatures = new Signatures(this.#plan.steps.length);
    this.#sets = usable.flatMap((rule) => this.#setCheck(rule) ?? []);
    this.#sums = this.#identity.dataset === 'CostAndUsage' ? sumChecks(this.#header) : [];
  }

  add(batch: Batch): void {
    this.#rows += batch.rows;
    if (this.#plan.steps.length > 0) this.#judge(batch);
    for (const { check, finding } of this.#sets)
      check.add(batch, (row) => {
        finding.rows++;
        finding.show(batch, row);
      });
    for (const check of this.#sums) check.add(batch);
  }

  finish(): CheckReport {
    this.#count();
    const notes: Note[] = [...versionNotes(this.#identity, this.#rules, this.#header)];
    const violations: Violation[] = [...this.#headerViolations(notes)];
    for (const finding of [...this.#findings.values(), ...this.#sumFindings(notes)])
      if (finding.rows > 0) violations.push(finding.violation());
    violations.sort(bySeverity);
    const presence = this.#rules.filter(({ check }) => check.op === 'present').length;
    const errors = violations.filter(({ level }) => level === 'error').length;
    return {
      ...this.#identity,
      detected: this.#options.version === undefined,
      rows: this.#rows,
      columns: this.#options.columns.length,
      rules: {
        applied: this.#applied + presence + this.#sums.length,
        skipped: this.#rules.length - presence - this.#applied,
      },
      ok: errors === 0,
      errors,
      warnings: violations.length - errors,
      violations,
      notes,
    };
  }

  #judge(batch: Batch): void {
    const { rows } = batch;
    const numbers = this.#signatures.number(this.#inputs(batch), rows);
    for (let number = this.#verdicts.length; number < this.#signatures.size; number++)
      this.#verdicts.push(this.#verdict(number));
    for (let row = 0; row < rows; row++) {
      const verdict = this.#verdicts[numbers[row] as number] as Verdict;
      verdict.rows++;
      for (const finding of verdict.broken) if (finding.open) finding.show(batch, row);
      for (const { finding, breaks } of verdict.looks) {
        if (!breaks(batch, row)) continue;
        finding.rows++;
        finding.show(batch, row);
      }
    }
    if (this.#signatures.size > MAX_COMBINATIONS) this.#count();
  }

  /** Adds what the combinations broke to the findings, and forgets the combinations. */
  #count(): void {
    for (const { rows, broken } of this.#verdicts)
      for (const finding of broken) finding.rows += rows;
    this.#verdicts = [];
    this.#signatures = new Signatures(this.#plan.steps.length);
  }

  #inputs(batch: Batch): StepInput[] {
    return this.#plan.steps.map((step, index): StepInput => {
      if (step.kind === 'column') {
        const column = batch.columns.get(step.header);
        return column && step.classes.of(column);
      }
      const rowClasses = this.#marksFor(index, batch.rows);
      step.check(batch, rowClasses);
      return { rowClasses };
    });
  }

  #marksFor(index: number, rows: number): Uint8Array {
    const marks = this.#marks as Uint8Array[];
    let mark = marks[index];
    if (mark === undefined || mark.length < rows) {
      mark = new Uint8Array(rows);
      marks[index] = mark;
    } else mark.fill(0, 0, rows);
    return mark;
  }

  #verdict(number: number): Verdict {
    const classes = this.#signatures.classesOf(number);
    const broken = this.#plan.rules.filter((rule) => rule.applies(classes) && rule.broken(classes));
    return {
      rows: 0,
      broken: broken
        .filter(({ rule }) => rule.check.op !== 'jsonWith')
        .map(({ rule }) => this.#finding(rule)),
      looks: broken.flatMap((rule) => this.#look(rule) ?? []),
    };
  }

  /** The check of JSON against another column, left for the rows where its condition holds. */
  #look({ rule }: RowRule): Verdict['looks'][number] | undefined {
    const { check } = rule;
    if (check.op !== 'jsonWith') return undefined;
    const [own = '', other = ''] = [this.#header(rule.column), this.#header(check.column)];
    const breaks: RowLook = (batch, row) => {
      const text = textAt(batch, own, row);
      const value = text === undefined ? undefined : parseObject(text);
      return value !== undefined && !check.holds(value, textAt(batch, other, row));
    };
    return { finding: this.#finding(rule), breaks };
  }

  #finding(rule: Rule): Finding {
    let finding = this.#findings.get(rule);
    if (finding === undefined) {
      finding = new Finding(rule, this.#header);
      this.#findings.set(rule, finding);
    }
    return finding;
  }

  #setCheck(rule: Rule): { check: SetCheck; finding: Finding } | undefined {
    const own = this.#header(rule.column) ?? '';
    const finding = this.#finding(rule);
    if (rule.check.op === 'unique') return { check: new Unique(own), finding };
    if (rule.check.op !== 'one') return undefined;
    return { check: new OneEach(own, this.#header(rule.check.column) ?? ''), finding };
  }

  *#sumFindings(notes: Note[]): Generator<Finding> {
    for (const { check, finding } of this.#sets)
      if (check.exhausted) notes.push(exhaustedNote(finding.rule));
    for (const check of this.#sums) {
      if (check.exhausted) notes.push(exhaustedNote(check.rule));
      const finding = new Finding(check.rule, this.#header);
      for (const { row, rows, values } of check.finish()) {
        finding.rows += rows;
        finding.tell({ row, values });
      }
      yield finding;
    }
  }

  *#headerViolations(notes: Note[]): Generator<Violation> {
    const { columns, applicability } = this.#options;
    for (const { rule, columns: found } of headerFlaws(columns, this.#identity))
      yield headerViolation(rule, `${rule.message}: ${found.join(', ')}`);
    const presence = checkPresence(this.#rules, this.#header, applicability);
    notes.push(...presence.notes);
    for (const rule of presence.missing) yield headerViolation(rule, rule.message);
  }
}

function textAt(batch: Batch, name: string, row: number): string | undefined {
  const column = batch.columns.get(name);
  return column?.values.text(column.codes[row] as number);
}

function headerViolation(rule: Rule, message: string): Violation {
  const { id, column, kind, keyword } = rule;
  return { id, column, kind, keyword, level: levelOf(keyword), message, rows: 0, examples: [] };
}

function bySeverity(a: Violation, b: Violation): number {
  if (a.level !== b.level) return a.level === 'error' ? -1 : 1;
  return b.rows - a.rows || (a.id < b.id ? -1 : 1);
}

function exhaustedNote({ id, column, message }: Rule): Note {
  return {
    id,
    column,
    message: `${message}: only the first ${MAX_REMEMBERED.toLocaleString('en-US')} values were looked at [${id}]`,
  };
}

function* versionNotes(
  { dataset, version }: { readonly dataset: Dataset; readonly version: FocusVersion },
  rules: readonly Rule[],
  header: (name: string) => string | undefined,
): Generator<Note> {
  if (rules.length > 0 && rules.every(({ column }) => header(column) === undefined))
    yield {
      id: NOT_FOCUS,
      message:
        'none of its columns is one of FOCUS; a bill in its provider’s own format must be converted first (focusd convert)',
    };
  if (rules.length === 0)
    yield {
      id: 'focusd.no-rules',
      message: `FOCUS ${version} has no dataset ${dataset}; nothing was checked`,
    };
  else if (version < '1.2')
    yield {
      id: 'focusd.earlier-version',
      message: `FOCUS ${version} has no published rules; those of 1.2 were applied to the columns that ${version} has`,
    };
}
