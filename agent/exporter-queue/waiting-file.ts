import {
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import {
  addCosts,
  type CostSums,
  type Queued,
  QueueReader,
  type QueueWriter,
} from './queue-file.ts';

/** A finished file: one delivery that waits for an exporter. */
export interface WaitingFile {
  readonly path: string;
  readonly about: Queued;
  readonly bytes: number;
  /** Of what is not sent yet. */
  readonly costs: CostSums;
  /** Everything before this place is sent. */
  at: number;
  /** Ends of the batches behind it that are sent, too. */
  readonly sent: Set<number>;
}

/** How the name of a file ends while its delivery is under way. */
export const UNFINISHED = '.open';

const FINISHED = '.queue';
/** Beside a file: how far it is sent. */
const SENT = '.sent';
const DAMAGED = '.damaged';

/** The finished files in a queue's folder, oldest first, and the number of the next; what a crash left unfinished is removed. */
export function queueFiles(folder: string): {
  readonly paths: readonly string[];
  readonly next: number;
} {
  const names = readdirSync(folder).sort();
  for (const name of names.filter((name) => name.endsWith(UNFINISHED))) rmSync(join(folder, name));
  const last = Math.max(-1, ...names.map((name) => Number.parseInt(name, 10)));
  const paths = names.filter((name) => name.endsWith(FINISHED)).map((name) => join(folder, name));
  return { paths, next: last + 1 };
}

/** A finished file as it was left. Reads it through: throws `DamagedQueue` when it is not what was written. */
export function openWaiting(path: string): WaitingFile {
  const reader = new QueueReader(path);
  try {
    const costs: CostSums = new Map();
    const from = sentOf(path) ?? reader.start;
    for (let at = from; ; ) {
      const stored = reader.batch(at);
      if (stored === undefined) break;
      addCosts(costs, stored.batch, 1);
      at = stored.next;
    }
    return {
      path,
      about: reader.about,
      bytes: statSync(path).size,
      costs,
      at: from,
      sent: new Set(),
    };
  } finally {
    reader.close();
  }
}

/** Makes a written file durable and gives it its name. */
export function finishFile(writer: QueueWriter): WaitingFile {
  writer.finish();
  const path = writer.path.slice(0, -UNFINISHED.length) + FINISHED;
  renameSync(writer.path, path);
  syncFolder(dirname(path));
  const { about, bytes, costs, start } = writer;
  return { path, about, bytes, costs, at: start, sent: new Set() };
}

/** Remembers how far a file is sent; after a power cut it may be sent from further back. */
export function noteSent(file: WaitingFile, at: number): void {
  file.at = at;
  file.sent.clear();
  const path = file.path + SENT;
  writeFileSync(`${path}.new`, `${at} ${crc32(String(at))}`);
  renameSync(`${path}.new`, path);
}

/** The file is sent. */
export function removeFile({ path }: WaitingFile): void {
  rmSync(path, { force: true });
  rmSync(path + SENT, { force: true });
}

/** Out of the way, for somebody to look at. */
export function setFileAside(path: string): void {
  renameSync(path, path + DAMAGED);
  rmSync(path + SENT, { force: true });
}

/** Undefined when it is not known: then all of it is sent again. */
function sentOf(path: string): number | undefined {
  try {
    const [at = '', check] = readFileSync(path + SENT, 'utf8').split(' ');
    return String(crc32(at)) === check ? Number(at) : undefined;
  } catch {
    return undefined;
  }
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
