import { once } from 'node:events';
import { createWriteStream, existsSync, mkdirSync, type WriteStream } from 'node:fs';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** One refused row, part or batch: what it was, where it came from and why it was refused. */
export interface DeadLetter {
  readonly time: string;
  readonly pipeline: string;
  readonly receiver: string;
  readonly scope: string;
  readonly revision: string;
  readonly kind: 'row' | 'part' | 'batch';
  /** Stable code. */
  readonly reason: string;
  readonly message: string;
  readonly path?: string;
  readonly row?: number;
  readonly column?: string;
  readonly exporter?: string;
  readonly rows?: number;
  /** The row as it stood. */
  readonly raw?: string;
}

/** Dead letters of one delivery: one file, visible once the delivery is committed, replaced when it is read again. */
export interface DeadLetterFile {
  write(letter: DeadLetter): void;
  /** Makes the file visible; an attempt without letters removes an older file. */
  commit(): Promise<void>;
  abort(): Promise<void>;
  readonly count: number;
}

/** The folder of dead letters: NDJSON, a file per delivery. */
export interface DeadLetters {
  readonly folder: string;
  /** `replaces`: files of the scope's older deliveries, removed at commit. */
  open(deliveryId: string): Promise<DeadLetterFile>;
  /** Removes the files of deliveries that no longer count. */
  keepOnly(ids: ReadonlySet<string>): Promise<void>;
}

/** Opens the folder; past `maxBytes` in all, further letters are counted but not kept. */
export function openDeadLetters(folder: string, maxBytes: number): DeadLetters {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return {
    folder,
    open: async (id) => new LetterFile(folder, id, maxBytes - (await folderBytes(folder))),
    keepOnly: async (ids) => {
      for (const name of await readdir(folder)) {
        if (name.endsWith('.ndjson') && !ids.has(basename(name, '.ndjson')))
          await rm(join(folder, name), { force: true });
      }
    },
  };
}

class LetterFile implements DeadLetterFile {
  readonly #path: string;
  readonly #temporary: string;
  #room: number;
  #stream: WriteStream | undefined;
  count = 0;

  constructor(folder: string, id: string, room: number) {
    this.#path = join(folder, `${id}.ndjson`);
    this.#temporary = `${this.#path}.new`;
    this.#room = room;
  }

  write(letter: DeadLetter): void {
    this.count++;
    const line = `${JSON.stringify(letter)}\n`;
    this.#room -= line.length;
    if (this.#room < 0) return;
    this.#stream ??= createWriteStream(this.#temporary, { mode: 0o600 });
    this.#stream.write(line);
  }

  async commit(): Promise<void> {
    if (this.#stream === undefined) {
      if (existsSync(this.#path)) await rm(this.#path, { force: true });
      return;
    }
    await ended(this.#stream);
    const file = await open(this.#temporary, 'r+');
    await file.sync();
    await file.close();
    await rename(this.#temporary, this.#path);
  }

  async abort(): Promise<void> {
    if (this.#stream !== undefined) await ended(this.#stream);
    await rm(this.#temporary, { force: true });
  }
}

async function ended(stream: WriteStream): Promise<void> {
  const finished = once(stream, 'finish');
  stream.end();
  await finished;
}

async function folderBytes(folder: string): Promise<number> {
  const names = await readdir(folder);
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
