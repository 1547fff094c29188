import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import { canonical, lastLink } from './audit-chain.ts';

/**
 * How far a state had come, in a small file outside of its folder. SQLite leaves out without a word what is damaged at the end of its log, and an older copy of the
 * file is as good as the file: only something beside it can tell.
 */
export interface Mark {
  /** Changes that were committed, counted from the first. */
  readonly changes: number;
  /** The last link of the audit chain; 0 before the first. */
  readonly sequence: number;
  readonly hash: string;
}

/** Where the mark of the state in a folder is. */
export function markOf(folder: string): string {
  return `${folder}.mark`;
}

/** Counts a change; the caller holds the transaction. */
export function countChange(database: DatabaseSync): void {
  database.exec("UPDATE seals SET sum = sum + 1 WHERE name = 'changes'");
}

/** How far the state is. */
export function standing(database: DatabaseSync): Mark {
  const row = database.prepare("SELECT sum FROM seals WHERE name = 'changes'").get();
  const { sequence, hash } = lastLink(database);
  return { changes: Number(row?.sum ?? 0), sequence, hash };
}

/** Undefined when there is none. Throws when it is not what was written. */
export function readMark(path: string): Mark | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  const [said = '', check] = text.split('\n');
  if (check !== String(crc32(said))) throw new Error(`${path} is damaged`);
  return JSON.parse(said) as Mark;
}

/** Replaces it, durably. */
export function writeMark(path: string, mark: Mark): void {
  const said = canonical(mark);
  const file = openSync(`${path}.new`, 'w', 0o600);
  try {
    writeSync(file, Buffer.from(`${said}\n${crc32(said)}`));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.new`, path);
}

/** What the state lacks of what the mark says; undefined: nothing. */
export function lackOf(database: DatabaseSync, mark: Mark): string | undefined {
  const { changes } = standing(database);
  if (changes < mark.changes)
    return `it is older than what was committed: ${changes} of ${mark.changes} changes are in it`;
  if (mark.sequence === 0) return undefined;
  const link = database.prepare('SELECT hash FROM audit WHERE sequence = ?').get(mark.sequence);
  if (link?.hash === mark.hash) return undefined;
  return `it is not the one that was committed: entry ${mark.sequence} of its audit chain is ${link === undefined ? 'missing' : 'another one'}`;
}
