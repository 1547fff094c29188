import { errorMessage, Misconfigured, Unavailable } from '../../../pipelines/plugin/index.ts';
import { explainNetworkError } from '../network-errors.ts';

/** What brokers answer that somebody has to mend, and how. */
const MEND: Readonly<Record<string, string>> = {
  UNKNOWN_TOPIC_OR_PARTITION:
    'there is no such topic, or it may not be seen: create it, or correct the name',
  TOPIC_AUTHORIZATION_FAILED: 'permit the user to read or write the topic',
  GROUP_AUTHORIZATION_FAILED: 'permit the user to read the consumer group',
  CLUSTER_AUTHORIZATION_FAILED: 'permit the user to write idempotently (IDEMPOTENT_WRITE)',
  SASL_AUTHENTICATION_FAILED:
    'check sasl.username and sasl.password, or the token in sasl.token_file',
  UNSUPPORTED_SASL_MECHANISM: 'set sasl.mechanism to one that the brokers have',
  ILLEGAL_SASL_STATE:
    'set sasl.username and sasl.password, or sasl.token_file: the listener wants them, or does not',
  INVALID_TOPIC_EXCEPTION: 'correct the name of the topic',
};

/** Does something with the client; its errors become those of whoever has to act: `Misconfigured` or `Unavailable`, anything else is a bug. */
export async function withKafka<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw kafkaError(error, path);
  }
}

function kafkaError(error: unknown, path: string): unknown {
  const all = [...errorsIn(error)];
  if (!all.some((one) => codeOf(one).startsWith('PLT_KFK_'))) return error;
  const answer = all.flatMap(answerOf).find((id) => Object.hasOwn(MEND, id));
  if (answer !== undefined)
    return new Misconfigured(`Kafka: ${answer}: ${MEND[answer]}`, { path, cause: error });
  if (all.some((one) => codeOf(one) === 'PLT_KFK_AUTHENTICATION'))
    return new Misconfigured(
      `Kafka: ${errorMessage(all.at(-1))}: check sasl.username, sasl.password and sasl.mechanism, or sasl.token_file`,
      { path: `${path}.sasl`, cause: error },
    );
  if (all.some((one) => codeOf(one) === 'PLT_KFK_USER')) return error;
  return new Unavailable(`Kafka: ${explainNetworkError(all.at(-1))}`, { cause: error });
}

/** Whether a broker answered with one of these: `MESSAGE_TOO_LARGE`. */
export function isAnswer(error: unknown, ids: readonly string[]): boolean {
  return [...errorsIn(error)].flatMap(answerOf).some((id) => ids.includes(id));
}

/** An error and what it holds: the outermost first, causes last. */
function* errorsIn(error: unknown, depth = 0): Generator<unknown> {
  if (!(error instanceof Error) || depth > 8) return;
  yield error;
  if (error instanceof AggregateError)
    for (const one of error.errors) yield* errorsIn(one, depth + 1);
  yield* errorsIn(error.cause, depth + 1);
}

/** The client says of a topic that it does not know in words only. */
function answerOf(error: unknown): readonly string[] {
  const { apiId } = error as { readonly apiId?: unknown };
  if (typeof apiId === 'string') return [apiId];
  return /^Unknown topic /.test(errorMessage(error)) ? ['UNKNOWN_TOPIC_OR_PARTITION'] : [];
}

function codeOf(error: unknown): string {
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' ? code : '';
}
