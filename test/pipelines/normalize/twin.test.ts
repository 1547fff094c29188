/** The fast stage against its slow twin: the same charges, drops, repairs, rejects and sums, cell by cell. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import t from 'tap';
import { generateBill } from '../../../agent/generate/generate-bill.ts';
import { openSource } from '../../../pipelines/decode/open.ts';
import { cellText } from '../../../pipelines/focus/batch.ts';
import { add, divide, formatDecimal, parseDecimal } from '../../../pipelines/focus/decimal.ts';
import { mappingFor } from '../../../pipelines/normalize/detect.ts';
import {
  all,
  always,
  amount,
  any,
  cases,
  chooseAmount,
  derive,
  deriveAmount,
  first,
  firstAmount,
  firstTime,
  is,
  join as joined,
  jsonObject,
  lookup,
  map,
  minus,
  not,
  plus,
  present,
  sign,
  test,
  text,
  time,
  timeBy,
  when,
  zero,
} from '../../../pipelines/normalize/expressions.ts';
import {
  defineMapping,
  type Mapping,
  type MappingTable,
} from '../../../pipelines/normalize/mapping.ts';
import { Normalizer } from '../../../pipelines/normalize/normalize.ts';
import { applyMapping, countReasons, type Interpreted } from '../../helpers/interpret.ts';
import { aheadBatches } from '../../helpers/normalize-rows.ts';
import { DATA, readCsv, readJson } from '../../helpers/read-rows.ts';

interface Fast {
  readonly charges: Record<string, string>[];
  readonly counts: Normalizer['counts'];
}

async function fast(
  path: string,
  mapping: Mapping,
  options: {
    readonly batchRows: number;
    readonly settings?: Record<string, string>;
    readonly limit?: number;
  },
): Promise<Fast> {
  const source = await openSource({ path, batchRows: options.batchRows });
  const normalizer = new Normalizer(mapping, source.columns, { settings: options.settings ?? {} });
  const found: { row: number; template: number; charge: Record<string, string> }[] = [];
  for await (const batch of aheadBatches(normalizer, source.batches(), path)) {
    for (const { batch: charges, template } of normalizer.normalize(batch).charges) {
      for (let row = 0; row < charges.rows; row++) {
        const cells = [...charges.columns].flatMap(([name, column]) => {
          const cell = name === 'x_Repairs' ? undefined : cellText(column, row);
          return cell === undefined ? [] : [[name, cell]];
        });
        found.push({
          row: charges.rowNumbers[row] as number,
          template,
          charge: Object.fromEntries(cells),
        });
      }
    }
  }
  await source.close();
  found.sort((a, b) => a.row - b.row || a.template - b.template);
  return { charges: found.map(({ charge }) => charge), counts: normalizer.counts };
}

function compare(
  t: Pick<typeof import('tap').default, 'equal' | 'same'>,
  quick: Fast,
  slow: Interpreted,
  what: string,
): void {
  t.equal(quick.charges.length, slow.rows.length, `${what}: as many charges`);
  const at = slow.rows.findIndex(
    (row, i) => JSON.stringify(sorted(row)) !== JSON.stringify(sorted(quick.charges[i] ?? {})),
  );
  t.same(
    at < 0 ? {} : sorted(quick.charges[at] ?? {}),
    at < 0 ? {} : sorted(slow.rows[at] ?? {}),
    `${what}: equal charges${at < 0 ? '' : `, charge ${at}`}`,
  );
  t.same(
    Object.fromEntries(quick.counts.dropped),
    countReasons(slow.drops),
    `${what}: equal drops`,
  );
  t.same(
    Object.fromEntries(quick.counts.rejected),
    countReasons(slow.rejects),
    `${what}: equal rejects`,
  );
  const header = new Set(['duplicate_column']);
  t.same(
    sorted(Object.fromEntries([...quick.counts.repairs].filter(([code]) => !header.has(code)))),
    sorted(countReasons(slow.repairs)),
    `${what}: equal repairs`,
  );
  for (const [cost, sums] of quick.counts.measures) {
    t.equal(formatDecimal(sums.read.total()), slow.sums[cost].read, `${what}: ${cost} read`);
    t.equal(
      formatDecimal(sums.exported.total()),
      slow.sums[cost].exported,
      `${what}: ${cost} exported`,
    );
    t.equal(
      formatDecimal(sums.dropped.total()),
      slow.sums[cost].dropped,
      `${what}: ${cost} dropped`,
    );
    t.equal(
      formatDecimal(sums.rejected.total()),
      slow.sums[cost].rejected,
      `${what}: ${cost} rejected`,
    );
  }
}

function sorted<T>(record: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** A table with every kind of expression. */
function everything(): MappingTable {
  const covered = is('kind', 'covered');
  const big = test([sign(minus('cost', 'rate'))], (value) => value === '+');
  const net = firstAmount('net', 'cost');
  return {
    templates: [
      {
        columns: {
          BilledCost: chooseAmount(
            [
              [covered, zero],
              [all(big, present('net')), plus(net, 'rate', 'cost')],
            ],
            net,
          ),
          EffectiveCost: chooseAmount([[not(covered), net]], minus('cost', net)),
          ListCost: deriveAmount(['rate', 'kind'], (rate, kind) =>
            rate === undefined
              ? undefined
              : divide(parseDecimal(rate) ?? { digits: 0n, scale: 0 }, {
                  digits: kind === 'usage' ? 7n : 3n,
                  scale: 0,
                }),
          ),
          ContractedCost: deriveAmount(['cost', 'rate'], (cost, rate) =>
            cost === undefined || rate === undefined
              ? undefined
              : add(
                  parseDecimal(cost) ?? { digits: 0n, scale: 0 },
                  parseDecimal(rate) ?? { digits: 0n, scale: 0 },
                ),
          ),
          ListUnitPrice: amount('rate'),
          ChargeCategory: cases(
            [
              [covered, 'place'],
              [any(is('place', 'a'), is('unique', 'u1')), always('first')],
            ],
            'kind',
          ),
          ServiceName: lookup({ usage: 'Used', fee: 'Fee' }, 'kind', text('place')),
          ResourceId: text('unique'),
          ResourceName: map('unique', (value) => value.slice(-2)),
          RegionId: first('missing', 'place', 'kind'),
          RegionName: joined('/', 'kind', 'place', 'unique'),
          Tags: jsonObject({ kind: 'kind', place: 'place', constant: always('1') }),
          SkuId: when(
            present('net'),
            'kind',
            when(
              test(['place', 'kind'], (place, kind) => place === kind),
              always('same'),
              'unique',
            ),
          ),
          ChargePeriodStart: firstTime(
            time('start'),
            timeBy('end', (value) => Date.parse(value) || Number.POSITIVE_INFINITY),
          ),
          ChargePeriodEnd: time('end'),
          x_Both: derive([sign(net), 'kind'], (of, kind) => `${of}${kind}`),
        },
      },
      {
        where: all(covered, present('place')),
        columns: { BilledCost: zero, EffectiveCost: amount('rate'), ServiceName: text('kind') },
      },
    ],
    drop: [{ reason: 'negation', where: is('kind', 'negation') }],
    reject: [
      { reason: 'no_kind', column: 'kind', message: 'it has no kind', where: not(present('kind')) },
    ],
    repairs: [{ code: 'no_place', where: not(present('place')) }],
    measures: { BilledCost: { column: 'cost', amount: net } },
  };
}

const EVERYTHING = defineMapping({
  name: 'everything',
  summary: 'for tests',
  rename: (header) => header,
  fits: () => 0,
  required: [],
  build: everything,
});

t.test('random rows', async (t) => {
  const folder = t.testdir({});
  const value = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom('0', '1.50', '-0.25', '12.000000001', '0.1', '3') },
    {
      weight: 4,
      arbitrary: fc
        .tuple(fc.integer({ min: -99_999, max: 99_999 }), fc.integer({ min: 0, max: 2 ** 31 }))
        .map(([whole, rest]) => `${whole}.${rest}`),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom('', '', '1e-30', '123456789012345678901234.5', 'n/a', '-1e3'),
    },
  );
  const row = fc.record({
    kind: fc.constantFrom('usage', 'covered', 'fee', 'negation', ''),
    place: fc.constantFrom('a', 'b', 'usage', ''),
    unique: fc.oneof(fc.string({ maxLength: 6 }), fc.constantFrom('u1', 'ü,"x"', '')),
    cost: value,
    net: value,
    rate: value,
    start: fc.constantFrom('2026-10-01', '2026-10-02T03:04:05Z', '', '2026-13-01'),
    end: fc.constantFrom('2026-10-03', '2026-10-02T03:04:05Z', ''),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(row, { minLength: 1, maxLength: 120 }),
      fc.integer({ min: 1, max: 40 }),
      async (rows, batchRows) => {
        const path = join(folder, 'rows.csv');
        const names = Object.keys(rows[0] as object) as (keyof (typeof rows)[number])[];
        writeFileSync(
          path,
          [
            names.join(','),
            ...rows.map((cells) =>
              names.map((name) => `"${cells[name].replaceAll('"', '""')}"`).join(','),
            ),
          ].join('\n'),
        );
        const { header, rows: read } = readCsv(path);
        const quick = await fast(path, EVERYTHING, { batchRows });
        const slow = applyMapping(EVERYTHING, header, read);
        if (JSON.stringify(quick.charges.map(sorted)) !== JSON.stringify(slow.rows.map(sorted)))
          throw new Error(JSON.stringify({ quick: quick.charges, slow: slow.rows }, null, 1));
        for (const [cost, sums] of quick.counts.measures)
          if (
            formatDecimal(sums.read.total()) !== slow.sums[cost].read ||
            formatDecimal(sums.exported.total()) !== slow.sums[cost].exported
          )
            throw new Error(`sums of ${cost}`);
      },
    ),
    { numRuns: 60, seed: 7 },
  );
  t.pass('60 random bills');
});

t.test('generated bills', async (t) => {
  for (const provider of ['aws', 'aws-legacy', 'azure', 'gcp', 'focus'] as const) {
    const folder = t.testdir({});
    const truth = await generateBill({
      folder,
      provider,
      format: provider === 'gcp' ? 'ndjson' : 'csv',
      rows: 3_000,
      seed: 5,
      month: '2026-03',
      revision: 1,
      faults: 7,
      parts: 1,
    });
    const path = join(folder, truth.files[0] ?? '');
    const { header, rows } = provider === 'gcp' ? readJson(path) : readCsv(path);
    const mapping = mappingFor('auto', header, path);
    const quick = await fast(path, mapping, { batchRows: 700 });
    compare(t, quick, applyMapping(mapping, header, rows), provider);
    t.equal(quick.counts.written, truth.charges, `${provider}: the charges that were put in`);
    const broken = Object.values(truth.faults).reduce((sum, count) => sum + count, 0);
    t.equal(
      [...quick.counts.rejected.values()].reduce((sum, count) => sum + count, 0),
      broken,
      `${provider}: the broken rows that were put in`,
    );
  }
});

t.test(
  'sample data',
  { skip: existsSync(DATA) ? false : 'the sample data folder is not there' },
  async (t) => {
    const files = ['aws', 'azure', 'focus', 'gcp', 'gcp/cud_cases', 'oci'].flatMap((folder) =>
      readdirSync(new URL(`${folder}/`, DATA)).map((name) => `${folder}/${name}`),
    );
    for (const file of files.filter(
      (name) =>
        /\.(csv|csv\.gz|export\.json)$/.test(name) &&
        !/contract_commitment|scenario_|cur1_gen/.test(name),
    )) {
      const path = fileURLToPath(new URL(file, DATA));
      const { header, rows } = file.endsWith('.json') ? readJson(path) : readCsv(path);
      const mapping = mappingFor('auto', header, path);
      compare(
        t,
        await fast(path, mapping, { batchRows: 1_000 }),
        applyMapping(mapping, header, rows),
        `${file} as ${mapping.name}`,
      );
    }
  },
);
