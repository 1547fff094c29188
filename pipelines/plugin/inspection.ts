import type { ComponentHealth } from './contract.ts';

/** What an agent is doing and what it has, for people. Plain data; secrets are masked, no charge is in it. Times are milliseconds. */
export interface Inspection {
  readonly version: string;
  readonly now: number;
  readonly started: number;
  readonly ready: boolean;
  readonly process: {
    readonly pid: number;
    readonly node: string;
    readonly platform: string;
    readonly rssBytes: number;
    readonly cpuSeconds: number;
    readonly workers: number;
  };
  readonly components: readonly InspectedComponent[];
  readonly receivers: readonly ReceiverTraffic[];
  readonly exporters: readonly ExporterTraffic[];
  readonly queues: readonly { readonly name: string; readonly length: number }[];
  readonly underWay: readonly DeliveryUnderWay[];
  /** The newest first, at most some hundred. */
  readonly scopes: readonly InspectedScope[];
  readonly deadLetters: { readonly files: number; readonly bytes: number };
  /** The configuration with every default, YAML. */
  readonly settings: string;
  /** The last lines of the log, JSON. */
  readonly log: readonly string[];
}

/** A component, and what last went wrong with it. */
export interface InspectedComponent extends ComponentHealth {
  readonly lastError?: { readonly time: number; readonly reason: string };
}

/** What a receiver brought through a pipeline since the agent's start. */
export interface ReceiverTraffic {
  readonly pipeline: string;
  readonly receiver: string;
  readonly deliveries: number;
  readonly rows: { readonly read: number; readonly written: number; readonly rejected: number };
  /** Rows read, over the last minute. */
  readonly rowsPerSecond: number;
  readonly lastCommit?: number;
  /** Seconds since the end of its newest charge. */
  readonly dataAge?: number;
}

/** What an exporter was given since the agent's start. */
export interface ExporterTraffic {
  readonly exporter: string;
  readonly batches: number;
  readonly rows: number;
  readonly bytes: number;
  /** Charges that it refused for good. */
  readonly refused: number;
  /** Charges over the last minute. */
  readonly rowsPerSecond: number;
  readonly lastWrite?: number;
}

/** A delivery on its way to its commit. */
export interface DeliveryUnderWay {
  readonly pipeline: string;
  readonly receiver: string;
  readonly scope: string;
  readonly revision: string;
  readonly files: number;
  readonly bytes: number;
  /** When it was taken. */
  readonly since: number;
  /** Rows read so far; moves in steps of some ten thousand. */
  readonly rows: number;
}

/** What is committed of a scope. */
export interface InspectedScope {
  readonly pipeline: string;
  readonly receiver: string;
  readonly scope: string;
  /** Of its newest delivery. */
  readonly revision: string;
  /** Deliveries that count: one, or all that were added up. */
  readonly deliveries: number;
  readonly rows: number;
  readonly rejected: number;
  readonly committed: number;
  /** End of its newest charge. */
  readonly dataUntil?: number;
}
