import type { HttpStream } from '../../../pipelines/plugin/index.ts';

/** What the REST APIs of object stores have in common. */

/** Longest pause within an object before it counts as cut, milliseconds. */
export const PATIENCE_MS = 60_000;

/** A request for an object or a listing, before it is signed. */
export interface Request {
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
}

/** What was asked for, or why not. */
export type Answer<Refusal> =
  | { readonly stream: HttpStream; readonly refusal?: never }
  | { readonly stream?: never; readonly refusal: Refusal };

/** A body whole; what comes after `most` bytes is left. */
export async function collected(
  body: AsyncIterable<Uint8Array>,
  most = Number.POSITIVE_INFINITY,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > most) break;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** A body whole, as UTF-8 text. */
export async function collectedText(body: AsyncIterable<Uint8Array>): Promise<string> {
  return new TextDecoder().decode(await collected(body));
}

/** The bytes from an offset on: a server that knows no ranges sends everything (200, not 206). */
export function bodyFrom({ status, body }: HttpStream, from: number): AsyncIterable<Uint8Array> {
  return status === 206 || from === 0 ? body : without(body, from);
}

async function* without(
  body: AsyncIterable<Uint8Array>,
  first: number,
): AsyncGenerator<Uint8Array> {
  let skip = first;
  for await (const chunk of body) {
    if (chunk.length > skip) yield chunk.subarray(skip);
    skip = Math.max(0, skip - chunk.length);
  }
}

/** Whether a URL would take segments of a key for steps in a path, and lead out of the bucket. */
export function leadsOut(key: string): boolean {
  return key.split('/').some((segment) => segment === '.' || segment === '..');
}

/** The month `count` months before the one of a time, `YYYY-MM`, in UTC. */
export function monthBefore(nowMs: number, count: number): string {
  const now = new Date(nowMs);
  const start = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - count, 1);
  return new Date(start).toISOString().slice(0, 7);
}
