/** The stages after normalize, each by itself, against OpenTelemetry's own serializer: `node test/bench/encode.ts`. */
import { ProtobufLogsSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { createAttributor } from '../../pipelines/attribute/index.ts';
import type { BatchEncoder } from '../../pipelines/encode/encoder.ts';
import { createCsvEncoder } from '../../pipelines/encode/focus-csv/index.ts';
import { createNdjsonEncoder } from '../../pipelines/encode/focus-ndjson/index.ts';
import { createJsonLogEncoder } from '../../pipelines/encode/otlp-json/index.ts';
import { createLogEncoder } from '../../pipelines/encode/otlp-logs/index.ts';
import type { Batch } from '../../pipelines/focus/batch.ts';
import type { ChargeIds } from '../../pipelines/focus/charge-ids.ts';
import { createFold } from '../../pipelines/fold/index.ts';
import { equalChargesMemory, Identifier } from '../../pipelines/identify/index.ts';
import { linkAttributes } from '../../pipelines/link/index.ts';
import { numberedIds } from '../helpers/numbered-ids.ts';
import { decodeLogs, recordsOf } from '../helpers/otlp-proto.ts';
import { syntheticCharges } from './charges.ts';

const ROWS = 65_536;
const ROUNDS = 7;
const OPTIONS = {
  resource: { 'service.name': 'focusd' },
  observedMs: 1_790_000_000_000,
  uidPrefix: '0123456789abcdef',
  scopeVersion: '0.1.0',
};

const batches = syntheticCharges(ROWS);
const attributed = batches.map(createAttributor(ATTRIBUTE()));
const ids = batches.map((batch) => numberedIds(batch));
const encoders: Record<string, () => BatchEncoder> = {
  'otlp-logs': () => createLogEncoder(OPTIONS),
  'otlp-logs gzip': () => createLogEncoder({ ...OPTIONS, compression: 'gzip' }),
  'otlp-logs zstd': () => createLogEncoder({ ...OPTIONS, compression: 'zstd' }),
  'otlp-json': () => createJsonLogEncoder(OPTIONS),
  'focus csv': () => createCsvEncoder({ version: '1.2', extraColumns: ['x_LineItemId'] }),
  'focus ndjson': () => createNdjsonEncoder({ version: '1.2', extraColumns: ['x_LineItemId'] }),
};

console.log(`${ROWS} charges, thousand rows per CPU-second, best of ${ROUNDS}`);
report('attribute', () => {
  const attribute = createAttributor(ATTRIBUTE());
  for (const batch of batches) attribute(batch);
  return undefined;
});
report('link', () => {
  for (const batch of batches) linkAttributes(batch);
  return undefined;
});
report('fold', () => {
  const fold = createFold({ maxGroups: 50_000 });
  for (const batch of attributed) fold.add(batch);
  return undefined;
});
report('fold result', () => {
  const fold = createFold({ maxGroups: 50_000 });
  for (const batch of attributed) fold.add(batch);
  return `${fold.result().length} groups`;
});
report('identify', () => {
  const identifier = new Identifier(equalChargesMemory());
  for (const batch of attributed) identifier.identify(batch);
  return undefined;
});
for (const [name, create] of Object.entries(encoders)) report(name, () => encodeAll(create()));
official();

function ATTRIBUTE() {
  return { tags: ['team'], accounts: {}, fallback: 'unowned' };
}

function encodeAll(encoder: BatchEncoder): string {
  let bytes = 0;
  let raw = 0;
  const take = (chunks: ReturnType<BatchEncoder['add']>): void => {
    for (const chunk of chunks) {
      bytes += chunk.bytes.length;
      raw += chunk.rawBytes;
    }
  };
  attributed.forEach((batch, i) => {
    take(encoder.add(batch, { ids: ids[i] as ChargeIds }));
  });
  take(encoder.finish());
  return `${Math.round(raw / ROWS)} B/row raw, ${Math.round(bytes / ROWS)} B/row`;
}

/** OpenTelemetry's serializer on the same records, given as it wants them. */
function official(): void {
  const encoder = createLogEncoder(OPTIONS);
  const [batch] = attributed as [Batch];
  const chunks = [...encoder.add(batch, { ids: numberedIds(batch) }), ...encoder.finish()];
  const resource = resourceFromAttributes(OPTIONS.resource);
  const records = chunks
    .flatMap(({ bytes }) => recordsOf(decodeLogs(bytes)))
    .map((record) => ({
      hrTime: [Number(BigInt(record.timeUnixNano ?? 0) / 1_000_000_000n), 0],
      hrTimeObserved: [1_790_000_000, 0],
      eventName: record.eventName,
      resource,
      instrumentationScope: { name: 'focusd', version: '0.1.0' },
      attributes: Object.fromEntries(
        record.attributes.map(({ key, value }) => [key, value.stringValue ?? value.doubleValue]),
      ),
      droppedAttributesCount: 0,
    }));
  const given = records as unknown as Parameters<typeof ProtobufLogsSerializer.serializeRequest>[0];
  report(
    'ProtobufLogsSerializer',
    () =>
      `${Math.round((ProtobufLogsSerializer.serializeRequest(given)?.length ?? 0) / batch.rows)} B/row`,
    batch.rows,
  );
}

function report(name: string, run: () => string | undefined, rows = ROWS): void {
  let best = 0;
  let said: string | undefined;
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    said = run();
    const { user, system } = process.cpuUsage(before);
    best = Math.max(best, (rows * 1000) / (user + system));
  }
  console.log(`${name.padEnd(24)} ${best.toFixed(0).padStart(7)}  ${said ?? ''}`);
}
