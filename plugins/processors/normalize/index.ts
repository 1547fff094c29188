import type { Mapping } from '../../../pipelines/normalize/mapping.ts';
import { MAPPINGS } from '../../../pipelines/normalize/mappings/index.ts';
import { defineProcessor, type Schema } from '../../../pipelines/plugin/index.ts';

export default defineProcessor({
  type: 'normalize',
  summary: 'How source columns become FOCUS: choices of the mappings, checks of what comes out.',
  stability: 'beta',
  stage: 'normalize',
  config: {
    check: {
      doc: 'Count violations of the rules of FOCUS by source and rule.',
      format: 'flag',
      default: true,
    },
    ...mappingGroups(MAPPINGS),
  },
});

/** A group of settings for each mapping that leaves the operator a choice. */
function mappingGroups(mappings: readonly Mapping[]): Schema {
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
