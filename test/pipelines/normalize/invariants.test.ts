/** What every mapping keeps, over every bill of the shared samples: money, enums, mandatory columns, commitments, and the same answer twice. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { generateBill } from '../../../agent/generate/generate-bill.ts';
import { openSource } from '../../../pipelines/decode/open.ts';
import {
  add,
  type Decimal,
  decimal,
  formatDecimal,
  parseDecimal,
  subtract,
  ZERO,
} from '../../../pipelines/focus/decimal.ts';
import { mappingFor } from '../../../pipelines/normalize/detect.ts';
import awsCur from '../../../pipelines/normalize/mappings/aws-cur.ts';
import { Normalizer } from '../../../pipelines/normalize/normalize.ts';
import { brokenInvariants } from '../../helpers/charge-invariants.ts';
import { applyMapping, type ChargeRow } from '../../helpers/interpret.ts';
import { aheadBatches, chargesOf } from '../../helpers/normalize-rows.ts';
import { DATA, readCsv } from '../../helpers/read-rows.ts';

/** Charges looked at of one file. */
const LOOKED_AT = 4_000;

/** The bills that the README of the samples lists, by path. */
function bills(): readonly string[] {
  let folder = '';
  return readFileSync(new URL('README.md', DATA), 'utf8')
    .split('\n')
    .flatMap((line) => {
      folder = /^## (\w+)\/$/.exec(line)?.[1] ?? folder;
      const [, file = '', , , rows = '', , total = ''] = line.split('|').map((cell) => cell.trim());
      return /\.(csv|csv\.gz|json)$/.test(file) && rows !== '' && total !== ''
        ? [`${folder}/${file}`]
        : [];
    });
}

async function normalized(name: string) {
  const path = fileURLToPath(new URL(name, DATA));
  const source = await openSource({ path });
  try {
    const mapping = mappingFor('auto', source.columns, path);
    const normalizer = new Normalizer(mapping, source.columns);
    const charges = await chargesOf(
      normalizer,
      aheadBatches(normalizer, source.batches(), path),
      LOOKED_AT,
    );
    return { charges, counts: normalizer.counts };
  } finally {
    await source.close();
  }
}

const skip = existsSync(new URL('README.md', DATA))
  ? false
  : 'no sample bills beside the repository';

/** What a provider's own FOCUS rows break: what is stated is passed on. */
const STATED: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'focus/sandbox_focus_1.0_a.csv': {
    'a resource has a type': 190,
    'tax and credit are effective as billed': 1,
    'only used usage is consumed': 2,
    'Amazon Elastic Compute Cloud has several categories': 2,
  },
};

/** Worked examples that lack mandatory columns: no part of them may come out. */
const FRAGMENTS: ReadonlySet<string> = new Set([
  'focus/scenario_correction_set.csv',
  'focus/scenario_split_weighted.csv',
]);

/** Money that the charges state otherwise than the source, and why. */
const RESHAPED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  // Oracle's rows state no contracted and a zero effective cost: what was billed stands for both.
  'focus/sandbox_focus_1.0_a.csv': {
    EffectiveCost: '-0.52507392473',
    ContractedCost: '-0.52507392473',
  },
  // The generator covers usage by plans but writes no negation for it.
  'aws/cur1_gen_nise_2026-09_100k.csv.gz': { BilledCost: '3332.448' },
};

const EXAMPLES = 'open-data/known-answers/focus-spec-1.2/';

/** BilledCost and EffectiveCost of the specification's worked examples, added up by hand. */
const EXAMPLE_SUMS: Readonly<Record<string, readonly [billed: string, effective: string]>> = {
  'simple_agreements/simple_saas_agreements_c.csv': ['35800', '35800'],
  'spend_agreements/saas_spend_agreements_a2.csv': ['1200', '1200'],
  'saas_examples/virtual_currency_pricing_model_c.csv': ['53000', '0'],
};

t.test('every bill of the samples', { skip }, async (t) => {
  const names = skip === false ? bills() : [];
  t.ok(names.length >= 39, `${names.length} bills`);
  for (const name of names.filter((file) => !FRAGMENTS.has(file))) {
    const { charges, counts } = await normalized(name);
    t.strictSame(brokenInvariants(charges), STATED[name] ?? {}, `${name}: the rules of FOCUS`);
    for (const [cost, { read, exported, dropped, rejected }] of counts.measures) {
      const left = [exported, dropped, rejected].reduce(
        (rest, sums) => subtract(rest, sums.total()),
        read.total(),
      );
      const known = RESHAPED[name]?.[cost] ?? '0';
      t.equal(formatDecimal(left), known, `${name}: ${cost} is conserved`);
    }
    if (counts.rows > LOOKED_AT) continue;
    t.equal(
      JSON.stringify((await normalized(name)).charges),
      JSON.stringify(charges),
      `${name}: read again, the same`,
    );
  }
});

t.test('what is refused says which columns it lacks', { skip }, async (t) => {
  for (const [name, lacks] of [
    ['focus/scenario_correction_set.csv', /lacks the column ChargePeriodStart/],
    ['focus/scenario_split_weighted.csv', /lacks the columns BillingCurrency, ChargePeriodStart/],
    ['focus/golden_1.3_aws_contract_commitment_100.csv', /fit no known bill/],
    ['gcp/cud_cases/test_1_1.commitments.json', /fit no known bill/],
    ['k8s/cm-openshift-pod-usage-202011.csv', /fit no known bill/],
  ] as const)
    await t.rejects(normalized(name), { message: lacks }, name);
});

t.test("the specification's examples, as spreadsheets wrote them", { skip }, async (t) => {
  const names = globSync('{simple_agreements,spend_agreements,saas_examples}/*.csv', {
    cwd: fileURLToPath(new URL(EXAMPLES, DATA)),
  });
  t.ok(names.length >= 15, `${names.length} examples`);
  for (const name of names) {
    const { charges, counts } = await normalized(`${EXAMPLES}${name}`);
    t.equal(counts.rejected.size, 0, `${name}: no row is refused`);
    t.equal(charges.length, counts.rows, `${name}: every row is a charge`);
    for (const { ChargePeriodStart = '', BillingPeriodStart = '' } of charges)
      t.match(
        [ChargePeriodStart, BillingPeriodStart],
        [/^202\d-\d\d-\d\dT/, /^202\d-\d\d-01T/],
        name,
      );
    const known = EXAMPLE_SUMS[name];
    if (known === undefined) continue;
    t.strictSame([total(charges, 'BilledCost'), total(charges, 'EffectiveCost')], known, name);
  }
});

t.test("AWS: plans come to nothing, and the total is that of AWS's own cost views", async (t) => {
  for (const provider of ['aws', 'aws-legacy'] as const) {
    const folder = t.testdir({});
    const { files } = await generateBill({
      folder,
      provider,
      format: 'csv',
      rows: 3_000,
      seed: 11,
      month: '2026-03',
      revision: 1,
      faults: 0,
      parts: 1,
    });
    const path = join(folder, files[0] ?? '');
    const { header, rows } = readCsv(path);
    const items = rows.map((row) =>
      Object.fromEntries(header.map((name) => [awsCur.rename(name), row[name] ?? ''])),
    );
    const plans = Map.groupBy(
      items.filter((item) => /^SavingsPlan(CoveredUsage|Negation)$/.test(type(item))),
      (item) => item.savings_plan_savings_plan_a_r_n ?? '',
    );
    t.ok(plans.size > 0);
    for (const [plan, covered] of plans)
      t.equal(
        sumOf(covered, (item) => cost(item, 'line_item_unblended_cost')),
        '0',
        plan,
      );
    const { rows: charges } = applyMapping(awsCur, header, rows);
    t.equal(total(charges, 'EffectiveCost'), sumOf(items, amortised), `${provider}: amortised`);
    t.equal(
      total(charges, 'BilledCost'),
      sumOf(items, (item) => cost(item, 'line_item_unblended_cost')),
      `${provider}: invoiced`,
    );
    t.strictSame(brokenInvariants(charges), {}, provider);
  }
});

type Item = Readonly<Record<string, string>>;

function type(item: Item): string {
  return item.line_item_line_item_type ?? '';
}

function cost(item: Item, column: string): Decimal {
  return parseDecimal(item[column] ?? '') ?? ZERO;
}

/** `amortized_cost` of the summary view of AWS's Cost Intelligence Dashboards. */
function amortised(item: Item): Decimal {
  switch (type(item)) {
    case 'SavingsPlanCoveredUsage':
      return cost(item, 'savings_plan_savings_plan_effective_cost');
    case 'SavingsPlanRecurringFee':
      return subtract(
        cost(item, 'savings_plan_total_commitment_to_date'),
        cost(item, 'savings_plan_used_commitment'),
      );
    case 'SavingsPlanNegation':
    case 'SavingsPlanUpfrontFee':
      return ZERO;
    case 'DiscountedUsage':
      return cost(item, 'reservation_effective_cost');
    case 'RIFee':
      return add(
        cost(item, 'reservation_unused_amortized_upfront_fee_for_billing_period'),
        cost(item, 'reservation_unused_recurring_fee'),
      );
    default:
      return type(item) === 'Fee' && item.reservation_reservation_a_r_n
        ? ZERO
        : cost(item, 'line_item_unblended_cost');
  }
}

function sumOf<T>(items: readonly T[], of: (item: T) => Decimal): string {
  return formatDecimal(items.map(of).reduce(add, ZERO));
}

function total(charges: readonly ChargeRow[], column: 'BilledCost' | 'EffectiveCost'): string {
  return sumOf(charges, (charge) => decimal(charge[column] ?? '0'));
}
