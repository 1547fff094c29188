import {
  all,
  always,
  any,
  cases,
  derive,
  first,
  is,
  map,
  matches,
  not,
  nothing,
  present,
  sign,
  type Test,
  type TextExpression,
  test,
  text,
  when,
} from '../expressions.ts';
import type { RepairRule } from '../mapping.ts';
import { missing } from './focus-costs.ts';
import type { Part, Section } from './focus-part.ts';
import { type ListedColumn, listedValue } from './focus-values.ts';

/** What kind of charge it is, and how commitments took part in it. */
export function chargeKinds(part: Part): Section {
  const category = chargeCategory(part);
  const kinds = [
    category,
    chargeClass(part),
    chargeFrequency(part, category.expression),
    pricingCategory(part),
    commitmentStatus(part, category.expression),
    listed(part, 'CommitmentDiscountCategory'),
    listed(part, 'CapacityReservationStatus'),
  ];
  const rewritten = kinds.flatMap(({ column }) => rewrittenValue(part, column));
  return {
    columns: Object.assign({}, ...kinds.map((kind) => kind.columns)) as Section['columns'],
    repairs: [
      ...kinds.flatMap(({ repairs }) => repairs),
      ...(rewritten.length === 0 ? [] : [{ code: 'enum_case', where: any(...rewritten) }]),
    ],
  };
}

interface Kind extends Section {
  readonly column: ListedColumn;
  readonly expression: TextExpression;
}

/** The cell holds something that the list does not know. */
export function unlisted(part: Part, column: ListedColumn): Test {
  return test(
    [part.text(column)],
    (value) => value !== undefined && listedValue(column, value) === undefined,
  );
}

/** The cell means a listed value but writes it another way (`Usage-based`). */
export function rewrittenValue(part: Part, column: ListedColumn): readonly Test[] {
  if (!part.has(column)) return [];
  return [
    test([part.text(column)], (value) => {
      if (value === undefined) return false;
      const meant = listedValue(column, value);
      return meant !== undefined && meant !== value;
    }),
  ];
}

/** The cell as it stood where the list does not know it. */
export function unlistedText(part: Part, column: ListedColumn): TextExpression {
  return map(part.text(column), (value) =>
    listedValue(column, value) === undefined ? value : undefined,
  );
}

function kind(
  column: ListedColumn,
  expression: TextExpression,
  repairs: readonly RepairRule[],
): Kind {
  return { column, expression, columns: { [column]: expression }, repairs };
}

function listed(
  part: Part,
  column: 'CommitmentDiscountCategory' | 'CapacityReservationStatus',
): Kind {
  if (!part.has(column)) return kind(column, nothing, []);
  const code =
    column === 'CommitmentDiscountCategory'
      ? 'commitment_discount_category_unknown'
      : 'capacity_reservation_status_unknown';
  return kind(column, part.listed(column), [{ code, where: unlisted(part, column) }]);
}

/** Unknown words are adjustments (the specification's own rest); a charge without a word is usage when it has a quantity. */
function chargeCategory(part: Part): Kind {
  const column = 'ChargeCategory';
  const metered = any(
    present(sign(part.amount('ConsumedQuantity'))),
    present(sign(part.amount('PricingQuantity'))),
  );
  const expression = cases(
    [
      ...(part.input.has('ChargeSubcategory')
        ? [[creditOfPreview(part), always('Credit')] as const]
        : []),
      [present(part.listed(column)), part.listed(column)],
      [all(missing(part.text(column)), metered), always('Usage')],
    ],
    always('Adjustment'),
  );
  const section = kind(column, expression, [
    { code: 'charge_category_missing', where: missing(part.text(column)) },
    { code: 'charge_category_unknown', where: unlisted(part, column) },
  ]);
  if (!part.has(column)) return section;
  return {
    ...section,
    columns: { ...section.columns, x_SourceChargeCategory: unlistedText(part, column) },
  };
}

/** Previews of 1.0 had credits among the adjustments. */
function creditOfPreview(part: Part): Test {
  return all(
    is(part.listed('ChargeCategory'), 'Adjustment'),
    matches(text('ChargeSubcategory'), /^credit$/i),
  );
}

/** OCI marks the correction of an earlier record by a reference to it. */
function chargeClass(part: Part): Kind {
  const column = 'ChargeClass';
  const stated = part.listed(column);
  const unknown = part.has(column)
    ? [{ code: 'charge_class_unknown', where: unlisted(part, column) }]
    : [];
  if (!part.input.has('oci_BackReferenceNumber')) return kind(column, stated, unknown);
  const corrects = present(text('oci_BackReferenceNumber'));
  return kind(column, when(corrects, always('Correction'), stated), [
    ...unknown,
    { code: 'correction_from_back_reference', where: all(corrects, missing(stated)) },
  ]);
}

function chargeFrequency(part: Part, category: TextExpression): Kind {
  const column = 'ChargeFrequency';
  const stated = part.listed(column);
  const expression = first(
    stated,
    when(is(category, 'Usage'), always('Usage-Based'), always('One-Time')),
  );
  return kind(column, expression, [{ code: 'charge_frequency_missing', where: missing(stated) }]);
}

/** OCI leaves it null: its usage is charged by the rates of the contract. */
function pricingCategory(part: Part): Kind {
  const column = 'PricingCategory';
  if (!part.has(column)) return kind(column, nothing, []);
  const unknown = unlisted(part, column);
  const unstated = all(
    is(part.family, 'oracle'),
    missing(part.text(column)),
    is(part.listed('ChargeCategory'), 'Usage'),
  );
  const section = kind(
    column,
    first(
      part.listed(column),
      cases([
        [unknown, always('Other')],
        [unstated, always('Standard')],
      ]),
    ),
    [
      { code: 'pricing_category_unknown', where: unknown },
      { code: 'pricing_category_missing', where: unstated },
    ],
  );
  return {
    ...section,
    columns: { ...section.columns, x_SourcePricingCategory: unlistedText(part, column) },
  };
}

/** Usage under a commitment has used it unless the bill says otherwise; previews of 1.0 said so in ChargeSubcategory. */
function commitmentStatus(part: Part, category: TextExpression): Kind {
  const column = 'CommitmentDiscountStatus';
  if (!part.has('CommitmentDiscountId')) return kind(column, part.listed(column), []);
  const before = map(text('ChargeSubcategory'), (value) => listedValue(column, value));
  const stated = part.input.has('ChargeSubcategory')
    ? first(part.listed(column), before)
    : part.listed(column);
  const usage = derive([part.text('CommitmentDiscountId'), category], (id, kindOfCharge) =>
    id !== undefined && kindOfCharge === 'Usage' ? '1' : undefined,
  );
  const derived = all(present(usage), not(present(stated)));
  return kind(column, first(stated, when(derived, always('Used'))), [
    { code: 'commitment_discount_status_missing', where: derived },
  ]);
}
