/** Which rows have which code: sorted once per batch and array of codes, for all who ask. Hot: row loops. */

/** The rows of one array of codes, those of a code behind those of the code before. */
export class SortedRows {
  #rows = new Uint32Array(0);
  /** Where the rows of each code end. */
  readonly #ends: Uint32Array;

  /** All codes are below `codes`. */
  constructor(codes: number) {
    this.#ends = new Uint32Array(codes);
  }

  /** Sorts the rows of a batch. */
  sort(codes: Uint32Array, rows: number): void {
    if (this.#rows.length < rows) this.#rows = new Uint32Array(rows);
    const ends = this.#ends.fill(0);
    countCodes(codes, rows, ends);
    let before = 0;
    for (let code = 0; code < ends.length; code++) {
      const count = ends[code] as number;
      ends[code] = before;
      before += count;
    }
    placeRows(codes, rows, { sorted: this.#rows, ends });
  }

  /** How many rows have this code. */
  count(code: number): number {
    return (this.#ends[code] as number) - this.#start(code);
  }

  /** Copies the rows of a code into a list from `at` on; answers where they end there. */
  copy(code: number, list: Uint32Array, at: number): number {
    const rows = this.#rows;
    const end = this.#ends[code] as number;
    let next = at;
    for (let i = this.#start(code); i < end; i++) list[next++] = rows[i] as number;
    return next;
  }

  #start(code: number): number {
    return code === 0 ? 0 : (this.#ends[code - 1] as number);
  }
}

/** Sorts the rows of one batch after the other; what it answered for the one before is void. */
export class RowsByCode {
  readonly #codes: number;
  #rows = 0;
  readonly #sorted = new Map<Uint32Array, SortedRows>();
  #free: SortedRows[] = [];

  /** All codes are below `codes`. */
  constructor(codes: number) {
    this.#codes = codes;
  }

  /** Turns to the next batch. */
  begin(rows: number): void {
    this.#rows = rows;
    this.#free = [...this.#free, ...this.#sorted.values()];
    this.#sorted.clear();
  }

  /** The rows by these codes. */
  of(codes: Uint32Array): SortedRows {
    let sorted = this.#sorted.get(codes);
    if (sorted === undefined) {
      sorted = this.#free.pop() ?? new SortedRows(this.#codes);
      sorted.sort(codes, this.#rows);
      this.#sorted.set(codes, sorted);
    }
    return sorted;
  }
}

function countCodes(codes: Uint32Array, rows: number, counts: Uint32Array): void {
  for (let row = 0; row < rows; row++) {
    const code = codes[row] as number;
    counts[code] = (counts[code] as number) + 1;
  }
}

/** `ends` has where the rows of each code begin, and is moved to where they end. */
function placeRows(
  codes: Uint32Array,
  rows: number,
  { sorted, ends }: { readonly sorted: Uint32Array; readonly ends: Uint32Array },
): void {
  for (let row = 0; row < rows; row++) {
    const code = codes[row] as number;
    const at = ends[code] as number;
    sorted[at] = row;
    ends[code] = at + 1;
  }
}
