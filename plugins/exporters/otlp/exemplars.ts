/** Exemplars in OTLP metrics: the SDK for JavaScript has none, so they are put into the bytes that its serializer made. */
import { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { Exemplar } from '../../../pipelines/plugin/index.ts';
import { exemplarsOf, nanos } from '../../kit/metric-data.ts';
import { fields } from './protobuf.ts';

/** Has the metric exporters of OpenTelemetry, which share one serializer, send exemplars. Only the first call has an effect. */
export function hookExemplars(): void {
  if (hooked) return;
  hooked = true;
  const plain = ProtobufMetricsSerializer.serializeRequest;
  ProtobufMetricsSerializer.serializeRequest = (metrics) => {
    const request = plain(metrics);
    return request && withExemplars(request, metrics);
  };
}

let hooked = false;

/** An ExportMetricsServiceRequest with the exemplars of the points it was made of. */
export function withExemplars(request: Uint8Array, { scopeMetrics }: ResourceMetrics): Uint8Array {
  const points = scopeMetrics.flatMap(({ metrics }) =>
    metrics.flatMap<object>((one) => one.dataPoints),
  );
  if (!points.some((point) => exemplarsOf(point).length > 0)) return request;
  const left = points.values();
  return rewritten(request, WAY, (point) => {
    const more = exemplarsOf(left.next().value ?? {}).map(exemplarBytes);
    return more.length === 0 ? point : Buffer.concat([point, ...more]);
  });
}

/** From a request to its number points, by numbers of fields: resource_metrics, scope_metrics, metrics, gauge or sum, data_points. */
const WAY: readonly (readonly number[])[] = [[1], [2], [2], [5, 7], [1]];

/** The message with each message at the end of the way edited. */
function rewritten(
  message: Uint8Array,
  [step, ...rest]: readonly (readonly number[])[],
  edit: (message: Uint8Array) => Uint8Array,
): Uint8Array {
  if (step === undefined) return edit(message);
  const parts: Uint8Array[] = [];
  let copied = 0;
  for (const { number, bytes, start, end } of fields(message)) {
    if (!step.includes(number)) continue;
    parts.push(message.subarray(copied, start), delimited(number, rewritten(bytes, rest, edit)));
    copied = end;
  }
  return Buffer.concat([...parts, message.subarray(copied)]);
}

/** NumberDataPoint.exemplars, field 5: time_unix_nano 2, as_double 3, span_id 4, trace_id 5. */
function exemplarBytes({ timeMs, value, traceId, spanId }: Exemplar): Uint8Array {
  const numbers = Buffer.alloc(18);
  numbers.writeUInt8(0x11, 0);
  numbers.writeBigUInt64LE(nanos(timeMs), 1);
  numbers.writeUInt8(0x19, 9);
  numbers.writeDoubleLE(value, 10);
  const ids = [delimited(4, Buffer.from(spanId, 'hex')), delimited(5, Buffer.from(traceId, 'hex'))];
  return delimited(5, Buffer.concat([numbers, ...ids]));
}

/** A length-delimited field; numbers below 16. */
function delimited(number: number, bytes: Uint8Array): Uint8Array {
  const head = [(number << 3) | 2];
  let length = bytes.length;
  for (; length > 127; length >>>= 7) head.push((length & 127) | 128);
  return Buffer.concat([Uint8Array.from([...head, length]), bytes]);
}
