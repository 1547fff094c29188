import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cached, type Program } from './cache.ts';
import { goRecipe } from './go.ts';
import { freePort } from './ports.ts';
import { type Running, start } from './running.ts';

/** How a Prometheus is started. */
export interface PrometheusOptions {
  /** Where its configuration and its data go; a second start in the same folder finds the data. */
  readonly dir: string;
  /** `prometheus.yml`; without it nothing is scraped and samples of the last year are taken. */
  readonly config?: string;
  /** `--enable-feature`. */
  readonly features?: readonly string[];
}

/** An exemplar of a series. */
export interface QueriedExemplar {
  readonly series: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: string;
  /** Epoch seconds. */
  readonly time: number;
}

/** One series of an answer; the value as Prometheus writes it. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly time: number;
  readonly value: string;
}

/** A Prometheus that runs. */
export interface Prometheus extends Running {
  readonly url: string;
  /** Where OTLP/HTTP protobuf metrics are posted. */
  readonly otlpUrl: string;
  /** An instant query, at a time in epoch seconds or now; range selectors answer every sample. */
  query(promql: string, at?: number): Promise<readonly Sample[]>;
  /** The exemplars of series within some epoch seconds. */
  exemplars(
    promql: string,
    within: { readonly start: number; readonly end: number },
  ): Promise<readonly QueriedExemplar[]>;
}

/** The Prometheus server, without the service discoveries of the clouds. */
export function prometheus(): Promise<Program> {
  return cached(goRecipe({ name: 'prometheus', package: `${MODULE}/cmd/prometheus`, ...RELEASE }));
}

/** Prometheus' tool, which checks expositions and rules. */
export function promtool(): Promise<Program> {
  return cached(goRecipe({ name: 'promtool', package: `${MODULE}/cmd/promtool`, ...RELEASE }));
}

/** Starts a Prometheus with its OTLP receiver and answers once it serves. */
export async function startPrometheus({
  dir,
  config,
  features = [],
}: PrometheusOptions): Promise<Prometheus> {
  const program = await prometheus();
  if ('skip' in program) throw new Error(program.skip);
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, 'prometheus.yml'), config ?? CONFIG);
  const listen = `127.0.0.1:${await freePort()}`;
  const running = await start({
    path: program.path,
    args: [
      `--config.file=${join(dir, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(dir, 'data')}`,
      '--storage.tsdb.retention.time=2y',
      '--web.enable-otlp-receiver',
      `--web.listen-address=${listen}`,
      ...features.map((feature) => `--enable-feature=${feature}`),
    ],
    cwd: dir,
    ready: /Server is ready to receive web requests/,
  });
  const url = `http://${listen}`;
  return {
    ...running,
    url,
    otlpUrl: `${url}/api/v1/otlp/v1/metrics`,
    query: (promql, at) => query(url, promql, at),
    exemplars: (promql, within) => exemplars(url, promql, within),
  };
}

async function exemplars(
  url: string,
  promql: string,
  { start, end }: { readonly start: number; readonly end: number },
): Promise<readonly QueriedExemplar[]> {
  const body = new URLSearchParams({ query: promql, start: String(start), end: String(end) });
  const answer = await fetch(`${url}/api/v1/query_exemplars`, { method: 'POST', body });
  const { data, error } = (await answer.json()) as ExemplarAnswer;
  if (data === undefined) throw new Error(`${promql}: ${error ?? answer.status}`);
  return data.flatMap(({ seriesLabels, exemplars: found }) =>
    found.map(({ labels, value, timestamp }) => ({
      ...{ series: seriesLabels, labels, value, time: timestamp },
    })),
  );
}

/** The API's answer to a query for exemplars. */
interface ExemplarAnswer {
  readonly error?: string;
  readonly data?: readonly {
    readonly seriesLabels: Readonly<Record<string, string>>;
    readonly exemplars: readonly {
      readonly labels: Readonly<Record<string, string>>;
      readonly value: string;
      readonly timestamp: number;
    }[];
  }[];
}

async function query(url: string, promql: string, at?: number): Promise<readonly Sample[]> {
  const form = new URLSearchParams({ query: promql });
  if (at !== undefined) form.set('time', String(at));
  const answer = await fetch(`${url}/api/v1/query`, { method: 'POST', body: form });
  const body = (await answer.json()) as Answer;
  if (body.data === undefined) throw new Error(`${promql}: ${body.error ?? answer.status}`);
  return body.data.result.flatMap(({ metric, value, values }) =>
    (values ?? (value === undefined ? [] : [value])).map((pair) => ({
      labels: metric,
      time: pair[0],
      value: pair[1],
    })),
  );
}

/** The API's answer to a query for a vector or a matrix. */
interface Answer {
  readonly error?: string;
  readonly data?: {
    readonly result: readonly {
      readonly metric: Readonly<Record<string, string>>;
      readonly value?: readonly [number, string];
      readonly values?: readonly (readonly [number, string])[];
    }[];
  };
}

const MODULE = 'github.com/prometheus/prometheus';
const RELEASE = {
  version: '3.16.0',
  module: 'v0.316.0',
  flags: [
    '-tags=remove_all_sd',
    '-ldflags=-s -w -X github.com/prometheus/common/version.Version=3.16.0',
  ],
} as const;

const CONFIG = `global: { scrape_interval: 1h }
storage: { tsdb: { out_of_order_time_window: 366d } }
`;
