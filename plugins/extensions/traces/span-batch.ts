/** The kept facts of the spans of one request, side by side. Hot: plain fields; the arrays serve again for the next request. */

/** Bytes of a trace id, followed by those of a span id. */
export const ID_BYTES = 24;
export const TRACE_ID_BYTES = 16;

/** Attributes by name, those that were asked for. */
export type Attributes = Readonly<Record<string, string>>;

/** One entry per span in every array. */
export class SpanBatch {
  size = 0;
  /** Attributes of the resources, and of spans that name a resource themselves. */
  readonly resources: Attributes[] = [];
  /** Number of the resource. */
  resource = new Uint32Array(0);
  /** Trace id and span id. */
  ids = new Uint8Array(0);
  /** Start in whole milliseconds, and nanoseconds beyond them. */
  startMs = new Float64Array(0);
  startNanos = new Uint32Array(0);
  durationNs = new Float64Array(0);
  /** What the span stands for, in parts of a request. */
  requests = new Float64Array(0);
  /** The value of the usage attribute in thousandths; 0 without. */
  usage = new Float64Array(0);
  /** 1: its status is an error. */
  error = new Uint8Array(0);
  /** Spans within a request that another span of the batch or of another request stands for. */
  inner = 0;
  rejected = 0;
  /** Why the first of them was rejected. */
  reason = '';

  clear(): void {
    this.size = 0;
    this.inner = 0;
    this.rejected = 0;
    this.reason = '';
    this.resources.length = 0;
  }

  reject(reason: string): void {
    if (this.rejected === 0) this.reason = reason;
    this.rejected++;
  }

  /** Makes room for one more. */
  reserve(): void {
    if (this.size < this.resource.length) return;
    const length = Math.max(1024, this.resource.length * 2);
    this.resource = grown(this.resource, new Uint32Array(length));
    this.ids = grown(this.ids, new Uint8Array(length * ID_BYTES));
    this.startMs = grown(this.startMs, new Float64Array(length));
    this.startNanos = grown(this.startNanos, new Uint32Array(length));
    this.durationNs = grown(this.durationNs, new Float64Array(length));
    this.requests = grown(this.requests, new Float64Array(length));
    this.usage = grown(this.usage, new Float64Array(length));
    this.error = grown(this.error, new Uint8Array(length));
  }
}

function grown<T extends Uint8Array | Uint32Array | Float64Array>(from: T, into: T): T {
  into.set(from);
  return into;
}

/** Ids as text. */
export function hex(ids: Uint8Array): string {
  return Buffer.from(ids).toString('hex');
}
