import { type JsonObject, objectAt, parseJson, textAt } from '../../kit/json.ts';
import type { Tally } from '../../kit/serverless/usage.ts';
import { problemOf } from './events.ts';
import { functionOfLog } from './function-name.ts';
import { isReport, type Report, reportOfRecord, reportOfText } from './report.ts';
import { type ReportSettings, Reports } from './reports.ts';

/** Counts the reports among the lines of one log stream, as CloudWatch Logs hands them on. Everything else in it is left alone. */
export function countLog(
  log: JsonObject,
  {
    tally,
    region,
    settings,
  }: { readonly tally: Tally; readonly region: string; readonly settings: ReportSettings },
): void {
  if (log.messageType === 'CONTROL_MESSAGE') return;
  const of = functionOfLog({
    group: textAt(log.logGroup) ?? '',
    stream: textAt(log.logStream) ?? '',
    account: textAt(log.owner) ?? '',
    region,
  });
  const reports = of === undefined ? undefined : new Reports(of, tally, settings);
  for (const event of Array.isArray(log.logEvents) ? log.logEvents : []) {
    const given = objectAt(event);
    const message = textAt(given?.message) ?? '';
    const found = reportIn(message);
    if (found === undefined) continue;
    const atMs = typeof given?.timestamp === 'number' ? given.timestamp : Number.NaN;
    const problem = problemOf(found.report, { atMs, isNamed: reports !== undefined });
    if (found.report !== undefined && problem === undefined) reports?.add(found.report, atMs);
    else tally.addProblem(problem ?? 'no report', message);
  }
}

/** The report that a line is, in JSON or as text; undefined for every other line. */
function reportIn(message: string): { readonly report: Report | undefined } | undefined {
  if (isReport(message)) return { report: reportOfText(message) };
  if (!message.startsWith('{') || !message.includes('"platform.report"')) return undefined;
  const event = objectAt(parseJson(message));
  if (event?.type !== 'platform.report') return undefined;
  return { report: reportOfRecord(objectAt(event.record)) };
}
