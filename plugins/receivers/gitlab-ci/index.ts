import { defineReceiver, Misconfigured } from '../../../pipelines/plugin/index.ts';
import { INTAKE_SETTINGS, openIntake } from '../../kit/intake/index.ts';
import { COMPUTE_MINUTE } from '../../kit/prices/tables/gitlab-ci.ts';
import { judgeHook } from './hook.ts';

export default defineReceiver({
  type: 'gitlab-ci',
  summary: 'GitLab CI/CD: the estimated cost of each job as it ends, by web hook.',
  stability: 'beta',
  config: {
    ...INTAKE_SETTINGS,
    path: { doc: 'Path of the web hook.', format: 'text', default: '/gitlab' },
    secret: { doc: 'Secret token of the web hook.', format: 'secret' },
    price: {
      doc: 'Price of a compute minute of hosted runners; USD 10 for 1,000 is what GitLab sells them for.',
      format: 'text',
      default: COMPUTE_MINUTE,
    },
    currency: { doc: 'Currency of the prices, ISO 4217.', format: 'text', default: 'USD' },
    cost_factors: {
      doc: 'Cost factor by runner tag, beside those of the hosted runners.',
      format: 'map',
      default: {},
    },
    self_managed_price: {
      doc: 'Price of a minute of runners of your own; 0 says that they are paid elsewhere.',
      format: 'text',
      default: '0',
    },
    trace_ids: {
      doc: 'Id of the trace of a job: as the `gitlab` receiver of the OpenTelemetry Collector derives it, or none.',
      format: 'choice',
      values: ['collector', 'none'],
      default: 'collector',
    },
  },

  async *receive(context) {
    const { config, clock, id, log, once, signal } = context;
    const { price, self_managed_price, cost_factors } = config;
    for (const [name, value] of Object.entries({ price, self_managed_price, ...cost_factors }))
      if (!/^\d+(\.\d+)?$/.test(value))
        throw new Misconfigured(`not a number: ${value}`, { path: `receivers.${id}.${name}` });
    if (Number(self_managed_price) === 0)
      log.warn('jobs of own runners are counted at 0, set self_managed_price');
    const intake = await openIntake(context, (request) => judgeHook(request, config));
    while (!signal.aborted) {
      yield* intake.deliveries({ scope: 'jobs', mapping: 'ci-jobs' });
      if (once) return;
      await clock.sleep(config.seal_every, signal);
    }
  },
});
