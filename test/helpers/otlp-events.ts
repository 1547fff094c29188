/** The events in an OTLP request, as the logs of tests know them. */
import type { Event } from './event-log.ts';
import { attributesOf, decodeLogs, recordsOf } from './otlp-proto.ts';

/** Reads an ExportLogsServiceRequest. */
export function eventsOf(body: Uint8Array): readonly Event[] {
  return recordsOf(decodeLogs(body)).map((record) => {
    const read = Object.entries(attributesOf(record)).map(([key, value]) => [
      key,
      value.stringValue ?? value.doubleValue ?? '',
    ]);
    const attributes = Object.fromEntries(read) as Record<string, string | number>;
    const uid = String(attributes['log.record.uid']);
    return { name: record.eventName ?? '', uid, attributes };
  });
}
