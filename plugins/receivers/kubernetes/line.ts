import { type Decimal, formatDecimal } from '../../../pipelines/focus/index.ts';
import { HOUR, type Hour } from './hour.ts';
import type { PriceNode } from './node-price.ts';
import type { Price, Prices } from './prices.ts';
import type { Settings } from './settings.ts';

/** What makes charges of an hour. */
export interface Charging {
  readonly prices: Prices;
  readonly priceNode: PriceNode;
  readonly config: Pick<
    Settings,
    | 'account'
    | 'currency'
    | 'costs'
    | 'node'
    | 'idle'
    | 'overhead'
    | 'daemonsets'
    | 'control_plane'
    | 'namespace_labels'
  >;
  /** Its name, the `SubAccountId`. */
  readonly cluster: string;
}

/** One line for the mapping `kubernetes-usage`. A `cost` that is null says that no price is known. */
export type UsageRecord = Readonly<Record<string, string | null>>;

/** What has a price: a node, a volume, … */
export interface Origin {
  /** As the provider's own bill names it, where there is one. */
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly service: string;
  readonly category: string;
  readonly subcategory: string;
  readonly provider: string;
  readonly region: string;
  readonly zone: string;
  readonly sku: string;
  /** Its price changes with demand: a spot node. */
  readonly dynamic: boolean;
  readonly tags: Readonly<Record<string, string>>;
  readonly price: Price | undefined;
}

/** A charge: the whole of an origin's cost, or a part of it. */
export interface Part {
  /** `container`, `overhead`, `idle`, `volume`, … */
  readonly kind: string;
  readonly description: string;
  /** Added to the SKU of the origin: `cpu`. */
  readonly meter?: string | undefined;
  readonly quantity: Decimal;
  readonly unit: string;
  /** Absent: no price is known. */
  readonly cost: Decimal | undefined;
  /** Of what the origin's cost was split into this part is one; its share of 1. */
  readonly ratio?: Decimal | undefined;
  readonly requested?: Decimal | undefined;
  readonly used?: Decimal | undefined;
  /** Whose part it is. */
  readonly allocated?: Allocated | undefined;
}

/** Who a part is allocated to. */
export interface Allocated {
  readonly id: string;
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** Makes lines of one hour. */
export type ToLine = (origin: Origin, part: Part) => UsageRecord;

/** How costs are split, for `AllocatedMethodId`. */
const METHOD = 'opencost-max-request-usage';

/** The maker of lines of an hour; every line has the same fields. */
export function lineOf({ start }: Hour, { cluster, config }: Charging): ToLine {
  const period = {
    hour_start: secondText(start),
    hour_end: secondText(start + HOUR),
    cluster,
    account: config.account ?? cluster,
    currency: config.currency,
  };
  return (origin, part) => ({
    ...period,
    ...originFields(origin, period.hour_start),
    ...partFields(origin, part),
    ...allocatedFields(part),
  });
}

/** `2026-09-17T10:00:00Z` of seconds since 1970. */
export function secondText(second: number): string {
  return new Date(second * 1000).toISOString().replace('.000', '');
}

function originFields(origin: Origin, hour: string): UsageRecord {
  const { id, name, type, service, category, subcategory, provider, region, zone } = origin;
  return {
    origin: `${id}/${hour}`,
    ...{ provider, service, category, subcategory },
    resource_id: id,
    resource_name: name,
    resource_type: type,
    region: region || null,
    zone: zone || null,
    dynamic: origin.dynamic ? '1' : null,
    tags: JSON.stringify(origin.tags),
    price_source: origin.price?.source ?? null,
  };
}

function partFields({ sku }: Origin, part: Part): UsageRecord {
  const { kind, description, meter, quantity, unit, cost, requested, used } = part;
  return {
    ...{ kind, description, unit },
    sku: meter === undefined ? sku : `${sku}/${meter}`,
    sku_price: sku,
    quantity: formatDecimal(quantity),
    cost: cost === undefined ? null : formatDecimal(cost),
    requested: requested === undefined ? null : formatDecimal(requested),
    used: used === undefined ? null : formatDecimal(used),
  };
}

function allocatedFields({ ratio, allocated, quantity, unit }: Part): UsageRecord {
  return {
    method: ratio === undefined ? null : METHOD,
    method_details:
      ratio === undefined
        ? null
        : `{"Elements":[{"AllocatedRatio":${formatDecimal(ratio)},"UsageUnit":${JSON.stringify(unit)},"UsageQuantity":${formatDecimal(quantity)}}]}`,
    allocated_id: allocated?.id ?? null,
    allocated_name: allocated?.name ?? null,
    allocated_tags: allocated === undefined ? null : JSON.stringify(allocated.tags),
  };
}
