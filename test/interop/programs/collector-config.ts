/** Certificates of the collector's receiver; with `clientCa` a client must show one of its own. */
export interface ReceiverTls {
  readonly cert: string;
  readonly key: string;
  readonly clientCa?: string;
}

/** What can be asked of the standard collector: OTLP in, one OTLP JSON request per line out. */
export interface StandardCollector {
  readonly tls?: ReceiverTls;
  /** Largest gRPC message that it takes; the collector's default is 4. */
  readonly maxRecvMsgSizeMib?: number;
}

/** A CSV file for the collector to read, and where the records go. */
export interface CsvReading {
  readonly file: string;
  /** The first line of the file: the columns, comma separated. */
  readonly header: string;
  /** A collector exporter and its settings. */
  readonly exporter: { readonly [type: string]: object };
  /** Records per batch, as the batch processor makes them; without it there is no such processor. */
  readonly batch?: number;
}

/**
 * OTLP over gRPC and HTTP into `metrics.jsonl` and `logs.jsonl`. The collector fills in the variables
 * `OTLP_GRPC`, `OTLP_HTTP` (host:port) and `DIR` on starting; an own configuration may use them too.
 */
export function standardConfig({ tls, maxRecvMsgSizeMib }: StandardCollector): string {
  const secured = tls === undefined ? {} : { tls: receiverTls(tls) };
  const limit = maxRecvMsgSizeMib === undefined ? {} : { max_recv_msg_size_mib: maxRecvMsgSizeMib };
  const grpc = { endpoint: variable('OTLP_GRPC'), ...limit, ...secured };
  const http = { endpoint: variable('OTLP_HTTP'), ...secured };
  return asYaml({
    receivers: { otlp: { protocols: { grpc, http } } },
    exporters: { 'file/metrics': jsonLines('metrics'), 'file/logs': jsonLines('logs') },
    service: {
      pipelines: {
        metrics: { receivers: ['otlp'], exporters: ['file/metrics'] },
        logs: { receivers: ['otlp'], exporters: ['file/logs'] },
      },
    },
  });
}

/**
 * A collector that reads a CSV file by `filelog` and `csv_parser`, each row a record of attributes. The
 * header line comes through as one record more: no time is spent on every row to drop it.
 */
export function csvConfig({ file, header, exporter, batch }: CsvReading): string {
  const parse = { type: 'csv_parser', header, parse_to: 'attributes', lazy_quotes: true };
  const filelog = { include: [file], start_at: 'beginning', operators: [parse] };
  const size = { send_batch_size: batch, send_batch_max_size: batch, timeout: '200ms' };
  const batched = batch === undefined ? {} : { processors: ['batch'] };
  return asYaml({
    receivers: { filelog },
    ...(batch === undefined ? {} : { processors: { batch: size } }),
    exporters: exporter,
    service: {
      pipelines: { logs: { receivers: ['filelog'], ...batched, exporters: Object.keys(exporter) } },
    },
  });
}

/** The collector's own metrics on a port of this run, instead of the one all collectors share. */
export function selfMetricsConfig(port: number): string {
  const prometheus = { host: '127.0.0.1', port };
  return asYaml({
    service: { telemetry: { metrics: { readers: [{ pull: { exporter: { prometheus } } }] } } },
  });
}

function receiverTls({ cert, key, clientCa }: ReceiverTls): object {
  const client = clientCa === undefined ? {} : { client_ca_file: clientCa };
  return { cert_file: cert, key_file: key, ...client };
}

function jsonLines(signal: string): object {
  return { path: `${variable('DIR')}/${signal}.jsonl`, append: true, flush_interval: '20ms' };
}

/** What the collector replaces by a variable of its environment. */
export function variable(name: 'OTLP_GRPC' | 'OTLP_HTTP' | 'DIR'): string {
  return `\${env:${name}}`;
}

/** JSON is YAML. */
function asYaml(config: object): string {
  return JSON.stringify(config, null, 2);
}
