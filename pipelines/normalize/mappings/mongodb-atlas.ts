/**
 * Invoices of MongoDB Atlas to FOCUS: the csv of an invoice (`Date, Usage Date, Description, Note, …, SKU, Region, …, Amount`, below lines that describe it) and the line items
 * that the API answers (`/api/atlas/v2/orgs/{org}/invoices/{id}`; mongodb.com/docs/atlas/billing/invoices and the reference of the Administration
 * API). Atlas bills in US dollars, a day at a time.
 */
import { parseDecimal, subtract, ZERO } from '../../focus/decimal.ts';
import { DATE_ORDER_SETTING } from '../date-order.ts';
import {
  type AmountExpression,
  always,
  amount,
  cases,
  deriveAmount,
  first,
  jsonObject,
  map,
  matches,
  nothing,
  present,
  text,
  when,
} from '../expressions.ts';
import {
  defineMapping,
  type MappingInput,
  type MappingTable,
  type RowTemplate,
} from '../mapping.ts';
import { endOr, hostIn, refusals, regionId, statementColumns } from './statement.ts';

const PROVIDER = 'MongoDB';

/** The mapping `mongodb-atlas`. */
export default defineMapping({
  name: 'mongodb-atlas',
  summary: 'Invoices of MongoDB Atlas, as csv or as its API answers them.',
  settings: { date_order: DATE_ORDER_SETTING },
  rename: (header) => {
    const name = header
      .trim()
      .toLowerCase()
      .replace(/[\s_-]+/g, '');
    return NAMES[name] ?? name;
  },
  fits: (columns) => (REQUIRED.every((name) => columns.has(name)) && isAtlas(columns) ? 90 : 0),
  required: ['sku', 'startdate', 'amount'],
  dateOrder: 'mdy',
  build,
});

const REQUIRED = ['sku', 'startdate', 'amount'] as const;

function isAtlas(columns: ReadonlySet<string>): boolean {
  return ['cluster', 'groupid', 'project', 'organizationid'].some((name) => columns.has(name));
}

/** Names of either form, in lower case and without blanks; `amount` is in dollars in the csv, in cents in the API. */
const NAMES: Readonly<Record<string, string>> = {
  usagedate: 'startdate',
  totalpricecents: 'amount',
  clustername: 'cluster',
  groupname: 'project',
  projectname: 'project',
  projectid: 'groupid',
  orgid: 'organizationid',
  organization: 'organizationname',
  unitpricedollars: 'unitprice',
};

function build(input: MappingInput): MappingTable {
  const inCents = input.has('enddate') && !input.has('date');
  const listCost = inCents ? dollars('amount') : amount('amount');
  const cost = inCents ? dollars('amount', 'discountcents') : listCost;
  const start = text('startdate');
  const project = first('groupid', 'project');
  const cluster = text('cluster');
  const category = cases(
    [
      [matches('sku', /CREDIT/i), always('Credit')],
      [matches('sku', /\bTAX|_TAX/i), always('Tax')],
    ],
    always('Usage'),
  );
  const columns: RowTemplate['columns'] = {
    ...statementColumns({
      provider: PROVIDER,
      account: first(
        'organizationid',
        always(input.titles?.get('organization id') ?? input.titles?.get('organization')),
        'organizationname',
        always('unknown'),
      ),
      accountType: 'Organization',
      currency: always('USD'),
      cost,
      listCost,
      start,
      end: endOr(text('enddate'), start),
      category,
      quantity: amount('quantity'),
      unit: text('unit'),
      unitPrice: amount('unitprice'),
      sku: text('sku'),
      service: always('MongoDB Atlas'),
      subcategory: always('NoSQL Databases'),
    }),
    HostProviderName: hostIn('sku', PROVIDER),
    BillingAccountName: text('organizationname'),
    SubAccountId: project,
    SubAccountName: first('project', project),
    SubAccountType: when(present(project), always('Project')),
    ChargeDescription: first('description', 'note', 'sku'),
    RegionId: map('region', regionId),
    RegionName: text('region'),
    ResourceId: cluster,
    ResourceName: cluster,
    ResourceType: when(present(cluster), always('Cluster')),
    InvoiceId: first('invoiceid', always(input.titles?.get('invoice id'))),
    Tags: jsonObject({ project: 'project' }),
  };
  return {
    templates: [{ columns }],
    reject: refusals({ cost, costColumn: 'Amount', start, startColumn: 'Usage Date' }),
    measures: {
      BilledCost: {
        column: inCents ? '(totalPriceCents - discountCents) / 100' : 'amount',
        amount: cost,
      },
    },
    provider: always(PROVIDER),
  };
}

/**
 * Cents as dollars, less those of a discount; exact. `totalPriceCents` is the quantity at `unitPriceDollars`, `discountCents` what was taken off (reference
 * of the Administration API, line items of an invoice).
 */
function dollars(column: string, discount?: string): AmountExpression {
  return deriveAmount([amount(column), discount ?? nothing], (cents, less) => {
    const value = parseDecimal(cents ?? '');
    const net = value && subtract(value, parseDecimal(less ?? '') ?? ZERO);
    return net && { ...net, scale: net.scale + 2 };
  });
}
