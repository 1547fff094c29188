import {
  ALLOWED_VALUES,
  columnsOf,
  type FocusVersion,
  SERVICE_SUBCATEGORIES,
} from '../focus/columns.ts';
import { jsonRules13 } from './json-rules.ts';
import { jsonRules14 } from './json-schemas.ts';
import { parseRules } from './parse-rules.ts';
import type { Dataset, Rule } from './rule.ts';
import { COST_AND_USAGE_1_2 } from './tables/cost-and-usage-1.2.ts';
import { COST_AND_USAGE_1_4 } from './tables/cost-and-usage-1.4.ts';
import {
  BILLING_PERIOD_1_4,
  CONTRACT_COMMITMENT_1_3,
  CONTRACT_COMMITMENT_1_4,
  INVOICE_DETAIL_1_4,
} from './tables/other-datasets.ts';

/**
 * The rules of a version of the specification. 1.0 and 1.1 have no published requirement model: theirs are the rules of
 * 1.2 over the columns they have. Datasets that a version does not have have no rules.
 */
export function checkRules(
  version: FocusVersion,
  dataset: Dataset = 'CostAndUsage',
): readonly Rule[] {
  const key = `${dataset} ${version}`;
  let rules = known.get(key);
  if (rules === undefined) {
    rules = rulesOf(version, dataset);
    known.set(key, rules);
  }
  return rules;
}

const known = new Map<string, readonly Rule[]>();

function rulesOf(version: FocusVersion, dataset: Dataset): readonly Rule[] {
  if (dataset === 'CostAndUsage') return costAndUsage(version);
  if (version === '1.4') return parse14(dataset, OTHERS_1_4[dataset]);
  if (version !== '1.3' || dataset !== 'ContractCommitment') return [];
  return parseRules(CONTRACT_COMMITMENT_1_3, {
    dataset,
    version,
    listed,
    id: (column, number) =>
      number.startsWith('D-') ? `CCT-${dataset}-${number}` : `CCT-${column}-${number}`,
  });
}

const OTHERS_1_4 = {
  ContractCommitment: CONTRACT_COMMITMENT_1_4,
  BillingPeriod: BILLING_PERIOD_1_4,
  InvoiceDetail: INVOICE_DETAIL_1_4,
} as const;

function costAndUsage(version: FocusVersion): readonly Rule[] {
  switch (version) {
    case '1.4':
      return [...parse14('CostAndUsage', COST_AND_USAGE_1_4), ...jsonRules14()];
    case '1.3':
      return [...parse12('1.3', 'CAU-'), ...jsonRules13()];
    case '1.2':
      return parse12('1.2', '');
    default:
      return earlier(version);
  }
}

function parse12(version: '1.2' | '1.3', prefix: string): readonly Rule[] {
  return parseRules(COST_AND_USAGE_1_2, {
    dataset: 'CostAndUsage',
    version,
    listed,
    id: (column, number) =>
      `${prefix}${number.startsWith('D-') ? 'CostAndUsage' : column}-${number}`,
  });
}

function parse14(dataset: Dataset, table: string): readonly Rule[] {
  return parseRules(table, {
    dataset,
    version: '1.4',
    listed,
    id: (column, number) => `${dataset}.${column}.${number}`,
  });
}

function earlier(version: '1.0' | '1.1'): readonly Rule[] {
  const columns = new Set<string>(columnsOf(version));
  return parse12('1.2', '').filter((rule) =>
    columnsOfRule(rule).every((column) => columns.has(column)),
  );
}

/** Every column a rule looks at, its own first. */
export function columnsOfRule({ column, check, when = [] }: Rule): readonly string[] {
  const others = when.flat().map((atom) => atom.column);
  if (check.op === 'product') return [column, check.a, check.b, check.result, ...others];
  return 'column' in check ? [column, check.column, ...others] : [column, ...others];
}

function listed(column: string): readonly string[] | undefined {
  if (column === 'ServiceSubcategory') return Object.values(SERVICE_SUBCATEGORIES).flat();
  const values: Readonly<Record<string, readonly string[]>> = {
    ...ALLOWED_VALUES,
    ...OTHER_VALUES,
  };
  return Object.hasOwn(values, column) ? values[column] : undefined;
}

/** Allowed values of columns of the other datasets. */
const OTHER_VALUES = {
  BillingPeriodStatus: ['Open', 'Closed'],
  ContractCommitmentBenefitCategory: ['Discount', 'Entitlement', 'Availability', 'Other'],
  ContractCommitmentCategory: ['Spend', 'Usage'],
  ContractCommitmentFulfillmentInterval: [
    'Hourly',
    'Daily',
    'Weekly',
    'Monthly',
    'Quarterly',
    'Semi-Annual',
    'Annual',
    'Full Period',
    'Transactional',
    'Custom',
  ],
  ContractCommitmentLifecycleStatus: [
    'Proposed',
    'Pending',
    'Active',
    'Exhausted',
    'Expired',
    'Canceled',
    'Superseded',
  ],
  ContractCommitmentModel: ['Continuous', 'Discontinuous'],
  ContractCommitmentOfferCategory: ['Negotiated', 'Public'],
  ContractCommitmentPaymentInterval: [
    'One-Time',
    'Monthly',
    'Quarterly',
    'Semi-Annual',
    'Annual',
    'Custom',
  ],
  ContractCommitmentPaymentModel: ['No Upfront', 'Partial Upfront', 'All Upfront'],
  InvoiceIssueStatus: ['Open', 'Issued', 'Voided'],
} as const;
