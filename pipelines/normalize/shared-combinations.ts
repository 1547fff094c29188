/**
 * Combinations that several expressions need: those of the same columns are numbered once per batch, and what is derived from them
 * shares its codes. Only where few can come about, as they are told apart by codes and not by what an expression makes of them.
 */
import type { Batch } from '../focus/batch.ts';
import { bitsFor, Combinations } from './combinations.ts';
import { sharedSize } from './entry-values.ts';
import type { Group } from './memory.ts';

/** Codes of more bits together are not shared: there could be too many combinations. */
const MOST_BITS = 14;
/** Sets of columns that are remembered at most; dictionaries that gave way to others leave some behind. */
const MOST_SETS = 256;

/** What the codes of a column count: a source's dictionary or combinations. The same object from batch to batch, so long as codes keep their meaning. */
type Space = object;

interface Shared {
  readonly spaces: readonly Space[];
  readonly combinations: Combinations;
  /** The batch whose rows have their numbers. */
  batch: Batch | undefined;
}

/** Combinations under their columns' order in them. */
export interface Numbered {
  readonly combinations: Combinations;
  /** For each group the place of its codes in the combinations. */
  readonly places: readonly number[];
}

/** The combinations of one part, batch after batch. */
export class SharedCombinations {
  #batch: Batch | undefined;
  readonly #spaces = new Map<Uint32Array, Space | undefined>();
  #sets: Shared[] = [];

  /** Turns to the next batch. */
  begin(batch: Batch): void {
    this.#batch = batch;
    this.#spaces.clear();
    for (const { codes, values } of batch.columns.values()) {
      const known = this.#spaces.has(codes) && this.#spaces.get(codes) !== values;
      this.#spaces.set(codes, known || values.transient ? undefined : values);
    }
  }

  /** What these codes count. */
  tell(codes: Uint32Array, space: Space): void {
    this.#spaces.set(codes, space);
  }

  /** The batch's combinations of the groups' codes; undefined when each expression has to look at them on its own. */
  number(groups: readonly Group[]): Numbered | undefined {
    const batch = this.#batch as Batch;
    const sizes = groups.map(({ columns }) => sharedSize(columns));
    if (sizes.reduce((bits, size) => bits + bitsFor(size), 0) > MOST_BITS) return undefined;
    const spaces: Space[] = [];
    for (const { codes } of groups) {
      const space = this.#spaces.get(codes);
      if (space === undefined || spaces.includes(space)) return undefined;
      spaces.push(space);
    }
    const shared = this.#of(spaces);
    const { combinations } = shared;
    const places = spaces.map((space) => shared.spaces.indexOf(space));
    if (shared.batch !== batch) {
      const inputs = shared.spaces.map((space) => {
        const at = spaces.indexOf(space);
        return {
          codes: (groups[at] as Group).codes,
          remap: undefined,
          size: sizes[at] as number,
        };
      });
      combinations.number(inputs, batch.rows);
      shared.batch = batch;
      this.tell(combinations.codes, combinations);
    }
    return { combinations, places };
  }

  #of(spaces: readonly Space[]): Shared {
    const known = this.#sets.find(
      (set) =>
        set.spaces.length === spaces.length && spaces.every((space) => set.spaces.includes(space)),
    );
    if (known !== undefined) return known;
    if (this.#sets.length === MOST_SETS) this.#sets = [];
    const made = { spaces, combinations: new Combinations(spaces.length), batch: undefined };
    this.#sets.push(made);
    return made;
  }
}
