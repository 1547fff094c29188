import { MAPPINGS } from '../../../pipelines/normalize/mappings/index.ts';
import { defineProcessor } from '../../../pipelines/plugin/index.ts';
import { mappingGroups } from './mapping-groups.ts';

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
