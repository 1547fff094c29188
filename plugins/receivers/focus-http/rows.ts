import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { unpacked } from './saved.ts';

/** A page is looked at this far. */
const HEAD = 64 * 1024;

/** What a page has: nothing at all, or no charge (only a CSV header, an empty list), or charges as far as one can see. */
export async function contentKind(path: string): Promise<'nothing' | 'no-rows' | 'rows'> {
  const text = new TextDecoder().decode(await headOf(path)).trim();
  if (text === '') return 'nothing';
  if (text === '[]') return 'no-rows';
  if (/^[{[]/.test(text) || text.startsWith('PAR1')) return 'rows';
  return text.includes('\n') || text.length > HEAD / 2 ? 'rows' : 'no-rows';
}

/** The first bytes of a file, unpacked. */
async function headOf(path: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const file = createReadStream(path);
  const content = (await isPacked(path)) ? unpacked(file) : file;
  for await (const chunk of content as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= HEAD) break;
  }
  return Buffer.concat(chunks).subarray(0, HEAD);
}

async function isPacked(path: string): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await file.close();
  }
}
