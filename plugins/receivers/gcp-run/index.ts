import { defineReceiver } from '../../../pipelines/plugin/index.ts';
import { receiveUsage, sayUnpriced } from '../../kit/serverless/receive.ts';
import { checkMap, checkUsageSettings, USAGE_SETTINGS } from '../../kit/serverless/settings.ts';
import { charger } from './charges.ts';
import { judgePush } from './push.ts';

export default defineReceiver({
  type: 'gcp-run',
  summary: 'Google Cloud Run: the estimated cost of each service and minute, by its request logs.',
  stability: 'beta',
  config: {
    ...USAGE_SETTINGS,
    endpoint: { ...USAGE_SETTINGS.endpoint, default: '127.0.0.1:9182' },
    path: { doc: 'Path of the pushes.', format: 'text', default: '/run' },
    secret: { doc: 'Token of the push subscription.', format: 'secret' },
    cpu: {
      doc: 'vCPUs of services that are not in `cpus`; logs do not say it.',
      format: 'text',
      default: '1',
    },
    cpus: { doc: 'vCPUs by service.', format: 'map', default: {} },
    memory: {
      doc: 'Memory in MiB of services that are not in `memories`.',
      format: 'text',
      default: '512',
    },
    memories: { doc: 'Memory in MiB by service.', format: 'map', default: {} },
    concurrency: {
      doc: 'Requests that an instance serves at a time, on average, by service: they share its time. Without it each has an instance of its own.',
      format: 'map',
      default: {},
    },
  },

  async *receive(context) {
    const { config, id } = context;
    checkUsageSettings(id, config);
    const { cpu, memory, cpus, memories, concurrency, secret } = config;
    const positive = { form: /^(?!0*\.?0*$)\d*\.?\d+$/, hint: 'write a number above 0' };
    checkMap(id, { ...positive, name: 'cpus', table: cpus });
    checkMap(id, { ...positive, name: 'memories', table: memories });
    checkMap(id, { ...positive, name: 'concurrency', table: concurrency });
    checkMap(id, { ...positive, table: { cpu, memory } });
    const sample = Number(config.sample);
    yield* receiveUsage(context, {
      judge: (request) => judgePush(request, { secret, sample }),
      charge: charger(config, sayUnpriced(context)),
    });
  },
});
