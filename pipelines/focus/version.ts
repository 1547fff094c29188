import { COLUMNS, type ColumnFact, type FocusVersion } from './columns.ts';

/** Columns that providers also add to files of older versions (Azure has had account types since 1.0). */
const UNTELLING = new Set(['BillingAccountType', 'SubAccountType']);

const SINCE = new Map(
  Object.entries<ColumnFact>(COLUMNS)
    .filter(([name]) => !UNTELLING.has(name))
    .map(([name, { since }]) => [name.toLowerCase(), since]),
);

/**
 * The version of the specification that a header follows: the newest that brought one of its columns, in any case and
 * with blanks around. ServiceProviderName without ProviderName tells 1.4, which dropped the latter.
 */
export function detectFocusVersion(columns: Iterable<string>): FocusVersion {
  const names = new Set<string>();
  for (const column of columns) names.add(column.trim().toLowerCase());
  if (names.has('serviceprovidername') && !names.has('providername') && !names.has('provider'))
    return '1.4';
  let newest: FocusVersion = '1.0';
  for (const name of names) {
    const since = SINCE.get(name);
    if (since !== undefined && since > newest) newest = since;
  }
  return newest;
}
