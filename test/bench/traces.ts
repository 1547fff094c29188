/**
 * Trace intake: spans a CPU-second through the reader and into the index, beside protobufjs only decoding the same bytes, in turns in one run; then
 * the size of an index of 5,000 resources × 72 hours: `node --expose-gc test/bench/traces.ts`.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  DEFAULT_KEYS,
  keysOf,
  SERVICE_ATTRIBUTES,
  SPAN_KEY_ATTRIBUTES,
  serviceOf,
} from '../../plugins/extensions/traces/identity.ts';
import { ID_BYTES, SpanBatch } from '../../plugins/extensions/traces/span-batch.ts';
import { createSpanReader } from '../../plugins/extensions/traces/span-reader.ts';
import { openStore } from '../../plugins/extensions/traces/store.ts';
import { createTraceIndex, HOUR_MS } from '../../plugins/extensions/traces/trace-index.ts';
import { decodeTraces, encodeTraces, type TestSpan } from '../helpers/otlp-traces-proto.ts';

const ROUNDS = 3;
const REQUESTS = 200;
const SPANS = 500;
const NOW = Date.UTC(2026, 8, 17, 12);
const folder = mkdtempSync(join(tmpdir(), 'focusd-traces-'));
const random = Math.random;

const reader = createSpanReader({
  resourceAttributes: [
    ...new Set([...DEFAULT_KEYS, ...SPAN_KEY_ATTRIBUTES, ...SERVICE_ATTRIBUTES]),
  ],
  spanAttributes: SPAN_KEY_ATTRIBUTES,
  usageAttribute: undefined,
  requests: 256,
});

function openIndex(name: string) {
  const keys = new Set<string>(DEFAULT_KEYS);
  return createTraceIndex({
    store: openStore({ folder: join(folder, name), nowMs: NOW, onDamaged: () => undefined }),
    limits: {
      sampleHours: 72,
      totalHours: 840,
      maxBytes: 1e9,
      maxResources: 20_000,
      maxServices: 10_000,
      samples: 5,
    },
    naming: { keysOf: (attributes) => keysOf(attributes, keys), serviceOf },
    events: { evicted: () => undefined, dropped: () => undefined },
  });
}

const bodies = Array.from({ length: REQUESTS }, (_, i) => requestOf(i));
const batch = new SpanBatch();
const index = openIndex('speed');
const contenders: Record<string, (body: Buffer) => void> = {
  'focusd, reads': (body) => reader.read(body, batch),
  'focusd, reads and indexes': (body) => {
    reader.read(body, batch);
    index.add(batch, NOW);
  },
  'protobufjs, decodes only': (body) => void decodeTraces(body),
};
const rates = new Map<string, number[]>();
for (let round = 0; round <= ROUNDS; round++)
  for (const [name, run] of Object.entries(contenders)) {
    const rate = measure(run);
    if (round > 0) rates.set(name, [...(rates.get(name) ?? []), rate]);
  }
index.close(NOW);
const bytes = bodies.reduce((sum, { length }) => sum + length, 0) / REQUESTS / SPANS;
console.log(`${REQUESTS * SPANS} spans of ${Math.round(bytes)} bytes, a third of them entry spans`);
for (const [name, all] of rates)
  console.log(`${name}: ${Math.round(median(all)).toLocaleString('en-US')} spans a CPU-second`);
fill();
rmSync(folder, { recursive: true });

function measure(run: (body: Buffer) => void): number {
  const before = process.cpuUsage();
  for (const body of bodies) run(body);
  const { user, system } = process.cpuUsage(before);
  return (REQUESTS * SPANS) / ((user + system) / 1e6);
}

function median(all: readonly number[]): number {
  return all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? Number.NaN;
}

/** As a collector sends it: spans of ten resources with eight attributes each, one in three an entry span. */
function requestOf(request: number): Buffer {
  const span = (i: number): TestSpan => ({
    traceId: randomBytes(16),
    spanId: randomBytes(8),
    ...(i % 3 !== 0 && { parentSpanId: randomBytes(8) }),
    kind: i % 3 === 0 ? 2 : 3,
    flags: 0x101,
    start: BigInt(NOW - Math.floor(random() * HOUR_MS)) * 1_000_000n,
    end: BigInt(NOW) * 1_000_000n + 1_000_000n,
    status: { code: i % 50 === 0 ? 2 : 0 },
    attributes: {
      'http.request.method': 'GET',
      'http.route': '/cart/{id}/items',
      'url.path': `/cart/${i}/items`,
      'server.address': 'cart.shop.svc.cluster.local',
      'server.port': 8080,
      'http.response.status_code': 200,
      'user_agent.original': 'Mozilla/5.0 (X11; Linux x86_64)',
      'network.peer.address': '10.1.2.3',
    },
  });
  return encodeTraces(
    Array.from({ length: 10 }, (_, resource) => ({
      attributes: {
        'service.name': `service ${resource}`,
        'service.namespace': 'shop',
        'host.id': `i-${String((request * 10 + resource) % 500).padStart(17, '0')}`,
        'telemetry.sdk.language': 'nodejs',
        'telemetry.sdk.version': '2.1.0',
        'process.pid': 42,
      },
      spans: Array.from({ length: SPANS / 10 }, (_, i) => span(i)),
    })),
  );
}

/** 5,000 hosts, 8 spans of one service in each of 72 hours. */
function fill(): void {
  const HOSTS = 5000;
  const HOURS = 72;
  const PER_HOUR = 8;
  const filled = openIndex('size');
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  const spans = new SpanBatch();
  const started = process.cpuUsage();
  for (let hour = HOURS - 1; hour >= 0; hour--) {
    for (let host = 0; host < HOSTS; host += 100) {
      spans.clear();
      for (let i = 0; i < 100; i++) {
        const id = `i-${String(host + i).padStart(17, '0')}`;
        spans.resources.push({ 'host.id': id, 'service.name': `service ${(host + i) % 200}` });
        for (let n = 0; n < PER_HOUR; n++) add(spans, i, NOW - hour * HOUR_MS - random() * HOUR_MS);
      }
      filled.add(spans, NOW - hour * HOUR_MS);
    }
    filled.flush(NOW - hour * HOUR_MS);
  }
  const { user, system } = process.cpuUsage(started);
  globalThis.gc?.();
  const heap = process.memoryUsage().heapUsed - before;
  console.log(
    `${HOSTS} resources × ${HOURS} hours, ${HOSTS * HOURS * PER_HOUR} spans: ${Math.round(filled.stats().bytes / 1e6)} MB on disk, ${Math.round(heap / 1e6)} MB more heap, ${Math.round((HOSTS * HOURS * PER_HOUR) / ((user + system) / 1e6)).toLocaleString('en-US')} spans a CPU-second with all writing`,
  );
  filled.close(NOW);
}

function add(spans: SpanBatch, resource: number, startMs: number): void {
  spans.reserve();
  const i = spans.size++;
  spans.ids.set(randomBytes(ID_BYTES), i * ID_BYTES);
  spans.resource[i] = resource;
  spans.startMs[i] = Math.floor(startMs);
  spans.startNanos[i] = 0;
  spans.durationNs[i] = Math.round(random() * 5e9);
  spans.requests[i] = 256;
  spans.usage[i] = 0;
  spans.error[i] = 0;
}
