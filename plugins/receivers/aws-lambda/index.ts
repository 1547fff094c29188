import { defineReceiver } from '../../../pipelines/plugin/index.ts';
import { receiveUsage, sayUnpriced } from '../../kit/serverless/receive.ts';
import { charger } from './charges.ts';
import { provisionedMinute } from './provisioned.ts';
import { judgePush } from './push.ts';
import { checkValues, SETTINGS } from './settings.ts';

export default defineReceiver({
  type: 'aws-lambda',
  summary:
    'AWS Lambda: the estimated cost of each function and minute, by telemetry and logs that are pushed.',
  stability: 'beta',
  config: SETTINGS,

  async *receive(context) {
    const { config, clock, id } = context;
    checkValues(id, config);
    const settings = {
      secret: config.secret,
      region: config.region ?? '',
      functionArn: config.function_arn,
      sample: Number(config.sample),
      now: () => clock.now(),
    };
    yield* receiveUsage(context, {
      judge: (request) => judgePush(request, settings),
      charge: charger(config, sayUnpriced(context)),
      everyMinute: (nowMs) => provisionedMinute(config.provisioned_concurrency, nowMs),
    });
  },
});
