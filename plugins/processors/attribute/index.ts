import { defineProcessor } from '../../../pipelines/plugin/index.ts';

export default defineProcessor({
  type: 'attribute',
  summary: 'Who owns a charge: by its tags, else by its account.',
  stability: 'beta',
  stage: 'attribute',
  config: {
    tags: {
      doc: 'Tag keys whose value is the owner; the first that a charge has wins. Matched without case.',
      format: 'list',
      default: ['owner', 'team', 'cost-center', 'cost_center', 'costcenter'],
    },
    accounts: {
      doc: 'Owner by sub account id, for charges without such a tag.',
      format: 'map',
      default: {},
    },
    fallback: { doc: 'Owner of the rest.', format: 'text', default: 'unowned' },
  },
});
