/**
 * The disk below a folder, step by step: before each call of this thread that changes it, a test may have the call fail, cut it in half or end the
 * process. Calls of Node's `fs` and of SQLite; one watch at a time.
 */
import fs from 'node:fs';
import { type FileHandle, open as openHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { DatabaseSync, StatementSync } from 'node:sqlite';

/** One change that is about to be made. */
export interface Step {
  /** What is called: `fsyncSync`, `commit`. */
  readonly call: string;
  readonly path: string;
  readonly kind: 'write' | 'sync' | 'name' | 'commit';
  /** Writes half of the bytes, as a machine that dies on the way; does nothing where there are none. */
  half(): void;
}

/** A watch over the disk. */
export interface DiskWatch {
  /** What would be lost if the power went: paths with the length that is safe. */
  unsynced(): ReadonlyMap<string, number>;
  close(): void;
}

type Call = (...given: never[]) => unknown;
type Members = Record<string, Call>;

/** Watches what changes below the folder. What `before` throws is what the call fails with. */
export function watchDisk(below: string, before: (step: Step) => void): DiskWatch {
  const watch = new Watch(below, before);
  watch.begin();
  return watch;
}

class Watch implements DiskWatch {
  readonly #below: string;
  readonly #before: (step: Step) => void;
  readonly #undo: (() => void)[] = [];
  readonly #paths = new Map<number, string>();
  readonly #databases = new WeakMap<object, DatabaseSync>();
  readonly #safe = new Map<string, number>();
  readonly #writeSync = fs.writeSync;

  constructor(below: string, before: (step: Step) => void) {
    this.#below = below;
    this.#before = before;
  }

  begin(): void {
    const files = fs as unknown as Members;
    const promises = fs.promises as unknown as Members;
    for (const members of [files, promises]) {
      const sync = members === files ? 'Sync' : '';
      this.#wrap(members, `rename${sync}`, (call, [from, to]: [string, string]) => {
        this.#step({ call, path: to, kind: 'name' });
        this.#renamed(from, to);
      });
      for (const call of [`rm${sync}`, `mkdir${sync}`])
        this.#wrap(members, call, (_, [path]: [string]) =>
          this.#step({ call, path, kind: 'name' }),
        );
      for (const call of [`writeFile${sync}`, `appendFile${sync}`])
        this.#wrap(
          members,
          call,
          (_, given: [string, string | Uint8Array, { flush?: boolean }?]) => {
            const [path, content, options] = given;
            const half = () => fs.appendFileSync(path, halfOf(content));
            this.#step({ call, path, kind: 'write', half });
            this.#wrote(path, 0);
            if (options?.flush === true) this.#safe.delete(path);
          },
        );
    }
    this.#opens(files, promises);
    this.#writes(files);
    this.#commits();
    syncBuiltinESMExports();
  }

  unsynced(): ReadonlyMap<string, number> {
    return this.#safe;
  }

  close(): void {
    for (const undo of this.#undo) undo();
    syncBuiltinESMExports();
  }

  #opens(files: Members, promises: Members): void {
    const opened = (path: unknown, fd: number): void => {
      if (typeof path === 'string' && this.#isBelow(path)) this.#paths.set(fd, path);
      else this.#paths.delete(fd);
    };
    const opening = (call: string, [path, flags = 'r']: [unknown, string?]): void => {
      if (typeof path === 'string' && /[wa+]/.test(flags)) this.#step({ call, path, kind: 'name' });
    };
    this.#wrap(files, 'openSync', opening, (fd, [path]) => opened(path, fd as number));
    this.#wrap(promises, 'open', opening, (handle, [path]) =>
      opened(path, (handle as FileHandle).fd),
    );
  }

  #writes(files: Members): void {
    const on = (call: string, fd: number, bytes: string | Uint8Array): void => {
      const path = this.#paths.get(fd);
      if (path === undefined) return;
      const half = () => void this.#writeSync(fd, halfOf(bytes));
      this.#step({ call, path, kind: 'write', half });
      this.#wrote(path, fs.fstatSync(fd).size);
    };
    const synced = (call: string, fd: number): void => {
      const path = this.#paths.get(fd);
      if (path === undefined) return;
      this.#step({ call, path, kind: 'sync' });
      this.#safe.delete(path);
    };
    this.#wrap(files, 'writeSync', (call, [fd, bytes]: [number, Uint8Array]) =>
      on(call, fd, bytes),
    );
    this.#wrap(files, 'fsyncSync', (call, [fd]: [number]) => synced(call, fd));
    const handles = handlePrototype as unknown as Members;
    for (const name of ['write', 'appendFile', 'writeFile'])
      this.#wrap(handles, name, (call, [bytes]: [Uint8Array], handle: FileHandle) =>
        on(call, handle.fd, bytes),
      );
    this.#wrap(handles, 'truncate', (call, _: [number], handle: FileHandle) => {
      const path = this.#paths.get(handle.fd);
      if (path !== undefined) this.#step({ call, path, kind: 'write' });
    });
    for (const name of ['sync', 'datasync'])
      this.#wrap(handles, name, (call, _: [], handle: FileHandle) => synced(call, handle.fd));
  }

  #commits(): void {
    const commit = (database: DatabaseSync | undefined): void => {
      const path = database?.location();
      if (typeof path === 'string') this.#step({ call: 'commit', path, kind: 'commit' });
    };
    const databases = DatabaseSync.prototype as unknown as Members;
    this.#wrap(databases, 'exec', (_, [sql]: [string], database: DatabaseSync) => {
      if (/^COMMIT/i.test(sql)) commit(database);
    });
    this.#wrap(
      databases,
      'prepare',
      () => {},
      (statement, _, database) =>
        void this.#databases.set(statement as object, database as DatabaseSync),
    );
    this.#wrap(
      StatementSync.prototype as unknown as Members,
      'run',
      (_, __: unknown[], statement: object) => {
        const database = this.#databases.get(statement);
        if (database?.isTransaction === false) commit(database);
      },
    );
  }

  /** Has a call look first, and look at what it answered. */
  #wrap<Given extends unknown[], On>(
    of: Members,
    name: string,
    first: (call: string, given: Given, on: On) => void,
    then: (answer: unknown, given: Given, on: On) => void = () => {},
  ): void {
    const original = of[name] as (...given: unknown[]) => unknown;
    const isAsync = of !== (fs as unknown as Members) && !(name in SYNCHRONOUS);
    const before = first;
    of[name] = function wrapped(this: On, ...given: Given) {
      const look = (): unknown => {
        before(name, given, this);
        return original.apply(this, given);
      };
      if (!isAsync) {
        const answer = look();
        then(answer, given, this);
        return answer;
      }
      return (async () => {
        const answer = await look();
        then(answer, given, this);
        return answer;
      })();
    } as Call;
    this.#undo.push(() => {
      of[name] = original as Call;
    });
  }

  #step(step: Omit<Step, 'half'> & Partial<Step>): void {
    if (this.#isBelow(step.path)) this.#before({ half: () => {}, ...step });
  }

  #isBelow(path: string): boolean {
    return path.startsWith(this.#below);
  }

  #wrote(path: string, safe: number): void {
    if (!this.#safe.has(path)) this.#safe.set(path, safe);
  }

  #renamed(from: string, to: string): void {
    const safe = this.#safe.get(from);
    this.#safe.delete(from);
    if (safe !== undefined) this.#safe.set(to, safe);
  }
}

const SYNCHRONOUS = { exec: true, prepare: true, run: true };

const someHandle = await openHandle(import.meta.filename);
const handlePrototype: object = Object.getPrototypeOf(someHandle) as object;
await someHandle.close();

function halfOf(content: string | Uint8Array): Uint8Array {
  const bytes = Buffer.from(content);
  return bytes.subarray(0, Math.floor(bytes.length / 2));
}

/** What a system says of a disk. */
export type DiskTrouble = 'full' | 'read-only' | 'broken';

/** What a step fails with on such a disk. */
export function diskError(trouble: DiskTrouble, { kind, call, path }: Step): Error {
  const { code, says, errcode, errstr } = TROUBLE[trouble];
  if (kind === 'commit')
    return Object.assign(new Error(errstr), { code: 'ERR_SQLITE_ERROR', errcode, errstr });
  return Object.assign(new Error(`${code}: ${says}, ${call} '${path}'`), { code });
}

const TROUBLE = {
  full: {
    code: 'ENOSPC',
    says: 'no space left on device',
    errcode: 13,
    errstr: 'database or disk is full',
  },
  'read-only': {
    code: 'EROFS',
    says: 'read-only file system',
    errcode: 8,
    errstr: 'attempt to write a readonly database',
  },
  broken: { code: 'EIO', says: 'i/o error', errcode: 10, errstr: 'disk I/O error' },
} as const;
