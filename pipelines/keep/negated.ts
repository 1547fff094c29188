import { Amounts } from '../focus/amounts.ts';
import type { AmountColumn, Batch, Column } from '../focus/batch.ts';
import { negate } from '../focus/decimal.ts';

/** A unit price says what one unit costs: it is the same in a correction. Everything else that is an amount adds up. */
function adds(name: string, column: Column): column is AmountColumn {
  return column.kind === 'amount' && !name.endsWith('UnitPrice');
}

/** The same charges with every cost and quantity negated, exactly. */
export function negated(batch: Batch): Batch {
  const columns = [...batch.columns].map(([name, column]): [string, Column] => [
    name,
    adds(name, column) ? { ...column, values: negatedAmounts(column.values) } : column,
  ]);
  return { ...batch, columns: new Map(columns) };
}

/** They live for one batch: nothing is to be remembered of them. */
function negatedAmounts(amounts: Amounts): Amounts {
  const { size } = amounts;
  const values = new Amounts(Math.max(16, size), true);
  values.state.set(amounts.state.subarray(0, size));
  for (const [code, value] of amounts.big) values.big.set(code, negate(value));
  for (const limbs of ['whole', 'nano', 'atto', 'double'] as const)
    for (let code = 0; code < size; code++)
      values[limbs][code] = 0 - (amounts[limbs][code] as number);
  values.size = size;
  return values;
}
