import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { cached, type Program, type Recipe } from './cache.ts';
import { type StandardCollector, selfMetricsConfig, standardConfig } from './collector-config.ts';
import { go, step } from './go.ts';
import { freePorts } from './ports.ts';
import { type Running, start } from './running.ts';

/** How a collector is started: the standard one, or one by its whole configuration. */
export interface CollectorOptions extends StandardCollector {
  /** Where its configuration and its output go. */
  readonly dir: string;
  /** Configuration as YAML; `${env:OTLP_GRPC}`, `${env:OTLP_HTTP}` and `${env:DIR}` are filled in. */
  readonly config?: string;
  /** Ports of an earlier run, for one that comes back; else free ones. */
  readonly ports?: { readonly grpc: number; readonly http: number };
}

/** The signals that the standard collector takes. */
export type Signal = 'metrics' | 'logs';

/** A collector that runs. */
export interface Collector extends Running {
  readonly grpcPort: number;
  readonly httpPort: number;
  /** The file of a signal: one OTLP JSON export request per line. */
  outputFile(signal: Signal): string;
  /** The export requests in that file so far; all of them once the collector has stopped. */
  received(signal: Signal): readonly unknown[];
  /** Waits until what was received satisfies; throws with the collector's log after `within` ms. */
  until(
    signal: Signal,
    satisfied: (requests: readonly unknown[]) => boolean,
    within?: number,
  ): Promise<readonly unknown[]>;
  /** The sum of one of its own metrics over all series, such as `otelcol_exporter_sent_log_records`. */
  selfMetric(name: string): Promise<number>;
}

/** The OpenTelemetry Collector with the few components that the tests need. */
export function collector(): Promise<Program> {
  return cached(collectorRecipe('otelcol', MANIFEST));
}

/** Starts a collector and answers once all its components run. */
export async function startCollector(options: CollectorOptions): Promise<Collector> {
  const program = await collector();
  if ('skip' in program) throw new Error(program.skip);
  const [grpcFree = 0, httpFree = 0, metricsPort = 0] = await freePorts(3);
  const { grpc, http } = options.ports ?? { grpc: grpcFree, http: httpFree };
  await mkdir(options.dir, { recursive: true });
  const config = join(options.dir, 'collector.yaml');
  const own = join(options.dir, 'collector-telemetry.yaml');
  await writeFile(config, options.config ?? standardConfig(options));
  await writeFile(own, selfMetricsConfig(metricsPort));
  const running = await start({
    path: program.path,
    args: ['--config', config, '--config', own],
    cwd: options.dir,
    env: { OTLP_GRPC: `127.0.0.1:${grpc}`, OTLP_HTTP: `127.0.0.1:${http}`, DIR: options.dir },
    ready: /Everything is ready/,
  });
  return {
    ...running,
    ...reading(options.dir, running, metricsPort),
    grpcPort: grpc,
    httpPort: http,
  };
}

function reading(dir: string, running: Running, metricsPort: number) {
  const outputFile = (signal: Signal) => join(dir, `${signal}.jsonl`);
  const received = (signal: Signal) => requestsIn(outputFile(signal));
  return {
    outputFile,
    received,
    until: async (
      signal: Signal,
      satisfied: (requests: readonly unknown[]) => boolean,
      within = 20_000,
    ) => {
      const end = performance.now() + within;
      for (let seen = received(signal); ; seen = received(signal)) {
        if (satisfied(seen)) return seen;
        if (performance.now() > end) {
          throw new Error(
            `${seen.length} ${signal} requests after ${within} ms:\n${running.logs()}`,
          );
        }
        await delay(20);
      }
    },
    selfMetric: async (name: string) => {
      const answer = await fetch(`http://127.0.0.1:${metricsPort}/metrics`);
      return sumOf(name, await answer.text());
    },
  };
}

/** Whole lines only: the last one may still be on its way. */
function requestsIn(file: string): readonly unknown[] {
  if (!existsSync(file)) return [];
  const text = readFileSync(file, 'utf8');
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  return lines.filter((line) => line !== '').map((line): unknown => JSON.parse(line));
}

function sumOf(name: string, exposition: string): number {
  let sum = 0;
  for (const line of exposition.split('\n')) {
    const sample = /^(\w+?)(?:__records_|_total)?(?:\{.*\})? (\S+)$/.exec(line);
    if (sample?.[1] === name) sum += Number(sample[2]);
  }
  return sum;
}

const CORE = '0.162.0';
/** The core's stable modules count from 1; this is the release that goes with `CORE`. */
const STABLE = '1.68.0';
/** The newest filelog receiver whose parser library (`pkg/stanza`) is published as a module. */
const FILELOG = '0.149.0';
const CONTRIB = 'github.com/open-telemetry/opentelemetry-collector-contrib';

const MANIFEST = `dist:
  name: otelcol
  version: ${CORE}
  output_path: .
receivers:
  - gomod: go.opentelemetry.io/collector/receiver/otlpreceiver v${CORE}
  - gomod: ${CONTRIB}/receiver/filelogreceiver v${FILELOG}
processors:
  - gomod: go.opentelemetry.io/collector/processor/batchprocessor v${CORE}
exporters:
  - gomod: go.opentelemetry.io/collector/exporter/debugexporter v${CORE}
  - gomod: go.opentelemetry.io/collector/exporter/nopexporter v${CORE}
  - gomod: go.opentelemetry.io/collector/exporter/otlpexporter v${CORE}
  - gomod: go.opentelemetry.io/collector/exporter/otlphttpexporter v${CORE}
  - gomod: ${CONTRIB}/exporter/fileexporter v${CORE}
providers:
  - gomod: go.opentelemetry.io/collector/confmap/provider/envprovider v${STABLE}
  - gomod: go.opentelemetry.io/collector/confmap/provider/fileprovider v${STABLE}
  - gomod: go.opentelemetry.io/collector/confmap/provider/yamlprovider v${STABLE}
replaces:
  - ${CONTRIB}/internal/coreinternal => ${CONTRIB}/internal/coreinternal v${FILELOG}
`;

/**
 * `-e`: the builder tidies the modules of the components' own tests too, and some of those are not
 * published. What the program itself needs is still checked, by compiling it.
 */
const GOFLAGS = '-mod=mod -buildvcs=false -e';

/** How a collector comes to be: the builder makes it of the components that a manifest names. */
export function collectorRecipe(name: string, manifest: string): Recipe {
  return {
    name,
    version: CORE,
    source: `${manifest}${GOFLAGS}`,
    build: async (folder) => {
      await go(['install', `go.opentelemetry.io/collector/cmd/builder@v${CORE}`], folder);
      await writeFile(join(folder, 'manifest.yaml'), manifest);
      await step({
        command: join(folder, 'builder'),
        args: ['--config', 'manifest.yaml', '--skip-strict-versioning'],
        cwd: folder,
        env: { GOFLAGS },
      });
    },
  };
}
