/** CloudEvents 1.0. Source: cloudevents/spec, JSON Event Format 1.0.2 and the protocol bindings 1.0.2 of HTTP, Kafka and NATS. */
import type { Pushed } from '../intake/index.ts';
import { type JsonObject, objectAt } from '../json.ts';
import { decoded, type Message, mediaOf, mediaType } from './body.ts';
import { chargesAt, chargesIn, digest, recordOf } from './charges.ts';
import { malformed, Refusal } from './refusal.ts';

/** How the attributes of an event in binary mode stand in headers. */
export interface AttributeHeaders {
  readonly prefix: string;
  /** They are percent-encoded, and may be quoted. */
  readonly encoded: boolean;
}

/** Of HTTP and of NATS. */
export const ENCODED_HEADERS: AttributeHeaders = { prefix: 'ce-', encoded: true };
/** Of Kafka. */
export const PLAIN_HEADERS: AttributeHeaders = { prefix: 'ce_', encoded: false };

/** Whether a message is an event in binary mode. */
export function isBinaryEvent({ header }: Message, { prefix }: AttributeHeaders): boolean {
  return header(`${prefix}specversion`) !== undefined;
}

/** The record of an event in binary mode: its attributes are headers, its data is the body. None when it has no charge. */
export function binaryEvent(
  { header }: Message,
  text: string,
  { prefix, encoded }: AttributeHeaders,
): readonly Pushed[] {
  const attribute = (name: string): string | undefined => {
    const value = header(`${prefix}${name}`);
    return encoded ? attributeOf(value, name) : value;
  };
  if (text.trim() === '') throw malformed('the event has no data');
  const media = dataMedia(header('content-type') ?? attribute('datacontenttype'));
  return recordsOf({ attribute, charges: () => chargesIn(text, media), where: '' });
}

/** The record of an event in structured mode, from its JSON. */
export function structuredEvent(event: unknown): readonly Pushed[] {
  return jsonEvent(event, '');
}

/** The records of a batch of events, from its JSON. */
export function batchOfEvents(batch: unknown): readonly Pushed[] {
  if (!Array.isArray(batch)) throw malformed('a batch of events is a list');
  return batch.flatMap((event, i) => jsonEvent(event, `event ${i + 1}: `));
}

function jsonEvent(value: unknown, where: string): readonly Pushed[] {
  const event = JSON.isRawJSON(value) ? undefined : objectAt(value);
  if (event === undefined) throw malformed(`${where}not a JSON object`);
  const attribute = (name: string): string | undefined => textAttribute(event, name);
  return recordsOf({ attribute, charges: () => dataOf(event), where });
}

function textAttribute(event: JsonObject, name: string): string | undefined {
  const value = Object.hasOwn(event, name) ? event[name] : undefined;
  return typeof value === 'string' ? value : undefined;
}

/** JSON stands as it is; another content is text, or bytes in Base64. */
function dataOf(event: JsonObject): readonly JsonObject[] {
  const type = textAttribute(event, 'datacontenttype');
  const base64 = textAttribute(event, 'data_base64');
  const text = textAttribute(event, 'data');
  if (base64 !== undefined)
    return chargesIn(decoded(Buffer.from(base64, 'base64')), dataMedia(type));
  if (text !== undefined) return chargesIn(text, dataMedia(type));
  if (!Object.hasOwn(event, 'data') || event.data === null) throw malformed('no data');
  return chargesAt(event.data);
}

function dataMedia(contentType: string | undefined) {
  const type = mediaType(contentType);
  const media = type === '' ? 'json' : mediaOf(type);
  if (media === undefined)
    throw new Refusal(415, 'media_type', `data of the type ${type} is neither JSON nor NDJSON`);
  return media;
}

interface Event {
  readonly attribute: (name: string) => string | undefined;
  readonly charges: () => readonly JsonObject[];
  readonly where: string;
}

/** An event is known by its source and id. */
function recordsOf({ attribute, charges, where }: Event): readonly Pushed[] {
  const [version, source, id] = ['specversion', 'source', 'id', 'type'].map((name) => {
    const value = attribute(name);
    if (!value) throw malformed(`${where}the event has no ${name}`);
    return value;
  });
  if (version !== '1.0') throw malformed(`${where}specversion is ${version}, not 1.0`);
  const found = within(where, charges);
  return found.length === 0 ? [] : [recordOf(found, [`event ${digest([`${source}`, `${id}`])}`])];
}

/** Says in which event something is wrong. */
function within<T>(where: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new Refusal(error.status, error.reason, `${where}${error.message}`);
  }
}

/** A header without quotes and percent encoding. */
function attributeOf(value: string | undefined, name: string): string | undefined {
  if (value === undefined) return undefined;
  const quoted = /^"((?:[^"\\]|\\.)*)"$/.exec(value)?.[1];
  try {
    return decodeURIComponent(quoted === undefined ? value : quoted.replace(/\\(.)/g, '$1'));
  } catch {
    throw malformed(`ce-${name} is not percent-encoded UTF-8`);
  }
}
