import { objectAt, textAt } from '../../kit/json.ts';
import type { Tally } from '../../kit/serverless/usage.ts';
import { functionOfArn } from './function-name.ts';
import { type Report, reportOfRecord } from './report.ts';
import { type ReportSettings, Reports } from './reports.ts';

/** Counts the reports among events of the Telemetry API; all events are of one function. */
export function countEvents(
  events: readonly unknown[],
  {
    tally,
    arn,
    settings,
  }: {
    readonly tally: Tally;
    /** Of the function, when the push says it. */
    readonly arn: string | undefined;
    readonly settings: ReportSettings;
  },
): void {
  const reports = reportsOf(events, { tally, arn, settings });
  for (const event of events) {
    const given = objectAt(event);
    if (given?.type !== 'platform.report') continue;
    const report = reportOfRecord(objectAt(given.record));
    const atMs = Date.parse(textAt(given.time) ?? '');
    const problem = problemOf(report, { atMs, isNamed: reports !== undefined });
    if (report !== undefined && problem === undefined) reports?.add(report, atMs);
    else tally.addProblem(problem ?? 'no report', JSON.stringify(given));
  }
}

/** Why a report cannot be counted; undefined when it can. */
export function problemOf(
  report: Report | undefined,
  { atMs, isNamed }: { readonly atMs: number; readonly isNamed: boolean },
): string | undefined {
  if (report === undefined) return 'the report has no request id, billed duration or memory size';
  if (!Number.isFinite(atMs)) return 'the report has no time';
  return isNamed ? undefined : 'it is not known which function reports';
}

/** The function is named by the push, by a `platform.start` or `platform.initStart` among the events, or by the settings. */
function reportsOf(
  events: readonly unknown[],
  {
    tally,
    arn,
    settings,
  }: {
    readonly tally: Tally;
    readonly arn: string | undefined;
    readonly settings: ReportSettings;
  },
): Reports | undefined {
  const starts = events.flatMap((event) => {
    const given = objectAt(event);
    const isStart = given?.type === 'platform.start' || given?.type === 'platform.initStart';
    return isStart ? [objectAt(given.record)] : [];
  });
  const text = (...names: readonly string[]) =>
    starts.flatMap((start) => names.flatMap((name) => textAt(start?.[name]) ?? []))[0];
  const version = text('version', 'functionVersion');
  const of = functionOfArn(arn ?? text('functionArn') ?? settings.functionArn, version);
  return of === undefined ? undefined : new Reports(of, tally, settings);
}
