/** An agent that reads bills from a store, by the command line. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { focusd } from '../helpers/focusd-process.ts';
import { committedCosts } from '../helpers/world.ts';

const COLUMNS =
  'BilledCost,EffectiveCost,ListCost,ContractedCost,BillingCurrency,BillingPeriodStart,BillingPeriodEnd,ChargePeriodStart,ChargePeriodEnd,ChargeCategory,BillingAccountId,ServiceName';

/** A bill in FOCUS: a charge for each cost, none is a header. `month` is `YYYY-MM`. */
export function focusBill(month: string, costs: readonly string[]): string {
  const rows = costs.map(
    (cost) =>
      `${cost},${cost},${cost},${cost},USD,${month}-01T00:00:00Z,${month}-28T00:00:00Z,${month}-02T00:00:00Z,${month}-03T00:00:00Z,Usage,a,Compute`,
  );
  return [COLUMNS, ...rows].join('\n');
}

/** The month so many months before this one, `YYYY-MM`. */
export function monthsAgo(count: number): string {
  const now = new Date();
  const start = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - count, 1));
  return start.toISOString().slice(0, 7);
}

/** An agent with one receiver and its state below a folder. */
export interface StoreAgent {
  /** Path of its configuration. */
  readonly config: string;
  /** What `test-receiver` says; the test fails when it fails. */
  probe(): Promise<string>;
  /** One run; answers the billed cost that is committed then. */
  billed(): Promise<string | undefined>;
  /** Derives the totals from the bills that were kept; the test fails when they differ. */
  audit(): Promise<void>;
}

/** Configures an agent. */
export function storeAgent(
  t: Test,
  {
    dir,
    type,
    settings,
  }: { readonly dir: string; readonly type: string; readonly settings: object },
): StoreAgent {
  const config = join(dir, 'focusd.json');
  const written = {
    receivers: { [type]: settings },
    exporters: { console: {} },
    storage: { folder: join(dir, 'state') },
    service: {
      telemetry: { metrics: { address: 'off' } },
      pipelines: { costs: { receivers: [type], exporters: ['console'] } },
    },
  };
  writeFileSync(config, JSON.stringify(written));
  const succeed = async (...args: readonly string[]): Promise<string> => {
    const ended = await focusd(t, [...args, '-c', config]);
    t.equal(ended.code, 0, `${args[0]}: ${ended.stdout} ${ended.stderr}`);
    return ended.stdout;
  };
  return {
    config,
    probe: () => succeed('test-receiver', type),
    async billed() {
      await succeed('run', '--once');
      return committedCosts(dir).BilledCost;
    },
    async audit() {
      await succeed('audit', '--json');
    },
  };
}
