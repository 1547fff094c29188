import { Misconfigured } from '../../../pipelines/plugin/index.ts';
import { INTAKE_SETTINGS } from '../intake/index.ts';

/** Settings that every receiver of serverless usage has. */
export const USAGE_SETTINGS = {
  ...INTAKE_SETTINGS,
  max_body: { ...INTAKE_SETTINGS.max_body, default: '8MiB', max: '64MiB' },
  seal_every: {
    doc: 'A minute is delivered this long after its first record came; what comes later is a charge of its own.',
    format: 'duration',
    default: '90s',
    min: '1s',
    max: '1h',
  },
  prices: {
    doc: 'US dollars for one unit by SKU, in place of the public prices.',
    format: 'map',
    default: {},
  },
  sample: {
    doc: 'Share of the invocations, 0 to 1, that become charges of their own, with the id of their trace.',
    format: 'text',
    default: '0',
  },
} as const;

/** Says that a value has a wrong form. */
export function wrongValue(
  receiver: string,
  {
    name,
    message,
    hint,
  }: { readonly name: string; readonly message: string; readonly hint: string },
): Misconfigured {
  return new Misconfigured(message, { path: `receivers.${receiver}.${name}`, hint });
}

/** Throws `Misconfigured` for prices and shares of a wrong form. */
export function checkUsageSettings(
  receiver: string,
  {
    prices,
    sample,
  }: { readonly prices: Readonly<Record<string, string>>; readonly sample: string },
): void {
  checkMap(receiver, {
    name: 'prices',
    table: prices,
    form: /^\d+(\.\d+)?$/,
    hint: 'write US dollars for one unit, for example "0.0000166667"',
  });
  if (!/^(0|1|0?\.\d+)$/.test(sample))
    throw wrongValue(receiver, {
      name: 'sample',
      message: `not a share: ${sample}`,
      hint: 'write a number from 0 to 1, for example "0.01"',
    });
}

/** Throws `Misconfigured` for the first value of a table that has not the form. Without a name they are settings of their own. */
export function checkMap(
  receiver: string,
  {
    name,
    table,
    form,
    hint,
  }: {
    readonly name?: string;
    readonly table: Readonly<Record<string, string>>;
    readonly form: RegExp;
    readonly hint: string;
  },
): void {
  for (const [key, value] of Object.entries(table))
    if (!form.test(value))
      throw wrongValue(receiver, {
        name: name === undefined ? key : `${name}.${key}`,
        message: `it cannot be ${value}`,
        hint,
      });
}
