/** Services by category and subcategory, turned into the two lookup tables that mappings need. */

/** Category → subcategory → names or codes of services. */
export type ServiceGroups = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

/** The lookup tables of a provider: service → category, service → subcategory. */
export interface ServiceTables {
  readonly categories: Readonly<Record<string, string>>;
  readonly subcategories: Readonly<Record<string, string>>;
}

/** Turns groups into lookup tables; `key` normalises the names (default: as they stand). */
export function serviceTables(
  groups: ServiceGroups,
  key: (name: string) => string = (name) => name,
): ServiceTables {
  const categories: Record<string, string> = {};
  const subcategories: Record<string, string> = {};
  for (const [category, bySubcategory] of Object.entries(groups)) {
    for (const [subcategory, names] of Object.entries(bySubcategory)) {
      for (const name of names) {
        categories[key(name)] = category;
        subcategories[key(name)] = subcategory;
      }
    }
  }
  return { categories, subcategories };
}
