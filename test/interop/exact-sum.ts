/** Exact sums of decimal numbers, apart from the product's own. */

/** The exact sum of decimal texts (or of the shortest texts of doubles), in plain canonical notation. */
export function exactSum(numbers: Iterable<string | number>): string {
  let sum = 0n;
  for (const number of numbers) sum += units(String(number));
  return textOf(sum);
}

const PLACES = 40;

/** In units of 10^-40. */
function units(text: string): bigint {
  const match = /^([+-]?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text.trim());
  if (match === null) throw new Error(`not a decimal number: ${text}`);
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  const shift = PLACES - fraction.length + Number(exponent);
  if (shift < 0) throw new Error(`too many decimal places: ${text}`);
  const magnitude = BigInt(whole + fraction) * 10n ** BigInt(shift);
  return sign === '-' ? -magnitude : magnitude;
}

function textOf(value: bigint): string {
  const digits = (value < 0n ? -value : value).toString().padStart(PLACES + 1, '0');
  const fraction = digits.slice(-PLACES).replace(/0+$/, '');
  const whole = digits.slice(0, -PLACES);
  return `${value < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}
