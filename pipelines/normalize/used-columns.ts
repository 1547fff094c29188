/** The source columns that a mapping's table looks at. */
import type { AmountExpression, Expression } from './expressions.ts';
import type { MappingTable } from './mapping.ts';
import { sourcesOf } from './row-rules.ts';

/** Canonical names of all of them, whatever they are read as. */
export function usedColumns(table: MappingTable): ReadonlySet<string> {
  const names = new Set<string>();
  const seen = new Set<Expression>();
  const visit = (of: Expression): void => {
    if (seen.has(of)) return;
    seen.add(of);
    if ((of.kind === 'text' || of.kind === 'amount') && of.op === 'column')
      names.add(of.value ?? '');
    for (const input of of.inputs) visit(input);
  };
  for (const expression of expressionsOf(table)) visit(expression);
  return names;
}

/** One expression for each source column that anything in the table reads as an amount. */
export function amountSources(table: MappingTable): readonly AmountExpression[] {
  const sources = expressionsOf(table)
    .flatMap((of) => sourcesOf(of, 'amount'))
    .filter((of): of is AmountExpression => of.kind === 'amount');
  return [...new Map(sources.map((of) => [of.value, of])).values()];
}

/** All that is evaluated. */
function expressionsOf(table: MappingTable): readonly Expression[] {
  const rules = [
    ...table.templates,
    ...(table.reject ?? []),
    ...(table.drop ?? []),
    ...(table.repairs ?? []),
  ];
  return [
    ...rules.map(({ where }) => where),
    ...table.templates.flatMap(({ columns }) => Object.values(columns)),
    ...Object.values(table.measures).map(({ amount }) => amount),
  ].filter((of) => of !== undefined);
}
