import { createHash } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { EncodedBatch } from '../pipelines/plugin/delivery.ts';
import { Unavailable } from '../pipelines/plugin/errors.ts';

/** One refused row, part, batch, message or metric point: what it was, where it came from and why it was refused. */
export interface DeadLetter {
  readonly time: string;
  readonly pipeline: string;
  readonly receiver: string;
  readonly scope: string;
  readonly revision: string;
  readonly kind: 'row' | 'part' | 'batch' | 'message' | 'point';
  /** Stable code. */
  readonly reason: string;
  readonly message: string;
  readonly path?: string;
  readonly row?: number;
  readonly column?: string;
  readonly exporter?: string;
  readonly rows?: number;
  /** What is lost with it, exact, by cost column: of a row as its source states it, of a batch that was refused as a whole the sums of its charges, of a point what the backend lacks. */
  readonly costs?: EncodedBatch['costs'];
  /** The row or message as it stood. */
  readonly raw?: string;
}

/** Whose letters they are. */
export interface LettersOf {
  readonly pipeline: string;
  readonly receiver: string;
  readonly scope: string;
  /** Id of the delivery. */
  readonly id: string;
}

/** Dead letters of one delivery: one file, visible once the delivery is through, replaced when it is read again. */
export interface DeadLetterFile {
  write(letter: DeadLetter): void;
  /** Forgets what was written so far. */
  restart(): void;
  /** Makes the file visible; an attempt without letters removes an older file. */
  commit(): Promise<void>;
  abort(): Promise<void>;
  readonly count: number;
}

/** The folder of dead letters: NDJSON, a file per delivery. */
export interface DeadLetters {
  readonly folder: string;
  /** Size of all that is kept. */
  bytes(): number;
  open(of: LettersOf): Promise<DeadLetterFile>;
  /** Adds a letter to those of a delivery that is through, or of none; durable when this resolves. */
  append(of: LettersOf, letter: DeadLetter): Promise<void>;
  /** A revision is committed in place of the scope's older ones: their letters are removed. */
  replaced(of: LettersOf): Promise<void>;
}

/** Opens the folder; past `maxBytes` in all, further letters are counted but not kept. `mask` takes secrets out of messages: a backend may repeat what it was sent. */
export function openDeadLetters(
  folder: string,
  maxBytes: number,
  mask: (text: string) => string = (text) => text,
): DeadLetters {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(folder))
    if (name.endsWith(UNFINISHED)) rmSync(join(folder, name), { force: true });
  return {
    folder,
    bytes: () => readdirSync(folder).reduce((sum, name) => sum + sizeOf(join(folder, name)), 0),
    open: async (of) => {
      const path = join(folder, fileName(of));
      return new LetterFile(path, { room: maxBytes - (await bytesBeside(path, folder)), mask });
    },
    append: async (of, letter) => {
      const line = `${JSON.stringify({ ...letter, message: mask(letter.message) })}\n`;
      const path = join(folder, fileName(of));
      const room = maxBytes - (await bytesBeside('', folder));
      await appendLine(path, Buffer.byteLength(line) <= room ? line : notKept(letter, 1));
    },
    replaced: async (of) => {
      for (const name of await readdir(folder))
        if (name.startsWith(`${scopeName(of)}-`) && name !== fileName(of))
          await rm(join(folder, name), { force: true });
    },
  };
}

const UNFINISHED = '.new';

/** Letters of one scope stand side by side: `scope-delivery.ndjson`. */
function fileName(of: LettersOf): string {
  return `${scopeName(of)}-${of.id}.ndjson`;
}

function scopeName({ pipeline, receiver, scope }: LettersOf): string {
  const key = JSON.stringify([pipeline, receiver, scope]);
  return createHash('sha256').update(key).digest('hex').slice(0, 12);
}

/** Letters are written when this much has come together. */
const BUFFER = 64 * 1024;

class LetterFile implements DeadLetterFile {
  readonly #path: string;
  readonly #temporary: string;
  readonly #allowed: number;
  readonly #mask: (text: string) => string;
  #room: number;
  #waiting: string[] = [];
  #waitingBytes = 0;
  #file: number | undefined;
  #left = 0;
  #last: DeadLetter | undefined;
  #failure: unknown;
  count = 0;

  constructor(
    path: string,
    { room, mask }: { readonly room: number; readonly mask: (text: string) => string },
  ) {
    this.#path = path;
    this.#mask = mask;
    this.#temporary = `${path}${UNFINISHED}`;
    this.#allowed = room;
    this.#room = room;
  }

  write(letter: DeadLetter): void {
    this.count++;
    const line = `${JSON.stringify({ ...letter, message: this.#mask(letter.message) })}\n`;
    const bytes = Buffer.byteLength(line);
    this.#last = letter;
    if (this.#left > 0 || bytes > this.#room) {
      this.#left++;
      return;
    }
    this.#room -= bytes;
    this.#add(line, bytes);
  }

  restart(): void {
    this.#close();
    this.#waiting = [];
    this.#room = this.#allowed;
    this.count = this.#waitingBytes = this.#left = 0;
  }

  async commit(): Promise<void> {
    if (this.#left > 0 && this.#last !== undefined) this.#add(notKept(this.#last, this.#left), 0);
    this.#flush();
    if (this.#failure !== undefined) throw this.#unavailable();
    if (this.#file === undefined) {
      await rm(this.#path, { force: true });
      return;
    }
    fsyncSync(this.#file);
    this.#close();
    await rename(this.#temporary, this.#path);
  }

  async abort(): Promise<void> {
    this.#close();
    await rm(this.#temporary, { force: true });
  }

  #add(line: string, bytes: number): void {
    this.#waiting.push(line);
    this.#waitingBytes += bytes;
    if (this.#waitingBytes > BUFFER) this.#flush();
  }

  /** A full disk is told at the commit: whoever writes letters cannot do anything about it. */
  #flush(): void {
    if (this.#waiting.length === 0 || this.#failure !== undefined) return;
    try {
      this.#file ??= openSync(this.#temporary, 'w', 0o600);
      const bytes = Buffer.from(this.#waiting.join(''));
      for (let done = 0; done < bytes.length; ) done += writeSync(this.#file, bytes, done);
    } catch (error) {
      this.#failure = error;
    }
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  #close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #unavailable(): Unavailable {
    const reason = this.#failure instanceof Error ? this.#failure.message : String(this.#failure);
    return new Unavailable(`dead letters cannot be written: ${reason}`, { cause: this.#failure });
  }
}

async function appendLine(path: string, line: string): Promise<void> {
  const file = await open(path, 'a', 0o600);
  try {
    await file.writeFile(line);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The last line of a file that had no room for all. */
function notKept(last: DeadLetter, letters: number): string {
  const { time, pipeline, receiver, scope, revision, kind } = last;
  const message = `${letters} more were refused, but not kept: storage.max_dead_letters is reached`;
  const about = { time, pipeline, receiver, scope, revision, kind };
  return `${JSON.stringify({ ...about, reason: 'not_kept', message, rows: letters })}\n`;
}

/** 0 when it is gone by now. */
function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** Size of all files but the one that is about to be replaced. */
async function bytesBeside(path: string, folder: string): Promise<number> {
  const names = await readdir(folder);
  const sizes = await Promise.all(
    names
      .map((name) => join(folder, name))
      .filter((other) => other !== path)
      .map((other) =>
        stat(other).then(
          ({ size }) => size,
          () => 0,
        ),
      ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
