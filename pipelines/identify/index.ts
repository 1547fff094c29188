/**
 * The stage that tells charges apart: by what they say, not by where they stand. A charge's hash is the sum of the hashes of
 * its columns' values, which are made once per distinct value; charges that say the same are counted. Hot: the row loop.
 */
import type { Batch, Column } from '../focus/batch.ts';
import type { ChargeIds } from '../focus/charge-ids.ts';
import { EqualCharges, type EqualChargesMemory } from './equal-charges.ts';
import { type NamedColumn, ValueHashes } from './value-hashes.ts';

export { type EqualChargesMemory, equalChargesMemory } from './equal-charges.ts';
export {
  forgetMeetings,
  KnownCharges,
  type KnownChargesMemory,
  knownChargesMemory,
} from './known-charges.ts';

/** Tells the charges of one task apart from each other and from those of the delivery's other tasks. */
export class Identifier {
  readonly #equals: EqualCharges;
  readonly #groups = new Map<string, ValueHashes>();
  #hashes = new Int32Array(0);
  #ordinals = new Uint32Array(0);

  constructor(memory: EqualChargesMemory) {
    this.#equals = new EqualCharges(memory);
  }

  /** The ids of a batch's charges. A charge with the same cells has the same hash, in whatever batch, part or order it comes. */
  identify(batch: Batch): ChargeIds {
    const { rows } = batch;
    if (this.#ordinals.length < rows) {
      this.#hashes = new Int32Array(rows * 4);
      this.#ordinals = new Uint32Array(rows);
    }
    const hashes = this.#hashes;
    const { constants, groups } = arranged(batch);
    hashes.set(this.#valuesOf(constants).subarray(0, 4));
    for (let filled = 4; filled < rows * 4; filled *= 2)
      hashes.copyWithin(filled, 0, Math.min(filled, rows * 4 - filled));
    for (const [codes, columns] of groups)
      addRows(hashes, rows, { codes, values: this.#valuesOf(columns) });
    this.#equals.count(hashes, rows, this.#ordinals);
    return { hashes, ordinals: this.#ordinals };
  }

  #valuesOf(columns: readonly NamedColumn[]): Int32Array {
    const names = columns.map(({ name }) => name);
    const key = names.join('\n');
    let hashes = this.#groups.get(key);
    if (hashes === undefined) {
      hashes = new ValueHashes(names);
      this.#groups.set(key, hashes);
    }
    return hashes.of(columns);
  }
}

type Group = readonly [codes: Uint32Array, columns: NamedColumn[]];

/** Columns with one value; then those with the same codes together, those that live for one batch apart from the others. */
function arranged({ columns }: Batch): {
  readonly constants: readonly NamedColumn[];
  readonly groups: readonly Group[];
} {
  const constants: NamedColumn[] = [];
  const transient = new Map<Uint32Array, NamedColumn[]>();
  const lasting = new Map<Uint32Array, NamedColumn[]>();
  for (const [name, column] of columns) {
    const { values, codes } = column;
    if (values.size === 1 && !values.transient) constants.push({ name, column });
    else listOf(values.transient ? transient : lasting, codes).push({ name, column });
  }
  return { constants, groups: [...transient, ...lasting] };
}

function listOf(lists: Map<Uint32Array, NamedColumn[]>, codes: Uint32Array): NamedColumn[] {
  const list = lists.get(codes) ?? [];
  lists.set(codes, list);
  return list;
}

function addRows(
  hashes: Int32Array,
  rows: number,
  { codes, values }: { readonly codes: Column['codes']; readonly values: Int32Array },
): void {
  for (let row = 0, at = 0; row < rows; row++, at += 4) {
    const from = (codes[row] as number) * 4;
    hashes[at] = (hashes[at] as number) + (values[from] as number);
    hashes[at + 1] = (hashes[at + 1] as number) + (values[from + 1] as number);
    hashes[at + 2] = (hashes[at + 2] as number) + (values[from + 2] as number);
    hashes[at + 3] = (hashes[at + 3] as number) + (values[from + 3] as number);
  }
}
