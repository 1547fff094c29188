/** Tables that people take for bills, told by their columns, and what to read instead. */

/** What the table is and what helps; undefined when it is none that is known. */
export function foreignTable(header: readonly string[]): string | undefined {
  const columns = new Set(
    header.flatMap((name) => {
      const bare = name.toLowerCase().replace(/[\s_]+/g, '');
      return [bare, bare.replace(/\([^)]*\)$/, '')];
    }),
  );
  if (header[0]?.startsWith('[[') === true) return ROWS_WITHOUT_NAMES;
  return FOREIGN.find(([names]) => names.every((name) => columns.has(name)))?.[1];
}

const ROWS_WITHOUT_NAMES =
  'These are rows without names: write an object per row (in pandas orient="records")';

const GOOGLE_REPORT =
  "This is a download of the reports of Google's console, a summary without dates: download the cost table (Billing, Cost table, Download CSV) or read the billing export";

/** Columns that tell it, lower-case and without blanks, with or without what stands in brackets at their end (`Subtotal ($)`), then the words. */
const FOREIGN: readonly (readonly [columns: readonly string[], words: string])[] = [
  [
    ['f'],
    "This is an answer of BigQuery's API, whose rows have no names: write it with bq query --format=json, or let the receiver gcp-billing read the table",
  ],
  [
    ['resultsbytime'],
    'This is an answer of AWS Cost Explorer, a summary: read a Data Export or a Cost and Usage Report',
  ],
  [
    ['totalcosts($)'],
    'This is a download of AWS Cost Explorer, a summary: read a Data Export or a Cost and Usage Report',
  ],
  [
    ['recordtype', 'rateid', 'pricingplanid'],
    'This is the detailed billing report of old: read a Data Export or a Cost and Usage Report of AWS',
  ],
  [
    ['payeraccountid', 'linkedaccountid', 'recordtype'],
    'This is the monthly report or the cost allocation report of old: read a Data Export or a Cost and Usage Report of AWS',
  ],
  [
    ['assemblyid', 'reportkeys'],
    'This is the manifest of a Cost and Usage Report, which names its files: read those, or the folder that they are in',
  ],
  [
    ['usage/consumedquantity', 'lineitem/intervalusagestart'],
    "This is Oracle's usage report, quantities without costs: read the cost report or the FOCUS report beside it",
  ],
  [
    ['meterid', 'unitprice', 'pricetype'],
    'This is a price sheet, prices without charges: read an export of cost details; the extension catalog takes price lists',
  ],
  [
    ['id', 'properties'],
    "This looks like an answer of Azure's API: write its rows with jq -c '.value[] | .properties + {tags}', or read an export of cost details",
  ],
  [
    ['skuname', 'usagequantity', 'usagestarttime'],
    'This is usage of Databricks without prices: join it with them (SELECT u.*, p.pricing.effective_list.default AS list_price, p.currency_code FROM system.billing.usage u JOIN system.billing.list_prices p ON p.cloud = u.cloud AND p.sku_name = u.sku_name AND u.usage_end_time >= p.price_start_time AND (p.price_end_time IS NULL OR u.usage_end_time < p.price_end_time))',
  ],
  [
    ['priceperunit($)', 'multiplier', 'repositoryslug'],
    "This is GitHub's usage report of before 2025, which does not tell what was billed: read the usage report of today's billing page or the billing API (receiver github-actions)",
  ],
  [
    ['reservationid', 'usagedate', 'usedhours'],
    'These are details of reservations, hours without costs: read an export of amortized cost',
  ],
  [
    ['eventdate', 'reservationorderid', 'eventtype'],
    'These are transactions of reservations, which the export of actual cost has as purchases and refunds: read that',
  ],
  [
    ['meterid', 'consumedquantity', 'metercategory'],
    'This is usage without costs: read an export of cost details',
  ],
  [['servicedescription', 'subtotal'], GOOGLE_REPORT],
  [['projectname', 'subtotal'], GOOGLE_REPORT],
  [
    ['servicename', 'costusd', 'cost', 'currency'],
    "This is a download of Azure's cost analysis, a summary: read an export of cost details",
  ],
  [['error'], 'This is an error that an API answered instead of rows'],
  [['columns', 'rows'], ROWS_WITHOUT_NAMES],
  [['columns', 'data'], ROWS_WITHOUT_NAMES],
];
