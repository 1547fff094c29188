/**
 * Amounts row by row: adding, signs. Hot: row loops over limbs, no text.
 */
import { AMOUNT, Amounts, limbsToDecimal } from '../focus/amounts.ts';
import type { AmountColumn, TextColumn } from '../focus/batch.ts';
import { add, type Decimal, formatDecimal, negate, ZERO } from '../focus/decimal.ts';
import { Dictionary } from '../focus/dictionary.ts';

/** Where the rows go: `into` is transient and refilled, entry 0 null, entry row + 1 for each row. */
export interface RowAmounts {
  readonly rows: number;
  readonly into: Amounts;
}

let identity = new Uint32Array(0);

/** Codes 1, 2, 3, …: an entry per row. The same array for every column, so that encoders see what belongs together. */
export function identityCodes(rows: number): Uint32Array {
  if (identity.length < rows)
    identity = Uint32Array.from({ length: Math.max(rows, 4096) }, (_, row) => row + 1);
  return identity;
}

const SIGNS = Dictionary.of(['-', '0', '+']);

/** `-`, `0`, `+` or null for each row; `codes` is filled. */
export function rowSigns(
  { codes: from, values }: AmountColumn,
  rows: number,
  codes: Uint32Array,
): TextColumn {
  for (let row = 0; row < rows; row++) codes[row] = signNumber(values, from[row] as number);
  return { kind: 'text', codes, values: SIGNS };
}

const PRESENCE = Dictionary.of(['1']);

/** `1` or null for each row: whether it has a value; `codes` is filled. */
export function rowPresence(
  { codes: from, values: { starts, ends } }: TextColumn,
  rows: number,
  codes: Uint32Array,
): TextColumn {
  for (let row = 0; row < rows; row++) {
    const code = from[row] as number;
    codes[row] = (starts[code] as number) <= (ends[code] as number) ? 1 : 0;
  }
  return { kind: 'text', codes, values: PRESENCE };
}

/** `-`, `0`, `+` or undefined for an entry. */
export function entrySign(values: Amounts, code: number): string | undefined {
  return SIGNS.text(signNumber(values, code));
}

/** Number of an entry's sign in SIGNS. */
function signNumber(values: Amounts, code: number): number {
  const state = values.state[code];
  if (state === AMOUNT.null || state === AMOUNT.invalid) return 0;
  if (state === AMOUNT.big) return 2 + signOf(values.decimal(code) ?? ZERO);
  const limb =
    (values.whole[code] as number) ||
    (values.nano[code] as number) ||
    (values.atto[code] as number);
  return 2 + Math.sign(limb);
}

function signOf(value: Decimal): number {
  return value.digits === 0n ? 0 : value.digits < 0n ? -1 : 1;
}

/** Exact sums by row; null counts as zero, null when all are. A term that cannot be read makes the sum invalid. */
export function addAmounts(
  inputs: readonly AmountColumn[],
  signs: readonly number[],
  { rows, into }: RowAmounts,
): AmountColumn {
  const terms = inputs
    .map((input, i) => ({ ...input, sign: signs[i] ?? 1 }))
    .filter(({ values }) => !(values.size === 1 && values.state[0] === AMOUNT.null));
  const only = terms[0];
  if (only === undefined) return inputs[0] as AmountColumn;
  if (terms.length === 1 && only.sign === 1)
    return { kind: 'amount', codes: only.codes, values: only.values };
  restart(into, rows);
  for (let row = 0; row < rows; row++) addRow(terms, row, into);
  return { kind: 'amount', codes: identityCodes(rows), values: into };
}

type Term = AmountColumn & { readonly sign: number };

function addRow(terms: readonly Term[], row: number, into: Amounts): void {
  let whole = 0;
  let nano = 0;
  let atto = 0;
  let state: number = AMOUNT.null;
  for (let i = 0; i < terms.length; i++) {
    const { codes, values, sign } = terms[i] as Term;
    const code = codes[row] as number;
    const termState = values.state[code] as number;
    if (termState > state) state = termState;
    whole += sign * (values.whole[code] as number);
    nano += sign * (values.nano[code] as number);
    atto += sign * (values.atto[code] as number);
  }
  if (state === AMOUNT.null) return;
  if (state !== AMOUNT.limbs) addSlowly(terms, row, into);
  else setLimbs(into, row + 1, limbsToDecimalParts(whole, nano, atto));
}

/** Limbs of one sign each, as numbers below 1e9 but the first. */
function limbsToDecimalParts(
  whole: number,
  nano: number,
  atto: number,
): readonly [number, number, number] {
  let [w, n, a] = [whole, nano, atto];
  const carryNano = Math.trunc(a / 1e9);
  a -= carryNano * 1e9;
  n += carryNano;
  const carryWhole = Math.trunc(n / 1e9);
  n -= carryWhole * 1e9;
  w += carryWhole;
  const negative = w < 0 || (w === 0 && (n < 0 || (n === 0 && a < 0)));
  if (negative ? a > 0 : a < 0) {
    a += negative ? -1e9 : 1e9;
    n += negative ? 1 : -1;
  }
  if (negative ? n > 0 : n < 0) {
    n += negative ? -1e9 : 1e9;
    w += negative ? 1 : -1;
  }
  return [w, n, a];
}

function setLimbs(
  into: Amounts,
  code: number,
  [whole, nano, atto]: readonly [number, number, number],
): void {
  into.state[code] = AMOUNT.limbs;
  into.whole[code] = whole + 0;
  into.nano[code] = nano + 0;
  into.atto[code] = atto + 0;
  const digits = whole * 1e9 + nano;
  into.double[code] =
    atto === 0 && Math.abs(digits) < Number.MAX_SAFE_INTEGER
      ? digits / 1e9
      : Number(formatDecimal(limbsToDecimal(whole, nano, atto)));
}

function addSlowly(terms: readonly Term[], row: number, into: Amounts): void {
  let total: Decimal = ZERO;
  for (const { codes, values, sign } of terms) {
    const code = codes[row] as number;
    if (values.state[code] === AMOUNT.invalid) {
      into.state[row + 1] = AMOUNT.invalid;
      into.invalid++;
      return;
    }
    const value = values.decimal(code) ?? ZERO;
    total = add(total, sign < 0 ? negate(value) : value);
  }
  const single = new Amounts(1);
  single.addDecimal(total);
  into.copy(row + 1, single, 0);
}

function restart(into: Amounts, rows: number): void {
  into.clear();
  into.reserve(rows + 1);
  into.size = rows + 1;
  into.state.fill(AMOUNT.null, 0, rows + 1);
  into.whole.fill(0, 0, rows + 1);
  into.nano.fill(0, 0, rows + 1);
  into.atto.fill(0, 0, rows + 1);
  into.double.fill(0, 0, rows + 1);
}
