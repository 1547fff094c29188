import { decimal, divide, formatDecimal, multiply } from '../../../pipelines/focus/index.ts';
import type { Pushed } from '../../kit/intake/index.ts';
import { type JsonObject, objectAt, textAt, textsAt } from '../../kit/json.ts';
import { jobSpanIdOf, traceIdOf } from './trace-ids.ts';

/** What decides the price of a job and its ids. */
export interface JobSettings {
  /** Currency units per compute minute. */
  readonly price: string;
  readonly currency: string;
  /** Cost factor by runner tag. */
  readonly cost_factors: Readonly<Record<string, string>>;
  /** Currency units a minute of runners of one's own. */
  readonly self_managed_price: string;
  readonly trace_ids: 'collector' | 'none';
}

/** Cost factors of GitLab's hosted runners by tag. Source: https://docs.gitlab.com/ci/pipelines/compute_minutes/ (2026). */
const FACTORS: Readonly<Record<string, string>> = {
  'saas-linux-small-amd64': '1',
  'saas-linux-medium-amd64': '2',
  'saas-linux-large-amd64': '3',
  'saas-linux-xlarge-amd64': '6',
  'saas-linux-2xlarge-amd64': '12',
  'saas-linux-medium-amd64-gpu-standard': '7',
  'saas-linux-small-arm64': '1',
  'saas-linux-medium-arm64': '2',
  'saas-linux-large-arm64': '3',
  'saas-macos-medium-m1': '6',
  'saas-macos-large-m2pro': '12',
  'saas-windows-medium-amd64': '1',
};
/** The runner of jobs that ask for none. */
const DEFAULT_TAG = 'saas-linux-small-amd64';
const PLACES = 12;

/** Ends of a job that was worked on. */
const ENDED = new Set(['success', 'failed', 'canceled']);

/** Whether a job has run to its end. */
export function hasEnded({
  build_status,
  build_started_at,
  build_finished_at,
}: JsonObject): boolean {
  const isOver = ENDED.has(textAt(build_status) ?? '') && textAt(build_finished_at) !== undefined;
  return isOver && textAt(build_started_at) !== undefined;
}

/** The record of a finished job. Every field is always there, null when unknown. */
export function jobRecord(
  of: {
    readonly body: JsonObject;
    readonly project: JsonObject;
    readonly delivery: string | undefined;
  },
  settings: JobSettings,
): Pushed {
  const { body, project, delivery } = of;
  const id = textAt(body.build_id) ?? '';
  const path = textAt(project.path_with_namespace) ?? textAt(body.project_name) ?? '';
  const pipeline = textAt(body.pipeline_id) ?? '';
  return {
    ids: [`job ${path}/${id}`, ...(delivery === undefined ? [] : [`delivery ${delivery}`])],
    value: {
      ci_provider: 'GitLab',
      ci_service: 'GitLab CI/CD',
      ci_job: textAt(body.build_name) ?? id,
      ci_resource: `${path}/-/pipelines/${pipeline}/jobs/${id}`,
      account: path.split('/')[0] || null,
      account_type: 'Group',
      currency: settings.currency,
      ...priceOf(body, settings),
      ...traceOf(body, { pipeline, id, scheme: settings.trace_ids }),
      tags: tagsOf(body, path),
    },
  };
}

/** Minutes are not rounded: seconds / 60 × cost factor. */
function priceOf(body: JsonObject, settings: JobSettings) {
  const runner = objectAt(body.runner);
  const tags = textsAt(runner?.tags);
  const hosted = textAt(runner?.runner_type) === 'instance_type';
  const started = isoTime(body.build_started_at);
  const completed = isoTime(body.build_finished_at);
  const ms = Date.parse(completed ?? '') - Date.parse(started ?? '');
  const seconds =
    Number.isFinite(ms) && ms >= 0 ? formatDecimal({ digits: BigInt(ms), scale: 3 }) : null;
  const { factor, tag } = hosted ? factorOf(tags, settings) : { factor: '1', tag: 'self-managed' };
  const minutes = seconds === null || factor === undefined ? null : minutesOf(seconds, factor);
  return {
    started_at: started,
    completed_at: completed,
    seconds,
    quantity: minutes,
    unit: 'Compute Minutes',
    runner: textAt(runner?.description) ?? null,
    sku: tag ?? null,
    price: factor === undefined ? null : hosted ? settings.price : settings.self_managed_price,
    price_source: factor === undefined ? 'unknown' : 'configured',
  };
}

function factorOf(
  tags: readonly string[],
  { cost_factors }: JobSettings,
): { readonly factor: string | undefined; readonly tag: string | undefined } {
  const known = { ...FACTORS, ...cost_factors };
  const tag = tags.length === 0 ? DEFAULT_TAG : tags.find((one) => Object.hasOwn(known, one));
  return { tag: tag ?? tags.join(','), factor: tag === undefined ? undefined : known[tag] };
}

function minutesOf(seconds: string, factor: string): string | null {
  const quotient = divide(multiply(decimal(seconds), decimal(factor)), decimal('60'), PLACES);
  return quotient === undefined ? null : formatDecimal(quotient);
}

/** GitLab writes `2026-09-17 10:00:00 UTC` in job hooks, ISO 8601 elsewhere. */
function isoTime(value: unknown): string | null {
  const text = textAt(value)
    ?.replace(/ UTC$/, 'Z')
    .replace(/^(\d{4}-\d\d-\d\d) /, '$1T');
  const ms = Date.parse(text ?? '');
  return Number.isFinite(ms) ? new Date(ms).toISOString() : (text ?? null);
}

/** Known only when the hook says when the pipeline ended. */
function traceOf(
  body: JsonObject,
  of: {
    readonly pipeline: string;
    readonly id: string;
    readonly scheme: JobSettings['trace_ids'];
  },
): { readonly trace_id: string | null; readonly span_id: string | null } {
  const finished = textAt(objectAt(body.commit)?.finished_at);
  if (of.scheme === 'none' || finished === undefined || of.pipeline === '')
    return { trace_id: null, span_id: null };
  const started = textAt(body.build_started_at) ?? '';
  return { trace_id: traceIdOf(of.pipeline, finished), span_id: jobSpanIdOf(of.id, started) };
}

function tagsOf(body: JsonObject, project: string): Readonly<Record<string, string>> {
  const runner = objectAt(body.runner);
  const tags = {
    repository: project,
    stage: textAt(body.build_stage),
    branch: textAt(body.ref),
    actor: textAt(objectAt(body.user)?.username) ?? textAt(objectAt(body.user)?.name),
    runner_labels: textsAt(runner?.tags).join(',') || undefined,
    conclusion: textAt(body.build_status),
    'cicd.pipeline.run.id': textAt(body.pipeline_id),
    'cicd.pipeline.task.run.id': textAt(body.build_id),
  };
  return Object.fromEntries(
    Object.entries(tags).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}
