/**
 * What OpenCost says that workloads cost, from its API (`/allocation`) or its csv, to FOCUS: a charge per allocation and window. Costs are estimates
 * at OpenCost's prices, never billed. OpenCost does not tell its currency.
 */
import {
  always,
  amount,
  derive,
  deriveTime,
  first,
  map,
  not,
  present,
  type TextExpression,
  text,
  timeBy,
  zero,
} from '../expressions.ts';
import { isJsonObject, readJson, textOf } from '../json-cells.ts';
import {
  defineMapping,
  type MappingInput,
  type MappingTable,
  type RowTemplate,
} from '../mapping.ts';
import { readTime } from '../written-times.ts';
import { CURRENCY_SETTING, namedCurrency } from './currency.ts';
import { billingMonthOf, soldBy, unknownPrice } from './usage-record.ts';

const COSTS = ['totalcost', 'cpucost', 'ramcost'] as const;

/** Parts of the total, which are kept beside it. */
const PARTS = {
  cpucost: 'x_CpuCost',
  ramcost: 'x_RamCost',
  gpucost: 'x_GpuCost',
  pvcost: 'x_PvCost',
  networkcost: 'x_NetworkCost',
  loadbalancercost: 'x_LoadBalancerCost',
  sharedcost: 'x_SharedCost',
  externalcost: 'x_ExternalCost',
} as const;

/** Names in tables that Kubecost writes. */
const NAMES: Readonly<Record<string, string>> = { windowstart: 'start', windowend: 'end' };

/** The mapping `opencost`. */
export default defineMapping({
  name: 'opencost',
  summary: 'Allocations of OpenCost, as its API answers them or as csv, with estimated costs.',
  settings: { currency: CURRENCY_SETTING },
  rename: (header) => {
    const name = header.toLowerCase().replace(/[\s_]+/g, '');
    return NAMES[name] ?? name;
  },
  fits: (columns) =>
    COSTS.every((name) => columns.has(name)) && !columns.has('billedcost') ? 90 : 0,
  required: [...COSTS, 'currency'],
  standIns: { currency: { setting: 'currency', example: 'USD' } },
  build,
});

function build(input: MappingInput): MappingTable {
  const start = first(member('window', 'start'), 'start', 'date');
  const end = first(member('window', 'end'), 'end');
  return {
    templates: [
      { columns: { ...CHARGE, ...costs(input), ...workload(input), ...periods(start, end) } },
    ],
    reject: [
      unknownPrice('totalcost', 'the allocation has no total cost'),
      {
        reason: 'missing_mandatory',
        column: 'window',
        message: 'the allocation has no window, start or date',
        where: not(present(start)),
      },
    ],
    measures: { EffectiveCost: { column: 'totalcost', amount: amount('totalcost') } },
    provider: always(PROVIDER),
  };
}

const PROVIDER = 'Kubernetes';

const CHARGE: RowTemplate['columns'] = {
  ChargeCategory: always('Usage'),
  ChargeFrequency: always('Usage-Based'),
  PricingCategory: always('Standard'),
  ServiceName: always('Kubernetes'),
  ServiceCategory: always('Compute'),
  ServiceSubcategory: always('Containers'),
  ...soldBy(always(PROVIDER)),
  x_CostSource: always('estimated'),
  x_PriceSource: always('OpenCost'),
};

function costs(input: MappingInput): RowTemplate['columns'] {
  const currency = input.has('currency')
    ? first('currency', always(namedCurrency(input.settings.currency)))
    : always(namedCurrency(input.settings.currency));
  const total = amount('totalcost');
  return {
    BillingCurrency: currency,
    PricingCurrency: currency,
    BilledCost: zero,
    EffectiveCost: total,
    ContractedCost: total,
    ListCost: total,
    PricingCurrencyEffectiveCost: total,
    ...(input.has('minutes') ? MINUTES : {}),
    ...Object.fromEntries(
      Object.entries(PARTS)
        .filter(([column]) => input.has(column))
        .map(([column, name]) => [name, text(column)]),
    ),
  };
}

const MINUTES: RowTemplate['columns'] = {
  PricingQuantity: amount('minutes'),
  PricingUnit: always('Minutes'),
  ConsumedQuantity: amount('minutes'),
  ConsumedUnit: always('Minutes'),
};

/** Which workload it is, on what; its labels are the tags by which it has an owner. */
function workload(input: MappingInput): RowTemplate['columns'] {
  const column = (...names: readonly string[]) => names.filter((name) => input.has(name));
  const of = (name: string, ...more: readonly string[]): TextExpression =>
    first(member('properties', name), ...column(name.toLowerCase(), ...more));
  const [cluster, namespace, pod] = [of('cluster'), of('namespace'), of('pod')];
  const [controller, kind] = [of('controller', 'controllername'), of('controllerKind')];
  const [node, labels] = [first(of('providerID'), of('node')), of('labels')];
  const name = first(...column('name'), path(namespace, pod, of('container')));
  return {
    BillingAccountId: first(cluster, always('unknown')),
    BillingAccountType: always('Kubernetes cluster'),
    SubAccountId: cluster,
    SubAccountName: cluster,
    SubAccountType: map(cluster, () => 'Kubernetes cluster'),
    ChargeDescription: name,
    ResourceId: node,
    ResourceName: of('node'),
    ResourceType: map(node, () => 'Node'),
    AllocatedMethodId: always('opencost'),
    AllocatedResourceId: name,
    AllocatedResourceName: name,
    AllocatedTags: derive(
      [labels, namespace, controller, kind],
      (tags, inNamespace, by, ofKind) => {
        const object = tags === undefined ? undefined : readJson(tags);
        const all = {
          ...(isJsonObject(object) ? object : {}),
          ...(inNamespace === undefined ? {} : { namespace: inNamespace }),
          ...(by === undefined ? {} : { controller: by }),
          ...(ofKind === undefined ? {} : { controllerKind: ofKind }),
        };
        return Object.keys(all).length === 0 ? undefined : JSON.stringify(all);
      },
    ),
  };
}

/** The window, and the calendar month (UTC) in which it begins. A date alone is a day. */
function periods(start: TextExpression, end: TextExpression): RowTemplate['columns'] {
  return {
    ChargePeriodStart: timeBy(start, readTime),
    ChargePeriodEnd: deriveTime([end, start], (to, from) =>
      to === undefined ? readTime(from ?? '') + DAY : readTime(to),
    ),
    ...billingMonthOf(start, readTime),
  };
}

const DAY = 86_400_000;

/** A member of a column that holds a JSON object; objects in it as JSON. */
function member(column: string, name: string): TextExpression {
  return map(column, (json) => {
    const object = readJson(json);
    const value = isJsonObject(object) ? object[name] : undefined;
    return isJsonObject(value) ? JSON.stringify(value) : textOf(value);
  });
}

function path(...of: readonly TextExpression[]): TextExpression {
  return derive(of, (...names: (string | undefined)[]) => {
    const known = names.filter((name) => name !== undefined);
    return known.length === 0 ? undefined : known.join('/');
  });
}
