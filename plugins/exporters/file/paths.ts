import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { DeliveryInfo } from '../../../pipelines/plugin/index.ts';

const MAX_NAME = 80;

/** A text of any origin as the name of one file or folder: different texts give different names, none leads out of its folder. */
export function safeName(text: string): string {
  const plain = text.replace(/[^A-Za-z0-9._=@+-]/g, '_').replace(/^[.-]+/, '_');
  if (plain === text && text.length <= MAX_NAME && text !== '') return text;
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 12);
  return `${plain.slice(0, MAX_NAME)}-${hash}`;
}

/** Folder of everything that is known of a scope. */
export function scopeFolder(folder: string, { receiver, scope }: DeliveryInfo): string {
  return join(folder, safeName(receiver), safeName(scope));
}

/** Folder of one revision of a scope; where revisions stand side by side, one that comes again later has another. */
export function revisionFolder(folder: string, delivery: DeliveryInfo): string {
  const { revision, restated } = delivery;
  const name = restated === undefined ? revision : `${numbered(restated.number)}-${revision}`;
  return join(scopeFolder(folder, delivery), safeName(name));
}

function numbered(number: number): string {
  return String(number).padStart(4, '0');
}

/** `part-0001.csv`; parts count from 0. */
export function partName(part: number, extension: string): string {
  return `part-${numbered(part + 1)}.${extension}`;
}
