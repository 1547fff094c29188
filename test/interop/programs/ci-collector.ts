import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { cached, type Program } from './cache.ts';
import { collectorRecipe } from './collector.ts';
import { freePorts } from './ports.ts';
import { type Running, start } from './running.ts';

/** A span as the collector writes it. */
export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
}

/** A collector that takes the web hooks of CI services. */
export interface CiCollector extends Running {
  /** URL of the web hook of a service. */
  readonly hooks: { readonly github: string; readonly gitlab: string };
  /** The spans that it has made so far, once there are as many. */
  spans(count: number): Promise<readonly CollectedSpan[]>;
}

const CORE = '0.162.0';
/** The core's stable modules count from 1; this is the release that goes with `CORE`. */
const STABLE = '1.68.0';
/** The newest of both receivers that is published as a module. */
const RECEIVERS = '0.158.0';
const CONTRIB = 'github.com/open-telemetry/opentelemetry-collector-contrib';

const MANIFEST = `dist:
  name: otelcol-ci
  version: ${CORE}
  output_path: .
receivers:
  - gomod: ${CONTRIB}/receiver/githubreceiver v${RECEIVERS}
  - gomod: ${CONTRIB}/receiver/gitlabreceiver v${RECEIVERS}
exporters:
  - gomod: ${CONTRIB}/exporter/fileexporter v${CORE}
providers:
  - gomod: go.opentelemetry.io/collector/confmap/provider/envprovider v${STABLE}
  - gomod: go.opentelemetry.io/collector/confmap/provider/fileprovider v${STABLE}
  - gomod: go.opentelemetry.io/collector/confmap/provider/yamlprovider v${STABLE}
`;

/** The OpenTelemetry Collector with the receivers `github` and `gitlab`. */
export function ciCollector(): Promise<Program> {
  return cached(collectorRecipe('otelcol-ci', MANIFEST));
}

/** Starts one; its web hooks have that secret. */
export async function startCiCollector({
  path,
  dir,
  secret,
}: {
  readonly path: string;
  readonly dir: string;
  readonly secret: string;
}): Promise<CiCollector> {
  const [github = 0, gitlab = 0] = await freePorts(2);
  await mkdir(dir, { recursive: true });
  const file = join(dir, 'traces.jsonl');
  const config = join(dir, 'collector.yaml');
  await writeFile(config, JSON.stringify(configuration({ github, gitlab, secret, file })));
  const running = await start({
    path,
    args: ['--config', config],
    cwd: dir,
    ready: /Everything is ready/,
  });
  return {
    ...running,
    hooks: {
      github: `http://127.0.0.1:${github}/events`,
      gitlab: `http://127.0.0.1:${gitlab}/events`,
    },
    spans: (count) => spansIn(file, { count, logs: running.logs }),
  };
}

/** JSON is YAML. The `github` receiver wants a scraper; in a pipeline of traces it does nothing. */
function configuration({
  github,
  gitlab,
  secret,
  file,
}: {
  readonly github: number;
  readonly gitlab: number;
  readonly secret: string;
  readonly file: string;
}): object {
  const webhook = (port: number) => ({
    endpoint: `127.0.0.1:${port}`,
    path: '/events',
    health_path: '/health',
    secret,
  });
  return {
    receivers: {
      github: { webhook: webhook(github), scrapers: { scraper: { github_org: 'example' } } },
      gitlab: { webhook: webhook(gitlab) },
    },
    exporters: { file: { path: file, flush_interval: '20ms' } },
    service: {
      telemetry: { metrics: { level: 'none' } },
      pipelines: { traces: { receivers: ['github', 'gitlab'], exporters: ['file'] } },
    },
  };
}

async function spansIn(
  file: string,
  { count, logs }: { readonly count: number; readonly logs: () => string },
): Promise<readonly CollectedSpan[]> {
  for (let i = 0; i < 1000; i++) {
    const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
    const spans = lines.flatMap((line) => spansOf(JSON.parse(line)));
    if (spans.length >= count) return spans;
    await delay(20);
  }
  throw new Error(`no ${count} spans came:\n${logs()}`);
}

interface TraceRequest {
  readonly resourceSpans: readonly {
    readonly scopeSpans: readonly { readonly spans: readonly CollectedSpan[] }[];
  }[];
}

function spansOf({ resourceSpans }: TraceRequest): readonly CollectedSpan[] {
  return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));
}
