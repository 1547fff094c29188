import { CURRENCIES } from '../../focus/currencies.ts';

/** The setting of a mapping whose bills may not name their currency: they are refused (`stated`), or all are in this one. */
export const CURRENCY_SETTING = {
  doc: 'Currency of files and rows that name none: `stated` refuses them, XXX takes them as not known.',
  values: ['stated', 'XXX', ...CURRENCIES],
};

/** The currency that a setting names; undefined when bills have to say it. */
export function namedCurrency(setting: string | undefined): string | undefined {
  return setting === CURRENCY_SETTING.values[0] ? undefined : setting;
}
