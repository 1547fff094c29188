/**
 * The csv files of daily charges that Google Cloud wrote to Cloud Storage until January 2021 (`Account ID, Line Item, Start Time, …, Measurement1, …,
 * Credit1, …, Cost`) to FOCUS. `Cost` is before credits, of which there are as many columns as a row has at most.
 */
import {
  always,
  amount,
  cases,
  first,
  firstAmount,
  is,
  map,
  plus,
  present,
  sign,
  text,
  timeBy,
  when,
} from '../expressions.ts';
import {
  defineMapping,
  type MappingInput,
  type MappingTable,
  type RowTemplate,
} from '../mapping.ts';
import { gcpServiceKind } from '../tables/gcp-services.ts';
import { UNKNOWN_SERVICE } from '../tables/service-kind.ts';
import { readTime } from '../written-times.ts';
import { currencyCode } from './currency.ts';
import { capitalized, refusals, statementColumns } from './statement.ts';

const PROVIDER = 'Google Cloud';
const REQUIRED = ['account id', 'line item', 'start time', 'end time', 'cost', 'currency'] as const;

/** The mapping `gcp-csv`. */
export default defineMapping({
  name: 'gcp-csv',
  summary: 'Daily csv files of Google Cloud from before 2021.',
  rename: (header) => header.trim().toLowerCase(),
  fits: (columns) => (REQUIRED.every((name) => columns.has(name)) ? 90 : 0),
  required: REQUIRED,
  build,
});

function build(input: MappingInput): MappingTable {
  const credits = input.columns.filter((name) => /^credit\d+ amount$/.test(name));
  const listed = amount('cost');
  const cost = plus(listed, ...credits);
  const start = text('start time');
  const project = first('project id', 'project number', 'project');
  const item = first('line item', always(''));
  const service = map(item, serviceOf);
  const isTax = map(item, (name) => (/\btax(?:es)?\b/i.test(name) ? 'yes' : undefined));
  const category = cases(
    [
      [present(isTax), always('Tax')],
      [is(sign(listed), '-'), always('Credit')],
    ],
    always('Usage'),
  );
  const quantity = amount('measurement1 total consumption');
  const columns: RowTemplate['columns'] = {
    ...statementColumns({
      provider: PROVIDER,
      account: first('account id', always('unknown')),
      accountType: 'Billing Account',
      currency: currencyCode('currency'),
      cost,
      listCost: firstAmount(listed, cost),
      start,
      end: timeBy('end time', readTime),
      category,
      quantity,
      unit: text('measurement1 units'),
      sku: text('line item'),
      service,
      subcategory: map(service, (name) => (gcpServiceKind(name) ?? UNKNOWN_SERVICE).subcategory),
    }),
    SubAccountId: project,
    SubAccountName: first('project name', project),
    SubAccountType: when(present(project), always('Project')),
    ChargeDescription: first('description', 'line item'),
    Tags: map('project labels', labelsOf),
  };
  return {
    templates: [{ columns }],
    reject: refusals({ cost: listed, costColumn: 'Cost', start, startColumn: 'Start Time' }),
    measures: { BilledCost: { column: 'Cost + credits', amount: cost } },
    provider: always(PROVIDER),
  };
}

/** `com.google.cloud/services/compute-engine/…` is `Compute Engine`. */
function serviceOf(item: string): string {
  const words = /services\/([^/]+)/.exec(item)?.[1]?.split('-');
  if (words === undefined) return PROVIDER;
  return words.map(capitalized).join(' ');
}

/** `env:prod,team:web`. */
function labelsOf(cell: string): string | undefined {
  const pairs = cell.split(/[,;]/).flatMap((pair) => {
    const [key = '', ...value] = pair.trim().split(':');
    return key === '' ? [] : [[`project/${key}`, value.join(':')] as const];
  });
  return pairs.length === 0 ? undefined : JSON.stringify(Object.fromEntries(pairs));
}
