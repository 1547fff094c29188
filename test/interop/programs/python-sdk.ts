import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cached, type Program } from './cache.ts';
import { run } from './npm.ts';
import { pipRecipe } from './pip.ts';

const VERSION = '1.45.2';

/** A span that a service makes: of kind server, with a child of kind client; times in milliseconds. */
export interface ServedSpan {
  readonly startMs: number;
  readonly ms: number;
  readonly fails?: boolean;
}

/** A service that makes spans by the OpenTelemetry SDK for Python, sends them, and ends. */
export interface PythonService {
  /** Where its files go. */
  readonly dir: string;
  readonly resource: Readonly<Record<string, string>>;
  readonly spans: readonly ServedSpan[];
  readonly protocol: 'grpc' | 'http/protobuf';
  /** `http://127.0.0.1:4317`, without a path. */
  readonly endpoint: string;
  /** By gzip; default true. */
  readonly compressed?: boolean;
}

/** Python with the OpenTelemetry SDK and its OTLP exporters. */
export function pythonSdk(): Promise<Program> {
  return cached(
    pipRecipe({
      name: 'python-otel',
      version: VERSION,
      requirement: `opentelemetry-exporter-otlp==${VERSION}`,
      run: '',
    }),
  );
}

/** Runs a service to its end; answers the ids of the traces of its spans, in their order. */
export async function serve(service: PythonService): Promise<readonly string[]> {
  const program = await pythonSdk();
  if ('skip' in program) throw new Error(program.skip);
  const script = join(service.dir, 'service.py');
  await writeFile(script, SCRIPT);
  const path = service.protocol === 'grpc' ? '' : '/v1/traces';
  const ended = await run([program.path, script], {
    cwd: service.dir,
    env: {
      SERVICE: JSON.stringify(service),
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${service.endpoint}${path}`,
      ...(service.compressed !== false && { OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: 'gzip' }),
    },
  });
  if (ended.code !== 0 || ended.stderr !== '') throw new Error(`the service:\n${ended.stderr}`);
  return JSON.parse(ended.stdout) as string[];
}

const SCRIPT = `
import json, os
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

service = json.loads(os.environ["SERVICE"])
if service["protocol"] == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
else:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

provider = TracerProvider(resource=Resource.create(service["resource"]))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
tracer = provider.get_tracer("service")
ids = []
for one in service["spans"]:
    start = one["startMs"] * 1_000_000
    end = start + one["ms"] * 1_000_000
    span = tracer.start_span("GET /", kind=SpanKind.SERVER, start_time=start)
    child = tracer.start_span("SELECT", context=trace.set_span_in_context(span), kind=SpanKind.CLIENT, start_time=start)
    child.add_event("rows", {"count": 3})
    child.end(end_time=end)
    if one.get("fails"):
        span.set_status(Status(StatusCode.ERROR, "broken"))
    span.end(end_time=end)
    ids.append(format(span.get_span_context().trace_id, "032x"))
provider.shutdown()
print(json.dumps(ids))
`;
