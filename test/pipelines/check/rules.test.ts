import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';
import { type CheckReport, checkRules, createChecker } from '../../../pipelines/check/index.ts';
import type { Dataset, Rule } from '../../../pipelines/check/rule.ts';
import { columnsOfRule } from '../../../pipelines/check/rules.ts';
import type { FocusVersion } from '../../../pipelines/focus/columns.ts';
import { toBatches } from '../../helpers/batches.ts';
import type { SourceRow } from '../../helpers/interpret.ts';
import { dataFile, readCsv } from '../../helpers/read-rows.ts';

const RULES = new URL('../../../../shared/focus/rules.json', import.meta.url);
const DATASETS = ['CostAndUsage', 'ContractCommitment', 'BillingPeriod', 'InvoiceDetail'] as const;

/** A rule of the reference file. */
interface Reference {
  readonly id: string;
  readonly ref: string;
  readonly keyword: string;
  readonly dataset?: Dataset;
  readonly check: Term;
  readonly when?: Term;
  readonly applicability?: readonly string[];
}

/** `{ eq: [column, value] }`, `{ and: [term, …] }`, … */
type Term = Readonly<Record<string, unknown>>;

function references(): Readonly<Record<string, readonly Reference[]>> | undefined {
  if (!existsSync(RULES)) return undefined;
  return (JSON.parse(readFileSync(RULES, 'utf8')) as { versions: Record<string, Reference[]> })
    .versions;
}

t.test('every rule has an id of its own, a column and a sentence', async (t) => {
  for (const version of ['1.0', '1.1', '1.2', '1.3', '1.4'] as const) {
    const rules = checkRules(version);
    t.ok(rules.length > 150, `${version}: ${rules.length} rules`);
    t.equal(new Set(rules.map(({ id }) => id)).size, rules.length, 'ids are unique');
    for (const { id, column, message } of rules)
      if (!message.startsWith(column) || !/ (?:must|should) /.test(message))
        t.fail(`${id}: ${message}`);
  }
  t.strictSame(checkRules('1.2', 'ContractCommitment'), [], '1.2 has no such dataset');
  t.ok(checkRules('1.3', 'ContractCommitment').length > 50);
  t.notOk(
    checkRules('1.0').some((rule) => columnsOfRule(rule).includes('SkuMeter')),
    '1.0 knows no SkuMeter',
  );
  const sample = checkRules('1.2').find(({ id }) => id === 'SkuMeter-C-004-C');
  t.equal(sample?.message, 'SkuMeter must be null when SkuId is null');
});

t.test(
  'the tables hold every rule of the reference, with its keyword and conditions',
  async (t) => {
    const versions = references();
    if (versions === undefined) return t.comment('skipped: the reference rules are not there');
    for (const [version, expected] of Object.entries(versions)) {
      const ours = new Map(
        DATASETS.flatMap((dataset) => checkRules(version as FocusVersion, dataset)).map((rule) => [
          rule.id,
          rule,
        ]),
      );
      const differing = expected.filter((reference) => !agrees(ours.get(reference.id), reference));
      t.strictSame(
        differing.map(({ id }) => id),
        [],
        `${version}: ${expected.length} rules`,
      );
      const known = new Set(expected.map(({ id }) => id));
      const extra = [...ours.keys()].filter((id) => !known.has(id));
      t.ok(
        version === '1.4'
          ? extra.every((id) => /\.(?:presence|schema)$/.test(id))
          : extra.length === 0,
        `${version}: no rules made up`,
      );
    }
  },
);

function agrees(rule: Rule | undefined, { ref, keyword, applicability = [] }: Reference): boolean {
  if (rule === undefined) return false;
  const flags = (rule.applicability ?? []).map((flag) => `${flag}_SUPPORTED`);
  return (
    rule.keyword === keyword &&
    (rule.column === ref || `${rule.column}Object` === ref) &&
    flags.join() === applicability.join()
  );
}

const CASES = [
  ['1.2', 'CostAndUsage', 'focus/golden_1.2_aws_100.csv'],
  ['1.2', 'CostAndUsage', 'focus/golden_1.2_azure_100.csv'],
  ['1.3', 'CostAndUsage', 'focus/golden_1.3_aws_100.csv'],
  ['1.4', 'CostAndUsage', 'focus/golden_1.3_azure_100.csv'],
  ['1.3', 'ContractCommitment', 'focus/golden_1.3_aws_contract_commitment_100.csv'],
] as const;

t.test('spoilt rows break the same rules as the reference says', async (t) => {
  const versions = references();
  if (versions === undefined) return t.comment('skipped: the reference rules are not there');
  for (const [version, dataset, name] of CASES) {
    const url = dataFile(name);
    if (url === undefined) {
      t.comment(`skipped: ${name} is not there`);
      continue;
    }
    const { header, rows } = readCsv(url);
    const spoilt = spoil(rows, header, 12);
    const report = check(header, spoilt, { version, dataset });
    const found = new Map(report.violations.map(({ id, rows }) => [id, rows]));
    const judged = (versions[version] ?? []).filter(
      (reference) =>
        (reference.dataset ?? 'CostAndUsage') === dataset &&
        isJudged(reference) &&
        columnsOf(reference).every((column) => header.includes(column)),
    );
    const expected = judged.map(
      (reference) => [reference.id, spoilt.filter((row) => breaks(row, reference)).length] as const,
    );
    t.strictSame(
      expected.map(([id]) => [id, found.get(id) ?? 0]),
      expected,
      `${version} ${name}: ${judged.length} rules, ${spoilt.length} rows`,
    );
    const broken = expected.filter(([, rows]) => rows > 0).length;
    t.ok(broken > judged.length * 0.8, `${broken} of them were broken at least once`);
  }
});

function check(
  header: readonly string[],
  rows: readonly SourceRow[],
  options: { readonly version: FocusVersion; readonly dataset: Dataset },
): CheckReport {
  const checker = createChecker({ columns: header, ...options });
  for (const batch of toBatches(header, rows, 700)) checker.add(batch);
  return checker.finish();
}

const OPERATORS = new Set([
  'isNull',
  'notNull',
  'eq',
  'ne',
  'in',
  'gte',
  'same',
  'and',
  'or',
  'notIn',
]);

/** Checks of values and nulls; how values are written is tested case by case elsewhere. */
function isJudged({ check, when = {} }: Reference): boolean {
  const operators = [...JSON.stringify([check, when]).matchAll(/"(\w+)":/g)].map(
    ([, name]) => name,
  );
  return operators.every((name) => OPERATORS.has(name ?? ''));
}

function columnsOf({ check, when = {} }: Reference): readonly string[] {
  const texts = [...JSON.stringify([check, when]).matchAll(/"(?:isNull|notNull)":"(\w+)"/g)];
  const pairs = [
    ...JSON.stringify([check, when]).matchAll(
      /"(?:eq|ne|in|notIn|gte|same)":\["(\w+)"(?:,"(\w+)"\])?/g,
    ),
  ];
  const same = Array.isArray(check.same) ? (check.same as string[]) : [];
  return [...texts.map(([, name = '']) => name), ...pairs.map(([, name = '']) => name), ...same];
}

function breaks(row: SourceRow, { ref, check, when }: Reference): boolean {
  if (when !== undefined && !holds(when, row)) return false;
  const [operator] = Object.keys(check);
  const looksAtNull = operator === 'isNull' || operator === 'notNull';
  if (!looksAtNull && (row[ref] ?? '') === '') return false;
  return !holds(check, row);
}

/** The slow reading of a term. */
function holds(term: Term, row: SourceRow): boolean {
  const cell = (name: unknown): string => row[String(name)] ?? '';
  return Object.entries(term).every(([operator, operand]) => {
    const [name, wanted] = operand as [string, unknown];
    switch (operator) {
      case 'and':
        return (operand as Term[]).every((part) => holds(part, row));
      case 'or':
        return (operand as Term[]).some((part) => holds(part, row));
      case 'isNull':
        return cell(operand) === '';
      case 'notNull':
        return cell(operand) !== '';
      case 'in':
        return (wanted as string[]).includes(cell(name));
      case 'notIn':
        return !(wanted as string[]).includes(cell(name));
      case 'gte':
        return Number(cell(name)) >= Number(wanted);
      case 'same':
        return cell(wanted) === '' || Number(cell(name)) === Number(cell(wanted));
      default:
        return equal(cell(name), wanted) === (operator === 'eq');
    }
  });
}

function equal(value: string, wanted: unknown): boolean {
  return typeof wanted === 'number' ? Number(value) === wanted && value !== '' : value === wanted;
}

const SPOILERS = [
  '',
  '',
  '',
  '-1',
  '0',
  'Tax',
  'Unused',
  'Used',
  'Correction',
  'Purchase',
  'Usage',
  'Spend',
];

/** Copies of the rows, each with some cells emptied, swapped for another row's or filled with a word from elsewhere. */
function spoil(rows: readonly SourceRow[], header: readonly string[], copies: number): SourceRow[] {
  const random = sequence(7);
  const numeric = new Set(
    header.filter((name) => rows.every((row) => Number.isFinite(Number(row[name] ?? '')))),
  );
  return Array.from({ length: copies }, () => rows).flatMap((copy) =>
    copy.map((row) => {
      const changed: Record<string, string | undefined> = { ...row };
      for (let i = random(8); i > 0; i--) {
        const name = header[random(header.length)] ?? '';
        const other = rows[random(rows.length)]?.[name];
        const word = SPOILERS[random(SPOILERS.length)] ?? '';
        const fits = !numeric.has(name) || Number.isFinite(Number(word));
        changed[name] = random(2) === 0 || !fits ? other : word;
      }
      for (const name of ['ChargeCategory', 'ChargeClass', 'CommitmentDiscountStatus'])
        if (name in row && random(4) === 0) changed[name] = SPOILERS[random(SPOILERS.length)];
      return changed;
    }),
  );
}

/** Repeatable whole numbers below a limit. */
function sequence(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
