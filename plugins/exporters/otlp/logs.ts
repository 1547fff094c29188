import {
  type Clock,
  type EncodedBatch,
  type Http,
  Misconfigured,
} from '../../../pipelines/plugin/index.ts';
import { retryAfterMs } from '../../kit/retry.ts';
import {
  grpcError,
  httpError,
  type PartialSuccess,
  partialSuccess,
  partialSuccessOfJson,
  rpcStatus,
} from './answers.ts';
import { createGrpcClient } from './grpc.ts';
import type { Connection } from './settings.ts';

/** Sends ready-made ExportLogsServiceRequests; one attempt each. Throws `Unavailable`, `Rejected` or `Misconfigured`. */
export interface LogSender {
  send(batch: EncodedBatch): Promise<PartialSuccess>;
  close(): void;
}

/** The sender for the protocol of the connection. */
export function createLogSender(
  connection: Connection,
  world: { readonly http: Http; readonly clock: Clock },
): LogSender {
  return connection.protocol === 'grpc' ? grpcSender(connection) : httpSender(connection, world);
}

const GRPC_PATH = '/opentelemetry.proto.collector.logs.v1.LogsService/Export';

function grpcSender({ endpoint, tls, headers, timeoutMs, compression }: Connection): LogSender {
  const client = createGrpcClient(endpoint, tls);
  const encoding = compression === 'gzip' ? 'gzip' : 'identity';
  return {
    async send({ bytes }) {
      const call = { path: GRPC_PATH, message: bytes, encoding, headers, timeoutMs } as const;
      const answer = await client.call(call);
      if (answer.code !== 0) throw grpcError(answer, endpoint);
      return partialSuccess(answer.body);
    },
    close: () => client.close(),
  };
}

function httpSender(
  { endpoint, tls, headers, timeoutMs, compression }: Connection,
  { http, clock }: { readonly http: Http; readonly clock: Clock },
): LogSender {
  const url = `${endpoint}/v1/logs`;
  return {
    async send({ bytes }) {
      const response = await http.request({
        url,
        method: 'POST',
        body: bytes,
        timeoutMs,
        headers: {
          ...headers,
          'content-type': 'application/x-protobuf',
          ...(compression !== 'none' && { 'content-encoding': compression }),
        },
        ...(tls !== undefined && { tls }),
      });
      const { status } = response;
      const json = response.headers['content-type']?.startsWith('application/json') === true;
      if (status >= 200 && status < 300) {
        return json ? partialSuccessOfJson(asText(response.body)) : partialSuccess(response.body);
      }
      if (status >= 300 && status < 400) {
        throw new Misconfigured(`${url}: HTTP ${status}: redirects are not followed`, {
          path: 'exporters.otlp.endpoint',
          hint: 'correct the endpoint',
        });
      }
      const wait = retryAfterMs(response.headers['retry-after'], clock.now());
      throw httpError({ status, message: reason(response), retryAfterMs: wait }, url);
    },
    close: () => undefined,
  };
}

const MAX_REASON = 300;

/** The message of the google.rpc.Status in the body, or the start of a text. */
function reason(response: Awaited<ReturnType<Http['request']>>): string {
  const type = response.headers['content-type'] ?? '';
  if (type.startsWith('application/x-protobuf')) return rpcStatus(response.body).message;
  return asText(response.body).trim().slice(0, MAX_REASON);
}

function asText(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
