import type { Pushed } from '../intake/index.ts';
import { objectAt, parseExactly } from '../json.ts';
import { type Message, mediaOf, mediaType, textOf } from './body.ts';
import { chargesAt, chargesIn, parsed, recordOf } from './charges.ts';
import {
  type AttributeHeaders,
  batchOfEvents,
  binaryEvent,
  isBinaryEvent,
  structuredEvent,
} from './cloud-events.ts';
import { malformed, Refusal } from './refusal.ts';

/** How a message is read. */
export interface Reading {
  /** Largest body, packed or not. */
  readonly maxBytes: number;
  readonly headers: AttributeHeaders;
  /** What rows that are no event are known by when they come again. */
  readonly ids: readonly string[];
  /** Buses often carry no media type: what says nothing, or JSON only, is looked into. */
  readonly lookInside?: boolean;
}

/** The charges of a message, by record; throws a `Refusal` when it is not what it says it is. */
export function recordsIn(message: Message, reading: Reading): readonly Pushed[] {
  try {
    return read(message, reading);
  } catch (error) {
    if (error instanceof RangeError) throw malformed('nested too deeply');
    throw error;
  }
}

function read(message: Message, reading: Reading): readonly Pushed[] {
  const type = mediaType(message.header('content-type'));
  const text = textOf(message, reading.maxBytes);
  if (type === 'application/cloudevents-batch+json') return batchOfEvents(parsed(text));
  if (type === 'application/cloudevents+json') return structuredEvent(parsed(text));
  if (isBinaryEvent(message, reading.headers) && !type.startsWith('application/cloudevents'))
    return binaryEvent(message, text, reading.headers);
  if (reading.lookInside === true && (type === '' || type === 'application/json'))
    return recordsInside(text, reading.ids);
  // A type that a web page could send without being asked is not among them.
  const media = type.startsWith('application/cloudevents') ? undefined : mediaOf(type);
  if (media === undefined)
    throw new Refusal(415, 'media_type', 'send application/x-ndjson, JSON or CloudEvents in JSON');
  return rows(chargesIn(text, media), reading.ids);
}

function rows(charges: Parameters<typeof recordOf>[0], ids: readonly string[]): readonly Pushed[] {
  return charges.length === 0 ? [] : [recordOf(charges, ids)];
}

/** No column of FOCUS has the name of what every event has. */
function recordsInside(text: string, ids: readonly string[]): readonly Pushed[] {
  const value = wholeJson(text);
  if (value === undefined) return rows(chargesIn(text, 'ndjson'), ids);
  if (isEvent(value)) return structuredEvent(value);
  if (Array.isArray(value) && isEvent(value[0])) return batchOfEvents(value);
  return rows(chargesAt(value), ids);
}

/** Undefined when it is several lines, or none. */
function wholeJson(text: string): unknown {
  try {
    return parseExactly(text);
  } catch {
    return undefined;
  }
}

function isEvent(value: unknown): boolean {
  return Object.hasOwn(objectAt(value) ?? {}, 'specversion');
}
