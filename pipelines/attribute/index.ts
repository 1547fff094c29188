/** The stage that says who owns a charge: adds the text column `owner`. Hot: rows are touched only where several columns decide. */
import type { Batch, Column, TextColumn } from '../focus/batch.ts';
import { Dictionary } from '../focus/dictionary.ts';
import type { AttributeSettings } from './settings.ts';
import { TagScanner } from './tag-scanner.ts';

/** Name of the column that is added. */
export const OWNER = 'owner';

/** Column with the owner that another agent found. */
const FORWARDED_OWNER = 'x_Owner';

/** Columns that may name the owner, the first that does wins. */
const DECIDING = ['AllocatedTags', 'Tags', 'SubAccountId', FORWARDED_OWNER] as const;

/**
 * Adds `owner`: of AllocatedTags, then of Tags, the first of the configured tags that has a value; else the owner of the sub
 * account; else the one that the agent found which forwarded the charge; else the fallback (none when it is empty). Lives for one part, whose dictionaries it remembers.
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

/** What an entry of a deciding column says: the number of an owner, or NONE. Not called for null. */
type Read = (values: Dictionary, code: number) => number;

/** The owners found so far, by number, and what each entry of a deciding column says. */
class Owners {
  /** Owner by number; 0 is null. */
  readonly #names = Dictionary.of([]);
  readonly #said = new WeakMap<Dictionary, Said>();
  readonly #readers: Readonly<Record<string, Read>>;
  readonly #fallback: number;
  readonly #constants = new Map<number, TextColumn>();

  constructor({ tags, accounts, fallback }: AttributeSettings) {
    const ofTags = this.#tagReader(tags);
    const byAccount = new Map(
      Object.entries(accounts).map(([id, owner]) => [id, this.#number(owner)]),
    );
    this.#readers = {
      ...(tags.length > 0 ? { AllocatedTags: ofTags, Tags: ofTags } : {}),
      ...(byAccount.size > 0
        ? { SubAccountId: (values, code) => byAccount.get(values.text(code) ?? '') ?? NONE }
        : {}),
      [FORWARDED_OWNER]: ({ arena, starts, ends }, code) =>
        this.#names.intern(arena, starts[code] as number, ends[code] as number),
    };
    this.#fallback = this.#number(fallback);
  }

  column(batch: Batch): TextColumn {
    const deciding = DECIDING.flatMap((name) => {
      const column = batch.columns.get(name);
      const read = this.#readers[name];
      return column?.kind === 'text' && read !== undefined ? [{ column, read }] : [];
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
      said.numbers[said.size] = this.#numberOf(deciding, said.size);
    return said;
  }

  #numberOf({ column: { values }, read }: Deciding, code: number): number {
    return values.isNull(code) ? NONE : read(values, code);
  }

  #tagReader(tags: readonly string[]): Read {
    const scanner = new TagScanner(tags);
    const names = this.#names;
    return ({ arena, starts, ends }, code) =>
      scanner.find(arena, starts[code] as number, ends[code] as number)
        ? names.intern(scanner.source, scanner.from, scanner.to)
        : NONE;
  }

  #number(owner: string): number {
    const bytes = new TextEncoder().encode(owner);
    return bytes.length === 0 ? NONE : this.#names.intern(bytes, 0, bytes.length);
  }
}

interface Deciding {
  readonly column: TextColumn;
  readonly read: Read;
}

interface Said {
  /** Owner number by entry. */
  numbers: Uint32Array;
  size: number;
  /** Owners entry by entry of that dictionary. */
  parallel: { readonly otherwise: number; readonly values: Dictionary } | undefined;
}
