/** Which expressions are worked out once though a table has them twice. */
import t from 'tap';
import {
  all,
  always,
  amount,
  any,
  chooseAmount,
  type Expression,
  first,
  firstAmount,
  is,
  map,
  minus,
  not,
  plus,
  present,
  sign,
  text,
  time,
  when,
} from '../../../pipelines/normalize/expressions.ts';
import { SameExpressions } from '../../../pipelines/normalize/same-expressions.ts';

const isUsage = is('kind', 'usage');

/** Makes expressions of which no two say the same, anew at each call. */
function different(): readonly Expression[] {
  return [
    text('a'),
    text('b'),
    amount('a'),
    always('a'),
    always(undefined),
    always(''),
    present('a'),
    present(amount('a')),
    not(present('a')),
    sign('a'),
    first('a', 'b'),
    first('b', 'a'),
    firstAmount('a', 'b'),
    chooseAmount([[isUsage, 'a']], 'b'),
    chooseAmount([[not(isUsage), 'a']], 'b'),
    plus('a', 'b'),
    minus('a', 'b'),
    when(isUsage, 'a', 'b'),
    when(isUsage, 'a'),
    all(isUsage, present('a')),
    any(isUsage, present('a')),
  ];
}

t.test('expressions made twice are one, others are not', async (t) => {
  const same = new SameExpressions();
  const once = different();
  for (const one of once) t.equal(same.firstOf(one), one, 'the first of its kind');
  for (const [i, of] of different().entries()) t.equal(same.firstOf(of), once[i], `${i}`);
});

t.test('what a function of its own makes of a column is its own', async (t) => {
  const same = new SameExpressions();
  const upper = map('a', (value) => value.toUpperCase());
  const lower = map('a', (value) => value.toLowerCase());
  for (const one of [upper, lower, time('a'), is('a', 'x'), is('a', 'y')])
    t.equal(same.firstOf(one), one);
});
