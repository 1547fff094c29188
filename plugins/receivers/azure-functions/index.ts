import { defineReceiver } from '../../../pipelines/plugin/index.ts';
import { receiveUsage, sayUnpriced } from '../../kit/serverless/receive.ts';
import { checkMap, checkUsageSettings, USAGE_SETTINGS } from '../../kit/serverless/settings.ts';
import { charger } from './charges.ts';
import { judgePush } from './push.ts';

export default defineReceiver({
  type: 'azure-functions',
  summary:
    'Azure Functions (Consumption plan): the estimated cost of each app and minute, by metrics or requests of Azure Monitor.',
  stability: 'beta',
  config: {
    ...USAGE_SETTINGS,
    endpoint: { ...USAGE_SETTINGS.endpoint, default: '127.0.0.1:9183' },
    path: { doc: 'Path of the pushes.', format: 'text', default: '/functions' },
    secret: { doc: 'Token or bearer token of the sender.', format: 'secret' },
    from: {
      doc: 'What is counted: `metrics` (execution units and count, exact) or `requests` of Application Insights (with traces; memory by settings). Never both: they are the same money.',
      format: 'choice',
      values: ['metrics', 'requests'],
      default: 'metrics',
    },
    region: { doc: 'Region of apps that are not in `regions`.', format: 'text', default: null },
    regions: { doc: 'Region (`eastus`) by app.', format: 'map', default: {} },
    memory: {
      doc: 'Memory in MB of apps that are not in `memories`; for `requests`.',
      format: 'text',
      default: '128',
    },
    memories: { doc: 'Memory in MB by app.', format: 'map', default: {} },
  },

  async *receive(context) {
    const { config, id } = context;
    checkUsageSettings(id, config);
    const { memory, memories, from, secret } = config;
    const megabytes = { form: /^[1-9]\d{1,4}$/, hint: 'write MB, for example "256"' };
    checkMap(id, { ...megabytes, name: 'memories', table: memories });
    checkMap(id, { ...megabytes, table: { memory } });
    const sample = Number(config.sample);
    yield* receiveUsage(context, {
      judge: (request) => judgePush(request, { secret, from, memory, memories, sample }),
      charge: charger({ ...config, region: config.region ?? '' }, sayUnpriced(context)),
    });
  },
});
