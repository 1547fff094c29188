import { AsyncLocalStorage } from 'node:async_hooks';
import { type DiagLogger, DiagLogLevel, diag } from '@opentelemetry/api';
import type { Logger } from '../../../pipelines/plugin/index.ts';
import { type PartialSuccess, partialSuccessOfJson } from './answers.ts';

/**
 * The metric exporters of OpenTelemetry tell of a partial success only by a line in their diagnostic log. This
 * listens to that log; the context of the call says whose export it was.
 */
const listener = new AsyncLocalStorage<(partial: PartialSuccess) => void>();

/** Runs an export; `onPartial` is told when the backend took it only in part. */
export function withPartialSuccess<T>(
  onPartial: (partial: PartialSuccess) => void,
  run: () => T,
): T {
  return listener.run(onPartial, run);
}

/** Sends the diagnostic log of OpenTelemetry, which is one per process, to `log`. Only the first call has an effect. */
export function hookDiagnostics(log: Logger): void {
  if (hooked) return;
  hooked = true;
  const logger: DiagLogger = {
    error: (message, ...rest) => log.warn(message, details(rest)),
    warn: (message, ...rest) => {
      const listening = listener.getStore();
      if (listening !== undefined && message.startsWith(PARTIAL_SUCCESS)) {
        listening(partialSuccessOfJson(`{"partialSuccess":${String(rest[0])}}`));
      } else {
        log.warn(message, details(rest));
      }
    },
    info: (message, ...rest) => log.debug(message, details(rest)),
    debug: (message, ...rest) => log.debug(message, details(rest)),
    verbose: () => undefined,
  };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
}

const PARTIAL_SUCCESS = 'Received Partial Success';
let hooked = false;

function details(rest: readonly unknown[]): Readonly<Record<string, unknown>> {
  return rest.length === 0 ? {} : { details: rest.map(String) };
}
