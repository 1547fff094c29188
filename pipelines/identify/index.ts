/**
 * The stage that tells charges apart: by what they say, not by where they stand. A charge's hash is the sum of the hashes of
 * its columns' values, which are made once per distinct value; charges that say the same are counted. Hot: the row loops.
 */
import type { Batch } from '../focus/batch.ts';
import type { ChargeIds } from '../focus/charge-ids.ts';
import type { Region } from '../focus/wasm.ts';
import { addColumn, seedOf } from './column-hashes.ts';
import { EqualCharges, type EqualChargesMemory } from './equal-charges.ts';
import { returnKernel, takeKernel } from './kernel.ts';
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
  readonly #kernel = takeKernel();
  /** By the name of their first column. */
  readonly #groups = new Map<string, ValueHashes[]>();
  readonly #seeds = new Map<string, Int32Array>();
  #ordinals = new Uint32Array(0);

  constructor(memory: EqualChargesMemory) {
    this.#equals = new EqualCharges(memory);
  }

  /** The ids of a batch's charges. A charge with the same cells has the same hash, in whatever batch, part or order it comes. */
  identify(batch: Batch): ChargeIds {
    const { rows } = batch;
    if (this.#ordinals.length < rows) this.#ordinals = new Uint32Array(rows);
    const { constants, transient, groups } = arranged(batch);
    const constant = this.#valuesOf(constants);
    const tables = [...groups].map(([codes, columns]) => ({
      codes,
      table: this.#valuesOf(columns),
    }));
    const kernel = this.#kernel;
    kernel.begin(rows);
    fillRows(kernel.hashes, rows, kernel.words(constant, 4));
    for (const { codes, table } of tables) kernel.addTable(codes, table);
    for (const named of transient) this.#addTransient(named, rows);
    const { hashes } = kernel;
    this.#equals.count(hashes, rows, this.#ordinals);
    return { hashes, ordinals: this.#ordinals };
  }

  /** A few rows of a large column are hashed one by one, where they are. */
  #addTransient({ name, column }: NamedColumn, rows: number): void {
    const { kind, codes, values } = column;
    const kernel = this.#kernel;
    const seed = this.#seedOf(name);
    const isFew = values.size > rows * 4;
    if (kind === 'amount' && !isFew) kernel.addAmounts(codes, values, seed);
    else if (kind !== 'text' || isFew || !kernel.addTexts(codes, values, seed))
      addColumn(kernel.hashes, column, seed, codes, 0, rows);
  }

  /** Ids that it answered are void. */
  close(): void {
    returnKernel(this.#kernel);
  }

  #valuesOf(columns: readonly NamedColumn[]): Region {
    const first = columns[0]?.name ?? '';
    let known = this.#groups.get(first);
    if (known === undefined) {
      known = [];
      this.#groups.set(first, known);
    }
    let hashes = known.find((group) => group.isOf(columns));
    if (hashes === undefined) {
      hashes = new ValueHashes(this.#kernel, columns);
      known.push(hashes);
    }
    return hashes.of(columns);
  }

  #seedOf(name: string): Int32Array {
    let seed = this.#seeds.get(name);
    if (seed === undefined) {
      seed = seedOf(name);
      this.#seeds.set(name, seed);
    }
    return seed;
  }
}

/** Columns with one value; those whose values live for one batch; the others, those with the same codes together. */
function arranged({ columns }: Batch): {
  readonly constants: readonly NamedColumn[];
  readonly transient: readonly NamedColumn[];
  readonly groups: ReadonlyMap<Uint32Array, readonly NamedColumn[]>;
} {
  const constants: NamedColumn[] = [];
  const transient: NamedColumn[] = [];
  const groups = new Map<Uint32Array, NamedColumn[]>();
  for (const [name, column] of columns) {
    const { values, codes } = column;
    if (values.transient) transient.push({ name, column });
    else if (values.size === 1) constants.push({ name, column });
    else {
      const known = groups.get(codes);
      if (known === undefined) groups.set(codes, [{ name, column }]);
      else known.push({ name, column });
    }
  }
  return { constants, transient, groups };
}

/** Starts every row with the same four words. */
function fillRows(hashes: Int32Array, rows: number, words: Int32Array): void {
  hashes.set(words);
  for (let filled = 4; filled < rows * 4; filled *= 2)
    hashes.copyWithin(filled, 0, Math.min(filled, rows * 4 - filled));
}
