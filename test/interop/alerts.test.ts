/** The alerts and recording rules as promtool plays them: when each fires, and when it does not. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { rulesOf } from '../docs/alerts-table.ts';
import { dockerFile } from '../helpers/deployment-files.ts';
import { run } from './programs/npm.ts';
import { promtool } from './programs/prometheus.ts';

const RULES = dockerFile('prometheus/alerts.yaml');
const FILES = 'receiver="files",pipeline="costs",job="focusd-agent",instance="a:8888"';

/** Series at an interval of a minute, in promtool's notation, with which an alert fires; and with which it does not. */
interface Case {
  readonly fires: Readonly<Record<string, string>>;
  readonly silent: Readonly<Record<string, string>>;
  /** When, from the start; default one hour. */
  readonly at?: string;
}

const status = (kind: string, now: string): string =>
  `focusd_component_status{component="c",kind="${kind}",status="${now}"}`;
const ended = (outcome: string): string =>
  `focusd_deliveries_ended_total{${FILES},outcome="${outcome}"}`;
const bucket = (le: string): string => `focusd_normalization_latency_bucket{${FILES},le="${le}"}`;
const retries = 'focusd_exporter_retries_total{component="otlp",signal="logs"}';
const refused = `focusd_export_rows_rejected_total{${FILES},exporter="otlp"}`;
const days = (provider: string): string =>
  `finops_data_completeness_ratio{focus_service_provider_name="${provider}"}`;

const CASES: Readonly<Record<string, Case>> = {
  FocusdMoneyNotConserved: {
    fires: { [`focusd_ledger_unbalanced_total{${FILES}}`]: '0x30 1x60' },
    silent: { [`focusd_ledger_unbalanced_total{${FILES}}`]: '0x90' },
  },
  FocusdNotReady: {
    fires: { 'focusd_ready{job="focusd-agent"}': '1x30 0x60' },
    silent: { 'focusd_ready{job="focusd-agent"}': '0x2 1x90', 'up{job="other"}': '0x90' },
  },
  FocusdReceiverFailed: {
    fires: { [status('receiver', 'failed')]: '1x90' },
    silent: { [status('exporter', 'failed')]: '1x90', [status('receiver', 'running')]: '1x90' },
  },
  FocusdReceiverUnavailable: {
    fires: { [status('receiver', 'retrying')]: '1x90' },
    silent: { [status('receiver', 'retrying')]: '_x40 1x50' },
  },
  FocusdExporterFailing: {
    fires: { [retries]: '0+1x90' },
    silent: { [retries]: '0x10 0+1x5 5x90' },
  },
  FocusdChargesWait: {
    fires: { 'focusd_queue_age{exporter="otlp"}': '0+60x90' },
    silent: { 'focusd_queue_age{exporter="otlp"}': '0+60x59 0x90' },
    at: '80m',
  },
  FocusdBackendRefuses: {
    fires: { [refused]: '0x50 7x90' },
    silent: { [refused]: '0x90' },
  },
  FocusdDeliveryStuck: {
    fires: { [`focusd_delivery_age{${FILES}}`]: '0+60x90' },
    silent: { [`focusd_delivery_age{${FILES}}`]: '0+60x59 0x90' },
    at: '80m',
  },
  FocusdDeadLettersGrow: {
    fires: { focusd_dead_letters_size: '100x40 300x90' },
    silent: { focusd_dead_letters_size: '300x40 0x90' },
  },
  FocusdDataTooOld: {
    fires: { [`focusd_data_age{${FILES}}`]: '300000+60x180' },
    silent: { [`focusd_data_age{${FILES}}`]: '100000+60x180' },
    at: '2h',
  },
  FocusdDaysMissing: {
    fires: { [days('AWS')]: '0.5x900' },
    silent: { [days('GitHub')]: '0.5x900', [days('Azure')]: '1x900' },
    at: '13h',
  },
  FocusdNormalizationSlow: {
    fires: { [bucket('3600')]: '0x90', [bucket('14400')]: '0+1x90', [bucket('+Inf')]: '0+1x90' },
    silent: { [bucket('60')]: '0+1x90', [bucket('3600')]: '0+1x90', [bucket('+Inf')]: '0+1x90' },
  },
  FocusdIngestErrors: {
    fires: {
      [`focusd_ingest_errors_total{${FILES},kind="row"}`]: '0+2x90',
      [`focusd_rows_read_total{${FILES}}`]: '0+1000x90',
    },
    silent: {
      [`focusd_ingest_errors_total{${FILES},kind="row"}`]: '0+2x90',
      [`focusd_ingest_errors_total{${FILES},kind="part"}`]: '0+90x90',
      [`focusd_rows_read_total{${FILES}}`]: '0+10000x90',
    },
  },
  FocusdEndToEndFailing: {
    fires: { [ended('whole')]: '0+9x90', [ended('failed')]: '0+1x90' },
    silent: { [ended('whole')]: '0+9x90', [ended('failed')]: '0x90' },
  },
};

const firing = (alert: string, samples: readonly unknown[], at = '1h') => ({
  expr: `count(ALERTS{alertname="${alert}", alertstate="firing"})`,
  eval_time: at,
  exp_samples: samples,
});
const series = (values: Readonly<Record<string, string>>) =>
  Object.entries(values).map(([name, text]) => ({ series: name, values: text }));

/** JSON is YAML. */
function unitTests(): string {
  const tests = Object.entries(CASES).flatMap(([alert, { fires, silent, at }]) => [
    {
      name: `${alert} fires`,
      interval: '1m',
      input_series: series(fires),
      promql_expr_test: [firing(alert, [{ labels: '{}', value: 1 }], at)],
    },
    {
      name: `${alert} is silent`,
      interval: '1m',
      input_series: series(silent),
      promql_expr_test: [firing(alert, [], at)],
    },
  ]);
  const levels = {
    name: 'service levels',
    interval: '1m',
    input_series: series({
      [`focusd_ingest_errors_total{${FILES},kind="row"}`]: '0+5x90',
      [`focusd_rows_read_total{${FILES}}`]: '0+100x90',
      [ended('whole')]: '0+3x90',
      [ended('partial')]: '0+1x90',
    }),
    promql_expr_test: [
      level('focusd:ingest_errors:ratio_1d', 0.05),
      level('focusd:end_to_end_success:ratio_1d', 0.75),
    ],
  };
  return JSON.stringify({
    rule_files: ['alerts.yaml'],
    evaluation_interval: '1m',
    tests: [...tests, levels],
  });
}

const level = (name: string, value: number) => ({
  expr: name,
  eval_time: '1h',
  exp_samples: [{ labels: `${name}{${FILES}}`, value }],
});

t.test('promtool plays every alert', async (t) => {
  const program = await promtool();
  if ('skip' in program) return t.plan(0, program.skip);
  t.strictSame(
    Object.keys(CASES),
    rulesOf(RULES).flatMap(({ alert }) => alert ?? []),
    'each has a case',
  );
  const folder = t.testdir({ 'alerts.yaml': RULES, 'tests.yaml': unitTests() });
  const check = await run([program.path, 'check', 'rules', 'alerts.yaml'], { cwd: folder });
  t.equal(check.code, 0, check.stderr + check.stdout);
  const played = await run([program.path, 'test', 'rules', 'tests.yaml'], { cwd: folder });
  t.equal(played.code, 0, played.stderr + played.stdout);

  writeFileSync(join(folder, 'alerts.yaml'), RULES.replace('> 3 * 86400', '> 30 * 86400'));
  const broken = await run([program.path, 'test', 'rules', 'tests.yaml'], { cwd: folder });
  t.not(broken.code, 0, 'and a rule that is off is found');
  t.match(broken.stderr + broken.stdout, /FocusdDataTooOld/);
});
