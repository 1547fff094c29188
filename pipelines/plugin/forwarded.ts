import { attributeName, type CostColumn } from '../focus/columns.ts';
import type { DeliveryInfo } from './delivery.ts';

/**
 * How charges travel from agent to agent: OTLP log records in an instrumentation scope whose attributes say which delivery they belong to, and
 * one more record at its end that says what the whole of it comes to. What is written here is read by the receiver `forward`.
 */

/** One attempt of an agent to send a delivery; another attempt starts from nothing. */
export interface ForwardedDelivery
  extends Pick<DeliveryInfo, 'id' | 'receiver' | 'scope' | 'revision' | 'mode'> {
  /** Name of the agent. */
  readonly agent: string;
  /** Of two attempts at a scope the later one has the higher number. */
  readonly attempt: number;
  /** Of a scope of which only what changed is sent: the number of the revision, and whether all of its charges come. */
  readonly restated?: { readonly number: number; readonly whole: boolean };
}

/** Name of the record at the end of a delivery. */
export const END_EVENT = 'focusd.delivery.end';
/** Its attribute with the number of charges and corrections. */
export const END_CHARGES = 'focusd.delivery.charges';
/** Before the name of a number: an attribute that states it exactly, where a double does not. `focusd.exact.billed_cost`. */
export const EXACT = 'focusd.exact.';
/** Attribute with the exact sum of a cost: of the record at the end of a delivery. */
export function attributeOfSum(column: CostColumn): string {
  return attributeName(column).replace(/^focus\./, EXACT);
}

/** Attribute with who owns a charge. */
export const OWNER_ATTRIBUTE = 'finops.owner';

const NAMES = {
  agent: 'focusd.agent',
  receiver: 'focusd.receiver',
  scope: 'focusd.scope',
  revision: 'focusd.revision',
  mode: 'focusd.delivery.mode',
  id: 'focusd.delivery.id',
  attempt: 'focusd.delivery.attempt',
  number: 'focusd.revision.number',
  whole: 'focusd.revision.whole',
} as const;

/** Attempts at one delivery that are told apart. */
const TRIES = 1_000;

/** Number of the n-th attempt (from 1) at a delivery. */
export function attemptNumber(
  { order, observedMs }: Pick<DeliveryInfo, 'order' | 'observedMs'>,
  tries: number,
): number {
  return Math.floor(order ?? observedMs) * TRIES + Math.min(tries, TRIES - 1);
}

/** The attributes of the instrumentation scope. */
export function forwardedAttributes({
  restated,
  ...delivery
}: ForwardedDelivery): Readonly<Record<string, string>> {
  const { agent, receiver, scope, revision, mode, id, attempt } = delivery;
  return {
    [NAMES.agent]: agent,
    [NAMES.receiver]: receiver,
    [NAMES.scope]: scope,
    [NAMES.revision]: revision,
    [NAMES.mode]: mode,
    [NAMES.id]: id,
    [NAMES.attempt]: String(attempt),
    ...(restated && {
      [NAMES.number]: String(restated.number),
      [NAMES.whole]: String(restated.whole),
    }),
  };
}

/** The delivery that such attributes name; undefined when they name none. */
export function forwardedDelivery(
  attributes: ReadonlyMap<string, string>,
): ForwardedDelivery | undefined {
  const [agent, receiver, scope, revision, mode, id] = [
    attributes.get(NAMES.agent),
    attributes.get(NAMES.receiver),
    attributes.get(NAMES.scope),
    attributes.get(NAMES.revision),
    attributes.get(NAMES.mode),
    attributes.get(NAMES.id),
  ];
  const attempt = numberOf(attributes.get(NAMES.attempt));
  if (!agent || !receiver || scope === undefined || revision === undefined || !id) return undefined;
  if (attempt === undefined || (mode !== 'snapshot' && mode !== 'append')) return undefined;
  const number = numberOf(attributes.get(NAMES.number));
  const restated = { number: number ?? 0, whole: attributes.get(NAMES.whole) === 'true' };
  const delivery = { agent, receiver, scope, revision, mode, id, attempt } as const;
  return number === undefined ? delivery : { ...delivery, restated };
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : undefined;
}
