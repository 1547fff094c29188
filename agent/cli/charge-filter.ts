import { type Batch, type Column, cellText } from '../../pipelines/focus/batch.ts';
import { columnFact } from '../../pipelines/focus/columns.ts';
import { compare, type Decimal, parseDecimal } from '../../pipelines/focus/decimal.ts';
import { parseTime } from '../../pipelines/focus/times.ts';
import { Misconfigured } from '../../pipelines/plugin/errors.ts';

/** Whether the charge in a row of a batch is wanted. */
export type ChargeFilter = (batch: Batch, row: number) => boolean;

const CONDITION = /^\s*(\w+)\s*(!=|>=|<=|=|~|>|<)\s*(.*?)\s*$/s;

/**
 * Conditions that all have to hold: `ServiceName=Amazon EC2`, `BilledCost>10`, `RegionId!=eu-west-1`, `Tags~team`. `=` and `!=` compare texts, or
 * amounts and times by their worth; `~` looks for a part in any case; nothing behind `=` stands for null. Throws `Misconfigured`.
 */
export function chargeFilter(conditions: readonly string[]): ChargeFilter {
  const tests = conditions.map(condition);
  return (batch, row) => tests.every((test) => test(batch, row));
}

function condition(text: string): ChargeFilter {
  const [, name, operator, value = ''] = CONDITION.exec(text) ?? [];
  if (name === undefined || operator === undefined)
    throw new Misconfigured(`--where "${text}" is no condition`, {
      hint: 'for example ServiceName=Amazon EC2, BilledCost>10, RegionId!=eu-west-1, Tags~team',
    });
  requireColumn(name, text);
  const holds = judge(operator, value);
  return ({ columns }, row) => {
    const column = columns.get(name);
    return holds(column, column === undefined ? undefined : cellText(column, row));
  };
}

function requireColumn(name: string, text: string): void {
  if (name === 'owner' || name.startsWith('x_') || columnFact(name) !== undefined) return;
  throw new Misconfigured(`--where "${text}": ${name} is no column of a charge`, {
    hint: 'FOCUS columns as FOCUS names them, x_… columns, and owner',
  });
}

type Judge = (column: Column | undefined, cell: string | undefined) => boolean;

function judge(operator: string, value: string): Judge {
  if (operator === '~') {
    const part = value.toLowerCase();
    return (_, cell) => cell?.toLowerCase().includes(part) === true;
  }
  if (value === '' && operator === '=') return (_, cell) => cell === undefined;
  if (value === '' && operator === '!=') return (_, cell) => cell !== undefined;
  const order = ordering(value);
  return (column, cell) => {
    if (cell === undefined) return operator === '!=';
    return ORDERS[operator]?.(order(column, cell)) === true;
  };
}

const ORDERS: Readonly<Record<string, (order: number) => boolean>> = {
  '=': (order) => order === 0,
  '!=': (order) => order !== 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};

/** How a cell stands to the value: below 0, 0 or above; NaN when they cannot be compared. */
function ordering(value: string): (column: Column | undefined, cell: string) => number {
  const amount: Decimal | undefined = parseDecimal(value);
  const time = parseTime(value);
  return (column, cell) => {
    if (column?.kind === 'amount') {
      const own = parseDecimal(cell);
      return own === undefined || amount === undefined ? Number.NaN : compare(own, amount);
    }
    if (column?.kind === 'time') return Date.parse(cell) - time;
    if (cell === value) return 0;
    return cell < value ? -1 : 1;
  };
}
