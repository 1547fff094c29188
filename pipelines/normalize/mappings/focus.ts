/**
 * Native FOCUS, 1.0 to 1.4, of any provider. Most columns pass through untouched; what providers are known to get
 * wrong is repaired, each repair under its code. Money is never made up: a cost that is not stated is another stated cost.
 */
import { COLUMNS, COST_COLUMNS, type CostColumn, type FocusColumn } from '../../focus/columns.ts';
import { detectFocusVersion } from '../../focus/version.ts';
import { DATE_ORDER_SETTING } from '../date-order.ts';
import { type Expression, text } from '../expressions.ts';
import {
  defineMapping,
  type MappingInput,
  type MappingTable,
  type RejectRule,
  type RepairRule,
} from '../mapping.ts';
import { CURRENCY_SETTING, currencyMissing } from './currency.ts';
import { chargeKinds } from './focus-charges.ts';
import { ALIASES, canonicalName, customName } from './focus-columns.ts';
import { costs, isNullAmount, missing } from './focus-costs.ts';
import { googleTable } from './focus-google.ts';
import { jsonColumns, names, resources } from './focus-names.ts';
import { NAMES, type Part, partOf, type Section } from './focus-part.ts';
import { services } from './focus-services.ts';
import { periods } from './focus-times.ts';

export { detectFocusVersion } from '../../focus/version.ts';

const REQUIRED = ['BilledCost', 'BillingCurrency', 'ChargePeriodStart'] as const;

/** The mapping `focus`. */
export default defineMapping({
  name: 'focus',
  summary:
    'FOCUS 1.0 to 1.4 of any provider (AWS, Azure, Google, OCI and others), repaired where needed.',
  settings: { currency: CURRENCY_SETTING, date_order: DATE_ORDER_SETTING },
  required: REQUIRED,
  standIns: { BillingCurrency: { setting: 'currency', example: 'EUR' } },
  rename: canonicalName,
  fits,
  build,
});

/** Columns that only FOCUS names so: as many make it FOCUS, be it without what it costs. */
const UNMISTAKABLE = 10;

function fits(columns: ReadonlySet<string>): number {
  const known = Object.keys(COLUMNS).filter((name) => columns.has(name)).length;
  if (!columns.has('BilledCost'))
    return known >= UNMISTAKABLE && columns.has('ChargePeriodStart') ? 30 : 0;
  if (known < 3) return 0;
  return REQUIRED.every((name) => columns.has(name)) ? 100 : 40;
}

function build(input: MappingInput): MappingTable {
  const part = partOf(input);
  const sections = [
    costs(part),
    periods(part),
    chargeKinds(part),
    services(part),
    names(part),
    resources(part),
    jsonColumns(part),
  ];
  const google = googleTable(part, sections);
  const all: readonly Section[] = google === undefined ? sections : [...sections, google];
  const columns = Object.assign({}, ...all.map((section) => section.columns)) as Section['columns'];
  return {
    templates: [
      { columns: { ...passedThrough(part), ...columns, ...customColumns(part, columns) } },
    ],
    repairs: all.flatMap((section): readonly RepairRule[] => section.repairs),
    reject: REQUIRED.filter(
      (column) => column !== 'BillingCurrency' || part.currency === undefined,
    ).map((column) => missingMandatory(part, column)),
    measures: Object.fromEntries(
      COST_COLUMNS.filter((column) => part.has(column)).map((column: CostColumn) => [
        column,
        { column: part.sourceOf(column) ?? column, amount: part.amount(column) },
      ]),
    ),
    names: [...NAMES, 'ChargePeriodStart' as const].flatMap(
      (column) => part.sourceOf(column) ?? [],
    ),
    version: detectFocusVersion(input.columns),
    provider: part.provider,
  };
}

/** Every FOCUS column that the part has, as it stands; sections replace those they know better. */
function passedThrough(part: Part): Record<string, Expression> {
  const columns: Record<string, Expression> = {};
  for (const name of Object.keys(COLUMNS) as FocusColumn[]) {
    const kind = COLUMNS[name].kind;
    if (!part.has(name) || kind === 'time') continue;
    columns[name] = kind === 'amount' ? part.amount(name) : part.text(name);
  }
  return columns;
}

/** What FOCUS does not know stays in the record under `x_`. */
function customColumns(part: Part, mapped: Section['columns']): Record<string, Expression> {
  const taken = new Set<string>([...Object.keys(mapped), ...part.input.columns]);
  const columns: Record<string, Expression> = {};
  for (const source of part.input.columns) {
    if (Object.hasOwn(COLUMNS, source) || isReadAsAlias(part, source)) continue;
    if (source.startsWith('x_') && !/\s/.test(source)) {
      columns[source] = text(source);
      continue;
    }
    const name = customName(source, taken);
    taken.add(name);
    columns[name] = text(source);
  }
  return columns;
}

/** An alias outside `x_` that stands in for its column need not be kept twice. */
function isReadAsAlias(part: Part, source: string): boolean {
  if (source.startsWith('x_')) return false;
  return (Object.keys(ALIASES) as FocusColumn[]).some((name) => part.sourceOf(name) === source);
}

function missingMandatory(part: Part, column: (typeof REQUIRED)[number]): RejectRule {
  return {
    reason: 'missing_mandatory',
    column,
    message:
      column === 'BillingCurrency'
        ? currencyMissing(column, 'focus')
        : `${column} is null; a charge cannot be without it`,
    where: column === 'BilledCost' ? isNullAmount(part.amount(column)) : missing(part.text(column)),
  };
}
