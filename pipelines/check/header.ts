import { COLUMNS, type FocusVersion } from '../focus/columns.ts';
import { detectFocusVersion } from '../focus/version.ts';
import type { Dataset, Rule } from './rule.ts';
import { checkRules } from './rules.ts';

/** What a header is taken for. */
export interface Identity {
  readonly dataset: Dataset;
  readonly version: FocusVersion;
}

/** The dataset and version that a header looks like. */
export function identify(columns: readonly string[]): Identity {
  const names = new Set(columns.map((name) => name.trim().toLowerCase()));
  const has = (...wanted: string[]): boolean =>
    wanted.some((name) => names.has(name.toLowerCase()));
  if (!has('ChargePeriodStart')) {
    if (has('ContractCommitmentId', 'ContractCommitmentCategory'))
      return {
        dataset: 'ContractCommitment',
        version: has('ContractCommitmentModel', 'ContractCommitmentCreated') ? '1.4' : '1.3',
      };
    if (has('BillingPeriodStatus')) return { dataset: 'BillingPeriod', version: '1.4' };
    if (has('InvoiceIssueStatus', 'InvoiceDetailGrain', 'PaymentTerms'))
      return { dataset: 'InvoiceDetail', version: '1.4' };
  }
  return { dataset: 'CostAndUsage', version: detectFocusVersion(columns) };
}

/** Names of columns in the part by the names FOCUS gives them; case and blanks around do not matter, the first of equal names counts. */
export function headerNames(
  columns: readonly string[],
  rules: readonly Rule[],
): ReadonlyMap<string, string> {
  const known = new Map([...knownColumns(rules)].map((name) => [name.toLowerCase(), name]));
  const names = new Map<string, string>();
  for (const column of columns) {
    const name = known.get(column.trim().toLowerCase()) ?? column.trim();
    if (!names.has(name)) names.set(name, column);
  }
  return names;
}

/** A flaw of the header itself. */
export interface HeaderFlaw {
  readonly rule: Rule;
  readonly columns: readonly string[];
}

/** Custom columns without prefix, names in another case, names given twice. */
export function headerFlaws(
  columns: readonly string[],
  { dataset, version }: Identity,
): HeaderFlaw[] {
  const rules = checkRules(version, dataset);
  const known = knownColumns(rules);
  const spelled = new Map([...known].map((name) => [name.toLowerCase(), name]));
  const flaws: HeaderFlaw[] = [];
  const add = (rule: Rule, found: readonly string[]): void => {
    if (found.length > 0) flaws.push({ rule, columns: found });
  };
  const twice = columns.filter((name, i) => columns.indexOf(name) !== i);
  const miswritten = columns.filter(
    (name) => !known.has(name) && spelled.has(name.trim().toLowerCase()),
  );
  const custom = columns.filter(
    (name) => !spelled.has(name.trim().toLowerCase()) && !/^x_/.test(name.trim()),
  );
  add(headerRule(dataset, 'focusd.duplicate-column', 'column names must be unique'), twice);
  add(
    headerRule(dataset, 'ColumnHandling-A-001-M', 'columns must be named as FOCUS names them'),
    miswritten,
  );
  add(headerRule(dataset, 'ColumnHandling-A-010-M', 'custom columns must start with `x_`'), custom);
  return flaws;
}

function headerRule(dataset: Dataset, id: string, message: string): Rule {
  return {
    id,
    dataset,
    column: '',
    kind: 'header',
    keyword: 'MUST',
    check: { op: 'present' },
    message,
  };
}

/** Columns of the dataset in any version: one of a later version is no custom column. */
function knownColumns(rules: readonly Rule[]): ReadonlySet<string> {
  const names = new Set(rules.map(({ column }) => column));
  if (names.has('BilledCost') && names.has('ChargePeriodStart'))
    for (const name of Object.keys(COLUMNS)) names.add(name);
  return names;
}
