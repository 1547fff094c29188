/** What the status of an allocation should say. Pure. */
import {
  add,
  decimal,
  formatDecimal,
  parseDecimal,
  ZERO,
} from '../../../../pipelines/focus/index.ts';
import { type JsonObject, objectAt, textAt } from '../../../kit/json.ts';
import type { CostAllocation } from './cost-allocation.ts';
import type { DayCost } from './counted-hours.ts';

/** What it is made from. */
export interface StatusFacts {
  /** Counted by this agent. */
  readonly days: readonly DayCost[];
  readonly currency: string;
  readonly nowMs: number;
  /** Most days that are shown. */
  readonly most: number;
}

/** The status: costs as exact decimal texts. Days that this agent has not counted, or not as much of, stay as an earlier one left them. */
export function statusOf(allocation: CostAllocation, facts: StatusFacts): JsonObject {
  const { generation, status } = allocation;
  const before = textAt(status.currency) === facts.currency ? daysIn(status) : [];
  const days = merged(before, facts.days).slice(-facts.most);
  const condition = conditionOf(allocation, days.length > 0);
  return {
    observedGeneration: generation,
    currency: facts.currency,
    total: formatDecimal(days.map(({ cost }) => decimal(cost)).reduce(add, ZERO)),
    days,
    conditions: [{ ...condition, ...transition(status, condition, facts.nowMs) }],
  };
}

/** The days that a status has. */
function daysIn({ days }: JsonObject): readonly DayCost[] {
  return (Array.isArray(days) ? days : []).flatMap((one) => {
    const day = objectAt(one) ?? {};
    const cost = parseDecimal(textAt(day.cost) ?? '');
    const date = textAt(day.date);
    if (cost === undefined || date === undefined) return [];
    return [{ date, cost: formatDecimal(cost), hours: Number(day.hours ?? 0) }];
  });
}

function merged(before: readonly DayCost[], counted: readonly DayCost[]): readonly DayCost[] {
  const days = new Map(before.map((day) => [day.date, day]));
  for (const day of counted)
    if (day.hours >= (days.get(day.date)?.hours ?? 0)) days.set(day.date, day);
  return [...days.values()].toSorted((a, b) => (a.date < b.date ? -1 : 1));
}

interface Condition {
  readonly type: 'Ready';
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration: number;
}

function conditionOf({ problem, generation }: CostAllocation, isCounted: boolean): Condition {
  const of = { type: 'Ready', observedGeneration: generation } as const;
  if (problem !== undefined) return { ...of, status: 'False', reason: 'Invalid', message: problem };
  if (isCounted) return { ...of, status: 'True', reason: 'Counted', message: '' };
  const message = 'the first hour is not over';
  return { ...of, status: 'False', reason: 'Waiting', message };
}

function transition(
  { conditions }: JsonObject,
  { status }: Condition,
  nowMs: number,
): { readonly lastTransitionTime: string } {
  const known = (Array.isArray(conditions) ? conditions : [])
    .map(objectAt)
    .find((one) => one?.type === 'Ready');
  const since = known?.status === status ? textAt(known.lastTransitionTime) : undefined;
  const now = new Date(nowMs).toISOString().replace(/\.\d+Z$/, 'Z');
  return { lastTransitionTime: since ?? now };
}
