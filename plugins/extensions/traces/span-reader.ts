/**
 * Reads an ExportTraceServiceRequest (opentelemetry-proto, trace/v1/trace.proto): ids, times, status and the attributes that were
 * asked for; everything else is skipped unread. Hot: one pass, no objects per span.
 */
import { statedRequests } from './sampling.ts';
import { type Attributes, ID_BYTES, type SpanBatch, TRACE_ID_BYTES } from './span-batch.ts';

/** What is kept of a request. */
export interface SpanReaderOptions {
  /** Attributes of resources. */
  readonly resourceAttributes: readonly string[];
  /** Attributes of spans that name the resource they ran on. */
  readonly spanAttributes: readonly string[];
  /** Numeric attribute of spans: what they used. */
  readonly usageAttribute: string | undefined;
  /** What a span stands for whose tracestate does not say it, in parts of a request. */
  readonly requests: number;
}

/** Reads requests, one after the other. */
export interface SpanReader {
  /** Fills the batch. Throws `RangeError` when the bytes are no such request. */
  read(request: Uint8Array, batch: SpanBatch): void;
}

/** A reader that keeps what the options say. */
export function createSpanReader(options: SpanReaderOptions): SpanReader {
  return new Reading(options);
}

const SPAN_KIND = { server: 2, consumer: 5 } as const;
const STATUS_ERROR = 2;
/** Of the span's flags: whether it is known that the parent is remote, and that it is. */
const REMOTE_PARENT = 0x300;
const MOST_ATTRIBUTE_BYTES = 1024;
const TWO_32 = 4_294_967_296;

class Reading implements SpanReader {
  readonly #options: SpanReaderOptions;
  readonly #ofResource: Names;
  readonly #ofSpan: Names;
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  /** Of the resource or span that is being read; undefined: none that was asked for. */
  #attributes: Record<string, string> | undefined;
  /** Of the span that is being read; ids and times as places in the bytes. */
  readonly #fields = {
    traceId: -1,
    spanId: -1,
    startAt: -1,
    endAt: -1,
    startLow: 0,
    startHigh: 0,
    durationNs: 0,
    hasParent: false,
    kind: 0,
    flags: 0,
    error: 0,
    usage: 0,
    requests: 0,
  };

  constructor(options: SpanReaderOptions) {
    this.#options = options;
    this.#ofResource = new Names(options.resourceAttributes);
    const usage = options.usageAttribute === undefined ? [] : [options.usageAttribute];
    this.#ofSpan = new Names([...options.spanAttributes, ...usage]);
  }

  read(request: Uint8Array, batch: SpanBatch): void {
    batch.clear();
    this.#bytes = Buffer.from(request.buffer, request.byteOffset, request.byteLength);
    this.#at = 0;
    const end = request.length;
    while (this.#at < end) {
      const tag = this.#varint(end);
      if (tag === 0x0a) this.#resourceSpans(this.#submessage(end), batch);
      else this.#skip(tag, end);
    }
  }

  /** ResourceSpans: resource 1, scope_spans 2, in any order. */
  #resourceSpans(end: number, batch: SpanBatch): void {
    const start = this.#at;
    this.#attributes = undefined;
    while (this.#at < end) {
      const tag = this.#varint(end);
      if (tag === 0x0a) this.#resource(this.#submessage(end));
      else this.#skip(tag, end);
    }
    const resource = batch.resources.push(this.#attributes ?? {}) - 1;
    this.#at = start;
    while (this.#at < end) {
      const tag = this.#varint(end);
      if (tag === 0x12) this.#scopeSpans(this.#submessage(end), resource, batch);
      else this.#skip(tag, end);
    }
  }

  /** Resource: attributes 1. */
  #resource(end: number): void {
    while (this.#at < end) {
      const tag = this.#varint(end);
      if (tag === 0x0a) this.#attribute(this.#submessage(end), this.#ofResource);
      else this.#skip(tag, end);
    }
  }

  /** ScopeSpans: spans 2. */
  #scopeSpans(end: number, resource: number, batch: SpanBatch): void {
    while (this.#at < end) {
      const tag = this.#varint(end);
      if (tag === 0x12) this.#span(this.#submessage(end), resource, batch);
      else this.#skip(tag, end);
    }
  }

  #span(end: number, resource: number, batch: SpanBatch): void {
    const wrong = this.#readSpan(end);
    if (wrong !== undefined) batch.reject(wrong);
    else if (this.#isEntry()) this.#keep(resource, batch);
    else batch.inner++;
    this.#at = end;
  }

  /** Reads the fields of a span; answers what is wrong with it. */
  #readSpan(end: number): string | undefined {
    const span = this.#fields;
    span.traceId = span.spanId = span.startAt = span.endAt = -1;
    span.hasParent = false;
    span.kind = span.flags = span.error = span.usage = 0;
    span.requests = this.#options.requests;
    this.#attributes = undefined;
    try {
      while (this.#at < end) this.#spanField(this.#varint(end), end);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return 'a span that cannot be read';
    }
    if (span.traceId < 0 || span.spanId < 0) return 'a span without trace id or span id';
    if (span.startAt < 0 || span.endAt < 0) return 'a span without start or end';
    const bytes = this.#bytes;
    span.startLow = bytes.readUInt32LE(span.startAt);
    span.startHigh = bytes.readUInt32LE(span.startAt + 4);
    const low = bytes.readUInt32LE(span.endAt) - span.startLow;
    span.durationNs = (bytes.readUInt32LE(span.endAt + 4) - span.startHigh) * TWO_32 + low;
    const isTimed = span.durationNs >= 0 && (span.startLow !== 0 || span.startHigh !== 0);
    return isTimed ? undefined : 'a span that ends before it starts';
  }

  /**
   * Span: trace_id 1, span_id 2, trace_state 3, parent_span_id 4, kind 6, start 7, end 8, attributes 9, status 15, flags 16.
   * What is most frequent comes first.
   */
  #spanField(tag: number, end: number): void {
    const span = this.#fields;
    if (tag === 0x4a) this.#attribute(this.#submessage(end), this.#ofSpan);
    else if (tag === 0x0a) span.traceId = this.#id(TRACE_ID_BYTES, end);
    else if (tag === 0x12) span.spanId = this.#id(ID_BYTES - TRACE_ID_BYTES, end);
    else if (tag === 0x22) span.hasParent = this.#id(ID_BYTES - TRACE_ID_BYTES, end) >= 0;
    else if (tag === 0x30) span.kind = this.#varint(end);
    else if (tag === 0x39) span.startAt = this.#fixed(8, end);
    else if (tag === 0x41) span.endAt = this.#fixed(8, end);
    else if (tag === 0x1a) this.#traceState(this.#submessage(end));
    else if (tag === 0x7a) span.error = this.#isError(this.#submessage(end)) ? 1 : 0;
    else if (tag === 0x85) span.flags = this.#bytes.readUInt32LE(this.#fixed(4, end));
    else this.#skip(tag, end);
  }

  #traceState(end: number): void {
    if (end > this.#at)
      this.#fields.requests =
        statedRequests(this.#bytes.toString('latin1', this.#at, end)) ?? this.#options.requests;
    this.#at = end;
  }

  /** Whether the work of a request begins with it here; what it calls is part of it. */
  #isEntry(): boolean {
    const { hasParent, kind, flags } = this.#fields;
    return (
      !hasParent ||
      kind === SPAN_KIND.server ||
      kind === SPAN_KIND.consumer ||
      (flags & REMOTE_PARENT) === REMOTE_PARENT
    );
  }

  #keep(resource: number, batch: SpanBatch): void {
    const span = this.#fields;
    const { traceId, spanId, startLow, startHigh } = span;
    batch.reserve();
    const i = batch.size++;
    // 2^32 ns are 4294 ms and 967296 ns: exact in doubles.
    const rest = startHigh * 967_296 + startLow;
    batch.startMs[i] = startHigh * 4_294 + Math.floor(rest / 1e6);
    batch.startNanos[i] = rest % 1e6;
    batch.durationNs[i] = span.durationNs;
    batch.requests[i] = span.requests;
    batch.usage[i] = span.usage;
    batch.error[i] = span.error;
    batch.resource[i] =
      this.#attributes === undefined ? resource : this.#own(this.#attributes, resource, batch);
    const at = i * ID_BYTES;
    this.#bytes.copy(batch.ids, at, traceId, traceId + TRACE_ID_BYTES);
    this.#bytes.copy(batch.ids, at + TRACE_ID_BYTES, spanId, spanId + ID_BYTES - TRACE_ID_BYTES);
  }

  /** The resource of a span that says itself where it ran. */
  #own(attributes: Attributes, resource: number, batch: SpanBatch): number {
    return batch.resources.push({ ...batch.resources[resource], ...attributes }) - 1;
  }

  /** Where an id starts that is as long as it has to be and not all zero; -1 otherwise. */
  #id(length: number, end: number): number {
    const until = this.#submessage(end);
    const start = this.#at;
    this.#at = until;
    return until - start === length && !isZero(this.#bytes, start, until) ? start : -1;
  }

  /** Status: code 3. */
  #isError(end: number): boolean {
    let code = 0;
    while (this.#at < end) {
      const tag = this.#varint(end);
      if (tag === 0x18) code = this.#varint(end);
      else this.#skip(tag, end);
    }
    return code === STATUS_ERROR;
  }

  /** KeyValue: key 1, value 2; taken when its name is one of those. */
  #attribute(end: number, names: Names): void {
    let name: string | undefined;
    let valueAt = -1;
    let valueEnd = -1;
    while (this.#at < end) {
      const tag = this.#varint(end);
      if (tag === 0x0a) {
        const until = this.#submessage(end);
        name = names.find(this.#bytes, this.#at, until);
        this.#at = until;
        if (name === undefined) break;
      } else if (tag === 0x12) {
        valueEnd = this.#submessage(end);
        valueAt = this.#at;
        this.#at = valueEnd;
      } else this.#skip(tag, end);
    }
    this.#at = end;
    if (name === undefined || valueAt < 0) return;
    if (name === this.#options.usageAttribute) this.#fields.usage = this.#number(valueAt, valueEnd);
    else this.#text(name, valueAt, valueEnd);
    this.#at = end;
  }

  /** AnyValue: string_value 1. */
  #text(name: string, start: number, end: number): void {
    this.#at = start;
    if (this.#varint(end) !== 0x0a) return;
    const until = this.#submessage(end);
    if (until === this.#at || until - this.#at > MOST_ATTRIBUTE_BYTES) return;
    this.#attributes ??= {};
    this.#attributes[name] = this.#bytes.toString('utf8', this.#at, until);
  }

  /** AnyValue: int_value 3, double_value 4; in thousandths, 0 for what is neither or negative. */
  #number(start: number, end: number): number {
    this.#at = start;
    const tag = this.#varint(end);
    const value =
      tag === 0x18
        ? this.#varint(end)
        : tag === 0x21
          ? this.#bytes.readDoubleLE(this.#fixed(8, end))
          : 0;
    return value > 0 && value < 1e12 ? Math.round(value * 1000) : 0;
  }

  /** Enters a length-delimited field; answers where it ends. */
  #submessage(end: number): number {
    const until = this.#varint(end) + this.#at;
    if (until > end) throw new RangeError('a field is longer than its message');
    return until;
  }

  #fixed(length: number, end: number): number {
    const start = this.#at;
    this.#at += length;
    if (this.#at > end) throw new RangeError('a number is cut off');
    return start;
  }

  /** Beyond 2^53 not exact; nothing that is read here is so large. */
  #varint(end: number): number {
    const bytes = this.#bytes;
    let at = this.#at;
    let value = 0;
    let scale = 1;
    for (const last = Math.min(end, at + 10); at < last; scale *= 128) {
      const byte = bytes[at++] as number;
      if (byte < 128) {
        this.#at = at;
        return value + byte * scale;
      }
      value += (byte & 127) * scale;
    }
    throw new RangeError('a number is cut off or too long');
  }

  #skip(tag: number, end: number): void {
    const wire = tag & 7;
    if (wire === 0) this.#varint(end);
    else if (wire === 1) this.#fixed(8, end);
    else if (wire === 2) this.#at = this.#submessage(end);
    else if (wire === 5) this.#fixed(4, end);
    else throw new RangeError(`a field of the unknown kind ${wire}`);
  }
}

function isZero(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] !== 0) return false;
  return true;
}

/** Names of attributes, found by their bytes. */
class Names {
  readonly #byLength: (readonly { readonly name: string; readonly bytes: Buffer }[])[] = [];

  constructor(names: readonly string[]) {
    for (const name of names) {
      const bytes = Buffer.from(name);
      this.#byLength[bytes.length] = [...(this.#byLength[bytes.length] ?? []), { name, bytes }];
    }
  }

  find(bytes: Buffer, start: number, end: number): string | undefined {
    const candidates = this.#byLength[end - start];
    if (candidates === undefined) return undefined;
    for (const { name, bytes: wanted } of candidates)
      if (wanted.compare(bytes, start, end) === 0) return name;
    return undefined;
  }
}
