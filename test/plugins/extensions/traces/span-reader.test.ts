import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { statedRequests } from '../../../../plugins/extensions/traces/sampling.ts';
import { ID_BYTES, SpanBatch } from '../../../../plugins/extensions/traces/span-batch.ts';
import { createSpanReader } from '../../../../plugins/extensions/traces/span-reader.ts';
import {
  encodeTraces,
  type TestResource,
  type TestSpan,
} from '../../../helpers/otlp-traces-proto.ts';
import { spanOf } from '../../../helpers/test-spans.ts';

const reader = createSpanReader({
  resourceAttributes: ['service.name', 'host.id', 'cloud.resource_id'],
  spanAttributes: ['cloud.resource_id', 'faas.invocation_id'],
  usageAttribute: 'app.tokens',
  requests: 256,
});

function read(bytes: Uint8Array): SpanBatch {
  const batch = new SpanBatch();
  reader.read(bytes, batch);
  return batch;
}

/** The spans of a batch as plain values. */
function spansOf(batch: SpanBatch) {
  return Array.from({ length: batch.size }, (_, i) => ({
    ids: Buffer.from(batch.ids.subarray(i * ID_BYTES, (i + 1) * ID_BYTES)).toString('hex'),
    start: BigInt(batch.startMs[i] ?? 0) * 1_000_000n + BigInt(batch.startNanos[i] ?? 0),
    duration: BigInt(batch.durationNs[i] ?? 0),
    error: batch.error[i] === 1,
    requests: batch.requests[i],
    usage: batch.usage[i],
    resource: batch.resources[batch.resource[i] ?? -1],
  }));
}

/** The same from what was encoded. */
function expected(resources: readonly TestResource[]): readonly object[] {
  return resources.flatMap(({ attributes, spans }) =>
    spans.filter(isEntry).map((span) => ({
      ids: Buffer.concat([span.traceId, span.spanId]).toString('hex'),
      start: span.start,
      duration: span.end - span.start,
      error: span.status?.code === 2,
      requests: span.traceState === 'a=b,ot=rv:1;th:8' ? 512 : 256,
      usage: Math.round(Number(span.attributes?.['app.tokens'] ?? 0) * 1000),
      resource: {
        ...texts(attributes, ['service.name', 'host.id', 'cloud.resource_id']),
        ...texts(span.attributes ?? {}, ['cloud.resource_id', 'faas.invocation_id']),
      },
    })),
  );
}

function isEntry({ parentSpanId, kind, flags = 0 }: TestSpan): boolean {
  const isRemote = (flags & 0x300) === 0x300;
  return parentSpanId === undefined || kind === 2 || kind === 5 || isRemote;
}

function texts(attributes: TestResource['attributes'], names: readonly string[]) {
  return Object.fromEntries(
    Object.entries(attributes).filter(
      ([name, value]) => names.includes(name) && typeof value === 'string' && value !== '',
    ),
  );
}

const id = (bytes: number) =>
  fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .filter((all) => all.some((byte) => byte !== 0));
const attributes = fc.dictionary(
  fc.constantFrom(
    'service.name',
    'host.id',
    'cloud.resource_id',
    'faas.invocation_id',
    'http.route',
  ),
  fc.oneof(fc.string({ maxLength: 200 }), fc.integer(), fc.double({ noNaN: true }), fc.boolean()),
);
const span: fc.Arbitrary<TestSpan> = fc
  .record({
    traceId: id(16),
    spanId: id(8),
    parentSpanId: fc.option(id(8), { nil: undefined }),
    traceState: fc.constantFrom('', 'a=b', 'a=b,ot=rv:1;th:8'),
    flags: fc.constantFrom(0, 1, 0x101, 0x301),
    name: fc.string({ maxLength: 300 }),
    kind: fc.integer({ min: 0, max: 5 }),
    start: fc.bigInt({ min: 1n, max: 2n ** 62n }),
    duration: fc.bigInt({ min: 0n, max: 2n ** 50n }),
    attributes,
    tokens: fc.option(fc.integer({ min: 0, max: 1e9 }), { nil: undefined }),
    status: fc.record({ message: fc.string(), code: fc.integer({ min: 0, max: 2 }) }),
    events: fc.integer({ min: 0, max: 2 }),
  })
  .map(({ duration, tokens, parentSpanId, ...rest }) => ({
    ...rest,
    ...(parentSpanId === undefined ? {} : { parentSpanId }),
    end: rest.start + duration,
    attributes: { ...rest.attributes, ...(tokens === undefined ? {} : { 'app.tokens': tokens }) },
  }));
const resources = fc.array(fc.record({ attributes, spans: fc.array(span, { maxLength: 8 }) }), {
  maxLength: 4,
});

t.test('reads what another implementation wrote', async () => {
  fc.assert(
    fc.property(resources, (all) => {
      assert.deepEqual(spansOf(read(encodeTraces(all))), expected(all));
    }),
    { numRuns: 300 },
  );
});

t.test('bytes cut off or turned over are told, and never anything worse', async () => {
  fc.assert(
    fc.property(resources, fc.nat(), fc.integer({ min: 0, max: 255 }), (all, place, byte) => {
      const bytes = encodeTraces(all);
      const at = bytes.length === 0 ? 0 : place % bytes.length;
      const changed = Buffer.from(bytes);
      changed[at] = byte;
      for (const wrong of [bytes.subarray(0, at), changed, Buffer.from([...bytes, byte])]) {
        try {
          const batch = read(wrong);
          assert.ok(batch.size + batch.rejected + batch.inner <= wrong.length);
        } catch (error) {
          assert.ok(error instanceof RangeError, String(error));
        }
      }
    }),
    { numRuns: 500 },
  );
});

t.test('bad spans are rejected, the others are kept', async (t) => {
  const good = spanOf(1);
  const bad = [
    spanOf(2, { traceId: new Uint8Array(16) }),
    spanOf(3, { spanId: new Uint8Array(4) }),
    spanOf(4, { end: good.start - 1n }),
    spanOf(5, { start: 0n }),
    { ...spanOf(6), traceId: new Uint8Array() },
  ];
  for (const one of bad) {
    const batch = read(encodeTraces([{ attributes: {}, spans: [one, good] }]));
    t.match({ size: batch.size, rejected: batch.rejected }, { size: 1, rejected: 1 });
    t.match(batch.reason, /^a span (without|that ends)/);
  }
  const empty = read(new Uint8Array());
  t.match({ size: empty.size, rejected: empty.rejected }, { size: 0, rejected: 0 });
});

t.test('the order of fields does not matter, unknown fields are skipped', async (t) => {
  const [resource, ...more] = [
    encodeTraces([{ attributes: { 'host.id': 'i-1' }, spans: [] }]),
    encodeTraces([{ attributes: {}, spans: [spanOf(1)] }]),
  ].map((bytes) => bytes.subarray(2));
  const unknown = Buffer.from([0xa8, 0x06, 0x01, 0xb2, 0x06, 0x02, 0x41, 0x42]);
  const body = Buffer.concat([...more, unknown, resource ?? unknown]);
  const length = Buffer.from([(body.length & 127) | 128, body.length >> 7]);
  const batch = read(Buffer.concat([Buffer.from([0x0a]), length, body]));
  t.match(spansOf(batch), [{ resource: { 'host.id': 'i-1' } }]);
});

t.test('what a sampled span stands for', async (t) => {
  const table = {
    'ot=th:0': 256,
    'ot=th:8': 512,
    'ot=th:c': 1024,
    'ot=th:fd70a3d70a3d71': 25_600,
    'ot=rv:6e6d1a75832a2f;th:8': 512,
    'vendor=x,ot=th:8;rv:6e6d1a75832a2f': 512,
    'vendor=ot=th:8': undefined,
    'ot=rv:8': undefined,
    'ot=th:': undefined,
    'ot=th:123456789012345': undefined,
    'ot=th:xyz': undefined,
  };
  for (const [state, requests] of Object.entries(table))
    t.equal(statedRequests(state), requests, state);
});
