import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { appendFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type HttpStream, Misconfigured } from '../../../pipelines/plugin/index.ts';
import { type Asked, ask } from './asked.ts';
import { type Listing, listingOf } from './items.ts';
import type { Page } from './next-page.ts';
import { contentKind } from './rows.ts';
import { missingOf, type Saving, save, unpacked } from './saved.ts';
import type { Source } from './source.ts';

/** A page on the local disk. */
export interface SavedPage extends Page {
  readonly kind: 'page';
  /** Absent when nothing is in it. */
  readonly path?: string;
  readonly hash: string;
}

export type Fetched = SavedPage | Exclude<Asked, { readonly kind: 'answer' }>;

/** Which page, and where it goes. */
export interface PageWanted {
  readonly url: URL;
  readonly number: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly folder: string;
  /** Told how long the page is by now; may throw. */
  readonly taken: (pageBytes: number) => void;
}

/** Answers a way to fetch a page, which may be tried again: it goes on where the last attempt was cut, if the server can. */
export function pageFetcher(source: Source, wanted: PageWanted): () => Promise<Fetched> {
  const { folder, number } = wanted;
  if (source.config.items !== undefined) {
    const { items } = source.config;
    return () => fetchListing(source, wanted, items);
  }
  const name = `page-${String(number + 1).padStart(5, '0')}`;
  const saving: Saving = { path: join(folder, name) };
  return () => fetchFile(source, wanted, saving);
}

async function fetchFile(source: Source, wanted: PageWanted, saving: Saving): Promise<Fetched> {
  const { path } = saving;
  const headers = { ...wanted.headers, ...(await missingOf(saving)) };
  const asked = await ask(source, wanted.url, headers);
  if (asked.kind !== 'answer') return asked;
  const { stream, url } = asked;
  await save(stream, saving, wanted.taken);
  const content = await contentKind(path);
  if (content === 'nothing') await rm(path);
  return {
    ...{ kind: 'page', url, number: wanted.number, headers: stream.headers },
    ...(content !== 'nothing' && { path }),
    hasRows: content === 'rows',
    hash: content === 'nothing' ? '' : await hashOf(path),
    field: () => undefined,
  };
}

/** All charges of JSON answers go to one file. */
async function fetchListing(source: Source, wanted: PageWanted, items: string): Promise<Fetched> {
  const asked = await ask(source, wanted.url, wanted.headers);
  if (asked.kind !== 'answer') return asked;
  const { stream, url } = asked;
  const body = stream.status === 204 ? undefined : await wholeOf(source, stream);
  const { rows, lines, field } = body === undefined ? NO_CHARGES : listingOf(body, items);
  const path = join(wanted.folder, 'charges.ndjson');
  wanted.taken(Buffer.byteLength(lines));
  if (rows > 0) await appendFile(path, lines, { mode: 0o600, flush: true });
  return {
    ...{ kind: 'page', url, number: wanted.number, headers: stream.headers },
    ...(rows > 0 && { path }),
    hasRows: rows > 0,
    hash: createHash('sha256').update(lines).digest('hex'),
    field,
  };
}

const NO_CHARGES: Listing = { rows: 0, lines: '', field: () => undefined };

/** A JSON answer is read whole; it may be this long. */
const MOST_JSON = 64 * 1024 * 1024;

async function wholeOf({ path }: Source, { headers, body }: HttpStream): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of headers['content-encoding'] === 'gzip' ? unpacked(body) : body) {
    bytes += chunk.length;
    if (bytes > MOST_JSON)
      throw new Misconfigured(`a JSON answer is longer than ${MOST_JSON} bytes`, {
        path: `${path}.url`,
        hint: 'ask for smaller pages, or for CSV or NDJSON',
      });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
}
