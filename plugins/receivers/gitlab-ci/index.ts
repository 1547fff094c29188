import {
  type ConfigOf,
  defineReceiver,
  errorName,
  Misconfigured,
  type ReceiverContext,
  type Schema,
  type Unavailable,
} from '../../../pipelines/plugin/index.ts';
import { INTAKE_SETTINGS, type Intake, keepFound, openIntake } from '../../kit/intake/index.ts';
import { createPolledApi, polledAlone } from '../../kit/polled-api.ts';
import { COMPUTE_MINUTE } from '../../kit/prices/tables/gitlab-ci.ts';
import { judgeHook } from './hook.ts';
import { jobRecord } from './job-record.ts';
import { finishedJobs } from './poll.ts';

const config = {
  ...INTAKE_SETTINGS,
  path: { doc: 'Path of the web hook.', format: 'text', default: '/gitlab' },
  secret: {
    doc: 'Secret token of the web hook; not needed with `signing_token`.',
    format: 'secret',
    default: null,
  },
  signing_token: {
    doc: 'Signing token of the web hook (`whsec_…`): each must carry its signature.',
    format: 'secret',
    default: null,
  },
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
    doc: 'Ids of the trace and span of a job: as the `gitlab` receiver of the OpenTelemetry Collector derives them, or none.',
    format: 'choice',
    values: ['collector', 'none'],
    default: 'collector',
  },
  api: { doc: 'Base URL of the API.', format: 'url', default: 'https://gitlab.com/api/v4' },
  token: {
    doc: 'Token for the API, with the scope `read_api`.',
    format: 'secret',
    default: null,
  },
  projects: {
    doc: 'Projects (`group/project`) whose jobs are polled for those that no web hook told of.',
    format: 'list',
    default: [],
  },
  poll_every: {
    doc: 'Pause between two looks at the API.',
    format: 'duration',
    default: '15m',
    min: '10s',
  },
  look_back: {
    doc: 'Jobs that were created within this time are polled; at most `remember`.',
    format: 'duration',
    default: '12h',
    min: '1h',
  },
} as const satisfies Schema;

type Config = ConfigOf<typeof config>;

export default defineReceiver({
  type: 'gitlab-ci',
  summary: 'GitLab CI/CD: the estimated cost of each job as it ends, by web hook and API.',
  stability: 'beta',
  config,

  async *receive(context) {
    const { config, clock, log, once, signal } = context;
    check(context);
    if (Number(config.self_managed_price) === 0)
      log.warn('jobs of own runners are counted at 0, set self_managed_price');
    const settings = { ...config, now: () => clock.now() };
    const intake = await openIntake(context, (request) => judgeHook(request, settings));
    const poll = poller(context, intake);
    while (!signal.aborted) {
      await poll();
      yield* intake.deliveries({ scope: 'jobs', mapping: 'ci-jobs' });
      if (once) return;
      await clock.sleep(config.seal_every, signal);
    }
  },
});

function check({ id, config }: ReceiverContext<Config>): void {
  const { price, self_managed_price, cost_factors, projects } = config;
  const wrong = (name: string, message: string, hint?: string): Misconfigured =>
    new Misconfigured(message, {
      path: `receivers.${id}.${name}`,
      ...(hint !== undefined && { hint }),
    });
  for (const [name, value] of Object.entries({ price, self_managed_price, ...cost_factors }))
    if (!/^\d+(\.\d+)?$/.test(value))
      throw wrong(
        Object.hasOwn(cost_factors, name) ? `cost_factors.${name}` : name,
        `not a number: ${value}`,
      );
  if (config.secret === undefined && config.signing_token === undefined)
    throw wrong('secret', 'is needed without signing_token');
  if (projects.length > 0 && config.token === undefined)
    throw wrong('token', 'is needed to poll projects');
  for (const project of projects)
    if (!/^[\w.-]+(\/[\w.-]+)+$/.test(project))
      throw wrong('projects', `not a project: ${project}`, 'write group/project');
  if (config.look_back > config.remember)
    throw wrong('look_back', 'is longer than remember: jobs would count twice');
}

/** Looks at the API when it is time to; what the web hooks told of already is known, and counts once. */
function poller(context: ReceiverContext<Config>, intake: Intake): () => Promise<void> {
  const { config, clock, http, log, signal } = context;
  const { api: base, token, projects, poll_every, look_back } = config;
  if (token === undefined || projects.length === 0) return async () => {};
  polledAlone(context, 'projects');
  const api = createPolledApi({
    http,
    base,
    signal,
    now: () => clock.now(),
    headers: { accept: 'application/json', 'private-token': token },
    limit: { remaining: 'ratelimit-remaining', reset: 'ratelimit-reset' },
  });
  let next = 0;
  return async () => {
    if (clock.now() < next) return;
    next = clock.now() + poll_every;
    try {
      for (const project of projects)
        for await (const body of finishedJobs(api, { project, sinceMs: clock.now() - look_back }))
          await keepFound(
            intake,
            jobRecord(
              { body, project: { path_with_namespace: project }, delivery: undefined },
              config,
            ),
          );
    } catch (error) {
      if (errorName(error) !== 'Unavailable') throw error;
      next = clock.now() + ((error as Unavailable).retryAfter ?? poll_every);
      log.warn('the API is asked again later', { reason: (error as Error).message });
    }
  };
}
