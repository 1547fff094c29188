import { type ConfigOf, Misconfigured, type Schema } from '../../../pipelines/plugin/index.ts';
import { INTAKE_SETTINGS } from '../../kit/intake/index.ts';
import { functionOfArn } from './function-name.ts';
import { provisionedOf } from './provisioned.ts';

/** Settings of the receiver. */
export const SETTINGS = {
  ...INTAKE_SETTINGS,
  endpoint: { ...INTAKE_SETTINGS.endpoint, default: '127.0.0.1:9181' },
  max_body: { ...INTAKE_SETTINGS.max_body, default: '8MiB', max: '64MiB' },
  seal_every: {
    doc: 'A minute is delivered this long after its first report came; what comes later is a charge of its own.',
    format: 'duration',
    default: '90s',
    min: '1s',
    max: '1h',
  },
  path: { doc: 'Path of the pushes.', format: 'text', default: '/lambda' },
  secret: {
    doc: 'Access key of the Firehose stream, or bearer token of other senders.',
    format: 'secret',
  },
  region: {
    doc: 'Region of functions whose logs do not come by Firehose.',
    format: 'text',
    default: null,
  },
  function_arn: {
    doc: 'Function whose telemetry comes without its ARN.',
    format: 'text',
    default: null,
  },
  architecture: {
    doc: 'Architecture of functions that are not in `architectures`; reports do not say it.',
    format: 'choice',
    values: ['x86_64', 'arm64'],
    default: 'x86_64',
  },
  architectures: {
    doc: 'Architecture by function name or ARN.',
    format: 'map',
    default: {},
  },
  ephemeral_storage: {
    doc: 'Size of /tmp in MB by function name or ARN, where it is more than 512.',
    format: 'map',
    default: {},
  },
  provisioned_concurrency: {
    doc: 'Provisioned concurrency by ARN with alias or version: environments and MB of memory, `10 x 1024`. Counted while the agent runs.',
    format: 'map',
    default: {},
  },
  tier: {
    doc: 'Tier of the price of GB-seconds that the account is in; what it used this month is not known here.',
    format: 'int',
    default: 1,
    min: 1,
    max: 3,
  },
  prices: {
    doc: 'US dollars for a GB-second or a request by SKU (`Lambda-GB-Second-ARM`), in place of the public prices.',
    format: 'map',
    default: {},
  },
  sample: {
    doc: 'Share of the invocations, 0 to 1, that become charges of their own, with the id of their trace.',
    format: 'text',
    default: '0',
  },
} as const satisfies Schema;

/** The checked values of them. */
export type Config = ConfigOf<typeof SETTINGS>;

/** Throws `Misconfigured` for values whose form is wrong. */
export function checkValues(id: string, config: Config): void {
  const wrong = (name: string, message: string, hint: string): never => {
    throw new Misconfigured(message, { path: `receivers.${id}.${name}`, hint });
  };
  for (const [sku, price] of Object.entries(config.prices))
    if (!/^\d+(\.\d+)?$/.test(price))
      wrong(
        `prices.${sku}`,
        `not a price: ${price}`,
        'write US dollars, for example "0.0000166667"',
      );
  for (const [name, value] of Object.entries(config.architectures))
    if (value !== 'x86_64' && value !== 'arm64')
      wrong(`architectures.${name}`, `not an architecture: ${value}`, 'write x86_64 or arm64');
  for (const [name, value] of Object.entries(config.ephemeral_storage))
    if (!/^\d{3,5}$/.test(value))
      wrong(`ephemeral_storage.${name}`, `not a size: ${value}`, 'write MB, for example "2048"');
  for (const [arn, value] of Object.entries(config.provisioned_concurrency))
    if (provisionedOf(arn, value) === undefined)
      wrong(
        `provisioned_concurrency.${arn}`,
        `not provisioned concurrency: ${value}`,
        'write an ARN with alias or version, and environments x MB: "10 x 1024"',
      );
  if (config.function_arn !== undefined && functionOfArn(config.function_arn) === undefined)
    wrong(
      'function_arn',
      'not the ARN of a function',
      'arn:aws:lambda:<region>:<account>:function:<name>',
    );
  if (!/^(0|1|0?\.\d+)$/.test(config.sample))
    wrong(
      'sample',
      `not a share: ${config.sample}`,
      'write a number from 0 to 1, for example "0.01"',
    );
}
