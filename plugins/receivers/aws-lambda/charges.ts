import {
  type ChargeLine,
  NO_CHARGE,
  type PriceSettings,
  pricer,
  quotient,
} from '../../kit/serverless/charge-line.ts';
import type { Subject, Usage } from '../../kit/serverless/usage.ts';
import { arnOf, functionOfArn } from './function-name.ts';

/** What decides which prices hold. Functions are named by name or ARN. */
export interface ChargeSettings extends PriceSettings {
  readonly architecture: 'x86_64' | 'arm64';
  readonly architectures: Readonly<Record<string, string>>;
  /** Function → MB of /tmp. */
  readonly ephemeral_storage: Readonly<Record<string, string>>;
  /** ARN with alias or version → `10 x 1024`: environments and MB. */
  readonly provisioned_concurrency: Readonly<Record<string, string>>;
}

/** MB × ms in a GB-second. */
const GB_SECOND = 1024n * 1000n;
/** What every function has without a charge. */
const FREE_STORAGE_MB = 512n;

/** Makes charges of usage: GB-seconds and requests, and storage or provisioned concurrency where there is some. */
export function charger(
  settings: ChargeSettings,
  unpriced: (sku: string, region: string) => void,
): (usage: Usage) => readonly ChargeLine[] {
  const priceOf = pricer('AWS', settings);
  return (usage) =>
    metersOf(usage, settings).map(({ meter, sku, quantity, unit }) => {
      const region = usage.of.region ?? '';
      const priced = priceOf(sku, region, usage.from);
      if (priced.price === null) unpriced(sku, region);
      return { ...lineOf(usage, settings), meter, sku, quantity, unit, ...priced };
    });
}

/** A quantity that is priced. */
interface Metered {
  readonly meter: string;
  readonly sku: string;
  readonly quantity: string;
  readonly unit: 'GB-Seconds' | 'Requests';
}

function metersOf({ of, counts }: Usage, settings: ChargeSettings): readonly Metered[] {
  const { requests = 0n, billed_ms = 0n, mb_ms = 0n, provisioned_mb_ms = 0n } = counts;
  const arm = architectureOf(of, settings) === 'arm64' ? '-ARM' : '';
  const seconds = (meter: string, sku: string, mbMs: bigint): Metered => ({
    meter,
    sku,
    quantity: quotient(mbMs, GB_SECOND),
    unit: 'GB-Seconds',
  });
  if (provisioned_mb_ms > 0n)
    return [
      seconds('Provisioned concurrency', `Lambda-Provisioned-Concurrency${arm}`, provisioned_mb_ms),
    ];
  const duration = isProvisioned(of, settings)
    ? 'Lambda-Provisioned-GB-Second'
    : 'Lambda-GB-Second';
  const storage = (storageOf(of, settings) - FREE_STORAGE_MB) * billed_ms;
  return [
    seconds('Duration', `${duration}${arm}`, mb_ms),
    { meter: 'Requests', sku: `Request${arm}`, quantity: String(requests), unit: 'Requests' },
    ...(storage > 0n ? [seconds('Ephemeral storage', 'Lambda-Storage-GB-Second', storage)] : []),
  ];
}

function lineOf({ of, from, until, invocation }: Usage, settings: ChargeSettings): ChargeLine {
  const { account = '', region = '', name = '', version = '', memory = '' } = of;
  return {
    ...NO_CHARGE,
    provider: 'AWS',
    service: 'AWS Lambda',
    account: account || null,
    account_type: 'Account',
    region: region || null,
    resource_id: arnOf({ account, region, name, version }) ?? name,
    resource_name: name,
    resource_type: 'function',
    started_at: from,
    ended_at: until,
    description: invocation === undefined ? name : `${name}, one invocation`,
    sku_details: {
      x_Architecture: architectureOf(of, settings),
      x_MemorySizeMB: memory,
    },
    currency: 'USD',
    trace_id: invocation?.traceId ?? null,
    span_id: invocation?.spanId ?? null,
    tags: {
      'faas.name': name,
      ...(version !== '' && { 'faas.version': version }),
      ...(invocation !== undefined && { 'faas.invocation_id': invocation.id }),
    },
  };
}

function architectureOf(of: Subject, { architecture, architectures }: ChargeSettings): string {
  return forFunction(architectures, of) ?? architecture;
}

function storageOf(of: Subject, { ephemeral_storage }: ChargeSettings): bigint {
  return BigInt(forFunction(ephemeral_storage, of) ?? FREE_STORAGE_MB);
}

/** What a table says of a function, by its ARN or its name. */
function forFunction(table: Readonly<Record<string, string>>, of: Subject): string | undefined {
  const { account = '', region = '', name = '', version = '' } = of;
  const arn = arnOf({ account, region, name, version });
  if (arn !== undefined && Object.hasOwn(table, arn)) return table[arn];
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

/** A log names the version that ran, never the alias: an alias stands for every version with a number. */
function isProvisioned(of: Subject, { provisioned_concurrency }: ChargeSettings): boolean {
  return Object.keys(provisioned_concurrency).some((arn) => {
    const found = functionOfArn(arn);
    if (found === undefined) return false;
    const { account, region, name, version } = found;
    if (name !== of.name || account !== of.account || region !== of.region) return false;
    return version === of.version || (!/^\d+$/.test(version) && of.version !== '$LATEST');
  });
}
