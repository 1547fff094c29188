/** Numbers as people and spreadsheets write them: `$1,234.50`, `1.234,50 €`, `(12.00)`, `5-`. What can mean two numbers is none. */
import { type Decimal, negate, parseDecimal } from '../focus/decimal.ts';

/** The number; undefined for what is no number or can mean two. */
export function writtenNumber(text: string): Decimal | undefined {
  const plain = text.replace(/[\s\u00A0\u2007\u2009\u202F]+/g, ' ').trim();
  if (plain.length > LONGEST) return undefined;
  const sign = /^\((.+)\)$/.exec(plain);
  const { money, body } = withoutCurrency(sign?.[1] ?? plain);
  const match = SIGNED.exec(body);
  if (match === null || (match[1] !== '' && match[3] !== '')) return undefined;
  const digits = pointed((match[2] ?? '').trim(), money);
  const value = digits === undefined ? undefined : parseDecimal(digits);
  if (value === undefined) return undefined;
  const minus = [match[1], match[3]].some((one) => one === '-' || one === '\u2212');
  if (minus && sign !== null) return undefined;
  return minus || sign !== null ? negate(value) : value;
}

/** No bill has a longer number. */
const LONGEST = 100;

const SIGNED = /^([-+\u2212]?)\s?(\d.*?|\.\d.*?)\s?([-+\u2212]?)$/;

/** Signs and codes of currencies before or behind the number; a minus may stand before the sign. */
const CURRENCY =
  /^([-+\u2212]?)\s?(?:[A-Z]{3}\b|[A-Z]{0,3}\p{Sc})\s?(?=[-+\u2212.\d])|\s?(?:\p{Sc}|[A-Z]{3}|kr|zł|Kč|Ft)$/gu;

/** Currencies whose amounts are written with a decimal point. */
const POINTED = /\$|£|₹|USD|GBP|INR/;

function withoutCurrency(text: string): { readonly money: boolean; readonly body: string } {
  return { money: POINTED.test(text), body: text.replace(CURRENCY, '$1').trim() };
}

/** The digits with a point as decimal separator and no others. `money`: written in a currency that is known to have a point. */
function pointed(text: string, money: boolean): string | undefined {
  const [number = '', exponent = ''] = text.split(/(?=[eE][+-]?\d+$)/);
  const compact = GROUPED_BY_BLANKS.test(number) ? number.replace(/[ '\u2019]/g, '') : number;
  if (!/^[\d.,]+$/.test(compact)) return undefined;
  const [point, comma] = [compact.lastIndexOf('.'), compact.lastIndexOf(',')];
  if (comma < 0) return separated(compact, { decimal: '.', group: ',' }, exponent);
  if (point >= 0) {
    const last = point > comma ? '.' : ',';
    return separated(compact, { decimal: last, group: last === '.' ? ',' : '.' }, exponent);
  }
  const asGroups = GROUPS[',']?.test(compact) === true;
  if (asGroups && (money || compact.indexOf(',') < comma))
    return compact.replaceAll(',', '') + exponent;
  if (asGroups && !compact.startsWith('0')) return undefined;
  return separated(compact, { decimal: ',', group: '.' }, exponent);
}

const GROUPED_BY_BLANKS = /^\d{1,3}(?:[ '\u2019]\d{3})+(?:[.,]\d*)?$/;

/** Whole numbers with groups of three digits, or as in India of two before the last three. */
const GROUPS: Readonly<Record<string, RegExp>> = {
  ',': /^\d{1,3}(?:,\d{3})+$|^\d{1,2}(?:,\d{2})*,\d{3}$/,
  '.': /^\d{1,3}(?:\.\d{3})+$/,
};

function separated(
  text: string,
  { decimal, group }: { readonly decimal: string; readonly group: string },
  exponent: string,
): string | undefined {
  const [whole = '', ...fractions] = text.split(decimal);
  if (fractions.length > 1)
    return GROUPS[decimal]?.test(text) === true
      ? text.replaceAll(decimal, '') + exponent
      : undefined;
  if (whole.includes(group) && GROUPS[group]?.test(whole) !== true) return undefined;
  const fraction = fractions[0] === undefined ? '' : `.${fractions[0]}`;
  return `${whole.replaceAll(group, '')}${fraction}${exponent}`;
}

/** What separates the decimals of a number. */
export type DecimalMark = ',' | '.';

/** Which mark a number shows, `either` where it can mean two numbers (`1,234`, `1.234`); undefined for one without marks and for what is no number. */
export function markShown(text: string): DecimalMark | 'either' | undefined {
  const { money, body } = withoutCurrency(text.replace(/^\s*\((.+)\)\s*$/, '$1').trim());
  const number = SIGNED.exec(body)?.[2]?.split(/[eE]/)[0]?.trim() ?? '';
  const marks = number.replace(/[^.,]/g, '');
  const last = marks.at(-1) as DecimalMark | undefined;
  if (last === undefined) return undefined;
  const other = last === ',' ? '.' : ',';
  if (marks.includes(other)) return last;
  if (marks.length > 1) return GROUPS[last]?.test(number) === true ? other : undefined;
  if (!/^[1-9]\d{0,2}[.,]\d{3}$/.test(number)) return last;
  return money && last === ',' ? '.' : 'either';
}

/** A number that can mean two (`1,234`) as one that means what it does where decimals are separated by `mark`. */
export function withMark(text: string, mark: DecimalMark): string {
  return text.replace(/\d{1,3}([.,])\d{3}(?!\d)/, (number, found: DecimalMark) =>
    found === mark ? `${number}0` : `${number}${mark}0`,
  );
}
