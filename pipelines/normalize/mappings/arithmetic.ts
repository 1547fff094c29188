/** Arithmetic of two columns: rare in a mapping, and worked out only where it is needed. */
import {
  type Decimal,
  divide,
  isZero,
  multiply,
  parseDecimal,
  subtract,
} from '../../focus/decimal.ts';
import {
  type AmountExpression,
  chooseAmount,
  deriveAmount,
  noAmount,
  type Test,
  type TextExpression,
} from '../expressions.ts';

/** Places kept where a quotient has no end. */
const PLACES = 15;

type Operand = AmountExpression | TextExpression;

/** a × b; null when one of them is. */
export function times(a: Operand, b: Operand): AmountExpression {
  return deriveAmount([a, b], (left, right) => bothOf(left, right, multiply));
}

/** a × b where the test holds, `otherwise` elsewhere. Batches in which it holds nowhere cost nothing. */
export function timesWhere(
  test: Test,
  [a, b]: readonly [AmountExpression, Operand],
  otherwise: AmountExpression = noAmount,
): AmountExpression {
  return chooseAmount([[test, times(chooseAmount([[test, a]]), b)]], otherwise);
}

/** a / b where the test holds, to 15 places; `otherwise` elsewhere. */
export function dividedWhere(
  test: Test,
  [a, b]: readonly [AmountExpression, Operand],
  otherwise: AmountExpression = noAmount,
): AmountExpression {
  const quotient = deriveAmount([chooseAmount([[test, a]]), b], (left, right) =>
    bothOf(left, right, (dividend, divisor) => divide(dividend, divisor, PLACES)),
  );
  return chooseAmount([[test, quotient]], otherwise);
}

/** Whether the text is the number 1, however it is written. */
export function isOne(text: string): boolean {
  const value = parseDecimal(text.trim());
  return value !== undefined && isZero(subtract(value, { digits: 1n, scale: 0 }));
}

/** value / block, a whole number: exactly wherever the quotient has an end. */
export function overBlock(value: Decimal, block: bigint): Decimal | undefined {
  let power = 1n;
  for (let scale = 0; scale <= 40; scale++, power *= 10n) {
    if (power % block === 0n)
      return { digits: value.digits * (power / block), scale: value.scale + scale };
  }
  return divide(value, { digits: block, scale: 0 });
}

function bothOf(
  left: string | undefined,
  right: string | undefined,
  work: (a: Decimal, b: Decimal) => Decimal | undefined,
): Decimal | undefined {
  if (left === undefined || right === undefined) return undefined;
  const [a, b] = [parseDecimal(left), parseDecimal(right)];
  return a && b && work(a, b);
}
