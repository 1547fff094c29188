import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import t from 'tap';
import { returnBuffer } from '../../../pipelines/encode/buffers.ts';
import type { BatchEncoder, EncodedChunk } from '../../../pipelines/encode/encoder.ts';
import { createCsvEncoder } from '../../../pipelines/encode/focus-csv/index.ts';
import { createNdjsonEncoder } from '../../../pipelines/encode/focus-ndjson/index.ts';
import { createEncoder } from '../../../pipelines/encode/index.ts';
import { createJsonLogEncoder } from '../../../pipelines/encode/otlp-json/index.ts';
import { createLogEncoder } from '../../../pipelines/encode/otlp-logs/index.ts';
import type { Batch } from '../../../pipelines/focus/batch.ts';
import {
  attributeName,
  COST_COLUMNS,
  columnFact,
  columnsOf,
} from '../../../pipelines/focus/columns.ts';
import { decimal, formatDecimal, parseDecimal, sum } from '../../../pipelines/focus/decimal.ts';
import { parseTime } from '../../../pipelines/focus/times.ts';
import { linkAttributes } from '../../../pipelines/link/index.ts';
import { charges, layout } from '../../helpers/arbitrary-charges.ts';
import { type BatchOptions, batchesOf, batchOf, type Row } from '../../helpers/batch.ts';
import { numberedIds, numberedUid } from '../../helpers/numbered-ids.ts';
import { attributesOf, decodeLogs, type OtlpLogs, recordsOf } from '../../helpers/otlp-proto.ts';

const OPTIONS = {
  resource: { 'service.name': 'focusd', 'host.name': 'a"b' },
  observedMs: 1_790_000_000_123,
  uidPrefix: '0123456789abcdef',
  scopeVersion: '0.1.0',
};

/** Everything that comes out for the batches. */
function encoded(encoder: BatchEncoder, batches: Iterable<Batch>, ordinal = 1): EncodedChunk[] {
  const chunks: EncodedChunk[] = [];
  for (const batch of batches)
    chunks.push(...encoder.add(batch, { ids: numberedIds(batch, ordinal) }));
  return [...chunks, ...encoder.finish()];
}

function text(chunks: readonly EncodedChunk[]): string {
  return Buffer.concat(chunks.map(({ bytes }) => bytes)).toString();
}

/** The attributes that a row has to have. */
function expectedAttributes(row: Row): Record<string, object> {
  const attributes: Record<string, object> = {};
  for (const [name, value] of Object.entries(row)) {
    if (value === undefined) continue;
    const kind = columnFact(name)?.kind;
    attributes[name === 'owner' ? 'finops.owner' : attributeName(name)] =
      kind === 'amount'
        ? { doubleValue: Number(value) + 0 }
        : { stringValue: kind === 'time' ? value.replace('.000Z', 'Z') : value };
  }
  return attributes;
}

function expectedCosts(rows: readonly Row[]): Record<string, string> {
  return Object.fromEntries(
    COST_COLUMNS.map((name) => [
      name,
      formatDecimal(sum(rows.flatMap((row) => parseDecimal(row[name] ?? '') ?? []))),
    ]),
  );
}

function expectedRecord(row: Row, uid: string): object {
  const start = row.ChargePeriodStart;
  return {
    timeUnixNano: String(BigInt(start === undefined ? 0 : parseTime(start)) * 1_000_000n),
    observedTimeUnixNano: '1790000000123000000',
    eventName: 'focus.cost_and_usage.charge',
    attributes: { ...expectedAttributes(row), 'log.record.uid': { stringValue: uid } },
  };
}

function flat(request: OtlpLogs): object[] {
  return recordsOf(request).map((record) => ({
    timeUnixNano: '0',
    ...record,
    attributes: attributesOf(record),
  }));
}

/** Rows of a chunk and its costs, chunk by chunk. */
function checkAccounts(rows: readonly Row[], chunks: readonly EncodedChunk[]): void {
  let from = 0;
  for (const chunk of chunks) {
    const mine = rows.slice(from, from + chunk.rows);
    from += chunk.rows;
    assert.deepEqual(chunk.costs, expectedCosts(mine));
    assert.ok(
      chunk.bytes.buffer.byteLength <= chunk.bytes.byteLength * 4,
      'bytes can be transferred',
    );
  }
  assert.equal(from, rows.length);
}

t.test('a charge as a log record, field by field', async (t) => {
  const row = {
    BilledCost: '12.50',
    EffectiveCost: '-0.000000001',
    ServiceName: 'Amazon S3 – Größe 😀',
    Tags: '{"team":"a"}',
    BillingPeriodStart: '2026-09-01T00:00:00Z',
    ChargePeriodStart: '2026-09-17T05:00:00Z',
    ChargeClass: undefined,
    ServiceProviderName: 'AWS',
    SubAccountId: '123456789012',
    RegionId: 'eu-central-1',
    AvailabilityZone: 'eu-central-1a',
    ResourceId: 'arn:aws:s3:::b',
    x_CostSource: 'invoice',
    owner: 'team-a',
  };
  const batch = batchOf([row]);
  const encoder = createLogEncoder(OPTIONS);
  const extras = { links: linkAttributes(batch), ids: numberedIds(batch, 12) };
  const [chunk] = [...encoder.add(batch, extras), ...encoder.finish()];
  const request = decodeLogs(chunk?.bytes ?? new Uint8Array());
  t.strictSame(request.resourceLogs.length, 1);
  t.strictSame(request.resourceLogs[0]?.resource.attributes, [
    { key: 'service.name', value: { stringValue: 'focusd' } },
    { key: 'host.name', value: { stringValue: 'a"b' } },
  ]);
  t.match(request.resourceLogs[0]?.scopeLogs[0]?.scope, { name: 'focusd', version: '0.1.0' });
  t.strictSame(flat(request), [
    {
      timeUnixNano: '1789621200000000000',
      observedTimeUnixNano: '1790000000123000000',
      eventName: 'focus.cost_and_usage.charge',
      attributes: {
        'log.record.uid': { stringValue: '0123456789abcdef-00000000000000000000000000000001-12' },
        'focus.billed_cost': { doubleValue: 12.5 },
        'focus.effective_cost': { doubleValue: -1e-9 },
        'focus.service_name': { stringValue: 'Amazon S3 – Größe 😀' },
        'focus.tags': { stringValue: '{"team":"a"}' },
        'focus.billing_period_start': { stringValue: '2026-09-01T00:00:00Z' },
        'focus.charge_period_start': { stringValue: '2026-09-17T05:00:00Z' },
        'focus.service_provider_name': { stringValue: 'AWS' },
        'focus.sub_account_id': { stringValue: '123456789012' },
        'focus.region_id': { stringValue: 'eu-central-1' },
        'focus.availability_zone': { stringValue: 'eu-central-1a' },
        'focus.resource_id': { stringValue: 'arn:aws:s3:::b' },
        'focus.x_cost_source': { stringValue: 'invoice' },
        'finops.owner': { stringValue: 'team-a' },
        'cloud.provider': { stringValue: 'aws' },
        'cloud.account.id': { stringValue: '123456789012' },
        'cloud.region': { stringValue: 'eu-central-1' },
        'cloud.availability_zone': { stringValue: 'eu-central-1a' },
        'cloud.resource_id': { stringValue: 'arn:aws:s3:::b' },
      },
    },
  ]);
  t.strictSame(chunk?.costs, {
    BilledCost: '12.5',
    EffectiveCost: '-0.000000001',
    ListCost: '0',
    ContractedCost: '0',
  });
});

/** Encodes the rows as log records and compares what an independent decoder reads with what went in. */
function checkRecords(
  rows: readonly Row[],
  how: BatchOptions & { readonly batchRows: number },
  maxBytes: number,
): void {
  const create = (): EncodedChunk[] =>
    encoded(createLogEncoder({ ...OPTIONS, maxBytes }), batchesOf(rows, how));
  const chunks = create();
  const first = how.firstRow ?? 1;
  const records = chunks.flatMap(({ bytes }) => flat(decodeLogs(bytes)));
  const expected = rows.map((row, i) =>
    expectedRecord(row, numberedUid(OPTIONS.uidPrefix, first + i)),
  );
  assert.deepEqual(records, expected);
  checkAccounts(rows, chunks);
  for (const { rawBytes, bytes, rows: inChunk } of chunks) {
    assert.equal(rawBytes, bytes.length);
    assert.ok(rawBytes <= maxBytes || inChunk === 1, 'cut by bytes');
  }
  assert.deepEqual(create(), chunks, 'the same batches give the same bytes');
}

t.test('log records of any charges in any layout are what went in', async (t) => {
  const property = fc.property(charges, layout, fc.integer({ min: 600, max: 6000 }), checkRecords);
  t.doesNotThrow(() => fc.assert(property, { numRuns: 60 }));
});

t.test('so are those of charges that mostly say what the one before says', async (t) => {
  const property = fc.property(
    charges,
    layout,
    fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 40, maxLength: 40 }),
    fc.integer({ min: 600, max: 60_000 }),
    (stock, how, repeats, maxBytes) => {
      const rows = stock.flatMap((row, i) =>
        Array.from({ length: repeats[i] ?? 1 }, (_, again) => ({
          ...row,
          BilledCost: again % 17 === 16 ? undefined : `${again * i}.25`,
          x_Note: again % 13 === 12 ? undefined : `${'n'.repeat((again * 31) % 200)}${i}`,
        })),
      );
      checkRecords(rows, { ...how, batchRows: how.batchRows * 16 }, maxBytes);
    },
  );
  t.doesNotThrow(() => fc.assert(property, { numRuns: 20 }));
});

t.test('OTLP JSON says the same', async (t) => {
  const property = fc.property(charges, layout, (rows, how) => {
    const chunks = encoded(
      createJsonLogEncoder({ ...OPTIONS, maxBytes: 4000 }),
      batchesOf(rows, how),
    );
    const lines = text(chunks).split('\n').slice(0, -1);
    assert.equal(lines.length, chunks.length, 'a line per chunk');
    const requests = lines.map((line) => JSON.parse(line) as OtlpLogs);
    assert.deepEqual(
      requests.flatMap(flat),
      rows.map((row, i) =>
        expectedRecord(row, numberedUid(OPTIONS.uidPrefix, (how.firstRow ?? 1) + i)),
      ),
    );
    checkAccounts(rows, chunks);
    for (const { resourceLogs } of requests) {
      assert.deepEqual(resourceLogs[0]?.resource.attributes, [
        { key: 'service.name', value: { stringValue: 'focusd' } },
        { key: 'host.name', value: { stringValue: 'a"b' } },
      ]);
      assert.deepEqual(resourceLogs[0]?.scopeLogs[0]?.scope, { name: 'focusd', version: '0.1.0' });
    }
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 40 }));
});

t.test('large records, long ids and many distinct values', async (t) => {
  const big = 'ä'.repeat(1_500_000);
  const rows = [{ ResourceId: 'small' }, { ResourceId: big }, { ResourceId: 'last' }];
  const uidPrefix = 'u'.repeat(500);
  for (const options of [{}, { transient: ['ResourceId'] }] satisfies BatchOptions[]) {
    const chunks = encoded(
      createLogEncoder({ ...OPTIONS, uidPrefix, maxBytes: 1 << 20 }),
      batchesOf(rows, { ...options, batchRows: 3 }),
    );
    t.strictSame(
      chunks.map((chunk) => chunk.rows),
      [1, 1, 1],
      'a large record travels alone',
    );
    t.strictSame(
      chunks.flatMap(({ bytes }) => flat(decodeLogs(bytes))),
      rows.map((row, i) => expectedRecord(row, numberedUid(uidPrefix, i + 1))),
    );
  }
  const many = Array.from({ length: 12_000 }, (_, i) => ({
    ResourceId: `${i} `.padEnd(2_000, 'x'),
    RegionId: `region-${i % 7}`,
  }));
  const chunks = encoded(createLogEncoder(OPTIONS), batchesOf(many, { batchRows: 1_000 }));
  const uid = (i: number): string => numberedUid(OPTIONS.uidPrefix, i + 1);
  const over = chunks.flatMap(({ bytes }) => flat(decodeLogs(bytes)));
  t.equal(over.length, many.length);
  const wrong = over.findIndex(
    (record, i) => !isDeepStrictEqual(record, expectedRecord(many[i] as Row, uid(i))),
  );
  t.equal(wrong, -1, 'over the budget of ready bytes');
});

t.test('columns may come and go, share codes or not, from batch to batch', async (t) => {
  const a: Row[] = [
    { ServiceName: 'a', RegionId: 'x', BilledCost: '1' },
    { ServiceName: 'b', RegionId: 'y' },
  ];
  const b: Row[] = [
    { ServiceName: 'a', ListCost: '2' },
    { ServiceName: 'c', ListCost: '2' },
  ];
  const batches = [
    batchOf(a, { together: [['ServiceName', 'RegionId']] }),
    batchOf(b, { constant: ['ListCost'] }),
    batchOf(a),
    { rows: 0, columns: new Map(), rowNumbers: new Float64Array(0) },
    batchOf(b, { transient: ['ServiceName'] }),
  ];
  const chunks = encoded(createLogEncoder(OPTIONS), batches);
  const rows = [...a, ...b, ...a, ...b];
  t.strictSame(
    chunks.flatMap(({ bytes }) => flat(decodeLogs(bytes))),
    rows.map((row, i) => expectedRecord(row, numberedUid(OPTIONS.uidPrefix, (i % 2) + 1))),
  );
  checkAccounts(rows, chunks);
});

t.test(
  'a batch of many chunks takes the memory of one that is given back before the next',
  async (t) => {
    const batch = batchOf(Array.from({ length: 20_000 }, (_, i) => ({ ResourceId: `${i}` })));
    const encoder = createLogEncoder({ ...OPTIONS, compression: 'none', maxBytes: 300 << 10 });
    const sent: ArrayBufferLike[] = [];
    for (const { bytes, wanted } of encoder.add(batch, { ids: numberedIds(batch) })) {
      t.ok(wanted);
      sent.push(bytes.buffer);
      returnBuffer(bytes.buffer as ArrayBuffer);
    }
    t.ok(sent.length > 1);
    t.equal(new Set(sent).size, 1);
  },
);

t.test('compression', async (t) => {
  const rows = Array.from({ length: 50 }, (_, i) => ({
    ServiceName: `s${i % 3}`,
    BilledCost: `${i}`,
  }));
  const one = (compression: 'gzip' | 'zstd' | 'none'): EncodedChunk => {
    const [chunk] = encoded(createLogEncoder({ ...OPTIONS, compression }), [batchOf(rows)]);
    if (chunk === undefined) throw new Error('no chunk');
    t.equal(chunk.bytes.byteLength, chunk.bytes.buffer.byteLength, 'bytes can be transferred');
    return chunk;
  };
  const plain = Buffer.from(one('none').bytes);
  for (const [compression, unpack] of [
    ['gzip', gunzipSync],
    ['zstd', zstdDecompressSync],
  ] as const) {
    const chunk = one(compression);
    t.strictSame(unpack(chunk.bytes), plain, compression);
    t.equal(chunk.rawBytes, plain.length);
    t.ok(chunk.bytes.length < plain.length);
  }
});

t.test('FOCUS CSV reads back as it was', async (t) => {
  const names = [...columnsOf('1.2'), 'x_Note'];
  const property = fc.property(charges, layout, (rows, how) => {
    const encoder = createCsvEncoder({
      version: '1.2',
      extraColumns: ['x_Note'],
      header: true,
      maxBytes: 2000,
    });
    const chunks = encoded(encoder, batchesOf(rows, how));
    const records = parse(text(chunks), { columns: true }) as Record<string, string>[];
    assert.deepEqual(
      records,
      rows.map((row) => Object.fromEntries(names.map((name) => [name, csvCell(name, row[name])]))),
    );
    checkAccounts(rows, chunks);
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 60 }));
});

function csvCell(name: string, value: string | undefined): string {
  if (value === undefined) return '';
  return columnFact(name)?.kind === 'amount' ? formatDecimal(decimal(value)) : value;
}

t.test('FOCUS CSV: versions, null and empty text, header only when asked', async (t) => {
  const batch = batchOf([
    { ProviderName: 'AWS', ServiceProviderName: 'AWS', RegionId: '', ServiceName: 'a,"b"\nc' },
    {
      ProviderName: 'AWS',
      ServiceProviderName: 'AWS',
      RegionId: undefined,
      ServiceName: undefined,
    },
  ]);
  const lines = (version: '1.2' | '1.4', header = false): string =>
    text(encoded(createCsvEncoder({ version, header }), [batch]));
  t.match(
    lines('1.2', true),
    /^AvailabilityZone,BilledCost,.*,ProviderName,PublisherName,.*,Tags\n/,
  );
  t.notMatch(lines('1.4', true), /,ProviderName|PublisherName/, 'removed in 1.4');
  t.match(lines('1.4', true), /,ServiceProviderName,/);
  t.match(lines('1.2'), /^,{39}AWS,,"",,,,,,"a,""b""\nc",{9}\n,{39}AWS,{17}\n$/, 'empty is quoted');
  t.equal(lines('1.2').includes('BilledCost'), false);
  const [only, ...others] = createCsvEncoder({ version: '1.2', header: true }).finish();
  t.match(only, { rows: 0 });
  t.match(
    text(only === undefined ? [] : [only]),
    /^AvailabilityZone,.*\n$/,
    'a file without rows has its header',
  );
  t.strictSame(others, []);
  t.strictSame(createCsvEncoder({ version: '1.2' }).finish(), []);
});

t.test('FOCUS JSON lines read back as they were, amounts to the last digit', async (t) => {
  const property = fc.property(charges, layout, (rows, how) => {
    const encoder = createNdjsonEncoder({
      version: '1.3',
      extraColumns: ['x_Note'],
      maxBytes: 2000,
    });
    const chunks = encoded(encoder, batchesOf(rows, how));
    const records = text(chunks)
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line, numberText));
    assert.deepEqual(
      records,
      rows.map((row) => Object.fromEntries(Object.entries(row).flatMap(member))),
    );
    checkAccounts(rows, chunks);
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 60 }));
});

function numberText(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === 'number' ? { number: context?.source } : value;
}

function member([name, value]: [string, string | undefined]): [string, unknown][] {
  if (value === undefined) return [];
  const kind = columnFact(name)?.kind;
  if (kind === 'amount') return [[name, { number: formatDecimal(decimal(value)) }]];
  return [[name, kind === 'json' ? JSON.parse(value) : value]];
}

t.test('FOCUS JSON lines: nested JSON stays on its line, what is no JSON is a text', async (t) => {
  const batch = batchOf([
    { Tags: '{\n "a": 12345678901234567890\r\n}' },
    { Tags: 'no json' },
    { Tags: '12' },
    {},
  ]);
  t.equal(
    text(encoded(createNdjsonEncoder({ version: '1.2' }), [batch])),
    '{"Tags":{  "a": 12345678901234567890  }}\n{"Tags":"no json"}\n{"Tags":"12"}\n{}\n',
  );
});

t.test('what is not a number or time is left out', async (t) => {
  const rows = [{ BilledCost: 'abc', ChargePeriodStart: '2026-02-31', ServiceName: 'a' }];
  for (const transient of [[], ['BilledCost', 'ChargePeriodStart']]) {
    const batch = batchOf(rows, { transient });
    const [chunk] = encoded(createLogEncoder(OPTIONS), [batch]);
    t.strictSame(flat(decodeLogs(chunk?.bytes ?? new Uint8Array())), [
      expectedRecord({ ServiceName: 'a' }, numberedUid(OPTIONS.uidPrefix, 1)),
    ]);
    t.equal(
      text(encoded(createNdjsonEncoder({ version: '1.2' }), [batch])),
      '{"ServiceName":"a"}\n',
    );
    const [record] = parse(
      text(encoded(createCsvEncoder({ version: '1.2', header: true }), [batch])),
      {
        columns: true,
      },
    ) as Record<string, string>[];
    t.match(record, { BilledCost: '', ChargePeriodStart: '', ServiceName: 'a' });
  }
});

t.test('the encoder for each encoding', async (t) => {
  const batch = batchOf([{ BilledCost: '1', x_Note: 'n' }]);
  const options = { ...OPTIONS, extraColumns: ['x_Note'], header: true };
  const bytes = async (encoding: Parameters<typeof createEncoder>[0]): Promise<string> =>
    text(encoded(await createEncoder(encoding, options), [batch]));
  t.match(await bytes({ kind: 'otlp-logs', compression: 'none', maxBytes: 1e6 }), 'log.record.uid');
  t.match(await bytes({ kind: 'otlp-json' }), '{"resourceLogs":[');
  t.match(await bytes({ kind: 'focus', format: 'csv', version: '1.2' }), /x_Note\n,1,/);
  t.equal(
    await bytes({ kind: 'focus', format: 'ndjson', version: '1.2' }),
    '{"BilledCost":1,"x_Note":"n"}\n',
  );
});
