import { open } from 'node:fs/promises';

/** Most bytes of a configuration, and of a file that it puts in. */
export const LARGEST = 1024 * 1024;

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist',
  EACCES: 'may not be read by this user',
  EPERM: 'may not be read by this user',
  EISDIR: 'is a folder',
  ELOOP: 'is a circle of links',
};

/** A whole text file in UTF-8, without a byte order mark. The error's message says what the file is or does, to follow its name. */
export async function readTextFile(path: string): Promise<string> {
  const bytes = await readBounded(path);
  if (bytes.length > LARGEST) throw new Error('is larger than 1 MiB');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Error('is not text in UTF-8');
  }
}

async function readBounded(path: string): Promise<Uint8Array> {
  try {
    await using file = await open(path, 'r');
    const { bytesRead, buffer } = await readAll(file);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    const code = (error as { readonly code?: string }).code ?? '';
    throw new Error(REASONS[code] ?? `cannot be read (${code || String(error)})`);
  }
}

/** Reads to the end, or to one byte past the limit. */
async function readAll(
  file: Awaited<ReturnType<typeof open>>,
): Promise<{ readonly bytesRead: number; readonly buffer: Uint8Array }> {
  const buffer = new Uint8Array(LARGEST + 1);
  let total = 0;
  while (total < buffer.length) {
    const { bytesRead } = await file.read(buffer, total, buffer.length - total, null);
    if (bytesRead === 0) break;
    total += bytesRead;
  }
  return { bytesRead: total, buffer };
}
