import {
  type ChargeLine,
  NO_CHARGE,
  type PriceSettings,
  pricer,
  quotient,
} from '../../kit/serverless/charge-line.ts';
import type { Usage } from '../../kit/serverless/usage.ts';

/** What decides prices. */
export interface ChargeSettings extends PriceSettings {
  /** Region of apps that are not in `regions`; empty when none is set. */
  readonly region: string;
  /** App → region. */
  readonly regions: Readonly<Record<string, string>>;
}

/** MB × ms in a GB-second. */
const GB_SECOND = 1024n * 1000n;

/** Makes charges of usage: GB-seconds and executions of the Consumption plan. */
export function charger(
  settings: ChargeSettings,
  unpriced: (sku: string, region: string) => void,
): (usage: Usage) => readonly ChargeLine[] {
  const priceOf = pricer('Microsoft', settings);
  return (usage) => {
    const region = regionOf(usage, settings);
    return metersOf(usage).map((metered) => {
      const priced = priceOf(metered.sku, region, usage.from);
      if (priced.price === null) unpriced(metered.sku, region);
      return { ...lineOf(usage, region), ...metered, ...priced };
    });
  };
}

function regionOf({ of }: Usage, { region, regions }: ChargeSettings): string {
  const app = of.app ?? '';
  return (Object.hasOwn(regions, app) ? regions[app] : undefined) ?? (of.region || region);
}

function metersOf({ counts }: Usage) {
  const { mb_ms = 0n, requests = 0n } = counts;
  const time = {
    meter: 'Execution Time',
    sku: 'Functions Standard Execution Time',
    quantity: quotient(mb_ms, GB_SECOND),
    unit: 'GB-Seconds',
  };
  const executions = {
    meter: 'Total Executions',
    sku: 'Functions Standard Total Executions',
    quantity: String(requests),
    unit: 'Requests',
  };
  return [...(mb_ms > 0n ? [time] : []), ...(requests > 0n ? [executions] : [])];
}

function lineOf({ of, from, until, invocation }: Usage, region: string): ChargeLine {
  const { subscription = '', app = '', resource = '' } = of;
  return {
    ...NO_CHARGE,
    provider: 'Microsoft',
    service: 'Functions',
    account: subscription || null,
    account_type: 'Subscription',
    region: region || null,
    resource_id: resource || app,
    resource_name: app,
    resource_type: 'microsoft.web/sites',
    started_at: from,
    ended_at: until,
    description: invocation === undefined ? app : `${app}, one execution`,
    currency: 'USD',
    trace_id: invocation?.traceId ?? null,
    span_id: invocation?.spanId ?? null,
    tags: {
      'faas.name': app,
      ...(invocation !== undefined && { 'faas.invocation_id': invocation.id }),
    },
  };
}
