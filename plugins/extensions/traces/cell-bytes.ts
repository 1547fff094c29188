/** Cells as bytes: unsigned varints, so that small numbers are short. */
import { type Cell, rankOf, type Sample, type ServiceTotals } from './cell.ts';
import { ID_BYTES } from './span-batch.ts';

/** The two halves of a cell, which are not kept equally long. */
export interface CellBytes {
  readonly totals: Uint8Array;
  readonly samples: Uint8Array | undefined;
}

/** Encodes; `hourMs` is the start of the cell's hour. */
export function encodeCell({ services, samples }: Cell, hourMs: number): CellBytes {
  const totals = new Writer();
  for (const one of services) for (const field of FIELDS) totals.number(one[field]);
  if (samples === undefined) return { totals: totals.bytes(), samples: undefined };
  const sampled = new Writer();
  for (const sample of samples) {
    sampled.raw(sample.ids);
    sampled.number(sample.service);
    sampled.signed(sample.startMs - hourMs);
    sampled.number(sample.durationUs);
    sampled.number(sample.requests);
    const whole = sample.durationUs * sample.requests;
    sampled.number(sample.weight === whole ? 0 : sample.weight);
  }
  return { totals: totals.bytes(), samples: sampled.bytes() };
}

/** The cell of `encodeCell`. Throws `RangeError` for other bytes. */
export function decodeCell({ totals, samples }: CellBytes, hourMs: number): Cell {
  const services: ServiceTotals[] = [];
  const reader = new Reader(totals);
  while (reader.more) {
    const values = FIELDS.map((field) => [field, reader.number()] as const);
    services.push(Object.fromEntries(values) as unknown as ServiceTotals);
  }
  if (samples === undefined) return { services, samples: undefined };
  const sampled: Sample[] = [];
  for (const from = new Reader(samples); from.more; ) sampled.push(decodeSample(from, hourMs));
  return { services, samples: sampled };
}

const FIELDS = [
  'service',
  'count',
  'errors',
  'seconds',
  'nanos',
  'busy',
  'requests',
  'usage',
] as const satisfies readonly (keyof ServiceTotals)[];

function decodeSample(from: Reader, hourMs: number): Sample {
  const ids = from.raw(ID_BYTES);
  const service = from.number();
  const startMs = hourMs + from.signed();
  const durationUs = from.number();
  const requests = from.number();
  const weight = from.number() || durationUs * requests;
  return { ids, service, startMs, durationUs, requests, weight, rank: rankOf(ids, 0, weight) };
}

class Writer {
  #buffer = Buffer.allocUnsafe(512);
  #at = 0;

  number(value: number): void {
    this.#reserve(10);
    let rest = value;
    while (rest > 127) {
      this.#buffer[this.#at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#buffer[this.#at++] = rest;
  }

  signed(value: number): void {
    this.number(value < 0 ? -value * 2 - 1 : value * 2);
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#at);
  }

  #reserve(more: number): void {
    if (this.#at + more <= this.#buffer.length) return;
    this.#buffer = Buffer.concat([this.#buffer, Buffer.alloc(this.#buffer.length + more)]);
  }
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get more(): boolean {
    return this.#at < this.#bytes.length;
  }

  number(): number {
    let value = 0;
    for (let scale = 1; scale < 2 ** 63; scale *= 128) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) break;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    throw new RangeError('a number of the trace index is cut off');
  }

  signed(): number {
    const value = this.number();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  raw(length: number): Uint8Array {
    const bytes = this.#bytes.slice(this.#at, this.#at + length);
    this.#at += length;
    if (bytes.length < length) throw new RangeError('an id of the trace index is cut off');
    return bytes;
  }
}
