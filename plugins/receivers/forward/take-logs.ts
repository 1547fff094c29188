import { COST_COLUMNS, type CostColumn, parseDecimal } from '../../../pipelines/focus/index.ts';
import {
  attributeOfSum,
  END_CHARGES,
  END_EVENT,
  errorMessage,
  type ForwardedDelivery,
  forwardedDelivery,
  type Logger,
} from '../../../pipelines/plugin/index.ts';
import type { ClientNames } from '../../kit/intake/client-names.ts';
import { inflating, type Take, type Taken } from '../../kit/otlp-intake/index.ts';
import { chargeReader, type ForwardedCharge } from './charge-row.ts';
import { type LogRecord, readLogRequest, type ScopeRecords } from './log-request.ts';
import type { Speaks } from './speakers.ts';
import type { End } from './store/gathered.ts';
import type { Arrived, ForwardStore } from './store/index.ts';

/** Counts records by what became of them. */
export type CountRecords = (
  records: number,
  result: 'kept' | 'duplicate' | 'rejected' | 'refused' | 'forbidden',
) => void;

/** Takes requests of other agents: what is answered with success is on disk. */
export function takeLogs(of: {
  readonly store: ForwardStore;
  readonly count: CountRecords;
  readonly log: Logger;
  readonly maxBody: number;
  readonly speaks: Speaks;
}): Take {
  const taking = { ...of, readCharge: chargeReader(), told: new Set<string>() };
  return inflating((request, client) => take(request, client, taking), of);
}

interface Taking {
  readonly store: ForwardStore;
  readonly count: CountRecords;
  readonly log: Logger;
  readonly readCharge: ReturnType<typeof chargeReader>;
  readonly speaks: Speaks;
  /** What the log said already of who may not speak for whom. */
  readonly told: Set<string>;
}

async function take(request: Buffer, client: () => ClientNames, taking: Taking): Promise<Taken> {
  const { store, count, log } = taking;
  let read: ReturnType<typeof arrivals>;
  try {
    read = arrivals(readLogRequest(request), taking);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { kind: 'malformed', reason: error.message };
  }
  const forbidden = whyForbidden(read.arrived, client, taking);
  if (forbidden !== undefined) return { kind: 'forbidden', reason: forbidden };
  try {
    let isFull = false;
    for (const arrived of read.arrived) {
      const { result, fresh } = await store.keep(arrived);
      isFull ||= result === 'full';
      count(fresh, 'kept');
      count(arrived.charges.length - fresh, result === 'full' ? 'refused' : 'duplicate');
    }
    if (isFull) return { kind: 'full', reason: 'too many deliveries are under way (spool_size)' };
  } catch (error) {
    const reason = errorMessage(error);
    log.error('forwarded charges cannot be kept', { reason });
    return { kind: 'full', reason: 'they cannot be written' };
  }
  count(read.rejected, 'rejected');
  const reason = read.rejected === 0 ? '' : 'not written by an agent that forwards charges';
  return { kind: 'taken', rejected: read.rejected, reason };
}

/** Senders try again and again: the log says it once. */
const MOST_TOLD = 1000;

/** A request that speaks for an agent for which its sender may not is refused whole. */
function whyForbidden(
  arrived: readonly Arrived[],
  client: () => ClientNames,
  { speaks, told, count, log }: Taking,
): string | undefined {
  const names = client();
  const [reason] = arrived.flatMap(({ delivery }) => speaks(names, delivery.agent) ?? []);
  if (reason === undefined) return undefined;
  count(
    arrived.reduce((sum, { charges }) => sum + charges.length, 0),
    'forbidden',
  );
  if (!told.has(reason) && told.size < MOST_TOLD) {
    log.error('charges refused: they are sent under the name of another agent', { reason });
    told.add(reason);
  }
  return reason;
}

/** What came, by delivery; what belongs to none is rejected. */
function arrivals(
  scopes: readonly ScopeRecords[],
  { readCharge }: Pick<Taking, 'readCharge'>,
): { readonly arrived: readonly Arrived[]; readonly rejected: number } {
  const byDelivery = new Map<string, { delivery: ForwardedDelivery; records: LogRecord[] }>();
  let rejected = 0;
  for (const { attributes, records } of scopes) {
    const delivery = forwardedDelivery(attributes);
    if (delivery === undefined) {
      rejected += records.length;
      continue;
    }
    const key = JSON.stringify(delivery);
    const known = byDelivery.get(key);
    if (known === undefined) byDelivery.set(key, { delivery, records: [...records] });
    else for (const record of records) known.records.push(record);
  }
  const arrived = [...byDelivery.values()].map(({ delivery, records }): Arrived => {
    const charges: ForwardedCharge[] = [];
    let end: End | undefined;
    for (const record of records) {
      const charge = readCharge(record);
      const said = charge === undefined ? endOf(record) : undefined;
      if (charge !== undefined) charges.push(charge);
      else if (said !== undefined) end = said;
      else rejected++;
    }
    return { delivery, charges, end };
  });
  return { arrived, rejected };
}

function endOf({ event, attributes }: LogRecord): End | undefined {
  if (event !== END_EVENT) return undefined;
  const said = new Map(attributes.map(([name, value]) => [name, String(value)]));
  const charges = Number(said.get(END_CHARGES) ?? Number.NaN);
  const costs = COST_COLUMNS.map((column) => [column, said.get(attributeOfSum(column)) ?? '']);
  const readable = costs.every(([, cost]) => parseDecimal(cost ?? '') !== undefined);
  if (!Number.isSafeInteger(charges) || charges < 0 || !readable) return undefined;
  return { charges, costs: Object.fromEntries(costs) as Record<CostColumn, string> };
}
