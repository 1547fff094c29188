import type { OwnMetric } from '../../agent/own-metrics.ts';

/** The agent's own metrics as a Markdown table. */
export function metricsTable(metrics: Readonly<Record<string, OwnMetric>>): string {
  const rows = Object.entries(metrics).map(
    ([name, { kind, unit, doc, detailed }]) =>
      `| \`${name}\` | \`${prometheusName(name, kind)}\` | ${kind.replace('observed-', '')}, ${unit} | ${doc}${detailed === true ? ' (detailed)' : ''} |`,
  );
  return [
    '| metric | in Prometheus | kind, unit | meaning |',
    '| --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

/** Its name on the page that Prometheus reads; a histogram has `_bucket`, `_sum` and `_count` behind it. */
export function prometheusName(name: string, kind: OwnMetric['kind']): string {
  return `${name.replaceAll('.', '_')}${kind.endsWith('counter') ? '_total' : ''}`;
}
