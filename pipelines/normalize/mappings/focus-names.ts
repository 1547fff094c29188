import type { ColumnKind, FocusColumn } from '../../focus/columns.ts';
import { COLUMNS } from '../../focus/columns.ts';
import {
  always,
  derive,
  first,
  is,
  lookup,
  map,
  matches,
  present,
  type TextExpression,
  text,
  when,
} from '../expressions.ts';
import type { RepairRule } from '../mapping.ts';
import { missing } from './focus-costs.ts';
import { type JsonRepair, jsonObjectText, skuPriceDetails } from './focus-json.ts';
import type { Part, Section } from './focus-part.ts';
import { regions, resourceTypes } from './focus-places.ts';
import { ACCOUNT_TYPES } from './focus-values.ts';

/** Who provides, hosts, publishes and invoices, and whose account it is. */
export function names(part: Part): Section {
  const { provider } = part;
  const issuer = first(part.text('InvoiceIssuerName'), provider);
  const publisher = first(part.text('PublisherName'), provider);
  const named = part.has('ProviderName') ? 'ProviderName' : 'ServiceProviderName';
  return {
    columns: {
      ProviderName: provider,
      PublisherName: publisher,
      ServiceProviderName: part.has('ServiceProviderName')
        ? first(part.text('ServiceProviderName'), provider)
        : provider,
      HostProviderName: part.has('HostProviderName') ? part.text('HostProviderName') : provider,
      InvoiceIssuerName: issuer,
      BillingAccountId: first(
        part.text('BillingAccountId'),
        part.text('SubAccountId'),
        always('unknown'),
      ),
      BillingAccountType: accountType(part, 'BillingAccountType'),
      SubAccountType: accountType(part, 'SubAccountType'),
    },
    repairs: [
      { code: 'provider_name_missing', where: missing(part.text(named)) },
      ...(part.has('ProviderName')
        ? [{ code: 'publisher_name_missing', where: missing(part.text('PublisherName')) }]
        : []),
      { code: 'invoice_issuer_name_missing', where: missing(part.text('InvoiceIssuerName')) },
      { code: 'billing_account_id_missing', where: missing(part.text('BillingAccountId')) },
    ],
  };
}

/** As stated, else by provider (versions before 1.2 have no such column); null for a sub account that is null. */
function accountType(part: Part, column: 'BillingAccountType' | 'SubAccountType'): TextExpression {
  const billing = column === 'BillingAccountType';
  const usual = lookup(
    billing ? ACCOUNT_TYPES.billing : ACCOUNT_TYPES.sub,
    part.family,
    always(billing ? 'Billing Account' : 'Sub Account'),
  );
  const wanted = billing ? usual : when(present(part.text('SubAccountId')), usual);
  return part.has(column) ? first(part.text(column), wanted) : wanted;
}

/** Where it runs, and what it is. An export of Azure wrote the unit price into the zone. */
export function resources(part: Part): Section {
  const zone = part.text('AvailabilityZone');
  const sections = [regions(part), resourceTypes(part)];
  if (part.has('AvailabilityZone'))
    sections.push({
      columns: { AvailabilityZone: map(zone, (value) => (PRICE.test(value) ? undefined : value)) },
      repairs: [{ code: 'availability_zone_is_a_price', where: matches(zone, PRICE) }],
    });
  return {
    columns: Object.assign({}, ...sections.map(({ columns }) => columns)) as Section['columns'],
    repairs: sections.flatMap(({ repairs }) => repairs),
  };
}

/** Decimals with a point, also with an exponent. Zones are names; Azure's are whole numbers. */
const PRICE = /^-?(?:\d*\.\d+(?:e[+-]?\d+)?|\d+e[+-]?\d+)$/i;

/** Columns that hold JSON objects, made objects where they are not. */
export function jsonColumns(part: Part): Section {
  const columns: Partial<Record<FocusColumn, TextExpression>> = {};
  const repairs: RepairRule[] = [];
  for (const name of Object.keys(COLUMNS) as FocusColumn[]) {
    const kind: ColumnKind = COLUMNS[name].kind;
    const source = part.sourceOf(name);
    if (kind !== 'json' || source === undefined) continue;
    if (source === 'x_SkuDetails') {
      columns[name] = map(text(source), skuPriceDetails);
      continue;
    }
    const cell = part.text(name);
    const object = map(cell, (json) => jsonObjectText(json).text);
    columns[name] = object;
    repairs.push(...jsonRepairs(name, cell, object));
  }
  if (part.input.has('SkuPriceDetails') && part.input.has('x_SkuDetails'))
    columns.SkuPriceDetails = first(
      columns.SkuPriceDetails ?? text('SkuPriceDetails'),
      map(text('x_SkuDetails'), skuPriceDetails),
    );
  return { columns, repairs };
}

const JSON_REPAIRS = [
  'wrapped',
  'from_list',
  'unquoted',
  'python',
  'printed',
  'invalid',
] as const satisfies JsonRepair[];

/** Cells that stand as they stood were not repaired: they need no second look. */
function jsonRepairs(
  column: FocusColumn,
  cell: TextExpression,
  object: TextExpression,
): readonly RepairRule[] {
  const repair = derive([cell, object], (before, after) =>
    before === undefined || before === after ? undefined : jsonObjectText(before).repair,
  );
  const prefix = column.replace(/([a-z])([A-Z])/g, '$1_$2').toLowerCase();
  return JSON_REPAIRS.map((code) => ({ code: `${prefix}_json_${code}`, where: is(repair, code) }));
}
