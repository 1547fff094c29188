/** Reads an ExportLogsServiceRequest (opentelemetry-proto, logs/v1/logs.proto) as far as another agent writes one. Hot: runs for every attribute. */

/** Records that stand in one instrumentation scope. */
export interface ScopeRecords {
  /** String attributes of the scope. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly records: readonly LogRecord[];
}

/** A log record. */
export interface LogRecord {
  readonly event: string;
  /** Strings and doubles; values of other types are left out. */
  readonly attributes: readonly (readonly [name: string, value: string | number])[];
}

/** The scopes of a request. Throws `RangeError` when the bytes are no such request. */
export function readLogRequest(request: Buffer): readonly ScopeRecords[] {
  const scopes: ScopeRecords[] = [];
  const reader = new Reader(request);
  reader.fields((field) => {
    if (field !== RESOURCE_LOGS) return false;
    reader.message((inner) => {
      if (inner !== SCOPE_LOGS) return false;
      scopes.push(readScope(reader));
      return true;
    });
    return true;
  });
  return scopes;
}

/** Tags: field number and, in the last three bits, how the value is written. */
const RESOURCE_LOGS = 0x0a;
const SCOPE_LOGS = 0x12;
const SCOPE = 0x0a;
const RECORD = 0x12;
const SCOPE_ATTRIBUTE = 0x1a;
const RECORD_ATTRIBUTE = 0x32;
const EVENT_NAME = 0x62;
const KEY = 0x0a;
const VALUE = 0x12;
const STRING = 0x0a;
const DOUBLE = 0x21;

function readScope(reader: Reader): ScopeRecords {
  const attributes = new Map<string, string>();
  const records: LogRecord[] = [];
  reader.message((field) => {
    if (field === RECORD) records.push(readRecord(reader));
    else if (field === SCOPE) readAttributes(reader, attributes);
    else return false;
    return true;
  });
  return { attributes, records };
}

function readAttributes(reader: Reader, into: Map<string, string>): void {
  reader.message((field) => {
    if (field !== SCOPE_ATTRIBUTE) return false;
    const { name, value } = readAttribute(reader);
    if (typeof value === 'string') into.set(name, value);
    return true;
  });
}

function readRecord(reader: Reader): LogRecord {
  const attributes: (readonly [string, string | number])[] = [];
  let event = '';
  reader.message((field) => {
    if (field === RECORD_ATTRIBUTE) {
      const { name, value } = readAttribute(reader);
      if (value !== undefined) attributes.push([name, value]);
    } else if (field === EVENT_NAME) event = reader.text();
    else return false;
    return true;
  });
  return { event, attributes };
}

function readAttribute(reader: Reader): { name: string; value: string | number | undefined } {
  let name = '';
  let value: string | number | undefined;
  reader.message((field) => {
    if (field === KEY) name = reader.text();
    else if (field === VALUE)
      reader.message((kind) => {
        if (kind === STRING) value = reader.text();
        else if (kind === DOUBLE) value = reader.double();
        else return false;
        return true;
      });
    else return false;
    return true;
  });
  return { name, value };
}

/** Takes the value of a field; false: it is skipped. */
type TakeField = (tag: number) => boolean;

class Reader {
  readonly #bytes: Buffer;
  #at = 0;
  #end: number;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#end = bytes.length;
  }

  fields(take: TakeField): void {
    while (this.#at < this.#end) {
      const tag = this.#varint();
      if (!take(tag)) this.#skip(tag);
    }
  }

  message(take: TakeField): void {
    const outer = this.#end;
    this.#end = this.#length();
    this.fields(take);
    this.#end = outer;
  }

  text(): string {
    const end = this.#length();
    const text = this.#bytes.toString('utf8', this.#at, end);
    this.#at = end;
    return text;
  }

  double(): number {
    this.#need(8);
    const value = this.#bytes.readDoubleLE(this.#at);
    this.#at += 8;
    return value;
  }

  /** Where a length-delimited value ends. */
  #length(): number {
    const length = this.#varint();
    this.#need(length);
    return this.#at + length;
  }

  #need(bytes: number): void {
    if (bytes > this.#end - this.#at) throw new RangeError('a field is longer than its message');
  }

  /** Exact up to 2^53; larger ones are only skipped. */
  #varint(): number {
    let value = 0;
    for (let factor = 1, i = 0; i < 10; i++, factor *= 128) {
      this.#need(1);
      const byte = this.#bytes[this.#at++] as number;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
    throw new RangeError('a number that does not end');
  }

  #skip(tag: number): void {
    const type = tag & 7;
    if (type === 0) this.#varint();
    else if (type === 2) this.#at = this.#length();
    else if (type === 1 || type === 5) {
      const bytes = type === 1 ? 8 : 4;
      this.#need(bytes);
      this.#at += bytes;
    } else throw new RangeError('a field of an unknown kind');
  }
}
