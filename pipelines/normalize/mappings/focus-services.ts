import { SERVICE_SUBCATEGORIES } from '../../focus/columns.ts';
import { always, derive, first, map, type TextExpression, test } from '../expressions.ts';
import type { RepairRule } from '../mapping.ts';
import { rewrittenValue, unlisted, unlistedText } from './focus-charges.ts';
import { missing } from './focus-costs.ts';
import type { Part, Section } from './focus-part.ts';
import { categoryOf, listedSubcategory } from './focus-values.ts';

/** The service and where the specification files it; what it does not know is filed under Other. */
export function services(part: Part): Section {
  const subcategory = part.text('ServiceSubcategory');
  const category = first(
    part.listed('ServiceCategory'),
    map(subcategory, categoryOf),
    always('Other'),
  );
  return serviceSection(part, category, [
    { code: 'service_category_missing', where: missing(part.text('ServiceCategory')) },
    { code: 'service_category_unknown', where: unlisted(part, 'ServiceCategory') },
    ...rewrittenValue(part, 'ServiceCategory').map((where) => ({
      code: 'service_category_case',
      where,
    })),
  ]);
}

/** Category, subcategory and name of the service, given the category. */
export function serviceSection(
  part: Part,
  category: TextExpression,
  repairs: readonly RepairRule[],
): Section {
  const subcategory = part.text('ServiceSubcategory');
  return {
    columns: {
      ServiceCategory: category,
      ServiceSubcategory: derive([category, subcategory], subcategoryUnder),
      ServiceName: first(part.text('ServiceName'), category),
      ...(part.has('ServiceCategory') && {
        x_SourceServiceCategory: unlistedText(part, 'ServiceCategory'),
      }),
    },
    repairs: [
      ...repairs,
      { code: 'service_name_missing', where: missing(part.text('ServiceName')) },
      ...(part.has('ServiceSubcategory')
        ? [
            {
              code: 'service_subcategory_unknown',
              where: test(
                [category, subcategory],
                (under, value) =>
                  value === undefined || listedSubcategory(under ?? '', value) === undefined,
              ),
            },
          ]
        : []),
    ],
  };
}

function subcategoryUnder(category = 'Other', subcategory?: string): string {
  const listed = subcategory === undefined ? undefined : listedSubcategory(category, subcategory);
  if (listed !== undefined) return listed;
  const rest = `Other (${category})`;
  return SERVICE_SUBCATEGORIES[category]?.includes(rest) === true ? rest : 'Other (Other)';
}
