import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { add, type Decimal, ZERO } from '../../pipelines/focus/decimal.ts';
import type { Clock, Sink, WriteResult } from '../../pipelines/plugin/contract.ts';
import type { EncodedBatch } from '../../pipelines/plugin/delivery.ts';
import { errorMessage, errorName, Unavailable } from '../../pipelines/plugin/errors.ts';
import {
  type CostSums,
  type DamagedQueue,
  type Queued,
  QueueWriter,
  storedBytes,
} from './queue-file.ts';
import { type RefusedBatch, sendFile } from './send-file.ts';
import {
  finishFile,
  openWaiting,
  queueFiles,
  removeFile,
  setFileAside,
  UNFINISHED,
  type WaitingFile,
} from './waiting-file.ts';

/** What the agent is told. */
export interface QueueEvents {
  /** The backend cannot be reached: charges wait. */
  down(reason: string): void;
  /** Nothing waits any more. */
  up(): void;
  /** Refused for good: a dead letter. */
  refused(refused: RefusedBatch): Promise<void>;
  /** A file cannot be read; its delivery has to be read again. `about` is missing when the file does not even say which. */
  damaged(reason: string, about: Queued | undefined): void | Promise<void>;
}

/** Settings of a queue. */
export interface QueueOptions {
  readonly exporter: string;
  /** Its own. */
  readonly folder: string;
  readonly sink: Sink;
  readonly clock: Clock;
  /** A run that is to end: what waits is sent first, nothing is made to wait. */
  readonly once: boolean;
  /** Most bytes that may wait. */
  readonly maxBytes: number;
  /** Once the oldest has waited this long, no more may, milliseconds. */
  readonly maxAgeMs: number;
  readonly events: QueueEvents;
}

/** What waits for one exporter. */
export interface Waiting {
  readonly bytes: number;
  readonly deliveries: number;
  /** How long the oldest has waited, milliseconds; 0 when nothing waits. */
  readonly ageMs: number;
  /** Exact sums, by cost column. */
  readonly costs: ReadonlyMap<string, Decimal>;
}

/** Whether batches for an exporter can wait: it takes charges one batch after the other and cannot take them back. */
export function canQueue({ encoding, write, abort }: Sink): boolean {
  return encoding !== undefined && write !== undefined && abort === undefined;
}

type About = Omit<Queued, 'sinceMs'>;

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/**
 * Stands before an exporter whose backend may be down: batches that cannot be sent are kept on disk and sent later, delivery by delivery in
 * the order they came, so that this exporter holds nobody up. While something waits, what comes waits behind it. When no more may wait,
 * `write` throws `Unavailable`: the delivery is taken again later. A crash may send batches a second time, with the same ids.
 */
export class ExporterQueue {
  readonly #options: QueueOptions;
  readonly #stop = new AbortController();
  /** Finished files, oldest first; the first is the one being sent. */
  readonly #files: WaitingFile[] = [];
  /** Files of deliveries under way, by pipeline, receiver and scope. */
  readonly #unfinished = new Map<string, QueueWriter>();
  /** Found, and not yet told. */
  readonly #damaged: { readonly path: string; readonly error: unknown }[] = [];
  #next = 0;
  #sending: Promise<void> | undefined;
  #reason: string | undefined;
  /** The last batch that found no room, until there is some again. */
  #turnedAway: (About & { readonly batch: EncodedBatch }) | undefined;

  constructor(options: QueueOptions) {
    this.#options = options;
    mkdirSync(options.folder, { recursive: true, mode: 0o700 });
    const { paths, next } = queueFiles(options.folder);
    this.#next = next;
    for (const path of paths) this.#found(path);
    this.#send();
  }

  /** The exporter as the deliveries of a pipeline see it. */
  sinkFor(pipeline: string): Sink {
    const { sink, once } = this.#options;
    return {
      ...(sink.encoding !== undefined && { encoding: sink.encoding }),
      begin: async (info) => {
        if (once) await this.#sent();
        this.#forget({ pipeline, info });
        await sink.begin?.(info);
      },
      write: (batch, info) => this.#write(batch, { pipeline, info }),
      commit: async (info) => {
        this.#finish({ pipeline, info });
        await sink.commit?.(info);
      },
      close: () => sink.close(),
    };
  }

  /** What waits now. */
  waiting(): Waiting {
    const now = this.#options.clock.now();
    const files = [...this.#files, ...this.#unfinished.values()];
    return {
      bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
      deliveries: files.length,
      ageMs: files.reduce((age, { about }) => Math.max(age, now - about.sinceMs), 0),
      costs: sumsOf(files.map(({ costs }) => costs)),
    };
  }

  /** Why nothing more may wait, for whoever would read what had to be read again; undefined: it may. */
  full(): string | undefined {
    const { exporter, once } = this.#options;
    const limit = this.#turnedAway === undefined ? this.#exceeded(0) : 'max_queue';
    if (once || limit === undefined) return undefined;
    return `as much waits for ${exporter} as may (storage.${limit}): ${this.#reason ?? ''}`;
  }

  /** To be called before the exporter is closed: begins no more; a run that is to end first sends what waits. */
  async stop(): Promise<void> {
    if (this.#options.once) await this.#sending;
    this.#stop.abort(new Unavailable('the exporter is closed'));
  }

  /** To be called once the exporter is closed: what waits stays on disk. */
  async close(): Promise<void> {
    await this.#sending;
    for (const writer of this.#unfinished.values()) this.#drop(writer);
    this.#unfinished.clear();
  }

  /** In a run that is to end: waits until nothing waits, or throws why something does. */
  async #sent(): Promise<void> {
    await this.#sending;
    if (this.#files.length > 0) throw new Unavailable(this.#reason ?? 'charges wait');
  }

  async #write(batch: EncodedBatch, about: About): Promise<WriteResult> {
    if (!this.#mustWait(about)) {
      try {
        return (await this.#options.sink.write?.(batch, about.info)) ?? {};
      } catch (error) {
        if (!isDown(error) || this.#options.once || this.#stop.signal.aborted) throw error;
        this.#down(error);
      }
    }
    this.#keep(batch, about);
    return {};
  }

  #mustWait(about: About): boolean {
    const isDown = this.#reason !== undefined && !this.#options.once;
    return isDown || this.#files.length > 0 || this.#unfinished.has(keyOf(about));
  }

  #keep(batch: EncodedBatch, about: About): void {
    const { exporter } = this.#options;
    const limit = this.#exceeded(storedBytes(batch));
    if (limit !== undefined) {
      this.#turnAway(batch, about);
      throw new Unavailable(
        `as much waits for ${exporter} as may (storage.${limit}): ${this.#reason ?? ''}`,
      );
    }
    try {
      this.#writer(about).append(batch);
    } catch (cause) {
      throw new Unavailable(`charges for ${exporter} cannot be kept: ${errorMessage(cause)}`, {
        cause,
      });
    }
  }

  /** Its delivery will be taken again, whole. */
  #turnAway(batch: EncodedBatch, about: About): void {
    const writer = this.#unfinished.get(keyOf(about));
    if (writer !== undefined) this.#drop(writer);
    this.#unfinished.delete(keyOf(about));
    if (this.#options.once) return;
    this.#turnedAway = { ...about, batch };
    this.#send();
  }

  /** The setting by which so many bytes more may not wait. */
  #exceeded(more: number): 'max_queue' | 'max_queue_age' | undefined {
    const { maxBytes, maxAgeMs } = this.#options;
    const { bytes, ageMs } = this.waiting();
    if (ageMs > maxAgeMs) return 'max_queue_age';
    return bytes + more > maxBytes ? 'max_queue' : undefined;
  }

  #writer(about: About): QueueWriter {
    const key = keyOf(about);
    let writer = this.#unfinished.get(key);
    if (writer === undefined) {
      const { folder, clock } = this.#options;
      const name = `${String(this.#next++).padStart(12, '0')}${UNFINISHED}`;
      writer = new QueueWriter(join(folder, name), { ...about, sinceMs: clock.now() });
      this.#unfinished.set(key, writer);
    }
    return writer;
  }

  /** The delivery is taken: what waits of it will be sent. */
  #finish(about: About): void {
    const key = keyOf(about);
    const writer = this.#unfinished.get(key);
    if (writer === undefined) return;
    this.#files.push(finishFile(writer));
    this.#unfinished.delete(key);
    this.#send();
  }

  /** A delivery is taken anew: what was kept of it is void, unless it is being sent. */
  #forget(about: About): void {
    const key = keyOf(about);
    const writer = this.#unfinished.get(key);
    if (writer !== undefined) this.#drop(writer);
    this.#unfinished.delete(key);
    for (const file of this.#files.slice(1))
      if (keyOf(file.about) === key && file.about.info.id === about.info.id) this.#remove(file);
  }

  #drop(writer: QueueWriter): void {
    writer.close();
    rmSync(writer.path, { force: true });
  }

  #found(path: string): void {
    try {
      this.#files.push(openWaiting(path));
    } catch (error) {
      if (errorName(error) !== 'DamagedQueue') throw error;
      this.#damaged.push({ path, error });
    }
  }

  #send(): void {
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
    });
  }

  async #sendAll(): Promise<void> {
    const { clock, once } = this.#options;
    for (const { path, error } of this.#damaged.splice(0)) await this.#setAside(path, error);
    const { signal } = this.#stop;
    let pause = FIRST_PAUSE_MS;
    while (!signal.aborted) {
      const file = this.#files[0];
      if (file === undefined && this.#turnedAway === undefined) break;
      try {
        if (file === undefined) await this.#tryTurnedAway();
        else {
          await sendFile(file, { ...this.#options, signal });
          this.#remove(file);
        }
        if (this.waiting().bytes <= this.#options.maxBytes / 2) this.#turnedAway = undefined;
        pause = FIRST_PAUSE_MS;
      } catch (error) {
        if (signal.aborted) return;
        if (file !== undefined && errorName(error) === 'DamagedQueue') {
          this.#files.splice(this.#files.indexOf(file), 1);
          await this.#setAside(file.path, error);
        } else {
          this.#down(error);
          if (once) return;
          const wished = (error as Partial<Unavailable>).retryAfter ?? 0;
          await clock.sleep(Math.max(wished, pause), signal).catch(() => {});
          pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
        }
      }
    }
    if (this.#files.length === 0) this.#up();
  }

  /** Nothing waits that could tell whether the backend is back. Its delivery is taken again: the charges come twice, with the same ids. */
  async #tryTurnedAway(): Promise<void> {
    if (this.#turnedAway === undefined) return;
    const { batch, info } = this.#turnedAway;
    await this.#options.sink.write?.(batch, info).catch((error: unknown) => {
      if (isDown(error)) throw error;
    });
    this.#turnedAway = undefined;
  }

  #remove(file: WaitingFile): void {
    this.#files.splice(this.#files.indexOf(file), 1);
    removeFile(file);
  }

  /** What cannot be told stays as it is until the next start. */
  async #setAside(path: string, error: unknown): Promise<void> {
    try {
      const { about } = error as Partial<DamagedQueue>;
      await this.#options.events.damaged(errorMessage(error), about);
      setFileAside(path);
    } catch (cause) {
      this.#down(cause);
    }
  }

  #down(error: unknown): void {
    const reason = errorMessage(error);
    if (this.#reason === reason) return;
    this.#reason = reason;
    this.#options.events.down(reason);
  }

  #up(): void {
    if (this.#reason === undefined) return;
    this.#reason = undefined;
    this.#options.events.up();
  }
}

/** One delivery of a scope is under way at a time. */
function keyOf({ pipeline, info }: About): string {
  return JSON.stringify([pipeline, info.receiver, info.scope]);
}

function sumsOf(all: readonly CostSums[]): CostSums {
  const sums: CostSums = new Map();
  for (const [column, cost] of all.flatMap((costs) => [...costs]))
    sums.set(column, add(sums.get(column) ?? ZERO, cost));
  return sums;
}

/** What somebody else has to mend: the backend, or the operator (a token that was withdrawn). */
function isDown(error: unknown): boolean {
  return ['Unavailable', 'Misconfigured'].includes(errorName(error));
}
