import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import t from 'tap';
import type { EncodedChunk } from '../../../pipelines/encode/encoder.ts';
import {
  fitsDecimal,
  type ParquetEncoderOptions,
  parquetEncoder,
  parquetFoot,
  parquetHead,
} from '../../../pipelines/encode/parquet/index.ts';
import { writeParquetTable } from '../../../pipelines/encode/parquet/table.ts';
import { Amounts } from '../../../pipelines/focus/amounts.ts';
import { columnsOf } from '../../../pipelines/focus/columns.ts';
import { decimal, formatDecimal, sum } from '../../../pipelines/focus/decimal.ts';
import { batchesOf, type Row } from '../../helpers/batch.ts';
import { duckdb, readPart } from '../../helpers/parquet.ts';

const folder = t.testdir();
const db = await duckdb();
t.teardown(() => db.close());

function amountsOf(text: string): Amounts {
  const amounts = new Amounts(1);
  if (text === '') amounts.addNull();
  else amounts.addText(text);
  return amounts;
}

/** A file of the chunks, placed in the given order. */
function fileOf(chunks: readonly EncodedChunk[], name: string): string {
  const head = parquetHead();
  const pieces = [head];
  let end = head.length;
  const placed = chunks.map(({ bytes, rowGroup }) => {
    const offset = end;
    pieces.push(bytes);
    end += bytes.length;
    return { rowGroup: structuredClone(rowGroup), offset };
  });
  const path = join(folder, name);
  writeFileSync(path, Buffer.concat([...pieces, parquetFoot(placed)]));
  return path;
}

function encode(
  rows: readonly Row[],
  options: ParquetEncoderOptions & { readonly transient?: readonly string[] },
) {
  const encoder = parquetEncoder(options);
  const chunks: EncodedChunk[] = [];
  for (const batch of batchesOf(rows, { batchRows: 500, transient: options.transient ?? [] }))
    chunks.push(...encoder.add(batch));
  chunks.push(...encoder.finish());
  return { chunks, repairs: encoder.takeRepairs() };
}

const COSTS = [
  '0',
  '0.1',
  '-0.1',
  '1234567890.000000000000000001',
  '0.000000000000000000000001',
  '-9999999999.999999999999999999999999',
  '1e-7',
  undefined,
  '123.456',
];

const CHARGES: readonly Row[] = Array.from({ length: 3000 }, (_, i) => ({
  BilledCost: COSTS[i % COSTS.length],
  EffectiveCost: `${i}.${String(i * 7919).padStart(12, '0')}`,
  ListCost: `-${i}.5`,
  ContractedCost: '0',
  ServiceName: `Service ${i % 12}`,
  ResourceId: `arn:aws:ec2:eu-west-1:123456789012:instance/i-${i}`,
  ChargeDescription: i % 4 === 0 ? undefined : `ünïcode "☃" ${i % 100}`,
  ChargePeriodStart: new Date(Date.UTC(2026, 8, 1, i % 720)).toISOString(),
  BillingPeriodEnd: '9999-12-31T23:59:59Z',
  Tags: `{"team":"t${i % 20}"}`,
  x_Custom: i % 2 === 0 ? '' : `x${i}`,
}));

t.test('a FOCUS file holds every charge exactly', async (t) => {
  for (const compression of ['zstd', 'snappy', 'gzip', 'none'] as const) {
    const options = { version: '1.2', extraColumns: ['x_Custom'], compression } as const;
    const { chunks, repairs } = encode(CHARGES, {
      ...options,
      rowGroupRows: 1000,
      transient: compression === 'zstd' ? ['ResourceId', 'EffectiveCost'] : [],
    });
    t.equal(chunks.length, 3);
    t.equal(repairs.size, 0);
    t.equal(
      formatDecimal(sum(chunks.map(({ costs }) => decimal(costs.EffectiveCost ?? '0')))),
      formatDecimal(sum(CHARGES.map(({ EffectiveCost }) => decimal(EffectiveCost ?? '0')))),
    );
    const path = fileOf(chunks, `charges-${compression}.parquet`);
    const read = await readPart({ path });
    t.same(read.columns, [...columnsOf('1.2'), 'x_Custom']);
    for (const name of Object.keys(CHARGES[0] ?? {})) {
      const expected = CHARGES.map((row) => {
        const text = row[name];
        if (text === undefined || text === '') return undefined;
        if (name.endsWith('Cost')) return formatDecimal(decimal(text));
        return /Period/.test(name) ? text.replace('.000Z', 'Z') : text;
      });
      t.equal(read.texts[name]?.length, 3000);
      t.equal(
        read.texts[name]?.findIndex((text, i) => text !== expected[i]),
        -1,
        name,
      );
    }
    t.ok(
      read.texts.InvoiceId?.every((text) => text === undefined),
      'what is not there is null',
    );
    for (const name of ['BilledCost', 'EffectiveCost', 'ListCost']) {
      const [row] = await db.rows(
        `SELECT sum("${name}")::VARCHAR, count("${name}"), typeof(any_value("${name}")) FROM '${path}'`,
      );
      const exact = sum(CHARGES.map((charge) => decimal(charge[name] ?? '0')));
      t.equal(
        formatDecimal(decimal(String(row?.[0]))),
        formatDecimal(exact),
        `DuckDB's sum of ${name}`,
      );
      t.equal(Number(row?.[1]), CHARGES.filter((charge) => charge[name] !== undefined).length);
      t.equal(row?.[2], 'DECIMAL(38,24)');
    }
    const [times] = await db.rows(
      `SELECT typeof(any_value(ChargePeriodStart)), count(DISTINCT ChargePeriodStart), epoch_ms(max(BillingPeriodEnd)), count(DISTINCT Tags) FROM '${path}'`,
    );
    t.same(times?.map(String), ['TIMESTAMP WITH TIME ZONE', '720', '253402300799000', '20']);
  }
  const bytes = readFileSync(join(folder, 'charges-zstd.parquet'));
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
  const objects = await parquetReadObjects({
    file,
    columns: ['ResourceId', 'ServiceName'],
    compressors,
  });
  t.same(objects[2999], {
    ResourceId: CHARGES[2999]?.ResourceId,
    ServiceName: CHARGES[2999]?.ServiceName,
  });
});

t.test('amounts beyond DECIMAL(38,24) are rounded and counted, or do not fit', async (t) => {
  const rows: Row[] = [
    { BilledCost: '0.0000000000000000000000005' },
    { BilledCost: '-0.0000000000000000000000005' },
    { BilledCost: '1.1234567890123456789012344' },
    { BilledCost: '-1.1234567890123456789012344' },
    { BilledCost: '-99999999999999.999999999999999999999999' },
  ];
  for (const transient of [[], ['BilledCost']]) {
    const { chunks, repairs } = encode([...rows, ...rows], { version: '1.3', transient });
    t.same([...repairs], [['amount_rounded', 8]]);
    const { texts } = await readPart({ path: fileOf(chunks, 'rounded.parquet') });
    const rounded = [
      '0.000000000000000000000001',
      '-0.000000000000000000000001',
      '1.123456789012345678901234',
      '-1.123456789012345678901234',
      '-99999999999999.999999999999999999999999',
    ];
    t.same(texts.BilledCost, [...rounded, ...rounded]);
  }
  for (const BilledCost of [
    '100000000000000',
    '-123456789012345.5',
    '99999999999999.9999999999999999999999999',
  ]) {
    const amounts = amountsOf(BilledCost);
    t.notOk(fitsDecimal('BilledCost', amounts, 0), BilledCost);
    t.throws(() => encode([{ BilledCost }], { version: '1.2' }), { name: 'RangeError' });
    const text = encode([{ BilledCost }], { version: '1.2', amounts: 'string' });
    t.same((await readPart({ path: fileOf(text.chunks, 'text.parquet') })).texts.BilledCost, [
      BilledCost,
    ]);
  }
  t.ok(fitsDecimal('BilledCost', amountsOf('-99999999999999.999999999999999999999999'), 0));
  t.ok(fitsDecimal('BilledCost', amountsOf(''), 0), 'null fits');
  const doubles = encode([{ BilledCost: '0.1' }, {}], { version: '1.2', amounts: 'double' });
  const path = fileOf(doubles.chunks, 'doubles.parquet');
  t.same(await db.rows(`SELECT BilledCost, typeof(BilledCost) FROM '${path}'`), [
    [0.1, 'DOUBLE'],
    [null, 'DOUBLE'],
  ]);
});

t.test('quantities have 20 digits before the point and 18 behind', async (t) => {
  const fit = ['99999999999999999999.999999999999999999', '2678400000000000000', '-0.1', '1e-18'];
  for (const transient of [[], ['ConsumedQuantity']]) {
    const rows = fit.map((ConsumedQuantity) => ({ ConsumedQuantity }));
    const path = fileOf(encode(rows, { version: '1.2', transient }).chunks, 'quantities.parquet');
    t.same(
      await db.rows(`SELECT ConsumedQuantity::VARCHAR, typeof(ConsumedQuantity) FROM '${path}'`),
      [
        '99999999999999999999.999999999999999999',
        '2678400000000000000.000000000000000000',
        '-0.100000000000000000',
        '0.000000000000000001',
      ].map((text) => [text, 'DECIMAL(38,18)']),
    );
  }
  for (const quantity of ['100000000000000000000', '99999999999999999999.9999999999999999999'])
    t.notOk(fitsDecimal('ConsumedQuantity', amountsOf(quantity), 0), quantity);
  const rounded = encode([{ PricingQuantity: '1.0000000000000000005' }], { version: '1.2' });
  t.same([...rounded.repairs], [['amount_rounded', 1]]);
});

t.test(
  'row groups of several encoders make one file, in any order, with all their columns',
  async (t) => {
    const first = encode(CHARGES.slice(0, 1000), { version: '1.4', extraColumns: ['x_Custom'] });
    const second = encode(CHARGES.slice(1000, 2000), { version: '1.4', extraColumns: ['x_Other'] });
    const none = encode([], { version: '1.4' });
    const path = fileOf([...second.chunks, ...none.chunks, ...first.chunks], 'joined.parquet');
    const { texts, columns } = await readPart({ path });
    t.same(columns, [...columnsOf('1.4'), 'x_Other', 'x_Custom']);
    t.same(
      texts.ResourceId,
      [...CHARGES.slice(1000, 2000), ...CHARGES.slice(0, 1000)].map((row) => row.ResourceId),
    );
    t.equal(texts.x_Custom?.filter((text) => text !== undefined).length, 500);
    const counts = await db.rows(`SELECT count(*), count(x_Custom), count(x_Other) FROM '${path}'`);
    t.same(counts[0]?.map(Number), [2000, 1000, 0], 'an empty text is not null');
    const empty = fileOf(none.chunks, 'empty.parquet');
    t.same((await readPart({ path: empty })).columns, columnsOf('1.4'));
    t.same((await db.rows(`SELECT count(BilledCost) FROM '${empty}'`))[0]?.map(Number), [0]);
  },
);

t.test('a table of any types, larger than its dictionaries', async (t) => {
  const path = join(folder, 'table.parquet');
  const rows = 120_000;
  const cells = (i: number) => [
    `unique-${i}-${'y'.repeat(i % 30)}`,
    i % 7 === 0 ? '' : `low-${i % 50}`,
    String((i % 1000) / 8),
    i % 5 === 0 ? null : '12.000000000000000000000001',
    `2026-09-${String(1 + (i % 30)).padStart(2, '0')}T00:00:00Z`,
    BigInt(i) * 1_000_000_007n,
    i % 3 === 0 ? '{}' : i % 3 === 1 ? undefined : `{"team":"t${i % 9}","gone":null,"n":${i % 4}}`,
    `{"a":${i % 10}}`,
  ];
  async function* chunks() {
    for (let from = 0; from < rows; from += 7000)
      yield Array.from({ length: Math.min(7000, rows - from) }, (_, i) => cells(from + i));
  }
  const written = await writeParquetTable({
    path,
    columns: [
      { name: 'unique', type: 'string' },
      { name: 'low', type: 'string' },
      { name: 'double', type: 'double' },
      { name: 'exact', type: 'decimal' },
      { name: 'time', type: 'timestamp' },
      { name: 'int', type: 'int64' },
      { name: 'map', type: 'map' },
      { name: 'json', type: 'json' },
    ],
    chunks: chunks(),
    rowGroupRows: 50_000,
  });
  t.equal(written, rows);
  const [sums] = await db.rows(
    `SELECT count(*), count(DISTINCT "unique"), count(low), sum(double), sum(exact)::VARCHAR, count(DISTINCT time), sum(int)::VARCHAR, count(map), sum(cardinality(map)), count(DISTINCT json) FROM '${path}'`,
  );
  t.same(sums?.map(String), [
    '120000',
    '120000',
    '102857',
    '7492500',
    '1152000.000000000000000000096000',
    '30',
    String((BigInt(rows) * BigInt(rows - 1) * 1_000_000_007n) / 2n),
    '80000',
    '120000',
    '10',
  ]);
  const found = await db.rows(`SELECT to_json(map)::VARCHAR FROM '${path}' LIMIT 12`);
  const { texts, kinds } = await readPart({ path });
  t.same(
    texts.map?.slice(0, 12).map((text) => text ?? null),
    found.map(([text]) => text),
  );
  t.equal(texts.map?.[2], '{"team":"t2","gone":null,"n":"2"}');
  t.equal(
    texts.unique?.findIndex((text, i) => text !== `unique-${i}-${'y'.repeat(i % 30)}`),
    -1,
  );
  t.equal(texts.int?.[99_999], String(99_999n * 1_000_000_007n));
  t.match(kinds, { double: 'amount', time: 'time', map: 'text', json: 'text' });

  const broken = join(folder, 'broken.parquet');
  await writeParquetTable({
    path: broken,
    columns: [
      { name: 'cost', type: 'double' },
      { name: 'start', type: 'timestamp' },
    ],
    chunks: [
      [
        ['n/a', 'yesterday'],
        ['1.5', '2026-09-01T00:00:00Z'],
      ],
    ],
    compression: 'snappy',
  });
  const source = await readPart({ path: broken });
  t.same(source.texts, { cost: [undefined, '1.5'], start: [undefined, '2026-09-01T00:00:00Z'] });
});
