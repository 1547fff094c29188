/**
 * Jobs of CI services to FOCUS, one record per finished job, as the receivers `github-actions` and `gitlab-ci` write them. Costs
 * are estimates: price × quantity at public or configured prices, never billed. A job whose runner has no known price is refused.
 */
import { parseTime } from '../../focus/times.ts';
import { always, amount, first, map, test, text } from '../expressions.ts';
import { defineMapping, type RowTemplate } from '../mapping.ts';
import {
  estimatedCost,
  estimatedCosts,
  missing,
  soldBy,
  unknownPrice,
  usageUntil,
} from './usage-record.ts';

const REQUIRED = ['ci_provider', 'ci_job', 'started_at', 'completed_at', 'quantity'] as const;

/** The mapping `ci-jobs`. */
export default defineMapping({
  name: 'ci-jobs',
  summary: 'Finished CI jobs, one NDJSON record each, with estimated costs.',
  rename: (header) => header.trim(),
  fits: (columns) => (REQUIRED.every((name) => columns.has(name)) ? 100 : 0),
  required: REQUIRED,
  build: () => ({
    templates: [{ columns: { ...charge, ...costs, ...service, ...resource } }],
    reject: [
      missing('started_at', 'a job that has not started and ended has no charge period'),
      missing('completed_at', 'a job that has not started and ended has no charge period'),
      missing('account', 'a charge needs an account'),
      missing('currency', 'a charge needs a currency'),
      {
        reason: 'negative_duration',
        column: 'completed_at',
        message: 'the job ends before it starts: a clock was wrong',
        where: test(['started_at', 'completed_at'], isBackwards),
      },
      unknownPrice('price', 'no price is known for the runner of this job: configure one'),
    ],
    measures: { EffectiveCost: { column: 'price × quantity', amount: estimatedCost } },
    provider: text('ci_provider'),
  }),
});

const charge: RowTemplate['columns'] = {
  ...usageUntil('completed_at'),
  ChargeDescription: text('ci_job'),
};

const costs: RowTemplate['columns'] = {
  ...estimatedCosts,
  ConsumedQuantity: amount('seconds'),
  ConsumedUnit: always('Seconds'),
  SkuId: first('sku', 'runner'),
  SkuPriceId: first('sku', 'runner'),
  SkuMeter: text('runner'),
};

const service: RowTemplate['columns'] = {
  ServiceName: text('ci_service'),
  ServiceCategory: always('Developer Tools'),
  ServiceSubcategory: always('Continuous Integration and Deployment'),
  ...soldBy(text('ci_provider')),
};

const resource: RowTemplate['columns'] = {
  ResourceId: text('ci_resource'),
  ResourceName: text('ci_job'),
  ResourceType: map('ci_resource', () => 'CI job'),
  Tags: text('tags'),
};

function isBackwards(start: string | undefined, end: string | undefined): boolean {
  return start !== undefined && end !== undefined && parseTime(end) < parseTime(start);
}
