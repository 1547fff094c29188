/**
 * Exact amounts of a column: three base-1e9 limbs per entry in Float64Arrays, so that sums are integer additions.
 * Hot: plain fields and indexed loops.
 */
import { type Decimal, decimal, formatDecimal, parseDecimal } from './decimal.ts';
import { grown } from './grown.ts';

/** What an entry of `Amounts` is. `big`: exact, but too long for limbs (see `Amounts.big`). `invalid`: not a number. */
export const AMOUNT = { null: 0, limbs: 1, big: 2, invalid: 3 } as const;

/** Entries are numbered like those of the dictionary they were read from. */
export class Amounts {
  /** AMOUNT.* of each entry. */
  state: Uint8Array<ArrayBuffer>;
  /** Integer part (|whole| < 1e15), its first nine decimals and its next nine; all three carry the sign. */
  whole: Float64Array<ArrayBuffer>;
  nano: Float64Array<ArrayBuffer>;
  atto: Float64Array<ArrayBuffer>;
  /** The double nearest to the entry; 0 when null or invalid. */
  double: Float64Array<ArrayBuffer>;
  /** The entries whose state is `big`. */
  readonly big = new Map<number, Decimal>();
  size = 0;
  /** How many entries are invalid; zero lets a caller skip looking. */
  invalid = 0;
  /** Entries whose text was no plain decimal but meant one, or meant none (`mend`); nearly always none. */
  readonly mended = new Set<number>();
  /** True: lives for one batch, an entry per row; nothing should be remembered by entry. */
  readonly transient: boolean;

  constructor(entries = 16, transient = false) {
    this.transient = transient;
    this.state = new Uint8Array(entries);
    this.whole = new Float64Array(entries);
    this.nano = new Float64Array(entries);
    this.atto = new Float64Array(entries);
    this.double = new Float64Array(entries);
  }

  /** Appends null. */
  addNull(): number {
    const code = this.grow();
    this.state[code] = AMOUNT.null;
    this.whole[code] = 0;
    this.nano[code] = 0;
    this.atto[code] = 0;
    this.double[code] = 0;
    return code;
  }

  /** Appends the number written in the bytes [start, end); white space around it is not allowed. */
  addBytes(source: Uint8Array, start: number, end: number): number {
    const code = this.addNull();
    if (readLimbs(this, code, source, start, end)) return code;
    const text = latin1(source, start, end);
    const long = longDecimal(source, start, end);
    return long === undefined
      ? this.#set(code, parseDecimal(text), text)
      : this.#setBig(code, long, Number(text));
  }

  /** Appends the number written in `text`, or an invalid entry. */
  addText(text: string): number {
    return this.#set(this.addNull(), parseDecimal(text), text);
  }

  /** Appends an exact decimal. */
  addDecimal(value: Decimal): number {
    return this.#set(this.addNull(), value);
  }

  /** Appends the decimal that a double stands for (its shortest text). NaN is null, mended: some programs write it for nothing. Infinities are invalid. */
  addNumber(value: number): number {
    const code = this.addNull();
    if (numberLimbs(this, code, value)) return code;
    if (Number.isNaN(value)) {
      this.mended.add(code);
      return code;
    }
    return this.#set(code, Number.isFinite(value) ? decimal(String(value)) : undefined);
  }

  /** Gives the invalid entry `code` the number that its text means; undefined: it means that there is none. */
  mend(code: number, value: Decimal | undefined): void {
    this.invalid--;
    this.mended.add(code);
    if (value === undefined) this.state[code] = AMOUNT.null;
    else this.#set(code, value);
  }

  /** The entry as an exact decimal; undefined when null or invalid. */
  decimal(code: number): Decimal | undefined {
    const state = this.state[code];
    if (state === AMOUNT.big) return this.big.get(code);
    if (state !== AMOUNT.limbs) return undefined;
    return limbsToDecimal(
      this.whole[code] as number,
      this.nano[code] as number,
      this.atto[code] as number,
    );
  }

  /** The entry as canonical text (no exponent, no trailing zeros); undefined when null or invalid. */
  text(code: number): string | undefined {
    if (this.state[code] === AMOUNT.limbs && this.nano[code] === 0 && this.atto[code] === 0)
      return String((this.whole[code] as number) + 0);
    const value = this.decimal(code);
    return value === undefined ? undefined : formatDecimal(value);
  }

  /** Copies entry `from` of `source` to entry `code` here, which must exist. */
  copy(code: number, source: Amounts, from: number): void {
    const state = source.state[from] as number;
    this.state[code] = state;
    this.whole[code] = source.whole[from] as number;
    this.nano[code] = source.nano[from] as number;
    this.atto[code] = source.atto[from] as number;
    this.double[code] = source.double[from] as number;
    if (state < AMOUNT.big) return;
    if (state === AMOUNT.invalid) this.invalid++;
    else this.big.set(code, source.big.get(from) as Decimal);
  }

  /** Empties it so that its memory serves the next batch. */
  clear(): void {
    this.size = 0;
    this.invalid = 0;
    if (this.mended.size > 0) this.mended.clear();
    if (this.big.size > 0) this.big.clear();
  }

  /** Adds an uninitialised entry and answers its code. */
  grow(): number {
    const code = this.size++;
    if (code >= this.state.length) this.#enlarge(this.state.length * 2);
    return code;
  }

  /** Makes room for `entries` entries. */
  reserve(entries: number): void {
    if (entries > this.state.length) this.#enlarge(entries);
  }

  /** `written`: a text of the value that `Number` reads as well. */
  #set(code: number, value: Decimal | undefined, written?: string): number {
    if (value === undefined) {
      this.state[code] = AMOUNT.invalid;
      this.invalid++;
      return code;
    }
    const limbs = decimalLimbs(value);
    this.double[code] = Number(written ?? formatDecimal(value)) + 0;
    if (limbs === undefined) return this.#setBig(code, value, this.double[code] as number);
    this.state[code] = AMOUNT.limbs;
    [this.whole[code], this.nano[code], this.atto[code]] = limbs;
    return code;
  }

  #setBig(code: number, value: Decimal, double: number): number {
    this.state[code] = AMOUNT.big;
    this.double[code] = double;
    this.big.set(code, value);
    return code;
  }

  #enlarge(entries: number): void {
    this.state = grown(this.state, entries);
    this.whole = grown(this.whole, entries);
    this.nano = grown(this.nano, entries);
    this.atto = grown(this.atto, entries);
    this.double = grown(this.double, entries);
  }
}

/** Three limbs as an exact decimal; they may be unnormalised sums. */
export function limbsToDecimal(whole: number, nano: number, atto: number): Decimal {
  return {
    digits: (BigInt(whole) * 1_000_000_000n + BigInt(nano)) * 1_000_000_000n + BigInt(atto),
    scale: 18,
  };
}

/** The limbs of a decimal, or undefined when it has more than 18 places or 15 integer digits. */
export function decimalLimbs(value: Decimal): [number, number, number] | undefined {
  let { digits, scale } = value;
  while (scale > 18 && digits % 10n === 0n) {
    digits /= 10n;
    scale--;
  }
  if (scale > 18) return undefined;
  const atto = digits * 10n ** BigInt(18 - scale);
  const whole = atto / 1_000_000_000_000_000_000n;
  if (whole >= LIMIT || whole <= -LIMIT) return undefined;
  return [
    Number(whole),
    Number((atto / 1_000_000_000n) % 1_000_000_000n),
    Number(atto % 1_000_000_000n),
  ];
}

const LIMIT = 1_000_000_000_000_000n;
const POWERS = Float64Array.from({ length: 23 }, (_, power) => 10 ** power);

/** Plain numbers of up to 15 + 18 digits without exponent; false: the slow way must look at it. */
function readLimbs(
  into: Amounts,
  code: number,
  source: Uint8Array,
  start: number,
  end: number,
): boolean {
  let at = start;
  const negative = source[at] === 45;
  if (negative) at++;
  const firstDigit = at;
  let whole = 0;
  let digit = (source[at] as number) - 48;
  while (at < end && digit >= 0 && digit <= 9) {
    whole = whole * 10 + digit;
    digit = (source[++at] as number) - 48;
  }
  const wholeDigits = at - firstDigit;
  if (wholeDigits === 0 || wholeDigits > 15) return false;
  let nano = 0;
  let atto = 0;
  let places = 0;
  if (at < end) {
    if (source[at] !== 46) return false;
    const firstPlace = ++at;
    places = end - firstPlace;
    if (places === 0) return false;
    while (places > 18 && source[firstPlace + places - 1] === 48) places--;
    if (places > 18) return false;
    const last = firstPlace + places;
    for (; at < last; at++) {
      digit = (source[at] as number) - 48;
      if (digit < 0 || digit > 9) return false;
      if (at - firstPlace < 9) nano = nano * 10 + digit;
      else atto = atto * 10 + digit;
    }
    if (places < 9) nano *= POWERS[9 - places] as number;
    else if (places < 18) atto *= POWERS[18 - places] as number;
  }
  into.state[code] = AMOUNT.limbs;
  into.whole[code] = negative ? -whole : whole;
  into.nano[code] = negative ? -nano : nano;
  into.atto[code] = negative ? -atto : atto;
  into.double[code] =
    nearestDouble({ negative, whole, nano, atto, places }) ?? Number(latin1(source, start, end));
  return true;
}

/** A plain number that only its decimal places make too long for limbs, such as the 17 digits of a double behind zeros; undefined: it is another. */
function longDecimal(source: Uint8Array, start: number, end: number): Decimal | undefined {
  const negative = source[start] === 45;
  const first = negative ? start + 1 : start;
  let at = first;
  let high = 0;
  let low = 0;
  let lowDigits = 0;
  let point = end;
  for (; at < end; at++) {
    const byte = source[at] as number;
    if (byte === 46 && point === end) point = at;
    else if (!isDigit(byte)) return undefined;
    else if (high < 1e14) high = high * 10 + byte - 48;
    else {
      low = low * 10 + byte - 48;
      lowDigits++;
    }
  }
  const places = end - point - 1;
  if (point === first || point - first > 15 || places <= 18 || places > MOST_LONG_PLACES)
    return undefined;
  if (lowDigits >= BIG_POWERS.length || source[end - 1] === 48) return undefined;
  const digits = BigInt(high) * (BIG_POWERS[lowDigits] as bigint) + BigInt(low);
  return { digits: negative ? -digits : digits, scale: places };
}

/** Numbers of more places are read the slow way, which refuses what is absurd. */
const MOST_LONG_PLACES = 40;

const BIG_POWERS = Array.from({ length: 16 }, (_, power) => 10n ** BigInt(power));

function isDigit(byte: number): boolean {
  return byte >= 48 && byte <= 57;
}

/** Exact when all digits together stay below 2^53 (then one correctly rounded division); undefined otherwise. */
function nearestDouble(of: {
  negative: boolean;
  whole: number;
  nano: number;
  atto: number;
  places: number;
}): number | undefined {
  let digits: number;
  if (of.places <= 9)
    digits = of.whole * (POWERS[of.places] as number) + of.nano / (POWERS[9 - of.places] as number);
  else
    digits =
      of.whole * (POWERS[of.places] as number) +
      of.nano * (POWERS[of.places - 9] as number) +
      of.atto / (POWERS[18 - of.places] as number);
  if (digits > Number.MAX_SAFE_INTEGER) return undefined;
  const value = digits / (POWERS[of.places] as number);
  return of.negative ? -value : value;
}

/** Doubles whose shortest text has at most 12 places and 15 digits; checked by dividing back. */
function numberLimbs(into: Amounts, code: number, value: number): boolean {
  const scaled = Math.round(value * 1e12);
  if (!(Math.abs(scaled) < 1e15) || scaled / 1e12 !== value) return false;
  const whole = Math.trunc(scaled / 1e12);
  const rest = scaled - whole * 1e12;
  const nano = Math.trunc(rest / 1e3);
  into.state[code] = AMOUNT.limbs;
  into.whole[code] = whole + 0;
  into.nano[code] = nano + 0;
  into.atto[code] = (rest - nano * 1e3) * 1e6;
  into.double[code] = value + 0;
  return true;
}

function latin1(source: Uint8Array, start: number, end: number): string {
  const length = end - start;
  if (length > scratch.length)
    return Buffer.from(source.buffer, source.byteOffset + start, length).toString('latin1');
  for (let i = 0; i < length; i++) scratch[i] = source[start + i] as number;
  return scratch.toString('latin1', 0, length);
}

/** A number's text; a buffer of its own for each costs more than to copy it. */
const scratch = Buffer.alloc(64);
