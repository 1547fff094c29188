import type {
  ConfigOf,
  Context,
  EncodedBatch,
  Sink,
  WriteResult,
} from '../../../pipelines/plugin/index.ts';
import { createChargeSink } from '../charge-sink.ts';
import { backoffOf, type RETRY_SETTINGS } from '../retry-settings.ts';
import type { CHARGE_EVENT_SETTINGS } from './event-settings.ts';

/** What brings charges to a bus. */
export interface Publisher {
  /** Resolves when the bus has every charge as safe as it is asked to, or has refused it for good. */
  publish(batch: Pick<EncodedBatch, 'bytes'>): Promise<WriteResult>;
  close(): Promise<void>;
}

/** The checked settings that the sink looks at. */
type Config = Omit<ConfigOf<typeof CHARGE_EVENT_SETTINGS>, 'max_in_flight'> & {
  readonly retry: ConfigOf<typeof RETRY_SETTINGS>;
};

/** The sink of an exporter that publishes each charge as a CloudEvent; `maxInFlight`: batches under way at a time. */
export function createEventSink(
  context: Context<Config> & { readonly once: boolean },
  { publisher, maxInFlight }: { readonly publisher: Publisher; readonly maxInFlight: number },
): Sink {
  const { focus_version: version, source, max_batch_bytes: maxBytes, restatement } = context.config;
  const { close, ...sink } = createChargeSink(context, {
    send: (batch) => publisher.publish(batch),
    backoff: backoffOf(context),
    maxInFlight,
  });
  return {
    encoding: { kind: 'cloudevents', version, source, maxBytes, restatement },
    ...sink,
    async close() {
      await close();
      await publisher.close();
    },
  };
}
