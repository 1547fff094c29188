import { closeSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { add, type Decimal, decimal, negate, ZERO } from '../../pipelines/focus/decimal.ts';
import type { DeliveryInfo, EncodedBatch } from '../../pipelines/plugin/delivery.ts';

/** What a file in the queue is about. */
export interface Queued {
  readonly pipeline: string;
  readonly info: DeliveryInfo;
  /** When its first batch had to wait, milliseconds. */
  readonly sinceMs: number;
}

/** What is kept of a batch beside its bytes. */
export type BatchFacts = Omit<EncodedBatch, 'bytes' | 'rowGroup'>;

/** What the first record says; an older version wrote no last one. */
type First = Queued & { readonly ends?: true };

/** What the last one says: how many batches there are. */
interface Last {
  readonly end: number;
}

/** A batch in the file, and where the next one stands. */
export interface StoredBatch {
  readonly batch: EncodedBatch;
  readonly next: number;
}

/** Exact sums by cost column. */
export type CostSums = Map<string, Decimal>;

/** Adds the costs of a batch, or takes them away. */
export function addCosts(to: CostSums, { costs }: Pick<EncodedBatch, 'costs'>, sign: 1 | -1): void {
  for (const [column, cost] of Object.entries(costs)) {
    const value = sign === 1 ? decimal(cost) : negate(decimal(cost));
    to.set(column, add(to.get(column) ?? ZERO, value));
  }
}

/** The file is not what was written: a record is torn or was changed. */
export class DamagedQueue extends Error {
  override readonly name = 'DamagedQueue';
  /** Missing when the file does not even say what it is about. */
  readonly about: Queued | undefined;

  constructor(message: string, about: Queued | undefined) {
    super(message);
    this.about = about;
  }
}

/**
 * Writes one delivery's batches for one exporter: records of a head (two lengths and a CRC-32 of the rest, little-endian), facts as JSON
 * and bytes. The first record is about the delivery, the last one says how many stand between them; both have no bytes.
 */
export class QueueWriter {
  readonly path: string;
  readonly about: Queued;
  readonly costs: CostSums = new Map();
  /** Where the first batch stands. */
  readonly start: number;
  readonly #file: number;
  #isOpen = true;
  #batches = 0;
  bytes = 0;

  constructor(path: string, about: Queued) {
    this.path = path;
    this.about = about;
    this.#file = openSync(path, 'wx', 0o600);
    this.#record({ ...about, ends: true } satisfies First, NOTHING);
    this.start = this.bytes;
  }

  append(batch: EncodedBatch): void {
    const { bytes, rowGroup: _, ...facts } = batch;
    this.#record(facts satisfies BatchFacts, bytes);
    addCosts(this.costs, batch, 1);
    this.#batches++;
  }

  /** Makes it durable. */
  finish(): void {
    this.#record({ end: this.#batches } satisfies Last, NOTHING);
    fsyncSync(this.#file);
    this.close();
  }

  /** May be done again. */
  close(): void {
    if (this.#isOpen) closeSync(this.#file);
    this.#isOpen = false;
  }

  #record(facts: object, bytes: Uint8Array): void {
    const text = Buffer.from(JSON.stringify(facts));
    const head = Buffer.alloc(HEAD);
    head.writeUInt32LE(text.length, 0);
    head.writeUInt32LE(bytes.length, 4);
    head.writeUInt32LE(crc32(bytes, crc32(text)), 8);
    for (const piece of [head, text, bytes]) this.#write(piece);
  }

  #write(piece: Uint8Array): void {
    for (let done = 0; done < piece.length; )
      done += writeSync(this.#file, piece, done, piece.length - done);
    this.bytes += piece.length;
  }
}

/** How many bytes a batch takes in the file, at least. */
export function storedBytes({ bytes }: EncodedBatch): number {
  return HEAD + bytes.length;
}

/** Reads such a file. */
export class QueueReader {
  readonly about: Queued;
  /** Where the first batch stands. */
  readonly start: number;
  readonly #path: string;
  readonly #file: number;
  readonly #ends: boolean;
  #known: Queued | undefined;

  /** Throws `DamagedQueue` when it does not begin like one. */
  constructor(path: string) {
    this.#path = path;
    this.#file = openSync(path, 'r');
    try {
      const first = this.#record(0);
      if (first === undefined) throw this.#damaged(0);
      const { ends = false, ...about } = first.facts as First;
      this.about = about;
      this.#ends = ends;
      this.#known = about;
      this.start = first.next;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The batch at a place; undefined at the end. Throws `DamagedQueue` when it was cut off. */
  batch(at: number): StoredBatch | undefined {
    const record = this.#record(at);
    if (record === undefined && this.#ends) throw this.#damaged(at);
    if (record === undefined || isLast(record.facts)) return undefined;
    const { facts, bytes, next } = record;
    return { batch: { ...(facts as BatchFacts), bytes }, next };
  }

  close(): void {
    closeSync(this.#file);
  }

  #record(
    at: number,
  ): { readonly facts: unknown; readonly bytes: Uint8Array; readonly next: number } | undefined {
    const head = this.#read(at, HEAD);
    if (head.length === 0) return undefined;
    if (head.length < HEAD) throw this.#damaged(at);
    const length = head.readUInt32LE(0);
    const size = head.readUInt32LE(4);
    if (length + size > MOST) throw this.#damaged(at);
    const body = this.#read(at + HEAD, length + size);
    if (body.length < length + size || crc32(body) !== head.readUInt32LE(8))
      throw this.#damaged(at);
    const facts: unknown = JSON.parse(body.subarray(0, length).toString());
    return { facts, bytes: body.subarray(length), next: at + HEAD + length + size };
  }

  #read(at: number, length: number): Buffer {
    const buffer = Buffer.allocUnsafe(length);
    let done = 0;
    while (done < length) {
      const read = readSync(this.#file, buffer, done, length - done, at + done);
      if (read === 0) break;
      done += read;
    }
    return buffer.subarray(0, done);
  }

  #damaged(at: number): DamagedQueue {
    return new DamagedQueue(`${this.#path} is damaged at byte ${at}`, this.#known);
  }
}

function isLast(facts: unknown): facts is Last {
  return typeof facts === 'object' && facts !== null && 'end' in facts;
}

const HEAD = 12;
const NOTHING = new Uint8Array(0);
/** No batch is larger: what says so is no length. */
const MOST = 1 << 30;
