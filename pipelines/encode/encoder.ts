import type { Batch, Column } from '../focus/batch.ts';
import type { ChargeIds } from '../focus/charge-ids.ts';
import type { EncodedBatch } from '../plugin/delivery.ts';
import type { ForwardedDelivery } from '../plugin/forwarded.ts';

/** What an encoder gives back; the engine adds where it stands in its delivery. `bytes` owns its buffer, which can be transferred. */
export interface EncodedChunk extends Omit<EncodedBatch, 'part' | 'sequence'> {
  /** The buffer serves again once the bytes are written: `returnBuffer` takes it. */
  readonly wanted?: boolean;
}

/** What goes with a batch of charges beside its columns. */
export interface ChargeExtras {
  /** OpenTelemetry attribute name → column; only log records carry them. */
  readonly links?: ReadonlyMap<string, Column>;
  /** What makes each charge's id; log records need it, other formats have no ids. */
  readonly ids?: ChargeIds;
}

/** Turns charges into bytes for one exporter; lives for one task. The same batches give the same bytes. */
export interface BatchEncoder {
  /**
   * Takes a batch in while its chunks are gone through: each becomes complete when it is asked for, so that no more than one waits.
   * They have to be gone through to the end. Nothing of the batch is kept.
   */
  add(batch: Batch, extras?: ChargeExtras): Iterable<EncodedChunk>;
  /** What had to be changed so far, rows by repair code, handed over once. */
  takeRepairs?(): ReadonlyMap<string, number>;
  /** Answers the rest; the encoder is not used afterwards. */
  finish(): readonly EncodedChunk[];
}

/** What an encoder has to know beside its encoding. */
export interface EncoderOptions {
  /** OTLP resource attributes. */
  readonly resource: Readonly<Record<string, string>>;
  /** When the agent took the delivery: the observed time of its records, milliseconds. */
  readonly observedMs: number;
  /** First part of each charge's id: stands for its scope. */
  readonly uidPrefix: string;
  /** Version of the instrumentation scope `focusd`. */
  readonly scopeVersion: string;
  /** Custom columns of FOCUS files, in order; a column that a batch lacks is null. */
  readonly extraColumns?: readonly string[];
  /** Which delivery it is, for another agent. */
  readonly forwarded?: Omit<ForwardedDelivery, 'agent'>;
  /** FOCUS csv: begin with the header line. */
  readonly header?: boolean;
}
