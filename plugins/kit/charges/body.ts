import { gunzipSync } from 'node:zlib';
import { malformed, Refusal } from './refusal.ts';

/** Something that carries charges: a request, or a message of a bus. */
export interface Message {
  /** Names in lower case. */
  header(name: string): string | undefined;
  readonly body: Uint8Array;
}

/** How charges are written. */
export type Media = 'json' | 'ndjson';

/** A media type without its parameters, in lower case; empty when there is none. */
export function mediaType(contentType: string | undefined): string {
  return (contentType ?? '').split(';', 1).join('').trim().toLowerCase();
}

/** How content of a media type is written; undefined when it is neither. */
export function mediaOf(type: string): Media | undefined {
  if (/^application\/(?:json|[\w.-]+\+json)$/.test(type)) return 'json';
  return /^application\/(?:x-ndjson|ndjson|jsonl|x-jsonlines|jsonlines)$/.test(type)
    ? 'ndjson'
    : undefined;
}

/** The body as text, unpacked; throws a `Refusal` when it is none, or larger than `maxBytes`. */
export function textOf(message: Message, maxBytes: number): string {
  return decoded(unpacked(message, maxBytes));
}

/** Bytes as UTF-8 text; throws a `Refusal` when they are something else. */
export function decoded(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw malformed('the body is not UTF-8');
  }
}

function unpacked({ header, body }: Message, maxBytes: number): Uint8Array {
  const encoding = (header('content-encoding') ?? 'identity').trim().toLowerCase();
  if (encoding === 'identity') return body;
  if (encoding !== 'gzip' && encoding !== 'x-gzip')
    throw new Refusal(415, 'encoding', 'the body may be packed by gzip only');
  try {
    return gunzipSync(body, { maxOutputLength: maxBytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw new Refusal(413, 'too_large', `the body unpacks to more than ${maxBytes} bytes`);
    throw malformed('the body is not whole gzip');
  }
}
