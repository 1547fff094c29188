import { createHash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import canonicalize from 'canonicalize';

/** Something that finance may ask about later. Money as canonical decimals; never a secret. */
export interface AuditEvent {
  readonly kind:
    | 'state.upgraded'
    | 'agent.started'
    | 'agent.stopped'
    | 'configuration.changed'
    | 'delivery.committed'
    | 'delivery.restated'
    | 'dead_letters.dropped'
    | 'dead_letters.replayed'
    | 'replay.impossible'
    | 'period.closed'
    | 'period.reopened';
  /** Plain data. */
  readonly about: Readonly<Record<string, unknown>>;
}

/** One link: the canonical JSON (RFC 8785) of an event, and the SHA-256 of that text. */
export interface AuditLink {
  readonly sequence: number;
  readonly entry: string;
  readonly hash: string;
}

/** What the text of a link says. */
export interface AuditEntry extends AuditEvent {
  readonly sequence: number;
  /** ISO 8601, UTC. */
  readonly time: string;
  /** Hash of the link before; 64 zeros at the first. */
  readonly previous: string;
}

/** The chain from its first link on, as far as it holds. */
export interface ChainCheck {
  readonly entries: readonly AuditEntry[];
  /** Hash of the last link that holds. */
  readonly head: string;
  readonly broken?: { readonly sequence: number; readonly reason: string };
}

/** Rows can be added, and nothing else. */
export const AUDIT_SCHEMA = `
  CREATE TABLE IF NOT EXISTS audit (sequence INTEGER PRIMARY KEY, entry TEXT NOT NULL, hash TEXT NOT NULL) STRICT;
  CREATE TRIGGER IF NOT EXISTS audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit chain is append-only'); END;
  CREATE TRIGGER IF NOT EXISTS audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit chain is append-only'); END;
`;

const NONE_BEFORE = '0'.repeat(64);

/** Adds a link; the caller holds the transaction. */
export function appendLink(database: DatabaseSync, event: AuditEvent, timeMs: number): void {
  const { sequence, entry, hash } = nextLink(event, timeMs, lastLink(database));
  database.prepare('INSERT INTO audit VALUES (?, ?, ?)').run(sequence, entry, hash);
}

/** The link that was added last; number 0 before the first. */
export function lastLink(database: DatabaseSync): Omit<AuditLink, 'entry'> {
  const row = database
    .prepare('SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1')
    .get();
  return { sequence: Number(row?.sequence ?? 0), hash: String(row?.hash ?? NONE_BEFORE) };
}

/** The link that comes after the last one; undefined: it is the first. */
export function nextLink(
  event: AuditEvent,
  timeMs: number,
  last: Readonly<Record<string, unknown>> | undefined,
): AuditLink {
  const sequence = Number(last?.sequence ?? 0) + 1;
  const time = new Date(timeMs).toISOString();
  const previous = String(last?.hash ?? NONE_BEFORE);
  const entry = canonical({ ...event, sequence, time, previous } satisfies AuditEntry);
  return { sequence, entry, hash: sha256(entry) };
}

/** Every link, oldest first. */
export function* auditLinks(database: DatabaseSync): Iterable<AuditLink> {
  for (const row of database.prepare('SELECT * FROM audit ORDER BY sequence').iterate())
    yield {
      sequence: Number(row.sequence),
      entry: String(row.entry),
      hash: String(row.hash),
    };
}

/** Walks the chain up to the first link that does not hold. */
export function checkChain(links: Iterable<AuditLink>): ChainCheck {
  const entries: AuditEntry[] = [];
  let head = NONE_BEFORE;
  for (const link of links) {
    const reason = flaw(link, { sequence: entries.length + 1, previous: head });
    if (reason !== undefined)
      return { entries, head, broken: { sequence: entries.length + 1, reason } };
    entries.push(JSON.parse(link.entry) as AuditEntry);
    head = link.hash;
  }
  return { entries, head };
}

function flaw(
  link: AuditLink,
  expected: { readonly sequence: number; readonly previous: string },
): string | undefined {
  if (link.sequence !== expected.sequence) return `it is missing, ${link.sequence} comes next`;
  if (sha256(link.entry) !== link.hash) return 'its text is not the one that was hashed';
  const entry = JSON.parse(link.entry) as AuditEntry;
  if (entry.sequence !== link.sequence) return `it says that it is entry ${entry.sequence}`;
  if (entry.previous !== expected.previous) return 'it does not follow the entry before it';
  return undefined;
}

/** Canonical JSON (RFC 8785) of plain data. */
export function canonical(data: object): string {
  const text = canonicalize(data);
  if (text === undefined) throw new TypeError('it is not JSON');
  return text;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
