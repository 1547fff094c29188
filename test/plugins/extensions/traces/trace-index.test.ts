import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import type { Cell } from '../../../../plugins/extensions/traces/cell.ts';
import { decodeCell, encodeCell } from '../../../../plugins/extensions/traces/cell-bytes.ts';
import { keysOf, serviceOf } from '../../../../plugins/extensions/traces/identity.ts';
import { SpanBatch } from '../../../../plugins/extensions/traces/span-batch.ts';
import { createSpanReader } from '../../../../plugins/extensions/traces/span-reader.ts';
import { openStore } from '../../../../plugins/extensions/traces/store.ts';
import {
  createTraceIndex,
  HOUR_MS,
  type IndexLimits,
  type TraceIndex,
} from '../../../../plugins/extensions/traces/trace-index.ts';
import { encodeTraces, type TestSpan } from '../../../helpers/otlp-traces-proto.ts';
import { NOON, spanOf } from '../../../helpers/test-spans.ts';

const LIMITS: IndexLimits = {
  sampleHours: 72,
  totalHours: 840,
  maxBytes: 1e9,
  maxResources: 1000,
  maxServices: 1000,
  samples: 3,
};
const HOUR = NOON / HOUR_MS;

interface Opened {
  readonly index: TraceIndex;
  readonly evicted: [number, string][];
  readonly dropped: [number, string][];
  readonly damaged: string[];
  add(spans: readonly TestSpan[], about?: Readonly<Record<string, string>>): SpanBatch;
}

const reader = createSpanReader({
  resourceAttributes: ['service.name', 'host.id'],
  spanAttributes: [],
  usageAttribute: 'used',
  requests: 256,
});

function open(folder: string, limits: Partial<IndexLimits> = {}): Opened {
  const evicted: [number, string][] = [];
  const dropped: [number, string][] = [];
  const damaged: string[] = [];
  const index = createTraceIndex({
    store: openStore({ folder, nowMs: NOON, onDamaged: (aside) => void damaged.push(aside) }),
    limits: { ...LIMITS, ...limits },
    naming: { keysOf: (attributes) => keysOf(attributes, new Set(['host.id'])), serviceOf },
    events: {
      evicted: (cells, reason) => void evicted.push([cells, reason]),
      dropped: (spans, reason) => void dropped.push([spans, reason]),
    },
  });
  return {
    index,
    evicted,
    dropped,
    damaged,
    add(spans, attributes = { 'host.id': 'i-1', 'service.name': 'shop' }) {
      const batch = new SpanBatch();
      reader.read(encodeTraces([{ attributes, spans }]), batch);
      index.add(batch, NOON);
      return batch;
    },
  };
}

/** A cell without what depends on how it was stored. */
function shown(cell: Cell | undefined): object {
  const { services = [], samples = [] } = cell ?? {};
  return {
    services: [...services].sort((a, b) => a.service - b.service),
    samples: samples.map(({ ids, ...sample }) => ({
      ...sample,
      ids: Buffer.from(ids).toString('hex'),
    })),
  };
}

const span = fc.record({
  number: fc.nat(1_000_000),
  startMs: fc.integer({ min: NOON - 5 * HOUR_MS, max: NOON }),
  ns: fc.bigInt({ min: 0n, max: 3n * 3_600_000_000_000n }),
  code: fc.constantFrom(0, 1, 2),
});

t.test('sums are exact, hour by hour', async (t) => {
  const folder = t.testdir();
  let run = 0;
  fc.assert(
    fc.property(
      fc.uniqueArray(span, { selector: ({ number }) => number, maxLength: 30 }),
      (all) => {
        const { index, add } = open(join(folder, String(run++)));
        add(
          all.map(({ number, startMs, ns, code }) => {
            const start = BigInt(startMs) * 1_000_000n + 7n;
            return spanOf(number, { start, end: start + ns, status: { code } });
          }),
        );
        for (let hour = HOUR - 6; hour <= HOUR; hour++) {
          const [from, to] = [hour, hour + 1].map((h) => BigInt(h * HOUR_MS) * 1_000_000n) as [
            bigint,
            bigint,
          ];
          let nanos = 0n;
          for (const { startMs, ns } of all) {
            const start = BigInt(startMs) * 1_000_000n + 7n;
            const part = (start + ns < to ? start + ns : to) - (start > from ? start : from);
            if (part > 0n) nanos += part;
          }
          const started = all.filter(({ startMs }) => Math.floor(startMs / HOUR_MS) === hour);
          const [totals] = index.cell('host.id:i-1', hour)?.services ?? [];
          assert.equal(
            BigInt(totals?.seconds ?? 0) * 1_000_000_000n + BigInt(totals?.nanos ?? 0),
            nanos,
          );
          assert.equal(totals?.count ?? 0, started.length);
          assert.equal(totals?.errors ?? 0, started.filter(({ code }) => code === 2).length);
        }
        index.close(NOON);
      },
    ),
    { numRuns: 40 },
  );
});

t.test(
  'the same spans give the same index, in any order, in any pieces, with restarts between',
  async (t) => {
    const folder = t.testdir();
    let run = 0;
    const spans = Array.from({ length: 60 }, (_, i) =>
      spanOf(i, {
        startMs: NOON - 60_000 * i,
        ms: 1 + ((i * 7919) % 5000),
        attributes: { used: i },
      }),
    );
    const whole = open(join(folder, 'whole'));
    whole.add(spans);
    const wanted = [HOUR - 1, HOUR].map((hour) => shown(whole.index.cell('host.id:i-1', hour)));
    t.equal(Object(wanted[0]).samples.length, 4, 'one more than is shown');
    fc.assert(
      fc.property(
        fc.shuffledSubarray(spans, { minLength: 60 }),
        fc.integer({ min: 1, max: 59 }),
        fc.boolean(),
        (shuffled, cut, restarts) => {
          const place = join(folder, String(run++));
          const first = open(place);
          first.add(shuffled.slice(0, cut));
          if (restarts) first.index.close(NOON);
          const second = restarts ? open(place) : first;
          second.add(shuffled.slice(cut));
          second.index.flush(NOON);
          const found = [HOUR - 1, HOUR].map((hour) =>
            shown(second.index.cell('host.id:i-1', hour)),
          );
          second.index.close(NOON);
          assert.deepEqual(found, wanted);
        },
      ),
      { numRuns: 25 },
    );
    whole.index.close(NOON);
  },
);

t.test('long spans are more often in the sample, in the measure of their length', async (t) => {
  const { index, add } = open(t.testdir(), { samples: 1, maxResources: 5000 });
  let long = 0;
  for (let i = 0; i < 400; i++) {
    const spans = [spanOf(i * 2, { ms: 3000 }), spanOf(i * 2 + 1, { ms: 1000 })];
    add(spans, { 'host.id': `i-${i}` });
    const [first] = index.cell(`host.id:i-${i}`, HOUR - 1)?.samples ?? [];
    if (first?.durationUs === 3_000_000) long++;
  }
  t.ok(long > 260 && long < 340, `${long} of 400, 300 are expected`);
  index.close(NOON);
});

t.test('cells are the same after they were bytes', async () => {
  const { index, add } = open(t.testdir());
  add([spanOf(1, { ms: 0 }), spanOf(2, { startMs: NOON - 2 * HOUR_MS, ms: 1.5 * HOUR_MS })]);
  for (const hour of [HOUR - 2, HOUR - 1]) {
    const cell = index.cell('host.id:i-1', hour);
    assert.ok(cell !== undefined);
    const bytes = encodeCell(cell, hour * HOUR_MS);
    assert.deepEqual(shown(decodeCell(bytes, hour * HOUR_MS)), shown(cell));
    assert.throws(() => decodeCell({ ...bytes, totals: bytes.totals.subarray(1) }, 0), RangeError);
  }
  index.close(NOON);
});

t.test('what is too old, of the future or one too many is told', async (t) => {
  const { index, add, dropped } = open(t.testdir(), { maxResources: 4, maxServices: 2 });
  const old = add([spanOf(1, { startMs: NOON - 74 * HOUR_MS }), spanOf(2)]);
  t.match(old, { rejected: 1, reason: 'a span older than the index keeps' });
  const ahead = add([spanOf(3, { startMs: NOON + 2 * HOUR_MS })]);
  t.match(ahead, { rejected: 1, reason: 'a span of the future' });
  t.same(dropped, []);
  add([spanOf(4)], { 'host.id': 'i-2', 'service.name': 'cart' });
  add([spanOf(5), spanOf(6)], { 'host.id': 'i-3', 'service.name': 'shop' });
  t.same(dropped, [[2, 'resources']]);
  add([spanOf(7)], { 'host.id': 'i-1', 'service.name': 'third' });
  t.same(dropped.slice(1), [[1, 'services']]);
  t.match(index.cell('host.id:i-1', HOUR - 1)?.services, [{ count: 1 }, { service: 0, count: 1 }]);
  index.close(NOON);
});

t.test('samples go first, totals later, resources last', async (t) => {
  const { index, add, evicted } = open(t.testdir());
  add([spanOf(1)]);
  index.flush(NOON);
  index.flush(NOON + 73 * HOUR_MS);
  const thinned = index.cell('host.id:i-1', HOUR - 1);
  t.match(thinned, { samples: undefined, services: [{ count: 1 }] });
  t.same(evicted, [[1, 'age']], 'the cell of the service has no sample');
  index.flush(NOON + 841 * HOUR_MS);
  t.equal(index.cell('host.id:i-1', HOUR - 1), undefined);
  t.same(evicted.slice(1), [[2, 'age']]);
  t.equal(index.stats().resources, 0);
  index.close(NOON);
});

t.test('over its size the oldest hours are forgotten, and it is said', async (t) => {
  const { index, add, evicted } = open(t.testdir(), { maxBytes: 100_000 });
  for (let hour = 40; hour >= 1; hour--) {
    for (let host = 0; host < 40; host++)
      add(
        [1, 2, 3, 4].map((n) =>
          spanOf(hour * 1000 + host * 4 + n, { startMs: NOON - hour * HOUR_MS }),
        ),
        {
          'host.id': `i-${host}`,
        },
      );
    index.flush(NOON);
  }
  t.ok(index.stats().bytes <= 100_000);
  t.equal(index.cell('host.id:i-1', HOUR - 40), undefined);
  t.ok(index.cell('host.id:i-1', HOUR - 1));
  t.ok(
    evicted.length > 0 && evicted.every(([cells, reason]) => cells % 40 === 0 && reason === 'size'),
  );
  index.close(NOON);
});

t.test('a damaged file is set aside', async (t: Test) => {
  const folder = t.testdir();
  writeFileSync(
    join(folder, 'index.sqlite'),
    'this is no database, but long enough to be looked at'.repeat(40),
  );
  const { index, add, damaged } = open(folder);
  t.same(damaged, [join(folder, `index.sqlite.damaged-${NOON}`)]);
  t.ok(existsSync(String(damaged[0])), readdirSync(folder).join());
  add([spanOf(1)]);
  index.flush(NOON);
  t.equal(index.cell('host.id:i-1', HOUR - 1)?.services[0]?.count, 1);
  index.close(NOON);
});

t.test('what cannot be written now stays in memory', async (t) => {
  const folder = t.testdir();
  const { index, add } = open(folder);
  add([spanOf(1)]);
  const other = new DatabaseSync(join(folder, 'index.sqlite'));
  other.exec('BEGIN IMMEDIATE');
  t.throws(() => index.flush(NOON), /locked/);
  add([spanOf(2)]);
  other.exec('ROLLBACK');
  other.close();
  index.flush(NOON);
  index.close(NOON);
  const again = open(folder);
  t.equal(again.index.cell('host.id:i-1', HOUR - 1)?.services[0]?.count, 2);
  again.index.close(NOON);
});
