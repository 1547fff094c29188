import { COST_COLUMNS, toNumber } from '../../../pipelines/focus/index.ts';
import type { Context } from '../../../pipelines/plugin/index.ts';
import type { Told } from './event-time/told.ts';
import type { Settings } from './settings.ts';

/** Retries and refused points, as own metrics and in the log. */
export function countMetrics({ meter, log, id }: Context<Settings>) {
  const retries = meter.createCounter('focusd.exporter.retries', { unit: '{retry}' });
  const refused = meter.createCounter('focusd.exporter.points.rejected', { unit: '{point}' });
  retries.add(0, { component: id, signal: 'metrics' });
  refused.add(0, { component: id });
  return {
    onRetry(error: Error, delayMs: number) {
      retries.add(1, { component: id, signal: 'metrics' });
      log.warn('metrics could not be sent, trying again', {
        component: id,
        reason: error.message,
        delayMs,
      });
    },
    onPartialSuccess({ rejected, message }: { rejected: number; message: string }) {
      if (rejected > 0) refused.add(rejected, { component: id });
      log.warn('the backend took the metrics only in part', {
        component: id,
        rejected,
        reason: message,
      });
    },
    /** Points that were refused alone. */
    refused: (points: number) => refused.add(points, { component: id }),
    /** Shows the money of event-time points. */
    observeEventTime(told: Pick<Told, 'costs'>) {
      const cost = meter.createObservableUpDownCounter('focusd.exporter.event_time.cost', {
        unit: '{currency}',
      });
      cost.addCallback((result) => {
        for (const column of COST_COLUMNS)
          for (const [stage, sum] of Object.entries(told.costs(column)))
            result.observe(toNumber(sum), { component: id, column, stage });
      });
    },
  };
}
