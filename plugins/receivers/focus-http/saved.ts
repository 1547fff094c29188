import { open, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { type HttpStream, Unavailable } from '../../../pipelines/plugin/index.ts';

/** A page on its way to the disk. */
export interface Saving {
  readonly path: string;
  /** Etag of what lies there in part, when the server goes on with the same content. */
  etag?: string | undefined;
}

/** Headers that ask for what is missing of a page; for all of it when nothing is there that could be gone on with. */
export async function missingOf({ path, etag }: Saving): Promise<Readonly<Record<string, string>>> {
  const bytes = (await stat(path).catch(() => undefined))?.size ?? 0;
  return etag === undefined || bytes === 0
    ? {}
    : { range: `bytes=${bytes}-`, 'if-range': etag, 'accept-encoding': 'identity' };
}

/**
 * Writes an answer to the disk, unpacked where it was packed for the way; goes on behind what is there when it is the rest of it. `taken` is
 * told how long the page is by now, and may throw. Throws `Unavailable` when the answer is cut, or when a cut could not be noticed.
 */
export async function save(
  { status, headers, body }: HttpStream,
  saving: Saving,
  taken: (pageBytes: number) => void,
): Promise<void> {
  const isPacked = checkHeaders(headers);
  let bytes = status === 206 ? await goingOn(headers, saving) : 0;
  saving.etag = !isPacked && isStrong(headers.etag) ? headers.etag : undefined;
  const file = await open(saving.path, status === 206 ? 'a' : 'w', 0o600);
  try {
    for await (const chunk of isPacked ? unpacked(body) : body) {
      bytes += chunk.length;
      taken(bytes);
      await file.writeFile(chunk);
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Whether it is packed; `Unavailable` when it cannot be unpacked or does not say where it ends. */
function checkHeaders(headers: HttpStream['headers']): boolean {
  const encoding = headers['content-encoding'] ?? 'identity';
  const isPacked = /^(x-)?gzip$/i.test(encoding);
  if (!isPacked && encoding !== 'identity')
    throw new Unavailable(`the answer is packed with ${encoding}, which was not asked for`);
  const isBounded =
    headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
  if (!isPacked && !isBounded)
    throw new Unavailable('the answer does not say how long it is: a cut would go unnoticed');
  return isPacked;
}

/** Length of what is there, when the answer is what comes behind it. */
async function goingOn(headers: HttpStream['headers'], saving: Saving): Promise<number> {
  const { size } = await stat(saving.path);
  if (headers['content-range']?.startsWith(`bytes ${size}-`) === true) return size;
  saving.etag = undefined;
  throw new Unavailable(`the answer does not go on at byte ${size}`);
}

/** A weak one does not promise the same bytes. */
function isStrong(etag: string | undefined): boolean {
  return etag?.startsWith('"') === true;
}

/** The content of what is packed with gzip; `Unavailable` when it is cut or damaged. */
export async function* unpacked(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip();
  let cause: unknown;
  const fed = pipeline(body, gunzip).catch((error: unknown) => {
    cause = error;
  });
  try {
    yield* gunzip;
  } catch (error) {
    await fed;
    if (cause instanceof Error && cause.name === 'Unavailable') throw cause;
    throw new Unavailable(`the answer is cut or damaged: ${String(cause ?? error)}`, {
      cause: error,
    });
  } finally {
    gunzip.destroy();
    await fed;
  }
}
