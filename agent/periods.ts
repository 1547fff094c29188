import { createHash } from 'node:crypto';
import type { StageSettings, Target } from '../pipelines/engine/deliver.ts';
import { sendEvents } from '../pipelines/engine/send-events.ts';
import type { Clock, Logger } from '../pipelines/plugin/contract.ts';
import { errorMessage } from '../pipelines/plugin/errors.ts';
import type { LogEvent } from '../pipelines/plugin/links.ts';
import { canonical } from './state/audit-chain.ts';
import type { Period, PeriodTotals } from './state/periods.ts';
import type { State } from './state/state.ts';

/** What closing periods needs of the agent. */
export interface PeriodsOf {
  readonly state: State;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whether this agent is the one that closes periods. */
  isOurs(): boolean;
  /** A period that has been quiet for so long is closed, milliseconds; 0: none ever is. */
  closeAfterMs(): number;
  /** Where a pipeline's events go, and as what; undefined: it is no longer configured. */
  pipeline(name: string):
    | {
        readonly targets: readonly Target[];
        readonly settings: Pick<StageSettings, 'resource' | 'scopeVersion'>;
      }
    | undefined;
}

/** Closes billing periods that have come to rest, and says when one changes after that. */
export interface Periods {
  /** Looks at all of them once, and tells the log what went wrong. */
  check(): Promise<void>;
  /** Looks again and again until the signal aborts. */
  watch(signal: AbortSignal): Promise<void>;
}

const EVERY_MS = 3_600_000;

/** Knows the periods of a state. */
export function createPeriods(of: PeriodsOf): Periods {
  let last: Promise<void> = Promise.resolve();
  const check = (): Promise<void> => {
    last = last
      .then(() => checkAll(of))
      .catch((error: unknown) => {
        const reason = errorMessage(error);
        of.log.error('periods could not be looked at', { reason });
      });
    return last;
  };
  return {
    check,
    async watch(signal) {
      while (!signal.aborted) {
        await check();
        await of.clock.sleep(EVERY_MS, signal).catch(() => undefined);
      }
    },
  };
}

async function checkAll(of: PeriodsOf): Promise<void> {
  if (of.closeAfterMs() === 0 || !of.isOurs()) return;
  const all: Noted[] = [];
  for (const period of await of.state.periods()) {
    const noted = await standing(of, period);
    if (noted !== undefined) all.push(noted);
  }
  // What is told of a period is what it was when it was looked at; one that moved meanwhile is looked at the next time.
  const now = new Set((await of.state.periods()).map(present));
  for (const noted of all.filter(({ period }) => now.has(present(period)))) {
    try {
      await note(of, noted);
    } catch (error) {
      const { pipeline, receiver, billingPeriod } = noted.period;
      const reason = errorMessage(error);
      const about = { pipeline, receiver, billingPeriod, reason };
      of.log.warn('period cannot be told to exporters, it is tried again', about);
    }
  }
}

function present({ pipeline, receiver, billingPeriod, marker }: Period): string {
  return JSON.stringify([pipeline, receiver, billingPeriod, marker]);
}

/** What is to be told of a period; undefined: nothing. */
async function standing(of: PeriodsOf, period: Period): Promise<Noted | undefined> {
  const { closing } = period;
  const isOpen = closing === undefined || closing.isReopened;
  if (isOpen && of.clock.now() < restsAt(period) + of.closeAfterMs()) return undefined;
  if (!isOpen && closing.marker === period.marker) return undefined;
  const totals = await of.state.periodTotals(period);
  const text = canonical(totals);
  const hash = createHash('sha256').update(text).digest('hex');
  if (isOpen) return { kind: 'period.closed', period, totals, text, hash };
  if (hash !== closing.hash) return { kind: 'period.reopened', period, totals, text, hash };
  await of.state.closePeriod(period, { ...closing, marker: period.marker });
  return undefined;
}

/** From when on nothing was to come any more: its end, or when it last changed. */
function restsAt({ billingPeriod, changedMs }: Period): number {
  return Math.max(changedMs, endOf(billingPeriod));
}

/** The same day of the next month. */
function endOf(billingPeriod: string): number {
  const [year = 0, month = 0, day = 0] = billingPeriod.split('-').map(Number);
  return Date.UTC(year, month, day);
}

interface Noted {
  readonly kind: 'period.closed' | 'period.reopened';
  readonly period: Period;
  readonly totals: PeriodTotals;
  /** Canonical JSON of the totals, and its SHA-256. */
  readonly text: string;
  readonly hash: string;
}

/** Tells the exporters, then the state: an event that is sent twice has the same id. */
async function note(of: PeriodsOf, noted: Noted): Promise<void> {
  const { kind, period, totals, hash } = noted;
  const { pipeline, receiver, billingPeriod, marker, closing } = period;
  const to = of.pipeline(pipeline);
  if (to === undefined) return;
  const isReopened = kind === 'period.reopened';
  const revision = (closing?.revision ?? 0) + (isReopened ? 0 : 1);
  const now = of.clock.now();
  const event = eventOf({ ...noted, revision, timeMs: now });
  await sendEvents([event], {
    ...to,
    info: {
      id: String(event.attributes['log.record.uid']),
      receiver,
      scope: `${billingPeriod}/periods`,
      revision: `${kind}-${revision}-${hash.slice(0, 12)}`,
      mode: 'append',
      observedMs: now,
    },
    refused: (exporter, rows, reason) =>
      of.log.error('backend refused a period', { pipeline, receiver, exporter, rows, reason }),
  });
  const about = { pipeline, receiver, billingPeriod, revision, hash, totals };
  const before = isReopened ? { closed: closing?.hash } : {};
  await of.state.closePeriod(
    { ...period, changedMs: now },
    { revision, hash, marker, isReopened },
    { event: { kind, about: { ...about, ...before } }, timeMs: now },
  );
  of.log.info(isReopened ? 'period opened again' : 'period closed', { ...about, ...before });
}

function eventOf({
  kind,
  period,
  text,
  hash,
  revision,
  timeMs,
}: Noted & { readonly revision: number; readonly timeMs: number }): LogEvent {
  const { pipeline, receiver, billingPeriod, closing } = period;
  const id = [pipeline, receiver, billingPeriod, kind, String(revision), hash];
  const uid = createHash('sha256').update(JSON.stringify(id)).digest('hex').slice(0, 32);
  return {
    name: `finops.${kind}`,
    timeMs,
    attributes: {
      'log.record.uid': uid,
      'finops.pipeline': pipeline,
      'finops.receiver': receiver,
      'focus.billing_period_start': timeText(Date.parse(billingPeriod)),
      'focus.billing_period_end': timeText(endOf(billingPeriod)),
      'finops.period.revision': revision,
      'finops.period.totals': text,
      'finops.period.hash': hash,
      ...(kind === 'period.reopened' && { 'finops.period.closed_hash': closing?.hash ?? '' }),
    },
  };
}

function timeText(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}
