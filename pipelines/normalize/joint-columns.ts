/**
 * Source columns that say much the same (a SKU, its usage type, unit, product, region) get common codes: one number per distinct
 * combination of their values. What is derived from them shares those codes, so that all stages behind look at each row once for
 * all of them. Which columns go together is measured on a batch.
 */
import { type Batch, type Column, hasOneCode, type TextColumn } from '../focus/batch.ts';
import { Dictionary } from '../focus/dictionary.ts';
import { Combinations } from './combinations.ts';
import { NumberChain } from './number-chain.ts';

/** Fewer rows tell nothing. */
const FEWEST_ROWS = 512;
/** Columns with more values stay alone. */
const MOST_VALUES = 1024;
/** A column joins others if it makes at most so many times as many combinations of them, and some more. */
const GROWTH = 1.5;
const SOME = 8;
/** All columns that go together make at most one combination in so many rows of the batch, and so many in all. */
const ROWS_PER_COMBINATION = 8;
const MOST_COMBINATIONS = 1024;
/** A bill in which columns cease to go together is measured anew so many times, then left as it is. */
const MOST_MEASUREMENTS = 4;

type Named = readonly [name: string, column: TextColumn];

/** Joins columns of one part, batch after batch. */
export class JointColumns {
  #joints: readonly Joint[] = [];
  #measured = 0;

  /** The batch with common codes where columns go together. Valid until the next call. */
  join(batch: Batch): Batch {
    const columns = new Map(batch.columns);
    if (this.#measured > 0 && this.#joints.every((joint) => joint.join(columns, batch.rows)))
      return { ...batch, columns };
    this.#joints = [];
    if (batch.rows < FEWEST_ROWS || this.#measured === MOST_MEASUREMENTS) return batch;
    this.#measured++;
    this.#joints = columnsTogether(batch).map((members) => new Joint(members));
    return this.join(batch);
  }
}

/** Columns that go together. */
class Joint {
  readonly #names: readonly string[];
  readonly #sources: readonly Dictionary[];
  readonly #chain: NumberChain;
  /** Of each column its value by combination. */
  readonly #values: readonly Dictionary[];

  constructor(columns: readonly Named[]) {
    this.#names = columns.map(([name]) => name);
    this.#sources = columns.map(([, { values }]) => values);
    this.#chain = new NumberChain(columns.length);
    this.#values = columns.map(() => new Dictionary());
  }

  /** Gives the columns common codes; false: they have other dictionaries than they had, or go together no more. */
  join(columns: Map<string, Column>, rows: number): boolean {
    const members = this.#names.map((name) => columns.get(name));
    if (members.some((member, i) => member?.values !== this.#sources[i])) return false;
    const inputs = members.map((member) => {
      const { codes, values } = member as TextColumn;
      return { codes, size: values.size };
    });
    const chain = this.#chain;
    if (!chain.number(inputs, rows, MOST_COMBINATIONS)) return false;
    for (const [i, name] of this.#names.entries()) {
      const values = this.#values[i] as Dictionary;
      while (values.size < chain.size)
        values.addEntry(this.#sources[i] as Dictionary, chain.part(values.size, i));
      columns.set(name, { kind: 'text', codes: chain.codes, values });
    }
    return true;
  }
}

/** Of the columns that vary, those that go together: each with the one that has most values. First come those that tell more combinations apart than the ones before. */
function columnsTogether({ columns, rows }: Batch): Named[][] {
  let open = [...columns].filter((named): named is [string, TextColumn] => canJoin(named, rows));
  open.sort(([, a], [, b]) => b.values.size - a.values.size);
  const groups: Named[][] = [];
  for (let [first, ...others] = open; first !== undefined; [first, ...others] = open) {
    const mostOfAll = rows / ROWS_PER_COMBINATION;
    let together = numbered([first[1]], rows, mostOfAll);
    if (together === undefined) {
      open = others;
      continue;
    }
    const group = [first];
    const determined: Named[] = [];
    open = [];
    for (const other of others) {
      const pair = [{ codes: together.codes, values: together }, other[1]];
      const more = numbered(pair, rows, Math.min(together.size * GROWTH + SOME, mostOfAll));
      if (more === undefined) open.push(other);
      else {
        (more.size > together.size ? group : determined).push(other);
        together = more;
      }
    }
    if (group.length + determined.length > 1) groups.push([...group, ...determined]);
  }
  return groups;
}

function canJoin([, { kind, codes, values }]: readonly [string, Column], rows: number): boolean {
  if (kind !== 'text' || values.transient || values.size > MOST_VALUES) return false;
  return !hasOneCode(codes, rows);
}

interface Coded {
  readonly codes: Uint32Array;
  readonly values: { readonly size: number };
}

/** Combinations of a batch's rows; undefined: there are more than `most`, which the first rows often tell. */
function numbered(columns: readonly Coded[], rows: number, most: number): Combinations | undefined {
  const combinations = new Combinations(columns.length);
  const inputs = columns.map(({ codes, values }) => ({
    codes,
    remap: undefined,
    size: values.size,
  }));
  for (const some of [Math.min(FEWEST_ROWS, rows), rows]) {
    combinations.number(inputs, some);
    if (combinations.size > most) return undefined;
  }
  return combinations;
}
