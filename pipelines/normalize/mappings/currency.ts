import { CURRENCIES } from '../../focus/currencies.ts';
import { map, type TextExpression } from '../expressions.ts';

/** The setting of a mapping whose bills may not name their currency: they are refused (`stated`), or all are in this one. */
export const CURRENCY_SETTING = {
  doc: 'Currency of files and rows that name none: `stated` refuses them, XXX takes them as not known.',
  values: ['stated', 'XXX', ...CURRENCIES],
};

/** A currency's code in capitals, as ISO 4217 has it. */
export function currencyCode(of: TextExpression | string): TextExpression {
  return map(of, (code) => code.trim().toUpperCase());
}

/** The currency that a setting names; undefined when bills have to say it. */
export function namedCurrency(setting: string | undefined): string | undefined {
  return setting === CURRENCY_SETTING.values[0] ? undefined : setting;
}

/** Why a row without a currency is refused, and what helps. */
export function currencyMissing(column: string, mapping: string): string {
  return `${column} is missing; a charge cannot be without it (where a bill leaves it out, the setting ${mapping}.currency says it)`;
}
