import { join } from 'node:path';
import {
  type ConfigOf,
  type Context,
  type Delivery,
  defineReceiver,
  errorName,
  Misconfigured,
  type ReceiverContext,
  type Schema,
  type Unavailable,
} from '../../../pipelines/plugin/index.ts';
import { inTurn } from '../../kit/in-turn.ts';
import { INTAKE_SETTINGS, type Intake, keepFound, openIntake } from '../../kit/intake/index.ts';
import { polledAlone } from '../../kit/polled-api.ts';
import { type Api, createApi } from './api.ts';
import { judgeHook } from './hook.ts';
import { jobRecord } from './job-record.ts';
import { finishedJobs } from './poll.ts';
import { monthsUntil, tidy, usageOf } from './usage.ts';

const config = {
  mode: {
    doc: 'What is read: `jobs` (web hooks and API, estimated as they end) or `usage` (the bill, by month). Never both in one instance: they are the same money.',
    format: 'choice',
    values: ['jobs', 'usage'],
    default: 'jobs',
  },
  ...INTAKE_SETTINGS,
  path: { doc: 'Path of the web hook.', format: 'text', default: '/github' },
  secret: { doc: 'Secret of the web hook; needed for `jobs`.', format: 'secret', default: null },
  runners: {
    doc: 'Billing SKU by runner label, for larger runners (`linux_8_core`) and runners of your own (`self-hosted`).',
    format: 'map',
    default: {},
  },
  prices: {
    doc: 'US dollars a minute by billing SKU, in place of the public prices.',
    format: 'map',
    default: {},
  },
  self_hosted_price: {
    doc: 'US dollars a minute of runners of your own; 0 says that they are paid elsewhere.',
    format: 'text',
    default: '0',
  },
  trace_ids: {
    doc: 'Ids of the trace and span of a job: as the `github` receiver of the OpenTelemetry Collector derives them, or none.',
    format: 'choice',
    values: ['collector', 'none'],
    default: 'collector',
  },
  api: { doc: 'Base URL of the API.', format: 'url', default: 'https://api.github.com' },
  token: {
    doc: 'Token for the API: reads Actions of the repositories (`jobs`), or the organisation administration (`usage`).',
    format: 'secret',
    default: null,
  },
  repositories: {
    doc: 'Repositories (`owner/name`) whose runs are polled for jobs that no web hook told of.',
    format: 'list',
    default: [],
  },
  org: {
    doc: 'Organisation whose bill is read; needed for `usage`.',
    format: 'text',
    default: null,
  },
  poll_every: {
    doc: 'Pause between two looks at the API.',
    format: 'duration',
    default: '15m',
    min: '10s',
  },
  look_back: {
    doc: 'Runs that were created within this time are polled; at most `remember`.',
    format: 'duration',
    default: '12h',
    min: '1h',
  },
  months: {
    doc: 'Months of the bill that are read: the current one and those before it.',
    format: 'int',
    default: 2,
    min: 1,
    max: 24,
  },
} as const satisfies Schema;

type Config = ConfigOf<typeof config>;

export default defineReceiver({
  type: 'github-actions',
  summary: 'GitHub Actions: jobs as they end, by web hook and API, or the bill of an organisation.',
  stability: 'beta',
  config,

  async *receive(context) {
    if (context.config.mode === 'usage') yield* bills(context);
    else yield* jobs(context);
  },
});

async function* jobs(context: ReceiverContext<Config>): AsyncGenerator<Delivery> {
  const { config, clock, once, signal } = context;
  const secret = needed(context, 'secret', config.secret);
  checkJobs(context);
  const unpriced = sayUnpriced(context);
  const intake = await openIntake(context, (request) => {
    const judged = judgeHook(request, { ...config, secret });
    if (judged.kind === 'record') unpriced(judged.record.value);
    return judged;
  });
  const poll = poller(context, intake);
  while (!signal.aborted) {
    await poll();
    yield* intake.deliveries({ scope: 'jobs', mapping: 'ci-jobs' });
    if (once) return;
    await clock.sleep(config.seal_every, signal);
  }
}

async function* bills(context: ReceiverContext<Config>): AsyncGenerator<Delivery> {
  const { config, clock, once, signal, sharing, room } = context;
  const org = needed(context, 'org', config.org);
  const api = apiOf(context, needed(context, 'token', config.token));
  const folder = join(context.folder, 'usage');

  async function* look(): AsyncGenerator<Delivery> {
    for (const of of monthsUntil(clock.now(), config.months)) {
      await room();
      const delivery = await usageOf(api, { org, folder, of });
      if (delivery === undefined) continue;
      yield delivery;
      await tidy(folder, delivery);
    }
  }

  while (!signal.aborted) {
    yield* inTurn(sharing, look());
    if (once) return;
    await clock.sleep(config.poll_every, signal);
  }
}

/** Looks at the API when it is time; what the API cannot answer now is asked again later, and holds up no web hook. */
function poller(context: ReceiverContext<Config>, intake: Intake): () => Promise<void> {
  const { config, clock, log } = context;
  const { token, repositories } = config;
  if (token === undefined || repositories.length === 0) return async () => {};
  polledAlone(context, 'repositories');
  const api = apiOf(context, token);
  const unpriced = sayUnpriced(context);
  const done = new Set<string>();
  let next = 0;
  return async () => {
    if (clock.now() < next) return;
    next = clock.now() + config.poll_every;
    const since = new Date(clock.now() - config.look_back).toISOString().slice(0, 10);
    try {
      for (const repository of repositories)
        for await (const job of finishedJobs(api, { repository, since, done })) {
          const record = jobRecord(job, config);
          if (record === undefined) continue;
          if ((await keepFound(intake, record)) === 'kept') unpriced(record.value);
        }
    } catch (error) {
      if (errorName(error) !== 'Unavailable') throw error;
      next = clock.now() + ((error as Unavailable).retryAfter ?? config.poll_every);
      log.warn('the API is asked again later', { reason: (error as Error).message });
    }
  };
}

function apiOf({ config, http, signal, clock }: Context<Config>, token: string): Api {
  return createApi({ http, api: config.api, token, signal, now: () => clock.now() });
}

/** Says once per runner that its jobs have no price, or cost nothing because none is set. */
function sayUnpriced({
  log,
  config,
}: Context<Config>): (job: Readonly<Record<string, unknown>>) => void {
  const told = new Set<unknown>();
  return ({ price, sku, runner }) => {
    const free = sku === 'self-hosted' && Number(config.self_hosted_price) === 0;
    if ((price !== null && !free) || told.has(runner) || told.size > 1000) return;
    told.add(runner);
    if (price === null)
      log.warn('no price is known for a runner, its jobs become dead letters', { runner });
    else log.warn('jobs of own runners are counted at 0, set self_hosted_price', { runner });
  };
}

function needed<T>({ id, config }: Context<Config>, name: string, value: T | undefined): T {
  if (value !== undefined) return value;
  throw new Misconfigured(`is needed with mode ${config.mode}`, {
    path: `receivers.${id}.${name}`,
  });
}

function checkJobs({ id, config }: Context<Config>): void {
  const prices = { ...config.prices, self_hosted_price: config.self_hosted_price };
  for (const [name, price] of Object.entries(prices))
    if (!/^\d+(\.\d+)?$/.test(price))
      throw new Misconfigured(`not a price: ${price}`, {
        path: `receivers.${id}.${name === 'self_hosted_price' ? name : `prices.${name}`}`,
        hint: 'write US dollars a minute, for example "0.012"',
      });
  for (const name of config.repositories)
    if (!/^[\w.-]+\/[\w.-]+$/.test(name))
      throw new Misconfigured(`not a repository: ${name}`, {
        path: `receivers.${id}.repositories`,
        hint: 'write owner/name',
      });
  if (config.look_back > config.remember)
    throw new Misconfigured('is longer than remember: jobs would count twice', {
      path: `receivers.${id}.look_back`,
    });
}
