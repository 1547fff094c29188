import { errorName, Misconfigured, Unavailable } from '../../../pipelines/plugin/index.ts';
import { errorCode, explainNetworkError } from '../network-errors.ts';

/** What the server refuses the agent and not the message. */
const REFUSES_US: ReadonlySet<string> = new Set([
  'AuthorizationError',
  'UserAuthenticationExpiredError',
  'PermissionViolationError',
]);

/** What may go away by itself. */
const PASSES: ReadonlySet<string> = new Set([
  'ClosedConnectionError',
  'ConnectionError',
  'DrainingConnectionError',
  'JetStreamApiError',
  'JetStreamError',
  'JetStreamNotEnabled',
  'JetStreamStatusError',
  'NoRespondersError',
  'ProtocolError',
  'RequestError',
  'TimeoutError',
]);

/** `err_code` of JetStream where the account has none. */
const NOT_ENABLED_FOR_ACCOUNT = 10_039;

/** An error of the client as whoever has to act: `Misconfigured` or `Unavailable`; anything else as it is. */
function natsError(error: unknown, path: string): unknown {
  const name = errorName(error);
  const reason = `NATS: ${explainNetworkError(error)}`;
  const cause = rootOf(error);
  if (REFUSES_US.has(name) || REFUSES_US.has(errorName(cause)))
    return new Misconfigured(reason, {
      path,
      hint: 'check credentials, nkey, user and password or token, and what they are permitted',
      cause: error,
    });
  if (apiCode(error) === NOT_ENABLED_FOR_ACCOUNT)
    return new Misconfigured(reason, {
      path,
      hint: 'enable JetStream for the account in the configuration of the server',
      cause: error,
    });
  if (PASSES.has(name) || errorCode(error) !== undefined)
    return new Unavailable(reason, { cause: error });
  return error;
}

/** Does something with the client; its errors become those of whoever has to act. */
export async function withNats<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw natsError(error, path);
  }
}

/** The `err_code` that JetStream answered; undefined when it did not answer so. */
export function apiCode(error: unknown): number | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'number' ? code : undefined;
}

function rootOf(error: unknown): unknown {
  let root = error;
  for (let i = 0; i < 5 && root instanceof Error && root.cause !== undefined; i++)
    root = root.cause;
  return root;
}
