import { gzipSync, zstdCompressSync } from 'node:zlib';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { AggregationTemporality, type ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { EncodedBatch } from '../../../pipelines/plugin/index.ts';
import { scopeMetrics } from '../../kit/metric-data.ts';
import type { Connection } from './settings.ts';

/** Name of everything that a probe sends. */
export const PROBE_NAME = 'focusd.probe';

const RESOURCE = { 'service.name': PROBE_NAME };

/** One point of a throw-away series. */
export function probeMetric(
  kind: 'gauge' | 'sum' | 'delta',
  timeMs: number,
  attributes: Readonly<Record<string, string>>,
): ResourceMetrics {
  const point = { attributes, startMs: timeMs - 60_000, endMs: timeMs, value: 1 };
  const [scope] = scopeMetrics([
    {
      name: `${PROBE_NAME}.${kind}`,
      description: 'Throw-away series of focusd probe.',
      unit: '1',
      kind: kind === 'gauge' ? 'gauge' : 'sum',
      points: [point],
    },
  ]);
  const metrics = (scope?.metrics ?? []).map((metric) =>
    kind === 'delta' ? { ...metric, aggregationTemporality: AggregationTemporality.DELTA } : metric,
  );
  return {
    resource: resourceFromAttributes(RESOURCE),
    scopeMetrics: [{ scope: { name: 'focusd' }, metrics: metrics as never }],
  };
}

/** Throw-away log records, ready to be sent. */
export function probeLogs(
  records: readonly {
    readonly timeMs: number;
    readonly observedMs: number;
    readonly attributes: Readonly<Record<string, string>>;
  }[],
  compression: Connection['compression'],
): EncodedBatch {
  const scope = field(1, string(1, 'focusd'));
  const encoded = records.map((record) =>
    field(
      2,
      fixed64(1, record.timeMs),
      fixed64(11, record.observedMs),
      string(12, PROBE_NAME),
      ...Object.entries(record.attributes).map(([key, value]) => keyValue(6, key, value)),
    ),
  );
  const resource = field(1, keyValue(1, 'service.name', PROBE_NAME));
  const request = field(1, resource, field(2, scope, ...encoded));
  return {
    bytes: packed(request, compression),
    rows: records.length,
    part: 0,
    sequence: 0,
    rawBytes: request.length,
    costs: {},
  };
}

function packed(bytes: Uint8Array, compression: Connection['compression']): Uint8Array {
  if (compression === 'gzip') return gzipSync(bytes);
  return compression === 'zstd' ? zstdCompressSync(bytes) : bytes;
}

function keyValue(number: number, key: string, value: string): Uint8Array {
  return field(number, string(1, key), field(2, string(1, value)));
}

function string(number: number, text: string): Uint8Array {
  return field(number, Buffer.from(text));
}

/** A length-delimited field. */
function field(number: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, { length: bytes }) => sum + bytes, 0);
  return Buffer.concat([varint((number << 3) | 2), varint(length), ...parts]);
}

function fixed64(number: number, ms: number): Uint8Array {
  const value = Buffer.alloc(8);
  value.writeBigUInt64LE(BigInt(Math.floor(ms)) * 1_000_000n);
  return Buffer.concat([varint((number << 3) | 1), value]);
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Uint8Array.from([...bytes, rest]);
    bytes.push((rest % 128) + 128);
  }
}
