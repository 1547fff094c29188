import t from 'tap';
import {
  type CheckerOptions,
  type CheckReport,
  checkFile,
  createChecker,
  formatCheckReport,
  identify,
  violationCounts,
} from '../../../pipelines/check/index.ts';
import { openSource } from '../../../pipelines/decode/open.ts';
import { Amounts } from '../../../pipelines/focus/amounts.ts';
import type { Batch, Column } from '../../../pipelines/focus/batch.ts';
import { columnsOf } from '../../../pipelines/focus/columns.ts';
import { Dictionary } from '../../../pipelines/focus/dictionary.ts';
import { parseTime, Times } from '../../../pipelines/focus/times.ts';
import { eachBatch, toBatches } from '../../helpers/batches.ts';
import type { SourceRow } from '../../helpers/interpret.ts';
import { dataFile } from '../../helpers/read-rows.ts';

/** Checks rows of 1.3 unless told otherwise; the header is all columns of the rows. */
function check(
  rows: readonly SourceRow[],
  options: Partial<CheckerOptions> = { version: '1.3' },
): CheckReport {
  const columns = options.columns ?? [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const checker = createChecker({ ...options, columns });
  for (const batch of toBatches(columns, rows, 3)) checker.add(batch);
  return checker.finish();
}

/** Ids of broken rules about rows, without `CAU-`. */
function broken(row: SourceRow, options?: Partial<CheckerOptions>): string[] {
  return check([row], options)
    .violations.filter(({ rows }) => rows > 0)
    .map(({ id }) => id.replace('CAU-', ''))
    .sort();
}

/** Column, value, and the rule it breaks; none: it breaks nothing. */
const VALUES: readonly (readonly [column: string, value: string, rule?: string])[] = [
  ['BilledCost', '12.5'],
  ['BilledCost', '-0.1'],
  ['BilledCost', '0.000'],
  ['BilledCost', '1.5E-7'],
  ['BilledCost', '.5'],
  ['BilledCost', '+1', 'BilledCost-C-002-M'],
  ['BilledCost', '1e+5', 'BilledCost-C-002-M'],
  ['BilledCost', '1.', 'BilledCost-C-002-M'],
  ['BilledCost', '1,000', 'BilledCost-C-001-M BilledCost-C-002-M'],
  ['BilledCost', '1.2.3', 'BilledCost-C-001-M BilledCost-C-002-M'],
  ['BilledCost', '$5', 'BilledCost-C-001-M BilledCost-C-002-M'],
  ['BilledCost', '-', 'BilledCost-C-001-M BilledCost-C-002-M'],
  ['ListUnitPrice', '-0.01', 'ListUnitPrice-C-008-M'],
  ['ListUnitPrice', '-0'],
  ['ChargePeriodStart', '2026-09-01T00:00:00Z'],
  ['ChargePeriodStart', '2026-09-01 00:00:00', 'ChargePeriodStart-C-002-M'],
  ['ChargePeriodStart', '2026-09-01T00:00Z', 'ChargePeriodStart-C-002-M'],
  [
    'ChargePeriodStart',
    '2026-09-01T30:00:00Z',
    'ChargePeriodStart-C-001-M ChargePeriodStart-C-002-M',
  ],
  ['ChargePeriodStart', 'soon', 'ChargePeriodStart-C-001-M ChargePeriodStart-C-002-M'],
  ['ProviderName', 'AWS'],
  ['ProviderName', 'Société Générale'],
  ['ProviderName', '   ', 'ProviderName-C-002-M'],
  ['ProviderName', 'a\u0000b', 'ProviderName-C-002-M'],
  ['ProviderName', 'caf\uFFFD', 'ProviderName-C-002-M'],
  ['BillingCurrency', 'EUR'],
  ['BillingCurrency', 'eur', 'BillingCurrency-C-003-M BillingCurrency-C-006-M'],
  ['BillingCurrency', 'Credits', 'BillingCurrency-C-006-M'],
  ['PricingCurrency', 'Credits'],
  ['PricingCurrency', 'usd', 'PricingCurrency-C-003-M'],
  ['PricingUnit', 'Hours'],
  ['PricingUnit', 'GB-Months'],
  ['PricingUnit', '1000 Requests'],
  ['PricingUnit', 'Requests/Second'],
  ['PricingUnit', 'GB/3 Months'],
  ['PricingUnit', 'vCPU-Hours'],
  ['PricingUnit', 'requests', 'PricingUnit-C-003-O'],
  ['PricingUnit', 'OCPU Per Hour', 'PricingUnit-C-003-O'],
  ['PricingUnit', 'GB Months', 'PricingUnit-C-003-O'],
  ['PricingUnit', 'GB-Month', 'PricingUnit-C-003-O'],
  ['Tags', '{}'],
  ['Tags', '{"a":"b","n":1,"t":true,"z":null,"q":"\\"a\\":"}'],
  ['Tags', '{"a":"b","a":"c"}', 'Tags-C-001-M'],
  ['Tags', '{"a":{"b":1}}', 'Tags-C-001-M'],
  ['Tags', '{"a":[1]}', 'Tags-C-001-M'],
  ['Tags', '["a"]', 'Tags-C-001-M'],
  ['Tags', '"a":"b"', 'Tags-C-001-M'],
  ['ChargeCategory', 'Usage'],
  ['ChargeCategory', 'usage', 'ChargeCategory-C-003-M'],
  ['ChargeClass', 'Correction'],
  ['ChargeClass', 'Regular', 'ChargeClass-C-005-C'],
  ['ServiceSubcategory', 'Nonsense', 'ServiceSubcategory-C-003-M'],
  ['ContractApplied', '[]', 'ContractApplied-C-001-M'],
];

t.test('values: how they shall be written', async (t) => {
  for (const [column, value, rules = ''] of VALUES) {
    const row = { [column]: value };
    const others = new Set(broken({ [column]: 'neutral' }).filter((id) => !id.startsWith(column)));
    const found = broken(row).filter((id) => !others.has(id));
    t.equal(found.join(' '), rules, `${column} ${JSON.stringify(value)}`);
  }
  const eligible = { CommitmentProgramEligibilityDetails: '{"CommitmentPrograms":[{}]}' };
  t.strictSame(broken(eligible, { version: '1.4' }), [
    'CostAndUsage.CommitmentProgramEligibilityDetails.schema',
  ]);
  const sound = {
    CommitmentProgramEligibilityDetails: '{"CommitmentPrograms":[{"ProgramType":"RI"}]}',
  };
  t.strictSame(broken(sound, { version: '1.4' }), []);
});

const ELEMENT = {
  ContractId: 'C',
  ContractCommitmentId: 'CC',
  ContractCommitmentAppliedCost: 1,
  ContractCommitmentAppliedQuantity: null,
  ContractCommitmentAppliedUnit: null,
};

/** Changes to a sound element of ContractApplied, and the rules that breaks. */
const APPLIED: readonly (readonly [Readonly<Record<string, unknown>>, string])[] = [
  [{}, ''],
  [{ x_Own: 'y' }, ''],
  [{ Own: 'y' }, 'O-010-M O-017-C'],
  [{ ContractId: 7 }, 'O-020-M'],
  [{ ContractId: ' ' }, 'O-021-M'],
  [{ ContractCommitmentId: 7 }, 'O-030-M'],
  [{ ContractCommitmentAppliedCost: '1' }, 'O-043-M O-044-M'],
  [{ ContractCommitmentAppliedCost: null }, 'O-046-C O-055-C'],
  [{ ContractCommitmentAppliedQuantity: 2 }, 'O-066-C'],
  [{ ContractCommitmentAppliedUnit: 'Hours' }, 'O-065-C'],
  [{ ContractCommitmentAppliedQuantity: 2, ContractCommitmentAppliedUnit: 'per hour' }, 'O-063-O'],
  [{ x_Own: { a: 1 } }, 'O-004-M'],
  [{ ContractId: undefined }, 'O-019-C'],
  [{ ContractCommitmentId: undefined }, 'O-007-M O-029-C O-042-C O-051-C O-060-C'],
];

t.test('inside JSON columns', async (t) => {
  const applied = (...elements: unknown[]): string[] =>
    broken({ ContractApplied: JSON.stringify({ Elements: elements }) }).map((id) =>
      id.replace('ContractAppliedObject-', ''),
    );
  for (const [changes, rules] of APPLIED)
    t.equal(applied({ ...ELEMENT, ...changes }).join(' '), rules, JSON.stringify(changes));
  t.strictSame(applied('text'), ['O-003-M']);
  t.strictSame(applied(ELEMENT, { ...ELEMENT, ContractId: 'D' }), ['O-038-M']);
  t.strictSame(broken({ ContractApplied: '{"Elements":{}}' }), ['ContractAppliedObject-O-001-M']);
  const purchase = {
    ChargeCategory: 'Purchase',
    ContractApplied: JSON.stringify({ Elements: [ELEMENT] }),
  };
  t.strictSame(broken({ ...purchase, ResourceId: 'CC' }), []);
  t.strictSame(broken({ ...purchase, ResourceId: 'other' }), ['ContractAppliedObject-O-039-C']);
  t.strictSame(broken({ ...purchase, ResourceId: 'other', ChargeCategory: 'Usage' }), []);
  const allocated = (element: object): string[] =>
    broken({ AllocatedMethodDetails: JSON.stringify({ Elements: [element] }) }).map((id) =>
      id.replace('AllocatedMethodDetailsObject-', ''),
    );
  t.strictSame(allocated({ AllocatedRatio: 1, UsageUnit: 'Hours', UsageQuantity: 1 }), []);
  t.strictSame(allocated({ AllocatedRatio: 1 }), []);
  t.strictSame(allocated({ AllocatedRatio: '1' }), ['O-013-M']);
  t.strictSame(allocated({ UsageUnit: 'Hours', UsageQuantity: 1 }), ['O-012-M']);
  t.strictSame(allocated({ AllocatedRatio: 1, UsageQuantity: 1 }), ['O-016-C']);
  t.strictSame(allocated({ AllocatedRatio: 1, UsageQuantity: 'x', UsageUnit: 'h' }), [
    'O-018-O',
    'O-021-M',
  ]);
});

t.test('several columns of a row', async (t) => {
  const price = { ListUnitPrice: '2.5', PricingQuantity: '4', ListCost: '10' };
  t.strictSame(broken(price), []);
  t.strictSame(broken({ ...price, ListCost: '10.000001' }), [], 'a millionth is rounding');
  t.strictSame(broken({ ...price, ListCost: '10.1' }, { version: '1.2' }), [
    'ListCost-C-009-C',
    'ListUnitPrice-C-010-C',
  ]);
  const correction = { ...price, ListCost: '10.1', ChargeClass: 'Correction' };
  t.strictSame(broken(correction, { version: '1.2' }), []);
  t.strictSame(broken({ ...price, ListCost: '' }, { version: '1.2' }), ['ListCost-C-003-M']);
  const period = {
    ChargePeriodStart: '2026-09-01T00:00:00Z',
    ChargePeriodEnd: '2026-09-01T00:00:00Z',
  };
  t.strictSame(broken(period, { version: '1.4' }), ['CostAndUsage.ChargePeriod.order']);
  t.strictSame(broken(period), [], '1.3 has no such rule');
  const service = { ServiceCategory: 'Storage', ServiceSubcategory: 'Containers' };
  t.strictSame(broken(service), ['ServiceSubcategory-C-004-M']);
  const tax = { ChargeCategory: 'Tax', BilledCost: '2', EffectiveCost: '2.0' };
  t.strictSame(broken(tax, { version: '1.4' }), []);
  t.strictSame(broken({ ...tax, EffectiveCost: '1' }, { version: '1.4' }), [
    'CostAndUsage.EffectiveCost.8',
  ]);
});

t.test('conditions on columns that a file lacks', async (t) => {
  t.strictSame(
    broken({ ConsumedQuantity: '', ChargeCategory: 'Usage' }, { version: '1.2' }),
    ['ConsumedQuantity-C-006-C'],
    'no CommitmentDiscountStatus: never Unused; no ChargeClass: no correction',
  );
  t.strictSame(broken({ SkuMeter: 'M' }), [], 'without SkuId nothing is said of SkuMeter');
  t.strictSame(broken({ SkuMeter: 'M', SkuId: '' }), ['SkuMeter-C-004-C']);
});

t.test('rules over the whole file', async (t) => {
  const rows = (...pairs: [string, string][]): SourceRow[] =>
    pairs.map(([ServiceName, ServiceCategory]) => ({ ServiceName, ServiceCategory }));
  const report = check(
    rows(
      ['A', 'Compute'],
      ['B', 'Storage'],
      ['A', 'Compute'],
      ['A', 'Web'],
      ['', 'Web'],
      ['A', 'Web'],
    ),
  );
  const violation = report.violations.find(({ id }) => id === 'CAU-ServiceName-C-005-C');
  t.match(violation, { rows: 2, level: 'error', keyword: 'MUST' });
  t.strictSame(violation?.examples[0], {
    row: 4,
    values: { ServiceName: 'A', ServiceCategory: 'Web' },
  });
  const commitment = { ContractCommitmentId: 'c', ContractId: 'k', ContractCommitmentType: 'SP' };
  const twice = check([commitment, commitment], {});
  t.match(twice, { dataset: 'ContractCommitment', version: '1.3' });
  t.equal(violationCounts(twice)['CCT-ContractCommitmentId-C-009-M'], 1);
});

t.test('sums that one file can answer', async (t) => {
  const split = (...ratios: number[]): SourceRow[] =>
    ratios.map((AllocatedRatio) => ({
      ResourceId: 'host',
      AllocatedMethodDetails: JSON.stringify({ Elements: [{ AllocatedRatio }] }),
    }));
  const sums = (rows: readonly SourceRow[]): readonly string[] =>
    check(rows)
      .violations.filter(({ kind }) => kind === 'sum')
      .map(({ id, level, rows }) => `${level} ${id} ${rows}`);
  t.strictSame(sums(split(0.5, 0.333333, 0.166667)), []);
  t.strictSame(sums(split(0.5, 0.5, 0.25, 0.75)), [], 'two charges alike, each split');
  t.strictSame(sums(split(0.5, 0.3)), ['warning focusd.AllocatedRatio.sum 2']);
  const commitment = (ChargeCategory: string, quantity: string, frequency = 'Recurring') => ({
    CommitmentDiscountId: 'sp',
    CommitmentDiscountQuantity: quantity,
    CommitmentDiscountUnit: 'USD',
    ChargeCategory,
    ChargeFrequency: frequency,
  });
  const used = [commitment('Usage', '6'), commitment('Usage', '5')];
  t.strictSame(sums([commitment('Purchase', '11'), ...used]), []);
  t.strictSame(sums([commitment('Purchase', '10'), ...used]), [
    'warning focusd.CommitmentDiscountQuantity.sum 3',
  ]);
  t.strictSame(sums([commitment('Purchase', '10', 'One-Time'), ...used]), [], 'paid for longer');
});

t.test('the header: missing columns, custom columns, names', async (t) => {
  const all = columnsOf('1.3');
  const report = (columns: readonly string[], applicability?: CheckerOptions['applicability']) =>
    createChecker({ columns, version: '1.3', applicability }).finish();
  t.match(report(all), { ok: true, errors: 0, warnings: 0, notes: [] });
  t.match(
    report(all.filter((name) => name !== 'BilledCost')).violations.map(({ id }) => id),
    ['CAU-CostAndUsage-D-006-M'],
  );
  const without = all.filter((name) => name !== 'Tags' && name !== 'InvoiceId');
  const unknown = report(without);
  t.match(unknown, { ok: true, errors: 0, warnings: 1 });
  t.match(unknown.violations, [{ id: 'CAU-CostAndUsage-D-033-O', level: 'warning', rows: 0 }]);
  t.match(unknown.notes, [{ id: 'CAU-CostAndUsage-D-064-C', column: 'Tags', needs: 'tagging' }]);
  t.match(report(without, 'all'), { ok: false, errors: 1, notes: [] });
  t.match(report(without, ['TAGGING_SUPPORTED']), { errors: 1, notes: [] });
  t.match(report(without, ['REGION']), { errors: 0, notes: [] }, 'known not to have tags');
  const odd = report([
    ...all.filter((name) => name !== 'Tags'),
    'tags',
    'oci_Id',
    'x_Fine',
    'x_Fine',
  ]);
  t.strictSame(
    odd.violations.map(({ id, message }) => `${id}: ${message}`),
    [
      'ColumnHandling-A-001-M: columns must be named as FOCUS names them: tags',
      'ColumnHandling-A-010-M: custom columns must start with `x_`: oci_Id',
      'focusd.duplicate-column: column names must be unique: x_Fine',
    ],
  );
  t.strictSame(
    broken({ ' tags': '["a"]' }),
    ['Tags-C-001-M'],
    'odd names are checked all the same',
  );
});

t.test('the dataset and version are found by the columns', async (t) => {
  t.strictSame(identify(columnsOf('1.2')), { dataset: 'CostAndUsage', version: '1.2' });
  t.strictSame(identify(['ContractCommitmentId', 'ContractCommitmentModel']), {
    dataset: 'ContractCommitment',
    version: '1.4',
  });
  t.strictSame(identify(['BillingPeriodStatus']), { dataset: 'BillingPeriod', version: '1.4' });
  t.strictSame(identify(['InvoiceIssueStatus', 'BilledCost']), {
    dataset: 'InvoiceDetail',
    version: '1.4',
  });
  const early = check([{ BilledCost: '1', ProviderName: 'AWS' }], {});
  t.match(early, { version: '1.0', detected: true });
  t.ok(early.notes.some(({ id }) => id === 'focusd.earlier-version'));
  const absent = check([{ BilledCost: '1' }], { version: '1.2', dataset: 'InvoiceDetail' });
  t.ok(absent.notes.some(({ id }) => id === 'focusd.no-rules'));
  const foreign = check([{ 'lineItem/UnblendedCost': '1' }], {});
  t.ok(foreign.notes.some(({ id }) => id === 'focusd.not-focus'));
  const status = check(
    [
      {
        BillingPeriodStatus: 'Ajar',
        BillingPeriodCreated: '2026-09-02T00:00:00Z',
        BillingPeriodLastUpdated: '2026-09-01T00:00:00Z',
      },
    ],
    {},
  );
  t.ok('BillingPeriod.BillingPeriodStatus.3' in violationCounts(status));
  t.ok('BillingPeriod.BillingPeriodLastUpdated.5' in violationCounts(status));
});

/** A batch of typed columns as Parquet or the normalize stage give them. */
function typed(
  texts: Readonly<Record<string, readonly (string | undefined)[]>>,
  transient: boolean,
): Batch {
  const columns = new Map<string, Column>();
  let rows = 0;
  for (const [name, cells] of Object.entries(texts)) {
    rows = cells.length;
    const codes = Uint32Array.from(cells, (_, i) => i + 1);
    if (/Cost$/.test(name)) {
      const values = new Amounts(16, transient);
      values.addNull();
      for (const cell of cells) cell === undefined ? values.addNull() : values.addText(cell);
      columns.set(name, { kind: 'amount', codes, values });
    } else if (/Period/.test(name)) {
      const values = new Times(16, transient);
      values.add(Number.NaN);
      for (const cell of cells) values.add(cell === undefined ? Number.NaN : parseTime(cell));
      columns.set(name, { kind: 'time', codes, values });
    } else {
      const values = new Dictionary({ transient });
      values.add(undefined);
      for (const cell of cells) values.add(cell);
      columns.set(name, { kind: 'text', codes, values });
    }
  }
  return { rows, columns, rowNumbers: Float64Array.from({ length: rows }, (_, i) => i + 1) };
}

t.test('typed and passing columns are checked like text', async (t) => {
  for (const transient of [false, true]) {
    const checker = createChecker({
      version: '1.2',
      columns: [
        'BilledCost',
        'EffectiveCost',
        'ChargePeriodStart',
        'ProviderName',
        'ChargeCategory',
      ],
    });
    for (let i = 0; i < 2; i++)
      checker.add(
        typed(
          {
            BilledCost: ['1', undefined, '-2', 'x'],
            EffectiveCost: ['0', '5', '0.0', '7'],
            ChargePeriodStart: ['2026-09-01', '2026-09-01T10:00Z', undefined, 'never'],
            ProviderName: ['AWS', ' ', undefined, 'B'],
            ChargeCategory: ['Purchase', 'Purchase', 'Purchase', 'Usage'],
          },
          transient,
        ),
      );
    t.strictSame(
      Object.fromEntries(
        Object.entries(violationCounts(checker.finish())).filter(
          ([id]) => !id.startsWith('CostAnd'),
        ),
      ),
      {
        'BilledCost-C-001-M': 2,
        'BilledCost-C-002-M': 2,
        'BilledCost-C-003-M': 2,
        'ChargePeriodStart-C-001-M': 2,
        'ChargePeriodStart-C-002-M': 2,
        'ChargePeriodStart-C-003-M': 2,
        'EffectiveCost-C-005-C': 2,
        'ProviderName-C-002-M': 2,
        'ProviderName-C-003-M': 2,
      },
      transient ? 'an entry per row' : 'an entry per value',
    );
  }
  const missing = createChecker({ version: '1.2', columns: ['BilledCost', 'ProviderName'] });
  missing.add(typed({ ProviderName: ['AWS'] }, false));
  t.equal(
    violationCounts(missing.finish())['BilledCost-C-003-M'],
    1,
    'a column that a batch lacks is null',
  );
});

t.test('the first five rows are shown, all are counted', async (t) => {
  const rows = Array.from({ length: 20 }, (_, i) => ({ ProviderName: i % 2 === 0 ? '' : 'AWS' }));
  const violation = check(rows, { version: '1.2' }).violations.find(
    ({ id }) => id === 'ProviderName-C-003-M',
  );
  t.equal(violation?.rows, 10);
  t.strictSame(
    violation?.examples.map(({ row }) => row),
    [1, 3, 5, 7, 9],
  );
});

t.test('very irregular files are still counted right', async (t) => {
  const names = columnsOf('1.2')
    .filter((name) => /Name$|Id$|Type$|Unit$/.test(name))
    .slice(0, 16);
  const rows = Array.from({ length: 45_000 }, (_, i) => {
    const row = Object.fromEntries(names.map((name, bit) => [name, (i >> bit) & 1 ? 'x' : '']));
    return { ...row, ProviderName: i % 3 === 0 ? '' : 'AWS' };
  });
  const checker = createChecker({ columns: [...names, 'ProviderName'], version: '1.2' });
  for (const batch of toBatches([...names, 'ProviderName'], rows, 4096)) checker.add(batch);
  t.equal(violationCounts(checker.finish())['ProviderName-C-003-M'], 15_000);
});

t.test('the report for people', async (t) => {
  const columns = [...columnsOf('1.2').filter((name) => name !== 'Tags'), 'Odd'];
  const checker = createChecker({ columns, version: '1.2' });
  for (const batch of toBatches(columns, [{ SkuMeter: 'M'.repeat(200), BilledCost: '1' }]))
    checker.add(batch);
  const report = checker.finish();
  const text = formatCheckReport(report, { file: 'bill.csv' });
  t.match(text, /^does not conform bill\.csv: FOCUS 1\.2 Cost and Usage, 1 row, 57 columns\n/);
  t.match(text, /error SkuMeter must be null when SkuId is null \[SkuMeter-C-004-C\] in 1 row\n/);
  t.match(text, / {4}row 1: SkuMeter "M{80}…", SkuId null\n/);
  t.match(
    text,
    /custom columns must start with `x_`: Odd \[ColumnHandling-A-010-M\] in the header/,
  );
  t.match(text, /has no\n {4}tagging: Tags\n/);
  t.notOk(text.includes('\u001b'));
  t.ok(formatCheckReport(report, { color: true }).includes('\u001b[31mdoes not conform\u001b[0m'));
  t.strictSame(JSON.parse(JSON.stringify(report)), report, 'plain data');
});

t.test('a whole file: what cannot be read is said', async (t) => {
  let closed = 0;
  const report = await checkFile('bill.csv', {
    version: '1.2',
    openSource: async () => ({
      format: 'csv',
      columns: ['ProviderName'],
      batches: () => eachBatch(toBatches(['ProviderName'], [{ ProviderName: 'AWS' }])),
      takeRejected: () => (closed === 0 ? [{ reason: 'wrong_field_count', row: 2 }] : []),
      close: async () => {
        closed++;
      },
    }),
  });
  t.equal(closed, 1);
  t.match(report, { rows: 1, ok: false });
  t.ok(report.notes.some(({ id }) => id === 'focusd.unreadable-rows'));
});

t.test('a member that no object has is null, not a column that is missing', async (t) => {
  const columns = columnsOf('1.2').filter((name) => name !== 'ChargeClass' && name !== 'Tags');
  const checked = (format: string, of: readonly string[]) =>
    checkFile(`bill.${format}`, {
      version: '1.2',
      openSource: async () => ({
        format,
        columns: of,
        batches: () => eachBatch([]),
        takeRejected: () => [],
        close: async () => {},
      }),
    });
  t.same((await checked('ndjson', columns)).violations, []);
  t.match((await checked('csv', columns)).violations, [{ column: 'ChargeClass' }]);
  const without = columns.filter((name) => name !== 'BillingCurrency');
  t.match((await checked('ndjson', without)).violations, [{ column: 'BillingCurrency' }]);
});

const CONFORMING = [
  ['golden_1.2_aws_100.csv', '1.2', 100],
  ['golden_1.2_azure_100.csv', '1.2', 100],
  ['golden_1.3_aws_100.csv', '1.3', 100],
  ['golden_1.3_azure_100.csv', '1.3', 100],
  ['golden_1.3_aws_contract_commitment_100.csv', '1.3', 10],
  ['gen_1.2_azure_20k.csv.gz', '1.2', 20_000],
  ['gen_1.3_aws_20k.csv.gz', '1.3', 20_000],
  ['gen_1.3_aws_contract_commitment.csv.gz', '1.3', 1347],
] as const;

t.test('files that conform break nothing', async (t) => {
  for (const [name, version, rows] of CONFORMING) {
    const url = dataFile(`focus/${name}`);
    if (url === undefined) {
      t.comment(`skipped: ${name} is not there`);
      continue;
    }
    const report = await checkFile(url.pathname, { openSource: (path) => openSource({ path }) });
    t.match(report, { version, rows, ok: true, violations: [] }, name);
    t.ok(report.rules.applied > 50);
  }
});

t.test('the sandbox does not conform, and for known reasons', async (t) => {
  const url = dataFile('focus/sandbox_focus_1.0_a.csv');
  if (url === undefined) return t.comment('skipped: the sandbox file is not there');
  const report = await checkFile(url.pathname, { openSource: (path) => openSource({ path }) });
  t.match(report, { version: '1.0', rows: 669, ok: false });
  t.match(violationCounts(report), {
    'ChargePeriodStart-C-002-M': 669,
    'ChargeFrequency-C-003-M': 6,
    'ContractedCost-C-003-M': 6,
    'ColumnHandling-A-010-M': 1,
  });
});
