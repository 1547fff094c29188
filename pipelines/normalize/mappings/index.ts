import type { Mapping } from '../mapping.ts';
import awsCur from './aws-cur.ts';
import azureCost from './azure-cost.ts';
import azureCostFees from './azure-cost-fees.ts';
import azurePartner from './azure-partner.ts';
import ciJobs from './ci-jobs.ts';
import confluentCosts from './confluent-costs.ts';
import databricksUsage from './databricks-usage.ts';
import digitaloceanInvoice from './digitalocean-invoice.ts';
import focus from './focus.ts';
import forwarded from './forwarded.ts';
import gcpBilling from './gcp-billing.ts';
import gcpCostTable from './gcp-cost-table.ts';
import gcpCsv from './gcp-csv.ts';
import githubUsage from './github-usage.ts';
import kubernetesUsage from './kubernetes-usage.ts';
import mongodbAtlas from './mongodb-atlas.ts';
import ociCostReport from './oci-cost-report.ts';
import opencost from './opencost.ts';
import serverless from './serverless.ts';
import snowflakeUsage from './snowflake-usage.ts';

/** Every built-in mapping, by name. */
export const MAPPINGS: readonly Mapping[] = [
  focus,
  awsCur,
  azureCost,
  azureCostFees,
  gcpBilling,
  gcpCostTable,
  gcpCsv,
  ociCostReport,
  ciJobs,
  githubUsage,
  serverless,
  kubernetesUsage,
  opencost,
  azurePartner,
  databricksUsage,
  mongodbAtlas,
  snowflakeUsage,
  confluentCosts,
  digitaloceanInvoice,
  forwarded,
];

/** The mapping of that name. */
export function mappingNamed(name: string): Mapping | undefined {
  return MAPPINGS.find((mapping) => mapping.name === name);
}
