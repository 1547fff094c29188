import { isIP } from 'node:net';
import type { ChannelCredentials } from '@grpc/grpc-js';
import type { OTLPMetricExporter as GrpcExporter } from '@opentelemetry/exporter-metrics-otlp-grpc';
import type { PushMetricExporter } from '@opentelemetry/sdk-metrics';
import type { Tls } from '../../../pipelines/plugin/index.ts';
import { readTls } from '../../kit/tls.ts';
import { hookExemplars } from './exemplars.ts';
import type { Connection } from './settings.ts';

/** OpenTelemetry's own metric exporter for a connection. It does not retry by gRPC: wrap it. */
export async function createMetricExporter(connection: Connection): Promise<PushMetricExporter> {
  hookExemplars();
  return connection.protocol === 'grpc'
    ? await grpcExporter(connection)
    : await httpExporter(connection);
}

type Compression = NonNullable<
  NonNullable<ConstructorParameters<typeof GrpcExporter>[0]>['compression']
>;

async function grpcExporter(connection: Connection): Promise<PushMetricExporter> {
  const [{ OTLPMetricExporter }, { credentials, Metadata }] = await Promise.all([
    import('@opentelemetry/exporter-metrics-otlp-grpc'),
    import('@grpc/grpc-js'),
  ]);
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(connection.headers)) metadata.set(name, value);
  return new OTLPMetricExporter({
    url: connection.endpoint,
    timeoutMillis: connection.timeoutMs,
    compression: compressionOf(connection),
    metadata,
    credentials: connection.endpoint.startsWith('https:')
      ? await grpcCredentials(connection.tls)
      : credentials.createInsecure(),
  });
}

async function httpExporter(connection: Connection): Promise<PushMetricExporter> {
  const { OTLPMetricExporter } = await import('@opentelemetry/exporter-metrics-otlp-proto');
  return new OTLPMetricExporter({
    url: `${connection.endpoint}/v1/metrics`,
    timeoutMillis: connection.timeoutMs,
    compression: compressionOf(connection),
    headers: { ...connection.headers },
    httpAgentOptions: { keepAlive: true, ...(await readTls(connection.tls)) },
  });
}

/** The exporters know gzip and nothing; their enum is not exported where it is needed, its values are these texts. */
function compressionOf({ compression }: Connection): Compression {
  return (compression === 'none' ? 'none' : 'gzip') as Compression;
}

async function grpcCredentials(tls: Tls | undefined): Promise<ChannelCredentials> {
  const { credentials } = await import('@grpc/grpc-js');
  const { ca, cert, key, servername, rejectUnauthorized } = await readTls(tls);
  const [root, chain, secret] = [ca, cert, key].map((pem) => (pem ? Buffer.from(pem) : null));
  const made = credentials.createSsl(root, secret, chain, { rejectUnauthorized });
  // The exporter passes no channel options on; this is where the name of the server would come from.
  const connector = made._createSecureConnector.bind(made);
  const named = servername === undefined ? {} : { 'grpc.ssl_target_name_override': servername };
  made._createSecureConnector = (target, options, call) =>
    namedByNoAddress(connector(target, { ...options, ...named }, call));
  return made;
}

/** An IP address is no server name (RFC 6066), yet grpc-js sends it as one; the certificate is checked against the host without it. */
function namedByNoAddress<T extends object>(connector: T): T {
  const options: unknown = Reflect.get(connector, 'connectionOptions');
  if (typeof options !== 'object' || options === null) return connector;
  const name: unknown = Reflect.get(options, 'servername');
  if (typeof name === 'string' && isIP(name) !== 0) Reflect.set(options, 'servername', '');
  return connector;
}
