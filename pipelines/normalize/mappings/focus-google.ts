/**
 * Google's native FOCUS table lacks columns of 1.2 that its `x_` columns can fill: tags, commitments, the kind of
 * resource and the meter.
 */
import {
  all,
  always,
  derive,
  first,
  is,
  join,
  jsonObject,
  map,
  matches,
  nothing,
  present,
  type TextExpression,
  test,
  text,
  when,
} from '../expressions.ts';
import { isJsonObject, itemsOf, readJson } from '../json-cells.ts';
import { gcpServiceKind } from '../tables/gcp-services.ts';
import { type ServiceKind, UNKNOWN_SERVICE } from '../tables/service-kind.ts';
import { pairsOf } from './focus-json.ts';
import type { Part, Section } from './focus-part.ts';
import { discountType } from './gcp-charge.ts';

/** What the table's `x_` columns say of the columns it lacks; undefined for other parts. */
export function googleTable(part: Part, sections: readonly Section[]): Section | undefined {
  const google = part.input.has('x_ProjectLabels') || part.input.has('x_SubscriptionInstanceId');
  if (!google || !part.input.has('x_CostType')) return undefined;
  const known = Object.assign(
    {},
    ...sections.map((section) => section.columns),
  ) as Section['columns'];
  const category = known.ChargeCategory?.kind === 'text' ? known.ChargeCategory : nothing;
  const filled = [
    tags(part),
    commitments(part, category),
    capacity(part, category),
    meter(part),
    priceDetails(part),
    frequency(part, category),
    serviceKind(part),
  ];
  return {
    columns: Object.assign({}, ...filled.map((section) => section.columns)) as Section['columns'],
    repairs: filled.flatMap((section) => section.repairs),
  };
}

const NOTHING: Section = { columns: {}, repairs: [] };

/** Labels first, then tags as `namespace/key`, `project/…` and `system/…`; the first of equal keys stays. */
function tags(part: Part): Section {
  if (part.has('Tags')) return NOTHING;
  const of = derive(['x_Labels', 'x_Tags', 'x_ProjectLabels', 'x_SystemLabels'], (...lists) => {
    const entries = lists.flatMap((list, i) => tagEntries(list, PREFIXES[i] ?? ''));
    return entries.length === 0 ? undefined : JSON.stringify(Object.fromEntries(entries.reverse()));
  });
  return { columns: { Tags: of }, repairs: [{ code: 'tags_from_labels', where: present(of) }] };
}

const PREFIXES = ['', '', 'project/', 'system/'];

function tagEntries(list: string | undefined, prefix: string): [string, unknown][] {
  const value = list === undefined ? undefined : readJson(list);
  const pairs = pairsOf(value);
  if (pairs === undefined)
    return isJsonObject(value)
      ? Object.entries(value).map(([key, tag]) => [prefix + key, tag])
      : [];
  return pairs.map(({ key, value: tag, namespace }) => [
    namespace === undefined ? prefix + key : `${namespace}/${key}`,
    tag,
  ]);
}

/** The commitment is the subscription's instance, else the one a committed use credit names. */
function commitments(part: Part, category: TextExpression): Section {
  if (part.has('CommitmentDiscountId')) return NOTHING;
  const credit = map(text('x_Credits'), committedUse);
  const id = first(text('x_SubscriptionInstanceId'), field(credit, 'id'));
  const known = present(id);
  const type = derive(
    [known, field(credit, 'type'), part.text('ChargeDescription')],
    (committed, stated, sku) =>
      committed === undefined ? undefined : (stated ?? discountType(sku)),
  );
  return {
    columns: {
      CommitmentDiscountId: id,
      CommitmentDiscountName: when(known, field(credit, 'name')),
      CommitmentDiscountType: type,
      CommitmentDiscountCategory: map(type, (name) =>
        name === 'COMMITTED_USAGE_DISCOUNT' ? 'Usage' : 'Spend',
      ),
      CommitmentDiscountStatus: when(all(known, is(category, 'Usage')), always('Used')),
    },
    repairs: [{ code: 'commitment_from_credits', where: known }],
  };
}

const COMMITTED_USE = new Set([
  'COMMITTED_USAGE_DISCOUNT',
  'COMMITTED_USAGE_DISCOUNT_DOLLAR_BASE',
  'FEE_UTILIZATION_OFFSET',
]);

/** The first committed use credit of a list as JSON of its id, name and type. */
function committedUse(credits: string): string | undefined {
  for (const item of itemsOf(readJson(credits)) ?? []) {
    if (!isJsonObject(item)) continue;
    const fields = new Map(
      Object.entries(item).map(([name, value]) => [name.toLowerCase().replace(/_/g, ''), value]),
    );
    const type = fields.get('type');
    if (typeof type !== 'string' || !COMMITTED_USE.has(type)) continue;
    return JSON.stringify({
      id: fields.get('id'),
      name: fields.get('fullname') ?? fields.get('name'),
      type,
    });
  }
  return undefined;
}

function field(credit: TextExpression, name: 'id' | 'name' | 'type'): TextExpression {
  return map(credit, (json) => {
    const value = readJson(json);
    const found = isJsonObject(value) ? value[name] : undefined;
    return typeof found === 'string' && found !== '' ? found : undefined;
  });
}

/** The reservation is named by system labels, as in the detailed export. */
function capacity(part: Part, category: TextExpression): Section {
  if (part.has('CapacityReservationId') || !part.input.has('x_SystemLabels')) return NOTHING;
  const label = (key: string): TextExpression =>
    map(text('x_SystemLabels'), (list) => {
      const value = new Map(tagEntries(list, '')).get(`compute.googleapis.com/${key}`);
      return typeof value === 'string' && value !== '' ? value : undefined;
    });
  const id = join('/', label('reservation_project_id'), label('reservation_name'));
  return {
    columns: {
      CapacityReservationId: id,
      CapacityReservationStatus: when(
        all(present(id), is(category, 'Usage')),
        when(matches(label('is_unused_reservation'), /^true$/i), always('Unused'), always('Used')),
      ),
    },
    repairs: [{ code: 'capacity_reservation_from_labels', where: present(id) }],
  };
}

/** What tells prices of one SKU apart and has a column of its own here. */
function priceDetails(part: Part): Section {
  const { input } = part;
  if (part.has('SkuPriceDetails') || !part.has('SkuPriceId') || !input.has('x_ConsumptionModelId'))
    return NOTHING;
  const details = jsonObject({ x_ConsumptionModelId: text('x_ConsumptionModelId') });
  return {
    columns: { SkuPriceDetails: when(present(part.text('SkuPriceId')), details) },
    repairs: [],
  };
}

/** The SKU's description without the place it is sold in. */
function meter(part: Part): Section {
  if (part.has('SkuMeter') || !part.has('SkuId')) return NOTHING;
  const place = / (?:running )?in [A-Z][\w ()-]*$/;
  const name = map(part.text('ChargeDescription'), (description) => description.replace(place, ''));
  return { columns: { SkuMeter: when(present(part.text('SkuId')), name) }, repairs: [] };
}

/** Purchases are the fees of commitments, month by month. */
function frequency(part: Part, category: TextExpression): Section {
  if (part.has('ChargeFrequency')) return NOTHING;
  const usual = when(is(category, 'Usage'), always('Usage-Based'), always('One-Time'));
  return {
    columns: { ChargeFrequency: when(is(category, 'Purchase'), always('Recurring'), usual) },
    repairs: [],
  };
}

/** The table has no service categories: filed by the service's name as in Google's other exports. */
function serviceKind(part: Part): Section {
  if (part.has('ServiceCategory') || !part.has('ServiceName')) return NOTHING;
  const name = part.text('ServiceName');
  const kind = (service: string): ServiceKind => gcpServiceKind(service) ?? UNKNOWN_SERVICE;
  return {
    columns: {
      ServiceCategory: first(
        map(name, (service) => kind(service).category),
        always('Other'),
      ),
      ServiceSubcategory: first(
        map(name, (service) => kind(service).subcategory),
        always('Other (Other)'),
      ),
    },
    repairs: [
      {
        code: 'service_unknown',
        where: test([name], (service) => gcpServiceKind(service ?? '') === undefined),
      },
    ],
  };
}
