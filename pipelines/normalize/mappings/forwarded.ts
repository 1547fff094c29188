/** Charges of another agent, as the receiver `forward` writes them: they are FOCUS already, repaired and checked there, and pass through as they stand. */
import { COLUMNS, COST_COLUMNS, type FocusColumn } from '../../focus/columns.ts';
import { amount, type Expression, text, time } from '../expressions.ts';
import { defineMapping } from '../mapping.ts';

/** The mapping `forwarded`. */
export default defineMapping({
  name: 'forwarded',
  summary: 'FOCUS of another agent, exactly as it stands.',
  rename: (header) => header,
  fits: () => 0,
  required: ['x_ChargeUid'],
  build: ({ columns, has }) => ({
    templates: [{ columns: Object.fromEntries(columns.flatMap(passedThrough)) }],
    measures: Object.fromEntries(
      COST_COLUMNS.filter(has).map((column) => [column, { column, amount: amount(column) }]),
    ),
    ...(has('ServiceProviderName') && { provider: text('ServiceProviderName') }),
  }),
});

function passedThrough(column: string): readonly (readonly [string, Expression])[] {
  if (column.startsWith('x_')) return [[column, text(column)]];
  if (!Object.hasOwn(COLUMNS, column)) return [];
  const { kind } = COLUMNS[column as FocusColumn];
  if (kind === 'amount') return [[column, amount(column)]];
  return [[column, kind === 'time' ? time(column) : text(column)]];
}
