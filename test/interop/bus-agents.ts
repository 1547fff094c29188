/** Agents at both ends of a message bus. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Test } from 'tap';
import { focusd, type Ran, type Running, startFocusd } from '../helpers/focusd-process.ts';
import { committedCosts } from '../helpers/world.ts';

/** A charge of one hour. */
export function charge(BilledCost: number | string): object {
  return { BilledCost, BillingCurrency: 'USD', ChargePeriodStart: '2026-09-17T10:00:00Z' };
}

/** A CloudEvent in structured mode. */
export function event(id: string, data: unknown): string {
  return JSON.stringify({ specversion: '1.0', id, source: '/shop', type: 'focus.charge', data });
}

/** An agent with one receiver and one exporter, its state below a folder that is there. */
export interface BusAgent {
  readonly folder: string;
  readonly config: string;
  start(): Running;
  once(): Promise<Ran>;
  /** The billed cost that is committed. */
  billed(): string | undefined;
}

/** Configures an agent; `receiver` and `exporter` are `[id, settings]`. */
export function busAgent(
  t: Test,
  folder: string,
  {
    receiver = ['files', { paths: [join(folder, 'bills')], settle: '0s' }],
    exporter = ['file', { folder: join(folder, 'out'), format: 'focus-csv' }],
  }: {
    readonly receiver?: readonly [string, object];
    readonly exporter?: readonly [string, object];
  },
): BusAgent {
  const config = join(folder, 'focusd.json');
  const written = {
    receivers: Object.fromEntries([receiver]),
    exporters: Object.fromEntries([exporter]),
    workers: 1,
    storage: { folder: join(folder, 'state') },
    service: {
      pipelines: { bus: { receivers: [receiver[0]], exporters: [exporter[0]] } },
      telemetry: { metrics: { address: 'off' } },
    },
  };
  writeFileSync(config, JSON.stringify(written));
  return {
    folder,
    config,
    start: () => startFocusd(t, ['run', '-c', config]),
    once: () => focusd(t, ['run', '--once', '-c', config]),
    billed: () => committedCosts(folder).BilledCost,
  };
}

/** Waits as long as a slow machine may take; what comes after says what is wrong. */
export async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 600 && !(await what()); i++) await delay(100);
}

/** Ends an agent as an operator does; the test fails when it does not go well. */
export async function ended(t: Test, agent: Running): Promise<void> {
  agent.kill('SIGTERM');
  const { code, stderr } = await agent.ended;
  t.equal(code, 0, stderr);
}
