import type { Logger } from '../../../pipelines/plugin/index.ts';
import { createByteBudget } from '../intake/byte-budget.ts';
import type { Listener } from '../intake/listener.ts';
import { listenForGrpc } from './grpc.ts';
import { type IntakeListenerOptions, listenForHttp, type Signal } from './http.ts';
import type { Take } from './take.ts';

export type { Signal } from './http.ts';
export { inflating, type Take, type Taken } from './take.ts';

/** Settings of what takes OTLP in. */
export interface OtlpIntakeConfig {
  readonly http: { readonly endpoint: string };
  readonly grpc: { readonly endpoint: string };
  readonly tls: {
    readonly cert: string | undefined;
    readonly key: string | undefined;
    /** Of client certificates, which are asked for then. */
    readonly client_ca?: string | undefined;
  };
  readonly token: string | undefined;
  readonly max_body: number;
  readonly max_in_flight: number;
  readonly max_connections: number;
}

/** Listens for OTLP by HTTP and gRPC, as the settings say; `path` names the component in errors. Throws `Misconfigured` when it cannot. */
export async function listenForOtlp(
  config: OtlpIntakeConfig,
  of: {
    readonly signal: Signal;
    readonly take: Take;
    readonly log: Logger;
    readonly path: string;
  },
): Promise<readonly Listener[]> {
  const budget = createByteBudget(config.max_in_flight);
  const optionsOf = (protocol: 'http' | 'grpc'): IntakeListenerOptions => ({
    ...of,
    endpoint: config[protocol].endpoint,
    cert: config.tls.cert,
    key: config.tls.key,
    clientCa: config.tls.client_ca,
    maxBody: config.max_body,
    maxConnections: config.max_connections,
    budget,
    path: `${of.path}.${protocol}`,
    token: config.token,
  });
  const open: Listener[] = [];
  try {
    if (config.http.endpoint !== 'off') open.push(await listenForHttp(optionsOf('http')));
    if (config.grpc.endpoint !== 'off') open.push(await listenForGrpc(optionsOf('grpc')));
    return open;
  } catch (error) {
    await Promise.all(open.map((listener) => listener.close()));
    throw error;
  }
}
