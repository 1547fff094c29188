import type { Expression } from './expressions.ts';

/** How a column comes about, for people. */
export interface DescribedRule {
  /** `column` (as it stands), `constant`, or `derived`. */
  readonly kind: 'column' | 'constant' | 'derived';
  /** Canonical names of the source columns that it depends on, in order of use. */
  readonly from: readonly string[];
}

/** What an expression of a mapping table looks at. */
export function describeRule(expression: Expression): DescribedRule {
  const from = [...new Set(columnsOf(expression))];
  if (columnOf(expression) !== undefined) return { kind: 'column', from };
  return { kind: from.length === 0 ? 'constant' : 'derived', from };
}

function columnsOf(expression: Expression): readonly string[] {
  const column = columnOf(expression);
  return column === undefined ? expression.inputs.flatMap(columnsOf) : [column];
}

/** The source column that an expression is, if it is one. */
function columnOf(expression: Expression): string | undefined {
  if (expression.kind !== 'text' && expression.kind !== 'amount') return undefined;
  return expression.op === 'column' ? expression.value : undefined;
}
