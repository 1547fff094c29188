/** The stage that says who owns a charge: adds the text column `owner`. Hot: rows are touched only where several columns decide. */
import type { Batch, Column, TextColumn } from '../focus/batch.ts';
import { Dictionary } from '../focus/dictionary.ts';
import { ownerOfTags } from './owner-of-tags.ts';
import type { AttributeSettings } from './settings.ts';

/** Name of the column that is added. */
export const OWNER = 'owner';

/** Columns that may name the owner, the first that does wins. */
const DECIDING = ['AllocatedTags', 'Tags', 'SubAccountId'] as const;

/**
 * Adds `owner`: of AllocatedTags, then of Tags, the first of the configured tags that has a value; else the owner of the sub
 * account; else the fallback (none when it is empty). Lives for one part, whose dictionaries it remembers.
 */
export function createAttributor(settings: AttributeSettings): (batch: Batch) => Batch {
  const owners = new Owners(settings);
  return (batch) => ({
    ...batch,
    columns: new Map<string, Column>([...batch.columns, [OWNER, owners.column(batch)]]),
  });
}

/** Number of the owner that stands for "says nothing". */
const NONE = 0;

/** The owners found so far, by number, and what each entry of a deciding column says. */
class Owners {
  /** Owner by number; 0 is null. */
  readonly #names = Dictionary.of([]);
  readonly #numbers = new Map<string, number>();
  readonly #said = new WeakMap<Dictionary, Said>();
  readonly #readers: Readonly<Record<string, (text: string) => string | undefined>>;
  readonly #fallback: number;
  readonly #memo = new Memo();
  readonly #constants = new Map<number, TextColumn>();

  constructor({ tags, accounts, fallback }: AttributeSettings) {
    const ofTags = ownerOfTags(tags);
    const byAccount = new Map(Object.entries(accounts));
    this.#readers = {
      ...(tags.length > 0 ? { AllocatedTags: ofTags, Tags: ofTags } : {}),
      ...(byAccount.size > 0 ? { SubAccountId: (id) => byAccount.get(id) } : {}),
    };
    this.#fallback = this.#number(fallback);
  }

  column(batch: Batch): TextColumn {
    const deciding = DECIDING.flatMap((name) => {
      const column = batch.columns.get(name);
      const read = this.#readers[name];
      return column?.kind === 'text' && read !== undefined ? [{ name, column, read }] : [];
    });
    const { settled, open } = this.#settle(deciding);
    const [only] = open;
    if (only === undefined) return this.#constant(batch.rows, settled);
    if (open.length === 1 && !only.column.values.transient) return this.#shared(only, settled);
    return this.#byRow(batch.rows, open, settled);
  }

  /** Constant columns say the same on every row: what comes behind one that names an owner is not asked. */
  #settle(deciding: readonly Deciding[]): { settled: number; open: readonly Deciding[] } {
    const open: Deciding[] = [];
    for (const one of deciding) {
      if (one.column.values.size !== 1) {
        open.push(one);
        continue;
      }
      const said = this.#numberOf(one, 0);
      if (said !== NONE) return { settled: said, open };
    }
    return { settled: this.#fallback, open };
  }

  #constant(rows: number, number: number): TextColumn {
    const known = this.#constants.get(number);
    if (known !== undefined && known.codes.length >= rows) return known;
    const values = new Dictionary();
    values.add(this.#names.text(number));
    const column: TextColumn = { kind: 'text', codes: new Uint32Array(rows), values };
    this.#constants.set(number, column);
    return column;
  }

  /** One column decides: its codes serve, entry by entry. */
  #shared(deciding: Deciding, otherwise: number): TextColumn {
    const { codes, values } = deciding.column;
    const said = this.#saidBy(deciding);
    const known = said.parallel?.otherwise === otherwise ? said.parallel.values : new Dictionary();
    said.parallel = { otherwise, values: known };
    while (known.size < values.size) {
      const number = said.numbers[known.size] as number;
      known.add(this.#names.text(number === NONE ? otherwise : number));
    }
    return { kind: 'text', codes, values: known };
  }

  #byRow(rows: number, open: readonly Deciding[], otherwise: number): TextColumn {
    const owners = new Uint32Array(rows).fill(otherwise);
    for (const deciding of [...open].reverse()) {
      const { codes } = deciding.column;
      const { numbers } = this.#saidBy(deciding);
      for (let row = 0; row < rows; row++) {
        const number = numbers[codes[row] as number] as number;
        if (number !== NONE) owners[row] = number;
      }
    }
    return { kind: 'text', codes: owners, values: this.#names };
  }

  /** What each present entry of the column says. */
  #saidBy(deciding: Deciding): Said {
    const { values } = deciding.column;
    let said = this.#said.get(values);
    if (said === undefined) {
      said = { numbers: new Uint32Array(64), size: 0, parallel: undefined };
      this.#said.set(values, said);
    }
    if (values.transient) said.size = 0;
    if (said.numbers.length < values.size) {
      const larger = new Uint32Array(values.size * 2);
      larger.set(said.numbers);
      said.numbers = larger;
    }
    for (; said.size < values.size; said.size++)
      said.numbers[said.size] = values.transient
        ? this.#memo.number(deciding, said.size, (text) => this.#read(deciding, text))
        : this.#numberOf(deciding, said.size);
    return said;
  }

  #numberOf(deciding: Deciding, code: number): number {
    const text = deciding.column.values.text(code);
    return text === undefined ? NONE : this.#read(deciding, text);
  }

  #read({ read }: Deciding, text: string): number {
    return this.#number(read(text));
  }

  #number(owner: string | undefined): number {
    if (owner === undefined || owner === '') return NONE;
    let number = this.#numbers.get(owner);
    if (number === undefined) {
      number = this.#names.add(owner);
      this.#numbers.set(owner, number);
    }
    return number;
  }
}

interface Deciding {
  readonly name: string;
  readonly column: TextColumn;
  readonly read: (text: string) => string | undefined;
}

interface Said {
  /** Owner number by entry. */
  numbers: Uint32Array;
  size: number;
  /** Owners entry by entry of that dictionary. */
  parallel: { readonly otherwise: number; readonly values: Dictionary } | undefined;
}

/** Entries remembered of columns whose dictionaries live for one batch. */
const MEMO_ENTRIES = 1 << 15;
const MEMO_BYTES = 8 << 20;

/** Remembers what texts say by their bytes: a column of many distinct values still repeats some. */
class Memo {
  readonly #known = new Map<string, { readonly texts: Dictionary; numbers: Uint32Array }>();

  number({ name, column }: Deciding, code: number, read: (text: string) => number): number {
    const { starts, ends, arena } = column.values;
    const start = starts[code] as number;
    const end = ends[code] as number;
    if (start > end) return NONE;
    let known = this.#known.get(name);
    if (
      known === undefined ||
      known.texts.size >= MEMO_ENTRIES ||
      known.texts.used + end - start > MEMO_BYTES
    ) {
      known = { texts: Dictionary.of([]), numbers: new Uint32Array(MEMO_ENTRIES + 1) };
      this.#known.set(name, known);
    }
    const before = known.texts.size;
    const entry = known.texts.intern(arena, start, end);
    if (entry === before)
      known.numbers[entry] = read(Buffer.from(arena.subarray(start, end)).toString());
    return known.numbers[entry] as number;
  }
}
