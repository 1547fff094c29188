/** Real OTLP servers for tests: gRPC by grpc-js, HTTP by node:http. They write down what they got. */
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import {
  Metadata,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type ServiceError,
  type UntypedHandleCall,
} from '@grpc/grpc-js';
import type { Certificates } from '../interop/programs/certs.ts';

/** A request as it came in. */
export interface Received {
  /** `/v1/logs` or the method of the gRPC service. */
  readonly path: string;
  /** Uncompressed. */
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

export interface OtlpServer {
  readonly url: string;
  readonly port: number;
  readonly received: Received[];
  close(): Promise<void>;
}

/** A failure as gRPC servers answer it. */
export interface GrpcFailing {
  readonly code: number;
  readonly details?: string;
  /** A google.rpc.Status. */
  readonly status?: Uint8Array;
}

export interface ServerOptions {
  readonly port?: number;
  readonly certificates?: Certificates;
  /** The client must show a certificate of the same authority. */
  readonly mutual?: boolean;
}

const LOGS = '/opentelemetry.proto.collector.logs.v1.LogsService/Export';
const METRICS = '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export';

/** Answers each request with bytes, or with a failure. */
export async function startGrpcServer(
  answer: (count: number, received: Received) => Uint8Array | GrpcFailing = () => new Uint8Array(),
  options: ServerOptions & { readonly maxBytes?: number } = {},
): Promise<OtlpServer> {
  const received: Received[] = [];
  const server = new Server({ 'grpc.max_receive_message_length': options.maxBytes ?? -1 });
  const bytes = (value: Buffer) => value;
  for (const path of [LOGS, METRICS]) {
    const method = {
      path,
      requestStream: false,
      responseStream: false,
      requestSerialize: bytes,
      requestDeserialize: bytes,
      responseSerialize: bytes,
      responseDeserialize: bytes,
    } as const;
    const handle = (call: Call, done: (...args: unknown[]) => void) => {
      const headers = Object.fromEntries(
        Object.entries(call.metadata.getMap()).map(([name, value]) => [name, String(value)]),
      );
      const request = { path, body: call.request, headers };
      received.push(request);
      const result = answer(received.length, request);
      if (result instanceof Uint8Array) done(null, Buffer.from(result));
      else done(serviceError(result));
    };
    server.addService({ export: method } as unknown as ServiceDefinition, {
      export: handle as unknown as UntypedHandleCall,
    });
  }
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(`127.0.0.1:${options.port ?? 0}`, grpcCredentials(options), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  const scheme = options.certificates === undefined ? 'http' : 'https';
  return {
    url: `${scheme}://127.0.0.1:${port}`,
    port,
    received,
    async close() {
      server.forceShutdown();
    },
  };
}

interface Call {
  readonly request: Buffer;
  readonly metadata: Metadata;
}

function serviceError({ code, details = '', status }: GrpcFailing): Partial<ServiceError> {
  const metadata = new Metadata();
  if (status !== undefined) metadata.set('grpc-status-details-bin', Buffer.from(status));
  return { code, details, metadata };
}

function grpcCredentials({ certificates, mutual = false }: ServerOptions): ServerCredentials {
  if (certificates === undefined) return ServerCredentials.createInsecure();
  const pair = {
    private_key: readFileSync(certificates.serverKey),
    cert_chain: readFileSync(certificates.serverCert),
  };
  return ServerCredentials.createSsl(readFileSync(certificates.ca), [pair], mutual);
}

/** Answers each request as the function says; without one, 200 and nothing. */
export async function startHttpServer(
  answer: (count: number, response: ServerResponse, received: Received) => void = (_, response) =>
    response.end(),
  options: ServerOptions = {},
): Promise<OtlpServer> {
  const received: Received[] = [];
  const listener = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      // Cut off on the way: nobody waits for an answer.
      return;
    }
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    );
    const body = decompressed(Buffer.concat(chunks), headers['content-encoding']);
    const one = { path: request.url ?? '', body, headers };
    received.push(one);
    answer(received.length, response, one);
  };
  const { certificates, mutual = false } = options;
  const server =
    certificates === undefined
      ? createServer((request, response) => void listener(request, response))
      : createTlsServer(
          {
            ca: readFileSync(certificates.ca),
            cert: readFileSync(certificates.serverCert),
            key: readFileSync(certificates.serverKey),
            requestCert: mutual,
            rejectUnauthorized: mutual,
          },
          (request, response) => void listener(request, response),
        );
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${certificates === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    port,
    received,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function decompressed(body: Buffer, encoding: string | undefined): Buffer {
  if (encoding === 'gzip') return gunzipSync(body);
  if (encoding === 'zstd') return zstdDecompressSync(body);
  return body;
}
