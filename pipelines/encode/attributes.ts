import { exactName } from '../focus/attribute-columns.ts';
import type { Batch, Column } from '../focus/batch.ts';
import { attributeName } from '../focus/columns.ts';
import { OWNER_ATTRIBUTE } from '../plugin/forwarded.ts';
import type { ChargeExtras } from './encoder.ts';
import type { Key, NamedColumn } from './field.ts';

/** Name of the event that a charge is, and of one that takes a charge back. */
const EVENT_NAMES = {
  charge: 'focus.cost_and_usage.charge',
  correction: 'focus.cost_and_usage.correction',
} as const;

/** Name of the event that the charges of a batch are. */
export function eventName({ ids }: ChargeExtras): string {
  return EVENT_NAMES[ids?.correction === undefined ? 'charge' : 'correction'];
}

/** Attribute with a charge's id. */
export const UID = 'log.record.uid';
/** Instrumentation scope of the records. */
export const SCOPE = 'focusd';

/** Attribute name of a batch's column; `owner` is ours, the rest are FOCUS's. With `exact` the column can be told from it. */
function nameOf(column: string, exact: boolean): string {
  if (column === 'owner') return OWNER_ATTRIBUTE;
  return exact ? exactName(column) : attributeName(column);
}

/** The attributes of log records: every column of the batch, then its links. Keys are made once. */
export function logAttributes(
  makeKey: (name: string, kind: Column['kind']) => Key,
  { exact = false }: { readonly exact?: boolean } = {},
): (batch: Batch, extras: ChargeExtras) => readonly NamedColumn[] {
  const keys = new Map<string, Key>();
  const keyFor = (source: string, name: (source: string) => string, kind: Column['kind']): Key => {
    const id = `${kind} ${source}`;
    let key = keys.get(id);
    if (key === undefined) {
      key = makeKey(name(source), kind);
      keys.set(id, key);
    }
    return key;
  };
  const columnName = (column: string): string => nameOf(column, exact);
  return (batch, { links }) => {
    const attributes: NamedColumn[] = [];
    for (const [name, column] of batch.columns)
      attributes.push({ key: keyFor(name, columnName, column.kind), column });
    for (const [name, column] of links ?? [])
      attributes.push({ key: keyFor(name, (link) => link, column.kind), column });
    return attributes;
  };
}

/** Milliseconds of a charge's timestamp; 0 (unknown) when it has none that OTLP can carry. */
export function timestamp(ms: number | undefined): number {
  return ms !== undefined && ms > 0 && ms < 1.8e13 ? Math.floor(ms) : 0;
}
