import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cached, type Program } from './cache.ts';
import { step } from './go.ts';
import { freePorts } from './ports.ts';
import { type Running, start } from './running.ts';

/** A span as Jaeger shows it. */
export interface JaegerSpan {
  readonly spanId: string;
  readonly name: string;
  readonly service: string;
}

/** A Jaeger that runs, with its traces in memory. */
export interface Jaeger extends Running {
  /** Where it takes OTLP by gRPC: a port of this machine. */
  readonly otlpPort: number;
  /** The spans of a trace; none when Jaeger does not know it. */
  trace(traceId: string): Promise<readonly JaegerSpan[]>;
}

const VERSION = '1.76.0';
const MODULE = 'github.com/jaegertracing/jaeger';
/** `go install` takes no module with `replace` lines: Jaeger's own is repeated in a module around it. */
const GO_MOD = `module interop/jaeger

go 1.25

require ${MODULE} v${VERSION}

replace github.com/Shopify/sarama => github.com/Shopify/sarama v1.33.0
`;
/** Keeps the requirement, for nothing else in the module needs it. */
const NEEDS = `//go:build needs

package needs

import _ "${MODULE}/cmd/jaeger"
`;
const GOFLAGS = '-mod=mod -buildvcs=false';

/** Jaeger 2, which is published as the module's version 1.76. */
export function jaeger(): Promise<Program> {
  return cached({
    name: 'jaeger',
    version: VERSION,
    source: `${GO_MOD}${GOFLAGS}`,
    build: async (folder) => {
      await writeFile(join(folder, 'go.mod'), GO_MOD);
      await writeFile(join(folder, 'needs.go'), NEEDS);
      await step({
        command: 'go',
        args: ['build', '-ldflags=-s -w', '-o', 'jaeger', `${MODULE}/cmd/jaeger`],
        cwd: folder,
        env: { GOFLAGS, CGO_ENABLED: '0' },
      });
    },
  });
}

/** Starts one and answers once it serves. */
export async function startJaeger(dir: string): Promise<Jaeger> {
  const program = await jaeger();
  if ('skip' in program) throw new Error(program.skip);
  const [otlpPort = 0, http = 0, grpc = 0] = await freePorts(3);
  await mkdir(dir, { recursive: true });
  const config = join(dir, 'jaeger.yaml');
  await writeFile(config, JSON.stringify(configuration({ otlpPort, http, grpc })));
  const running = await start({
    path: program.path,
    args: ['--config', config],
    cwd: dir,
    ready: /Everything is ready/,
  });
  return {
    ...running,
    otlpPort,
    trace: (traceId) => traceOf(`http://127.0.0.1:${http}/api/traces/${traceId}`),
  };
}

/** JSON is YAML. */
function configuration({
  otlpPort,
  http,
  grpc,
}: {
  readonly otlpPort: number;
  readonly http: number;
  readonly grpc: number;
}): object {
  const at = (port: number) => ({ endpoint: `127.0.0.1:${port}` });
  return {
    service: {
      extensions: ['jaeger_storage', 'jaeger_query'],
      pipelines: { traces: { receivers: ['otlp'], exporters: ['jaeger_storage_exporter'] } },
      telemetry: { metrics: { level: 'none' } },
    },
    extensions: {
      jaeger_storage: { backends: { memory: { memory: { max_traces: 1000 } } } },
      jaeger_query: { storage: { traces: 'memory' }, http: at(http), grpc: at(grpc) },
    },
    receivers: { otlp: { protocols: { grpc: at(otlpPort) } } },
    exporters: { jaeger_storage_exporter: { trace_storage: 'memory' } },
  };
}

/** The part of the query API's answer that matters. */
interface Answer {
  readonly data?:
    | readonly {
        readonly spans: readonly {
          readonly spanID: string;
          readonly operationName: string;
          readonly processID: string;
        }[];
        readonly processes: Readonly<Record<string, { readonly serviceName: string }>>;
      }[]
    | null;
}

async function traceOf(url: string): Promise<readonly JaegerSpan[]> {
  const answer = await fetch(url);
  if (answer.status === 404) return [];
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  const { data } = (await answer.json()) as Answer;
  return (data ?? []).flatMap(({ spans, processes }) =>
    spans.map(({ spanID, operationName, processID }) => ({
      spanId: spanID,
      name: operationName,
      service: processes[processID]?.serviceName ?? '',
    })),
  );
}
