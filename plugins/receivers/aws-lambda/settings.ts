import type { ConfigOf, Schema } from '../../../pipelines/plugin/index.ts';
import {
  checkMap,
  checkUsageSettings,
  USAGE_SETTINGS,
  wrongValue,
} from '../../kit/serverless/settings.ts';
import { functionOfArn } from './function-name.ts';
import { provisionedOf } from './provisioned.ts';

/** Settings of the receiver. */
export const SETTINGS = {
  ...USAGE_SETTINGS,
  endpoint: { ...USAGE_SETTINGS.endpoint, default: '127.0.0.1:9181' },
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
} as const satisfies Schema;

/** The checked values of them. */
export type Config = ConfigOf<typeof SETTINGS>;

/** Throws `Misconfigured` for values whose form is wrong. */
export function checkValues(id: string, config: Config): void {
  checkUsageSettings(id, config);
  const { architectures, ephemeral_storage, provisioned_concurrency, function_arn } = config;
  checkMap(id, {
    name: 'architectures',
    table: architectures,
    form: /^(x86_64|arm64)$/,
    hint: 'write x86_64 or arm64',
  });
  checkMap(id, {
    name: 'ephemeral_storage',
    table: ephemeral_storage,
    form: /^\d{3,5}$/,
    hint: 'write MB, for example "2048"',
  });
  for (const [arn, value] of Object.entries(provisioned_concurrency))
    if (provisionedOf(arn, value) === undefined)
      throw wrongValue(id, {
        name: `provisioned_concurrency.${arn}`,
        message: `not provisioned concurrency: ${value}`,
        hint: 'write an ARN with alias or version, and environments x MB: "10 x 1024"',
      });
  if (function_arn !== undefined && functionOfArn(function_arn) === undefined)
    throw wrongValue(id, {
      name: 'function_arn',
      message: 'not the ARN of a function',
      hint: 'write arn:aws:lambda:<region>:<account>:function:<name>',
    });
}
