import type { Pushed } from '../../kit/intake/index.ts';
import { type JsonObject, objectAt, textAt, textsAt } from '../../kit/json.ts';
import { publicPrice, skuOfLabel } from './prices.ts';
import { jobSpanIdOf, traceIdOf } from './trace-ids.ts';

/** What decides the price of a job and its ids. */
export interface JobSettings {
  /** Runner label → billing SKU, or `self-hosted`. */
  readonly runners: Readonly<Record<string, string>>;
  /** Billing SKU → US dollars a minute. */
  readonly prices: Readonly<Record<string, string>>;
  /** US dollars a minute of runners that are not GitHub's. */
  readonly self_hosted_price: string;
  readonly trace_ids: 'collector' | 'none';
}

/** A job, and whose it is: the parts of a web hook, or of the API's answers. */
export interface Job {
  readonly job: JsonObject;
  readonly repository: JsonObject;
  readonly actor: string | undefined;
  /** Of the web hook; absent when the job was found by polling. */
  readonly delivery?: string | undefined;
}

const SELF_HOSTED = 'self-hosted';
/** Conclusions of jobs that no runner worked on. */
const NEVER_RAN = new Set(['skipped', 'stale']);

/** The record of a finished job; undefined when it never ran, so that it costs nothing. Every field is always there, null when unknown. */
export function jobRecord(of: Job, settings: JobSettings): Pushed | undefined {
  const { job, repository } = of;
  const id = textAt(job.id);
  const name = textAt(repository.full_name);
  if (id === undefined || name === undefined || !hasRun(job)) return undefined;
  const attempt = textAt(job.run_attempt) ?? '1';
  const ids = [`job ${name}/${id}/${attempt}`];
  if (of.delivery !== undefined) ids.push(`delivery ${of.delivery}`);
  const run = textAt(job.run_id) ?? '';
  return {
    ids,
    value: {
      ci_provider: 'GitHub',
      ci_service: 'GitHub Actions',
      ci_job: textAt(job.name) ?? id,
      ci_resource: `${name}/actions/runs/${run}/job/${id}/${attempt}`,
      account: textAt(objectAt(repository.owner)?.login) ?? name.split('/')[0],
      account_type: textAt(objectAt(repository.owner)?.type) ?? 'Organization',
      currency: 'USD',
      ...lengthOf(job),
      ...priceOf(of, settings),
      ...traceOf(job, { run, attempt, id, scheme: settings.trace_ids }),
      tags: tagsOf(of, name),
    },
  };
}

function hasRun(job: JsonObject): boolean {
  if (NEVER_RAN.has(textAt(job.conclusion) ?? '')) return false;
  return textAt(job.runner_name) !== undefined || textsAt(job.labels).length > 0;
}

/** Each job counts whole minutes, as it is billed. */
function lengthOf(job: JsonObject) {
  const [start, end] = [textAt(job.started_at), textAt(job.completed_at)];
  const seconds = (Date.parse(end ?? '') - Date.parse(start ?? '')) / 1000;
  const known = Number.isFinite(seconds) && seconds >= 0;
  return {
    started_at: start ?? null,
    completed_at: end ?? null,
    seconds: known ? String(seconds) : null,
    quantity: known ? String(Math.max(1, Math.ceil(seconds / 60))) : null,
    unit: 'Minutes',
  };
}

function priceOf({ job, repository }: Job, { runners, prices, self_hosted_price }: JobSettings) {
  const labels = textsAt(job.labels);
  const runner = labels.join(',') || null;
  const sku = skuOf(labels, runners);
  const priced = (price: string | null, price_source: string) => ({
    runner,
    sku: sku ?? null,
    price,
    price_source,
  });
  if (sku === undefined) return priced(null, 'unknown');
  const own = prices[sku];
  if (own !== undefined) return priced(own, 'configured');
  if (sku === SELF_HOSTED) return priced(self_hosted_price, 'configured: self_hosted_price');
  if (repository.private === false && sku.startsWith('actions_'))
    return priced('0', 'github-public: free in public repositories');
  const found = publicPrice(sku, textAt(job.started_at) ?? '');
  return found === undefined
    ? priced(null, 'unknown')
    : priced(found.price, `github-public: since ${found.from}`);
}

function skuOf(
  labels: readonly string[],
  runners: Readonly<Record<string, string>>,
): string | undefined {
  const named = labels.find((label) => Object.hasOwn(runners, label));
  if (named !== undefined) return runners[named];
  if (labels.some((label) => label.toLowerCase() === SELF_HOSTED)) return SELF_HOSTED;
  return labels.map(skuOfLabel).find((sku) => sku !== undefined);
}

/** The check run of a job has the job's id, unless its URL says otherwise. */
function traceOf(
  job: JsonObject,
  {
    run,
    attempt,
    id,
    scheme,
  }: {
    readonly run: string;
    readonly attempt: string;
    readonly id: string;
    readonly scheme: JobSettings['trace_ids'];
  },
) {
  if (scheme === 'none' || run === '') return { trace_id: null, span_id: null };
  const checkRun = /\/check-runs\/(\d+)$/.exec(textAt(job.check_run_url) ?? '')?.[1] ?? id;
  return { trace_id: traceIdOf(run, attempt), span_id: jobSpanIdOf(checkRun) };
}

function tagsOf({ job, actor }: Job, repository: string): Readonly<Record<string, string>> {
  const tags = {
    repository,
    workflow: textAt(job.workflow_name),
    branch: textAt(job.head_branch),
    actor,
    runner: textAt(job.runner_name),
    runner_labels: textsAt(job.labels).join(',') || undefined,
    conclusion: textAt(job.conclusion),
    'cicd.pipeline.run.id': textAt(job.run_id),
    'cicd.pipeline.task.run.id': textAt(job.id),
  };
  return Object.fromEntries(
    Object.entries(tags).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}
