import { type FileHandle, open, readFile, rename, writeFile } from 'node:fs/promises';
import type { Clock } from '../../../pipelines/plugin/index.ts';

/** Ids of records that came already, within a window of time and number. */
export interface Seen {
  has(id: string): boolean;
  /** Remembers ids for now; `save` makes it last. */
  note(ids: readonly string[]): void;
  /** Writes noted ids to disk. */
  save(ids: readonly string[]): Promise<void>;
  /** Both; ids that are known are left alone. */
  add(ids: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

/** Settings of the memory. */
export interface SeenOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly rememberMs: number;
  readonly rememberIds: number;
}

/** Reads what is remembered in a file of lines `milliseconds id`; old and torn lines are left out. */
export async function openSeen(options: SeenOptions): Promise<Seen> {
  const known = await readKnown(options);
  const seen = new FileSeen(options, known);
  await seen.compact();
  return seen;
}

async function readKnown({ path }: SeenOptions): Promise<Map<string, number>> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  return new Map(
    lines.flatMap((line) => {
      const match = /^(\d+) (.+)$/.exec(line);
      return match === null ? [] : [[match[2] as string, Number(match[1])] as const];
    }),
  );
}

class FileSeen implements Seen {
  readonly #options: SeenOptions;
  /** When each came, oldest first. */
  readonly #known: Map<string, number>;
  #file: FileHandle | undefined;
  #lines = 0;

  constructor(options: SeenOptions, known: Map<string, number>) {
    this.#options = options;
    this.#known = known;
  }

  has(id: string): boolean {
    const at = this.#known.get(id);
    return at !== undefined && at >= this.#oldest();
  }

  note(ids: readonly string[]): void {
    const now = this.#options.clock.now();
    for (const id of ids) this.#known.set(id, now);
    this.#forget();
  }

  async save(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    if (this.#lines > 2 * this.#options.rememberIds) return await this.compact();
    this.#file ??= await open(this.#options.path, 'a', 0o600);
    // Half a line would spoil the next one: if this fails, the next time all is written anew.
    const lines = this.#lines + ids.length;
    this.#lines = Number.POSITIVE_INFINITY;
    await this.#file.appendFile(this.#text(ids));
    await this.#file.datasync();
    this.#lines = lines;
  }

  async add(ids: readonly string[]): Promise<void> {
    const fresh = ids.filter((id) => !this.#known.has(id));
    this.note(fresh);
    await this.save(fresh);
  }

  /** Writes the file anew with what is still remembered. */
  async compact(): Promise<void> {
    this.#forget();
    await this.close();
    const { path } = this.#options;
    const written = `${path}.new`;
    await writeFile(written, this.#text([...this.#known.keys()]), { mode: 0o600, flush: true });
    await rename(written, path);
    this.#lines = this.#known.size;
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  #text(ids: readonly string[]): string {
    return ids.map((id) => `${this.#known.get(id) ?? 0} ${id}\n`).join('');
  }

  #oldest(): number {
    return this.#options.clock.now() - this.#options.rememberMs;
  }

  #forget(): void {
    const oldest = this.#oldest();
    for (const [id, at] of this.#known) {
      if (at >= oldest && this.#known.size <= this.#options.rememberIds) return;
      this.#known.delete(id);
    }
  }
}
