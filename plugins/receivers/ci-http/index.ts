import {
  type ConfigOf,
  defineReceiver,
  Misconfigured,
  type ReceiverContext,
  type Schema,
} from '../../../pipelines/plugin/index.ts';
import { INTAKE_SETTINGS, openIntake } from '../../kit/intake/index.ts';
import { type HookSettings, judgeHook } from './hook.ts';
import { FIELDS, type Field, PRESETS } from './presets.ts';

const config = {
  ...INTAKE_SETTINGS,
  endpoint: { ...INTAKE_SETTINGS.endpoint, default: '127.0.0.1:9184' },
  path: { doc: 'Path of the web hook.', format: 'text', default: '/ci' },
  secret: { doc: 'Secret of the web hook.', format: 'secret' },
  proof: {
    doc: 'How the sender proves that it knows the secret: `token` (bearer token, or `token` in the query), or the signature of `buildkite` or `circleci`.',
    format: 'choice',
    values: ['token', 'buildkite', 'circleci'],
    default: 'token',
  },
  preset: {
    doc: 'Service whose payloads are read; `none` when `fields` says everything.',
    format: 'choice',
    values: ['buildkite', 'circleci', 'jenkins', 'none'],
    default: 'none',
  },
  fields: {
    doc: 'Field → path in the payload (`job.agents.0`), before those of the preset.',
    format: 'map',
    default: {},
  },
  when: {
    doc: 'Path → values, separated by commas, with which a payload is of a finished job; in place of those of the preset.',
    format: 'map',
    default: {},
  },
  provider: {
    doc: 'Name of the CI service; that of the preset when not set.',
    format: 'text',
    default: null,
  },
  account: { doc: 'Account of payloads that name none.', format: 'text', default: null },
  prices: {
    doc: 'Price of a minute by runner, as the payload names it.',
    format: 'map',
    default: {},
  },
  price: {
    doc: 'Price of a minute of other runners; without it their jobs become dead letters.',
    format: 'text',
    default: null,
  },
  currency: { doc: 'Currency of the prices, ISO 4217.', format: 'text', default: 'USD' },
  round_up: {
    doc: 'The time of each job is rounded up to whole ones of these.',
    format: 'choice',
    values: ['none', 'second', 'minute'],
    default: 'none',
  },
} as const satisfies Schema;

type Config = ConfigOf<typeof config>;

export default defineReceiver({
  type: 'ci-http',
  summary: 'Jobs of any CI service as they end, by web hooks that a table of paths reads.',
  stability: 'beta',
  config,

  async *receive(context) {
    const { clock, once, signal } = context;
    const settings = hookSettings(context);
    const intake = await openIntake(context, (request) => judgeHook(request, settings));
    while (!signal.aborted) {
      yield* intake.deliveries({ scope: 'jobs', mapping: 'ci-jobs' });
      if (once) return;
      await clock.sleep(context.config.seal_every, signal);
    }
  },
});

function hookSettings({ id, config, clock }: ReceiverContext<Config>): HookSettings {
  const wrong = (name: string, message: string, hint: string) =>
    new Misconfigured(message, { path: `receivers.${id}.${name}`, hint });
  const preset = PRESETS[config.preset];
  for (const [name, price] of Object.entries({
    ...config.prices,
    ...(config.price !== undefined && { price: config.price }),
  }))
    if (!/^\d+(\.\d+)?$/.test(price))
      throw wrong(
        Object.hasOwn(config.prices, name) ? `prices.${name}` : name,
        `not a price: ${price}`,
        'write the price of a minute, for example "0.004"',
      );
  for (const name of Object.keys(config.fields))
    if (!FIELDS.some((field) => field === name))
      throw wrong(`fields.${name}`, 'there is no such field', `fields are ${FIELDS.join(', ')}`);
  const fields: Partial<Record<Field, string>> = { ...preset.fields, ...config.fields };
  if (fields.id === undefined)
    throw wrong('fields.id', 'is needed without a preset', 'write the path of the id of a job');
  const own = Object.entries(config.when);
  const when = own.map(([path, values]) => [path, values.split(',').map((value) => value.trim())]);
  return {
    ...config,
    provider: config.provider ?? preset.provider,
    service: config.provider ?? preset.service,
    fields,
    when: own.length === 0 ? preset.when : Object.fromEntries(when),
    now: () => clock.now(),
  };
}
