import { columnFact, columnOfAttribute } from '../../../pipelines/focus/index.ts';
import { EXACT, type ForwardedDelivery, OWNER_ATTRIBUTE } from '../../../pipelines/plugin/index.ts';
import type { LogRecord } from './log-request.ts';

/** A charge or a correction, as it came. */
export interface ForwardedCharge {
  readonly uid: string;
  /** FOCUS column → text; amounts are exact decimals. */
  readonly columns: ReadonlyMap<string, string>;
}

/** Columns in which the charge's way is written; those of the first agent stay when several forward it. */
export const WAY = {
  uid: 'x_ChargeUid',
  agent: 'x_ForwardedBy',
  receiver: 'x_ForwardedFrom',
} as const;

/** Column with the owner that the other agent found. */
const OWNER = 'x_Owner';
const EVENTS: ReadonlySet<string> = new Set([
  'focus.cost_and_usage.charge',
  'focus.cost_and_usage.correction',
]);
const UID = 'log.record.uid';
const MOST_NAME = 256;
/** Names come from outside: no more are remembered. */
const MOST_KNOWN = 10_000;

/** Reads charges out of records; undefined: the record is none, or has no id. */
export function chargeReader(): (record: LogRecord) => ForwardedCharge | undefined {
  const known = new Map<string, Named>();
  const named = (attribute: string): Named => {
    let found = known.get(attribute);
    if (found !== undefined) return found;
    found = nameOf(attribute);
    if (known.size < MOST_KNOWN) known.set(attribute, found);
    return found;
  };
  return ({ event, attributes }) => {
    if (!EVENTS.has(event)) return undefined;
    const columns = new Map<string, string>();
    let uid = '';
    for (const [attribute, value] of attributes) {
      const { column, isExact } = named(attribute);
      if (attribute === UID) uid = String(value);
      else if (column !== undefined && (isExact || !columns.has(column)))
        columns.set(column, String(value));
    }
    return uid === '' || uid.length > MOST_NAME ? undefined : { uid, columns };
  };
}

interface Named {
  /** Undefined: it is no column of the charge. */
  readonly column: string | undefined;
  /** It stands for the double of the same column, whichever comes first. */
  readonly isExact: boolean;
}

function nameOf(attribute: string): Named {
  if (attribute === OWNER_ATTRIBUTE) return { column: OWNER, isExact: false };
  const isExact = attribute.startsWith(EXACT);
  const column = columnOfAttribute(isExact ? `focus.${attribute.slice(EXACT.length)}` : attribute);
  const tooLong = column !== undefined && column.length > MOST_NAME;
  return { column: tooLong ? undefined : column, isExact };
}

/** The charge as a JSON object on one line; its id comes first. */
export function rowOf(
  { uid, columns }: ForwardedCharge,
  { agent, receiver }: Pick<ForwardedDelivery, 'agent' | 'receiver'>,
): Readonly<Record<string, string>> {
  const way = { [WAY.uid]: uid, [WAY.agent]: agent, [WAY.receiver]: receiver };
  return { ...way, ...Object.fromEntries(columns) };
}

/** Whether a column is a number that FOCUS knows. */
export function isAmount(column: string): boolean {
  return columnFact(column)?.kind === 'amount';
}
