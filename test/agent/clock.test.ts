/** The clock of the machine is set back, between two lives of an agent and in the middle of one. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { checkChain } from '../../agent/state/audit-chain.ts';
import { openState } from '../../agent/state/sqlite-state.ts';
import type { Clock } from '../../pipelines/plugin/contract.ts';
import { systemClock } from '../../plugins/kit/clock.ts';
import { until } from '../helpers/moved-clock.ts';
import {
  committed,
  committedCosts,
  exportedCosts,
  focusCsv,
  put,
  readOnce,
  startWorld,
  worldFolder,
} from '../helpers/world.ts';

const DAY_MS = 86_400_000;

/** It goes on from where it is set. */
function setClock(): { readonly clock: Clock; at: number } {
  const set = {
    at: Date.UTC(2026, 8, 20),
    clock: { now: () => set.at + Math.floor(performance.now()), sleep: systemClock.sleep },
  };
  return set;
}

interface Point {
  readonly startTimeUnixNano?: string;
  readonly timeUnixNano: string;
  readonly asDouble: number;
}

/** The points that were sent last, by metric. */
function lastPoints(folder: string): ReadonlyMap<string, readonly Point[]> {
  const path = join(folder, 'out/metrics.jsonl');
  if (!existsSync(path)) return new Map();
  const line = readFileSync(path, 'utf8').trim().split('\n').at(-1) ?? '{}';
  const { resourceMetrics } = JSON.parse(line) as {
    readonly resourceMetrics: readonly {
      readonly scopeMetrics: readonly {
        readonly metrics: readonly {
          readonly name: string;
          readonly sum?: { readonly dataPoints: readonly Point[] };
          readonly gauge?: { readonly dataPoints: readonly Point[] };
        }[];
      }[];
    }[];
  };
  const metrics = resourceMetrics.flatMap((one) => one.scopeMetrics.flatMap((of) => of.metrics));
  return new Map(metrics.map(({ name, sum, gauge }) => [name, (sum ?? gauge)?.dataPoints ?? []]));
}

t.test('back by days, even before the bill began', async (t) => {
  const folder = worldFolder(t, { exporters: { 'file/otlp': '{ folder: ./out }' } });
  const set = setClock();
  for (const [day, amount] of [
    [20, 1],
    [17, 2],
    [-12, 4],
  ] as const) {
    set.at = Date.UTC(2026, 8, day);
    put(folder, 'bills/a.csv', focusCsv([amount, amount]));
    const { ok, logs } = await readOnce(t, folder, { clock: set.clock });
    t.ok(ok);
    t.strictSame(
      logs.filter(({ level }) => level === 'error' || level === 'warn'),
      [],
    );
    const total = String(2 * amount);
    t.match(committed(folder), [{ costs: { BilledCost: total } }]);
    t.equal(committed(folder).length, 1, 'the newest revision is the one that came last');
    t.equal((await exportedCosts(join(folder, 'out'))).BilledCost, total);
    for (const [name, points] of lastPoints(folder))
      for (const { startTimeUnixNano = '0', timeUnixNano, asDouble } of points) {
        t.ok(
          BigInt(startTimeUnixNano) <= BigInt(timeUnixNano),
          `${name} does not end before it begins`,
        );
        if (/age|completeness/.test(name)) t.ok(asDouble >= 0, name);
      }
  }
  const state = openState(join(folder, 'state/state'));
  t.equal(checkChain(state.auditTrail()).broken, undefined);
  state.close();
});

t.test('back in the middle of a life', async (t) => {
  const folder = worldFolder(t);
  const set = setClock();
  let done = 0;
  const events = { committed: () => void done++ };
  const { agent } = await startWorld(t, folder, { clock: set.clock, events });
  for (const [count, step] of [0, -5 * DAY_MS, 2 * DAY_MS, -3_600_000].entries()) {
    set.at += step;
    put(folder, `bills/${count}.csv`, focusCsv([1]));
    await until(() => done === count + 1);
  }
  for (const { since } of agent.health()) t.ok(since > 0);
  await until(() => agent.inspect().underWay.length === 0);
  t.equal(agent.inspect().scopes.length, 4);
  await agent.stop();
  t.match(committedCosts(folder), { BilledCost: '4' });
  t.match(await exportedCosts(join(folder, 'out')), { BilledCost: '4' });
});
