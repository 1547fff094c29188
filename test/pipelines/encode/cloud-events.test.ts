import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { createCloudEventEncoder } from '../../../pipelines/encode/cloud-events/index.ts';
import type { BatchEncoder } from '../../../pipelines/encode/encoder.ts';
import { createNdjsonEncoder } from '../../../pipelines/encode/focus-ndjson/index.ts';
import type { Batch } from '../../../pipelines/focus/batch.ts';
import { publishedEvents } from '../../../plugins/kit/charges/published.ts';
import { charges, layout } from '../../helpers/arbitrary-charges.ts';
import { batchesOf, batchOf } from '../../helpers/batch.ts';
import { numberedIds, numberedUid } from '../../helpers/numbered-ids.ts';

const OPTIONS = {
  version: '1.2',
  source: '/agents/"a"',
  maxBytes: 1e6,
  observedMs: 1_790_000_000_123,
  uidPrefix: '0123456789abcdef',
  scopeVersion: '0.1.0',
} as const;

function chunks(encoder: BatchEncoder, batches: Iterable<Batch>, correction?: number) {
  const encoded = [...batches].flatMap((batch) => {
    const ids = { ...numberedIds(batch), ...(correction !== undefined && { correction }) };
    return [...encoder.add(batch, { ids })];
  });
  return [...encoded, ...encoder.finish()];
}

const text = (of: ReturnType<typeof chunks>) =>
  Buffer.concat(of.map(({ bytes }) => bytes)).toString();

t.test('a charge as an event', async (t) => {
  const batch = batchOf([
    {
      BilledCost: '0.12345678901234567890',
      Tags: '{"team":"a"}',
      ServiceName: 'A "b"',
      x_Note: 'n',
      owner: 'shop',
    },
    { PricingUnit: undefined },
  ]);
  const [first, second, end] = text(chunks(createCloudEventEncoder(OPTIONS), [batch])).split('\n');
  const head = `{"specversion":"1.0","id":"${numberedUid(OPTIONS.uidPrefix, 1)}","source":"/agents/\\"a\\"","type":"focus.cost_and_usage.charge","time":"2026-09-21T14:13:20.123Z","datacontenttype":"application/json","data":{`;
  t.equal(first?.slice(0, head.length), head);
  t.match(first, /"BilledCost":0.1234567890123456789[,}]/, 'exact, not a double');
  t.same(JSON.parse(first ?? '').data, {
    BilledCost: 0.12345678901234568,
    Tags: { team: 'a' },
    ServiceName: 'A "b"',
    x_Note: 'n',
    x_Owner: 'shop',
  });
  t.match(second, /"data":\{\}\}$/);
  t.equal(end, '');
});

t.test('a charge that is taken back says so, by another id', async (t) => {
  const [line = ''] = text(
    chunks(createCloudEventEncoder(OPTIONS), [batchOf([{ BilledCost: '-1' }])], 3),
  ).split('\n');
  t.match(JSON.parse(line), {
    type: 'focus.cost_and_usage.correction',
    id: `${numberedUid(OPTIONS.uidPrefix, 1)}.c3`,
    data: { BilledCost: -1 },
  });
});

t.test('columns of other versions of FOCUS are left out', async (t) => {
  const batch = batchOf([{ ServiceProviderName: 'AWS', BilledCost: '1' }]);
  const dataOf = (version: '1.2' | '1.3') =>
    JSON.parse(text(chunks(createCloudEventEncoder({ ...OPTIONS, version }), [batch]))).data;
  t.same(dataOf('1.2'), { BilledCost: 1 });
  t.same(dataOf('1.3'), { BilledCost: 1, ServiceProviderName: 'AWS' });
});

t.test(
  'any charges: each event has the row that the FOCUS file has, its id and its costs',
  async () => {
    await fc.assert(
      fc.property(
        charges,
        layout,
        fc.integer({ min: 400, max: 5_000 }),
        (rows, options, maxBytes) => {
          const batches = () => batchesOf(rows, options);
          const found = chunks(createCloudEventEncoder({ ...OPTIONS, maxBytes }), batches());
          const custom = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((name) =>
            name.startsWith('x_'),
          );
          const files = chunks(
            createNdjsonEncoder({ version: '1.2', extraColumns: custom }),
            batches(),
          );
          const wanted = text(files)
            .split('\n')
            .slice(0, -1)
            .map((line) => JSON.parse(line) as object);
          const events = found.flatMap(({ bytes }) => [...publishedEvents(bytes)]);
          assert.equal(events.length, rows.length);
          assert.equal(
            found.reduce((sum, chunk) => sum + chunk.rows, 0),
            rows.length,
          );
          for (const [i, { id, bytes }] of events.entries()) {
            const event = JSON.parse(bytes.toString());
            const { x_Owner, ...data } = event.data;
            assert.equal(id, event.id);
            assert.equal(id, numberedUid(OPTIONS.uidPrefix, (options.firstRow ?? 1) + i));
            assert.deepEqual(data, wanted[i]);
            assert.equal(x_Owner, rows[i]?.owner);
          }
          for (const { bytes, rows: count } of found)
            assert.ok(bytes.length <= maxBytes || count === 1, `${bytes.length} > ${maxBytes}`);
        },
      ),
    );
  },
);
