/**
 * Columns that say the same in other words (the code of a product and its name, an account's number and its name): their
 * dictionaries differ, the indices into them often do not, and then their pages are equal to the byte as they stand in the file.
 * Such a page is neither inflated nor unpacked: the codes of the column that was read before it say all.
 */
import type { LeafReader } from './leaf-reader.ts';
import type { StoredPage } from './pages.ts';

/** A column as another may follow it. */
export interface Leader {
  readonly leaf: LeafReader;
  /** Code of each row of the batch that was read last. */
  readonly codes: Uint32Array;
  /** In that batch it gave values codes of their own, which say nothing of the page's indices. */
  readonly direct: boolean;
}

/** The pages that the columns of a part have under way. */
export class TwinPages {
  readonly #leaders = new Map<number, Leader>();

  /** Forgets the columns, as another row group begins. */
  clear(): void {
    this.#leaders.clear();
  }

  /** The column that has the same page under way; undefined: this one is the first, others may follow it. */
  leaderOf(column: Leader): Leader | undefined {
    const { page } = column.leaf.pages;
    if (!page.held || !isIndices(page)) return undefined;
    const key = keyOf(page.bytes);
    const leader = this.#leaders.get(key);
    const isOther = leader !== undefined && leader !== column && !leader.direct;
    if (isOther && areTwins(column.leaf, leader.leaf)) return leader;
    this.#leaders.set(key, column);
    return undefined;
  }
}

function isIndices({ header: { encoding } }: StoredPage): boolean {
  return encoding === 'RLE_DICTIONARY' || encoding === 'PLAIN_DICTIONARY';
}

/** Whether their pages hold the same levels and indices for the same rows. */
function areTwins(one: LeafReader, other: LeafReader): boolean {
  const a = one.pages.page;
  const b = other.pages.page;
  return (
    a.values === b.values &&
    a.codec === b.codec &&
    one.leaf.maxDefinition === other.leaf.maxDefinition &&
    HEADER_FACTS.every((fact) => a.header[fact] === b.header[fact]) &&
    Buffer.compare(a.bytes, b.bytes) === 0
  );
}

const HEADER_FACTS = [
  'type',
  'values',
  'encoding',
  'levelEncoding',
  'compressed',
  'compressedBytes',
  'uncompressedBytes',
  'repetitionBytes',
  'definitionBytes',
] as const;

/** Mixes the length and some bytes: the last and those in the middle. */
function keyOf(bytes: Uint8Array): number {
  const { length } = bytes;
  const middle = length >>> 1;
  let key = length;
  for (let i = 1; i <= 8 && i <= middle; i++)
    key =
      Math.imul(key ^ (bytes[length - i] as number), 0x9e3779b1) ^ (bytes[middle - i] as number);
  return key;
}
