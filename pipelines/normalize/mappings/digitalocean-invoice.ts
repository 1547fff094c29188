/**
 * Invoices of DigitalOcean, as csv from the billing page or the API (`/v2/customers/my/invoices/{id}/csv`; docs.digitalocean.com), to FOCUS. The
 * header of the amounts is the currency.
 */
import { CURRENCIES } from '../../focus/currencies.ts';
import {
  always,
  amount,
  cases,
  deriveTime,
  first,
  is,
  jsonObject,
  lookup,
  map,
  matches,
  present,
  sign,
  text,
  when,
} from '../expressions.ts';
import {
  defineMapping,
  type MappingInput,
  type MappingTable,
  type RowTemplate,
} from '../mapping.ts';
import { readTime } from '../written-times.ts';
import { dayAfter, refusals, statementColumns } from './statement.ts';

const PROVIDER = 'DigitalOcean';
const REQUIRED = ['product', 'description', 'hours', 'start', 'end', 'project_name'] as const;

/** The mapping `digitalocean-invoice`. */
export default defineMapping({
  name: 'digitalocean-invoice',
  summary: 'Invoices of DigitalOcean as csv.',
  rename: (header) => {
    const name = header.trim();
    return CURRENCIES.has(name) ? name : name.toLowerCase();
  },
  fits: (columns) =>
    REQUIRED.every((name) => columns.has(name)) && currencyOf([...columns]) !== undefined ? 90 : 0,
  required: REQUIRED,
  build,
});

function currencyOf(columns: readonly string[]): string | undefined {
  return columns.find((name) => CURRENCIES.has(name));
}

function build(input: MappingInput): MappingTable {
  const currency = currencyOf(input.columns) ?? 'USD';
  const [cost, start] = [amount(currency), text('start')];
  const project = text('project_name');
  const category = cases(
    [
      [matches('product', /^tax(?:es)?\b|\b(?:vat|gst)\b/i), always('Tax')],
      [matches('product', /credit|promo|discount/i), always('Credit')],
      [is(sign(cost), '-'), always('Adjustment')],
    ],
    always('Usage'),
  );
  const product = first('product', always(PROVIDER));
  const columns: RowTemplate['columns'] = {
    ...statementColumns({
      provider: PROVIDER,
      account: always(input.titles?.get('team') ?? 'unknown'),
      accountType: 'Team',
      currency: always(currency),
      cost,
      start,
      end: deriveTime([text('end'), dayAfter(start)], (end, day) => lastSecond(end ?? day ?? '')),
      category,
      quantity: amount('hours'),
      unit: always('Hours'),
      sku: product,
      service: map(product, (name) => `${PROVIDER} ${name}`),
      subcategory: lookup(
        SUBCATEGORIES,
        map(product, (name) => name.toLowerCase()),
        always('Other (Other)'),
      ),
    }),
    SubAccountId: project,
    SubAccountName: project,
    SubAccountType: when(present(project), always('Project')),
    ChargeDescription: first('description', 'product'),
    Tags: jsonObject({ group: 'group_description' }),
    x_Category: text('category'),
  };
  return {
    templates: [{ columns }],
    reject: refusals({ cost, costColumn: currency, start, startColumn: 'start' }),
    measures: { BilledCost: { column: currency, amount: cost } },
    provider: always(PROVIDER),
  };
}

/** The end of a month is written as its last second. */
function lastSecond(end: string): number {
  const ms = readTime(end);
  return Number.isFinite(ms) && ms % 60_000 === 59_000 ? ms + 1000 : ms;
}

const SUBCATEGORIES: Readonly<Record<string, string>> = {
  'app platform': 'Application Platforms',
  backups: 'Backup Storage',
  'container registry': 'Containers',
  databases: 'Relational Databases',
  droplets: 'Virtual Machines',
  'droplet backups': 'Backup Storage',
  'floating ips': 'Network Infrastructure',
  functions: 'Serverless Compute',
  'gpu droplets': 'Virtual Machines',
  images: 'Block Storage',
  kubernetes: 'Containers',
  'kubernetes clusters': 'Containers',
  'load balancers': 'Application Networking',
  'reserved ips': 'Network Infrastructure',
  snapshots: 'Backup Storage',
  spaces: 'Object Storage',
  'spaces subscription': 'Object Storage',
  volumes: 'Block Storage',
};
