import { decimal, divide, formatDecimal, multiply } from '../../../pipelines/focus/decimal.ts';
import {
  type ChargeLine,
  NO_CHARGE,
  type PriceSettings,
  pricer,
} from '../../kit/serverless/charge-line.ts';
import type { Usage } from '../../kit/serverless/usage.ts';

/** What decides quantities and prices. */
export interface ChargeSettings extends PriceSettings {
  /** vCPUs of a service that is not in `cpus`. */
  readonly cpu: string;
  /** Service → vCPUs. */
  readonly cpus: Readonly<Record<string, string>>;
  /** MiB of a service that is not in `memories`. */
  readonly memory: string;
  /** Service → MiB. */
  readonly memories: Readonly<Record<string, string>>;
  /** Service → requests that an instance serves at a time, on average. */
  readonly concurrency: Readonly<Record<string, string>>;
}

/** Places of a quotient that has no end. */
const PLACES = 15;

/** Makes charges of usage: vCPU-seconds, GiB-seconds and requests. */
export function charger(
  settings: ChargeSettings,
  unpriced: (sku: string, region: string) => void,
): (usage: Usage) => readonly ChargeLine[] {
  const priceOf = pricer('Google Cloud', settings);
  return (usage) =>
    metersOf(usage, settings).map((metered) => {
      const region = usage.of.region ?? '';
      const priced = priceOf(metered.sku, region, usage.from);
      if (priced.price === null) unpriced(metered.sku, region);
      return { ...lineOf(usage, settings), ...metered, ...priced };
    });
}

function metersOf({ of, counts }: Usage, settings: ChargeSettings) {
  const { service = '' } = of;
  const { requests = 0n, billed_ms = 0n } = counts;
  const shared = forService(settings.concurrency, service) ?? '1';
  const quantity = (size: string, perUnit: string): string => {
    const used = multiply({ digits: billed_ms, scale: 3 }, decimal(size));
    const quotient = divide(used, multiply(decimal(shared), decimal(perUnit)), PLACES);
    return formatDecimal(quotient ?? decimal('0'));
  };
  return [
    {
      meter: 'CPU',
      sku: 'Cloud Run CPU (Request-based billing)',
      quantity: quantity(cpuOf(service, settings), '1'),
      unit: 'vCPU-Seconds',
    },
    {
      meter: 'Memory',
      sku: 'Cloud Run Memory (Request-based billing)',
      quantity: quantity(memoryOf(service, settings), '1024'),
      unit: 'GiB-Seconds',
    },
    { meter: 'Requests', sku: 'Cloud Run Requests', quantity: String(requests), unit: 'Requests' },
  ];
}

function lineOf({ of, from, until, invocation }: Usage, settings: ChargeSettings): ChargeLine {
  const { project = '', region = '', service = '', revision = '' } = of;
  return {
    ...NO_CHARGE,
    provider: 'Google Cloud',
    service: 'Cloud Run',
    account: project,
    account_type: 'Project',
    region,
    resource_id: `//run.googleapis.com/projects/${project}/locations/${region}/services/${service}`,
    resource_name: service,
    resource_type: 'run.googleapis.com/services',
    started_at: from,
    ended_at: until,
    description: invocation === undefined ? service : `${service}, one request`,
    sku_details: {
      x_vCPUs: cpuOf(service, settings),
      x_MemoryMiB: memoryOf(service, settings),
    },
    currency: 'USD',
    trace_id: invocation?.traceId ?? null,
    span_id: invocation?.spanId ?? null,
    tags: {
      'faas.name': service,
      ...(revision !== '' && { 'faas.version': revision }),
      ...(invocation !== undefined && { 'faas.invocation_id': invocation.id }),
    },
  };
}

function cpuOf(service: string, { cpu, cpus }: ChargeSettings): string {
  return forService(cpus, service) ?? cpu;
}

function memoryOf(service: string, { memory, memories }: ChargeSettings): string {
  return forService(memories, service) ?? memory;
}

function forService(table: Readonly<Record<string, string>>, service: string): string | undefined {
  return Object.hasOwn(table, service) ? table[service] : undefined;
}
