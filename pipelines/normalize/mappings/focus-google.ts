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
  map,
  nothing,
  present,
  type TextExpression,
  text,
  when,
} from '../expressions.ts';
import type { Part, Section } from './focus-part.ts';
import { isObject, pairsOf, parsed } from './focus-values.ts';

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
    resourceType(part),
    meter(part),
    frequency(part, category),
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
  const value = list === undefined ? undefined : parsed(list);
  if (isObject(value)) return Object.entries(value).map(([key, tag]) => [prefix + key, tag]);
  if (!Array.isArray(value)) return [];
  return (pairsOf(value) ?? []).map(({ key, value: tag, namespace }) => [
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
  return {
    columns: {
      CommitmentDiscountId: id,
      CommitmentDiscountName: field(credit, 'name'),
      CommitmentDiscountType: field(credit, 'type'),
      CommitmentDiscountCategory: map(field(credit, 'type'), (type) =>
        type === 'COMMITTED_USAGE_DISCOUNT' ? 'Usage' : 'Spend',
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
  const list = parsed(credits);
  if (!Array.isArray(list)) return undefined;
  for (const item of list) {
    if (!isObject(item)) continue;
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
    const value = parsed(json);
    const found = isObject(value) ? value[name] : undefined;
    return typeof found === 'string' && found !== '' ? found : undefined;
  });
}

/** `//compute.googleapis.com/projects/p/zones/z/instances/i` is a `compute.googleapis.com/instances`. */
function resourceType(part: Part): Section {
  if (part.has('ResourceType') || !part.has('ResourceId')) return NOTHING;
  const type = map(part.text('ResourceId'), (id) => {
    const match = /^\/\/([^/]+\.googleapis\.com)\/(?:.*\/)?([^/]+)\/[^/]+$/.exec(id);
    return match === null ? undefined : `${match[1]}/${match[2]}`;
  });
  return {
    columns: { ResourceType: type },
    repairs: [{ code: 'resource_type_from_resource_id', where: present(type) }],
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
