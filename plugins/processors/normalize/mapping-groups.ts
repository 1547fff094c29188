import type { Mapping } from '../../../pipelines/normalize/mapping.ts';
import type { Schema } from '../../../pipelines/plugin/index.ts';

/** A group of settings for each mapping that leaves the operator a choice. */
export function mappingGroups(mappings: readonly Mapping[]): Schema {
  const groups = mappings.map(({ name, settings = {} }): [string, Schema] => [
    name,
    Object.fromEntries(
      Object.entries(settings).map(([setting, { doc, values }]) => [
        setting,
        { doc, format: 'choice', values, default: values[0] ?? '' },
      ]),
    ),
  ]);
  return Object.fromEntries(groups.filter(([, group]) => Object.keys(group).length > 0));
}
