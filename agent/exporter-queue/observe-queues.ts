import { toNumber } from '../../pipelines/focus/decimal.ts';
import type { Reading, Telemetry } from '../telemetry.ts';
import type { Waiting } from './exporter-queue.ts';

/** Shows what waits for each exporter. */
export function observeQueues(
  telemetry: Telemetry,
  open: { queues(): ReadonlyMap<string, Waiting> },
): void {
  const each = (of: (waiting: Waiting) => number) => (): readonly Reading[] =>
    [...open.queues()].map(([exporter, waiting]) => [of(waiting), { exporter }]);
  telemetry.gauges(
    'focusd.queue.length',
    each(({ deliveries }) => deliveries),
  );
  telemetry.gauges(
    'focusd.queue.size',
    each(({ bytes }) => bytes),
  );
  telemetry.gauges(
    'focusd.queue.age',
    each(({ ageMs }) => ageMs / 1000),
  );
  telemetry.gauges('focusd.queue.cost', () =>
    [...open.queues()].flatMap(([exporter, { costs }]) =>
      [...costs].map(([column, cost]): Reading => [toNumber(cost), { exporter, column }]),
    ),
  );
}
