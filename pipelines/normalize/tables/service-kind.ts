import { SERVICE_SUBCATEGORIES } from '../../focus/columns.ts';

/** Where FOCUS files a service. */
export interface ServiceKind {
  readonly category: string;
  readonly subcategory: string;
}

/** What a service is when nobody knows. */
export const UNKNOWN_SERVICE: ServiceKind = { category: 'Other', subcategory: 'Other (Other)' };

/** The one category that has this subcategory; throws `RangeError` when FOCUS has no such subcategory. */
export function categoryOfSubcategory(subcategory: string): string {
  const category = CATEGORIES.get(subcategory);
  if (category === undefined) throw new RangeError(`no FOCUS subcategory: ${subcategory}`);
  return category;
}

const CATEGORIES: ReadonlyMap<string, string> = new Map(
  Object.entries(SERVICE_SUBCATEGORIES).flatMap(([category, subcategories]) =>
    subcategories.map((subcategory) => [subcategory, category] as const),
  ),
);
