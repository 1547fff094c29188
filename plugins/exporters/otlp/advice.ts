import type { Advice } from '../../../pipelines/plugin/index.ts';
import { forwards } from './agent-name.ts';
import { backendProfile } from './backend-profiles.ts';
import type { Settings } from './settings.ts';

/** What a backend will refuse or change of what these settings have it sent, although they are valid. */
export function adviceOn(config: Settings): readonly Advice[] {
  const name = config.backend_profile;
  const { takes, protocol, maxAgeMs, maxRequestBytes, maxValueLength } = backendProfile(name);
  const { logs, metrics } = config;
  const sendsLogs = logs.enabled && takes.logs;
  return [
    ...when(!logs.enabled && forwards(config), {
      path: 'logs.enabled',
      problem: 'sends nothing to the other agent, which takes only charges',
      hint: 'leave it out',
    }),
    ...when(logs.enabled && !takes.logs, {
      path: 'logs.enabled',
      problem: `sends charges to ${name}, which takes no logs`,
      hint: 'set it to false, and send charges to a log backend by an exporter of its own',
    }),
    ...when(metrics.enabled && !takes.metrics && !forwards(config), {
      path: 'metrics.enabled',
      problem: `sends totals to ${name}, which takes no metrics`,
      hint: 'set it to false, and send totals to a metric backend by an exporter of its own',
    }),
    ...adviceOnEventTime(config),
    ...when(protocol !== undefined && config.protocol !== protocol, {
      path: 'protocol',
      problem: `is ${config.protocol}, and ${name} takes ${protocol}`,
      hint: `set it to ${protocol}, or send to a collector`,
    }),
    ...when(sendsLogs && maxAgeMs !== undefined && (logs.max_age ?? 0) > (maxAgeMs ?? 0), {
      path: 'logs.max_age',
      problem: `is longer than the ${hours(maxAgeMs)} that ${name} takes: older charges are refused`,
      hint: 'leave it out unless your backend is set up for more',
    }),
    ...when(sendsLogs && maxRequestBytes !== undefined && logs.max_batch_bytes > maxRequestBytes, {
      path: 'logs.max_batch_bytes',
      problem: `is more than the ${maxRequestBytes} bytes that ${name} takes in a request: requests are made smaller`,
      hint: `set it to ${maxRequestBytes} or less`,
    }),
    ...when(sendsLogs && maxValueLength !== undefined, {
      path: 'backend_profile',
      problem: `${name} does not search attribute values beyond ${maxValueLength} characters; long tags may be cut there`,
      hint: 'the charge in FOCUS files (exporter file) stays whole',
    }),
  ];
}

/** Bills come a day or two after the day that they charge. */
const BILLED_LATE_MS = 48 * 3_600_000;

function adviceOnEventTime({ backend_profile, metrics }: Settings): readonly Advice[] {
  const { takes, maxPointAgeMs } = backendProfile(backend_profile);
  const { enabled, max_age } = metrics.event_time;
  if (!enabled || (metrics.enabled && !takes.metrics)) return [];
  const age = max_age ?? maxPointAgeMs ?? Number.POSITIVE_INFINITY;
  return [
    ...when(!metrics.enabled, {
      path: 'metrics.event_time.enabled',
      problem: 'sends nothing: metrics.enabled is false',
      hint: 'leave it out, or set metrics.enabled',
    }),
    ...when(maxPointAgeMs !== undefined && (max_age ?? 0) > (maxPointAgeMs ?? 0), {
      path: 'metrics.event_time.max_age',
      problem: `is longer than the ${hours(maxPointAgeMs)} that ${backend_profile} takes as it comes: older points are refused, or dropped in silence`,
      hint: 'have the backend take points of that age; focusd probe finds out which it takes',
    }),
    ...when(metrics.enabled && age < BILLED_LATE_MS, {
      path: 'metrics.event_time.enabled',
      problem: `only points of up to ${hours(age)} ago are sent, and bills come later than that: hardly any is`,
      hint: 'have the backend take older points (Prometheus and Mimir: out_of_order_time_window), and say how old in metrics.event_time.max_age',
    }),
  ];
}

function when(holds: boolean, advice: Advice): readonly Advice[] {
  return holds ? [advice] : [];
}

function hours(ms: number | undefined): string {
  return `${(ms ?? 0) / 3_600_000} hours`;
}
