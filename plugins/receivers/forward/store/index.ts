import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Clock,
  type Delivery,
  errorMessage,
  type ForwardedDelivery,
  type Logger,
} from '../../../../pipelines/plugin/index.ts';
import type { ForwardedCharge } from '../charge-row.ts';
import { isBase, newestCounted, nextToCount, voidAfter } from '../order.ts';
import { type Counted, type End, type Gathered, GatheredFile, MOST_PAST } from './gathered.ts';
import { partAt, sync, writePart } from './part-file.ts';
import { openSeenCharges, type SeenCharges } from './seen.ts';

/** Settings of the store. */
export interface StoreOptions {
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Over so many bytes of deliveries that do not count yet, no other is begun. */
  readonly maxBytes: number;
  /** What is missing something for so long is given up, milliseconds. */
  readonly incompleteMs: number;
  /** Charges of deliveries that add up are remembered so long, milliseconds. */
  readonly rememberMs: number;
}

/** What of a delivery came in one request. */
export interface Arrived {
  readonly delivery: ForwardedDelivery;
  readonly charges: readonly ForwardedCharge[];
  readonly end: End | undefined;
}

/** What became of it. */
export interface Stored {
  readonly result: 'stored' | 'full';
  /** Charges that were not there yet. */
  readonly fresh: number;
}

/** Files that are open at a time. */
const MOST_OPEN = 16;
const GATHERED = '.sqlite';
const PART = '.ndjson.zst';

/**
 * Where forwarded deliveries are put together, one file for each attempt; and what of each agent's scopes counts. The charges of a scope
 * stay on disk as long as it counts, so that another agent that brings the same charges adds nothing.
 */
export class ForwardStore {
  readonly #options: StoreOptions;
  readonly #seen: SeenCharges;
  /** By lineage, then by key. */
  readonly #lineages = new Map<string, Map<string, Gathered>>();
  /** Opened last, last. */
  readonly #open = new Map<string, GatheredFile>();
  /** Scopes that may have to be delivered again, as another agent's charges have changed. */
  readonly #touched = new Set<string>();

  /** The file that is being delivered. */
  #inUse: string | undefined;
  #forgotMs = 0;

  constructor(options: StoreOptions) {
    this.#options = options;
    mkdirSync(options.folder, { recursive: true, mode: 0o700 });
    this.#seen = openSeenCharges(join(options.folder, `seen${GATHERED}`));
    for (const name of readdirSync(options.folder))
      if (/^[0-9a-f]{32}\.sqlite$/.test(name)) this.#found(name.slice(0, -GATHERED.length));
    for (const lineage of [...this.#lineages.keys()])
      for (const one of leftBehind(this.#of(lineage))) this.#remove(one);
    // Of two that share charges one may have been told, and the other not yet.
    for (const of of Map.groupBy(this.#all(), scopeOfAll).values())
      if (new Set(of.map(({ delivery }) => delivery.agent)).size > 1)
        for (const { delivery } of of) this.#touched.add(lineageOf(delivery));
  }

  /** Keeps what came; it is on disk when this returns. What is older than what counts is not kept. */
  async keep({ delivery, charges, end }: Arrived): Promise<Stored> {
    const lineage = lineageOf(delivery);
    const nothing: Stored = { result: 'stored', fresh: 0 };
    if (delivery.attempt <= this.#countedAttempt(lineage)) return nothing;
    const key = keyOf(delivery);
    const isNew = !this.#of(lineage).some((one) => one.key === key);
    if (isNew && this.waiting().bytes >= this.#options.maxBytes)
      return { ...nothing, result: 'full' };
    const nowMs = this.#options.clock.now();
    const file = this.#file(key, () => ({ key, delivery, touchedMs: nowMs }));
    const fresh = file.add(charges, end, nowMs);
    this.#note(file.about);
    this.#warnOfSums(file.about, end);
    if (isNew) await sync(this.#options.folder);
    return { result: 'stored', fresh };
  }

  /** Deliveries that do not count yet. */
  waiting(): { readonly deliveries: number; readonly bytes: number; readonly ageMs: number } {
    const waiting = this.#all().filter(({ status }) => status !== 'counted');
    const now = this.#options.clock.now();
    return {
      deliveries: waiting.length,
      bytes: waiting.reduce((sum, { bytes }) => sum + bytes, 0),
      ageMs: waiting.reduce((age, { touchedMs }) => Math.max(age, now - touchedMs), 0),
    };
  }

  /** What counts now; each delivery counts once the caller comes back for the next. */
  async *deliveries(): AsyncGenerator<Delivery> {
    this.#expire();
    const begun = this.#seen.begun();
    const lineages = [...this.#lineages.keys()];
    for (const lineage of lineages.toSorted((a, b) => Number(b === begun) - Number(a === begun))) {
      for (let next = nextToCount(this.#of(lineage)); next !== undefined; ) {
        if (!(await this.#joined(next))) yield* this.#count(next);
        next = nextToCount(this.#of(lineage));
      }
    }
    for (const lineage of [...this.#touched]) {
      this.#touched.delete(lineage);
      const counted = newestCounted(this.#of(lineage));
      if (counted !== undefined && isBase(counted)) yield* this.#count(counted);
    }
  }

  close(): void {
    for (const file of this.#open.values()) file.close();
    this.#open.clear();
    this.#seen.close();
  }

  /**
   * Where other agents bring the same charges, changes say nothing by themselves: what they change may count for another agent. They are made part of
   * what they build on, and all of it is delivered anew, less what others count. Answers whether it is done with that.
   */
  async #joined(due: Gathered): Promise<boolean> {
    if (due.delivery.mode === 'append') return false;
    const twins = await this.#twins(due);
    if (twins.length === 0) return false;
    for (const lineage of twins) this.#join(lineage);
    if (isBase(due)) return false;
    const lineage = lineageOf(due.delivery);
    const isJoined = this.#join(lineage, due);
    if (isJoined) for (const other of twins) this.#touched.add(other);
    return isJoined;
  }

  /** Makes changes part of the revision with all charges that they follow on; false when some do not fit it. */
  #join(lineage: string, due?: Gathered): boolean {
    const counted = this.#of(lineage).filter(({ status }) => status === 'counted');
    const base = newestCounted(counted.filter(isBase));
    if (base === undefined) return false;
    const changes = [...counted, ...(due === undefined ? [] : [due])]
      .filter((one) => !isBase(one) && one.attempt > base.attempt)
      .toSorted((a, b) => a.attempt - b.attempt);
    this.#inUse = base.key;
    for (const one of changes) {
      this.#closeFile(one.key);
      const file = this.#file(base.key);
      if (!file.apply(this.#path(one.key), one)) {
        const { agent, receiver, scope, revision } = one.delivery;
        const about = { agent, receiver, scope, revision };
        this.#options.log.error('changes do not fit: charges may count twice', about);
        return false;
      }
      this.#note(file.about);
      this.#remove(one);
      this.#touched.add(lineage);
    }
    return true;
  }

  /** Scopes of other agents that share charges with it, or did. */
  async #twins(due: Gathered): Promise<readonly string[]> {
    const lineage = lineageOf(due.delivery);
    const isRelated = (of: string): boolean => this.#touched.has(of) || isShared(this.#of(of));
    const isOwnRelated = isRelated(lineage);
    const twins: string[] = [];
    for (const [other, of] of this.#lineages) {
      const counted = [...of.values()].filter(({ status }) => status === 'counted');
      if (!counted.some((one) => isOfOther(one, due))) continue;
      if (isOwnRelated || isRelated(other)) twins.push(other);
      else
        for (const one of counted)
          if (!twins.includes(other) && (await this.#shares(due, one))) twins.push(other);
    }
    return twins;
  }

  /** Delivers it, then lets it count; its file stays open meanwhile. */
  async *#count(one: Gathered): AsyncGenerator<Delivery> {
    this.#inUse = one.key;
    try {
      yield* this.#deliver(one);
    } finally {
      this.#inUse = undefined;
    }
  }

  async *#deliver(one: Gathered): AsyncGenerator<Delivery> {
    const { delivery } = one;
    const known = newestCounted(this.#of(lineageOf(delivery)));
    if (known !== undefined && known !== one && isSame(known, one)) return this.#again(known, one);
    const past = pastOf(one, known);
    const { without, digest, shared } = await this.#leftOf(one, past);
    // Changes that were made part of it had a delivery of their own, maybe.
    const isJoined = isBase(one) && delivery.restated?.whole === false;
    const revision = `${delivery.revision}~${digest.slice(0, 12)}${isJoined ? '~whole' : ''}`;
    if (one.counted?.revision === revision) return;
    const lines = one.charges > without;
    const path = join(this.#options.folder, `${one.key}-${digest.slice(0, 12)}${PART}`);
    if (lines && !existsSync(path)) await writePart(path, this.#file(one.key).lines());
    const parts = lines ? [await partAt(path)] : [];
    if (delivery.mode === 'append') this.#seen.begin(lineageOf(delivery));
    yield {
      scope: scopeOf(delivery),
      revision,
      mode: delivery.mode === 'append' || !isBase(one) ? 'append' : 'snapshot',
      mapping: 'forwarded',
      parts,
      cursor: '',
    };
    await this.#counts(one, {
      revision,
      ...(lines && { part: path }),
      past,
      shared,
    });
  }

  /** It is committed. */
  async #counts(one: Gathered, counted: Counted): Promise<void> {
    const lineage = lineageOf(one.delivery);
    const file = this.#file(one.key);
    if (one.delivery.mode === 'append') {
      await this.#leftOf(one, []);
      const nowMs = this.#options.clock.now();
      this.#seen.count({ lineage, attempt: one.attempt, uids: file.uids(), nowMs });
      for (const other of this.#of(lineage)) if (other.attempt <= one.attempt) this.#remove(other);
      return;
    }
    const before = one.counted?.part;
    file.count(counted, one.attempt);
    this.#note(file.about);
    if (before !== undefined && before !== counted.part) rmSync(before, { force: true });
    if (one.status === 'counted') return;
    for (const other of voidAfter(this.#of(lineage), file.about)) this.#remove(other);
    await this.#touch(file.about);
  }

  /** The same charges were sent another time. */
  #again(known: Gathered, one: Gathered): void {
    const { counted } = known;
    if (counted === undefined) return;
    const file = this.#file(known.key);
    file.count(counted, one.attempt);
    this.#note(file.about);
    this.#remove(one);
  }

  /** What is left of a delivery without the charges that others count; it can be read from its file then. `past`: what its scope had before. */
  async #leftOf(one: Gathered, past: readonly string[]) {
    const file = this.#file(one.key);
    file.leaveOutNothing();
    let shared = false;
    const leaveOut = async (path: string, table: 'charges' | 'seen'): Promise<void> => {
      const before = file.left().without;
      for (const _ of file.leaveOut(path, table)) await Promise.resolve();
      shared ||= file.left().without > before;
    };
    if (one.delivery.mode === 'append') await leaveOut(this.#seen.path, 'seen');
    else if (isBase(one)) {
      const others = this.#others(one);
      if (others.some((other) => isOutdatedBy(one, other)))
        return { without: one.charges, digest: EMPTY, shared: true };
      for (const other of others)
        if (isBefore(other, one) && !this.#isOutdated(other) && !hasMoved({ ...one, past }, other))
          await leaveOut(this.#path(other.key), 'charges');
      shared ||= one.counted?.shared === true;
    }
    return { ...file.left(), shared };
  }

  /** What counts of the same scope of other agents. */
  #others({ delivery }: Gathered): readonly Gathered[] {
    return [...this.#lineages.values()].flatMap((of) => {
      const counted = newestCounted([...of.values()]);
      if (counted === undefined || !isBase(counted)) return [];
      return isOfOther(counted, { delivery }) ? [counted] : [];
    });
  }

  #isOutdated(one: Gathered): boolean {
    return this.#others(one).some((other) => isOutdatedBy(one, other));
  }

  /** Others that share charges with what counts now, or did, may have to be delivered anew. */
  async #touch(one: Gathered): Promise<void> {
    for (const other of this.#others(one)) {
      const related = other.counted?.shared === true || one.counted?.shared === true;
      const outdated = isOutdatedBy(other, one);
      if (related || outdated || (await this.#shares(other, one)))
        this.#touched.add(lineageOf(other.delivery));
    }
  }

  async #shares(one: Gathered, other: Gathered): Promise<boolean> {
    this.#inUse = one.key;
    const file = this.#file(one.key);
    file.leaveOutNothing();
    for (const _ of file.leaveOut(this.#path(other.key), 'charges')) {
      if (file.left().without > 0) return true;
      await Promise.resolve();
    }
    return false;
  }

  #countedAttempt(lineage: string): number {
    const counted = newestCounted(this.#of(lineage))?.attempt ?? -1;
    return Math.max(counted, this.#seen.attempt(lineage) ?? -1);
  }

  #expire(): void {
    const now = this.#options.clock.now();
    if (now - this.#forgotMs > FORGET_EVERY_MS) {
      this.#seen.forget(now - this.#options.rememberMs);
      this.#forgotMs = now;
    }
    for (const one of this.#all()) {
      if (one.status !== 'open' || now - one.touchedMs <= this.#options.incompleteMs) continue;
      const { agent, receiver, scope, revision } = one.delivery;
      this.#options.log.error('delivery given up: not all of it came', {
        agent,
        receiver,
        scope,
        revision,
        charges: one.charges,
        ...(one.end && { of: one.end.charges }),
      });
      this.#remove(one);
    }
  }

  #warnOfSums({ charges, end, status, delivery }: Gathered, came: End | undefined): void {
    if (came === undefined || end === undefined || status !== 'open') return;
    if (charges < end.charges) return;
    const { agent, receiver, scope, revision } = delivery;
    const about = { agent, receiver, scope, revision, charges, of: end.charges };
    this.#options.log.error('delivery does not add up to what its agent says', about);
  }

  #all(): readonly Gathered[] {
    return [...this.#lineages.values()].flatMap((of) => [...of.values()]);
  }

  #of(lineage: string): readonly Gathered[] {
    return [...(this.#lineages.get(lineage)?.values() ?? [])];
  }

  #note(about: Gathered): void {
    const lineage = lineageOf(about.delivery);
    const of = this.#lineages.get(lineage) ?? new Map<string, Gathered>();
    this.#lineages.set(lineage, of.set(about.key, about));
  }

  #found(key: string): void {
    try {
      this.#note(this.#file(key).about);
    } catch (error) {
      const reason = errorMessage(error);
      this.#options.log.error('damaged file left alone', { path: this.#path(key), reason });
    }
  }

  #file(
    key: string,
    fresh: () => Pick<Gathered, 'key' | 'delivery' | 'touchedMs'> = missing,
  ): GatheredFile {
    const file = this.#open.get(key) ?? new GatheredFile(this.#path(key), fresh);
    this.#open.delete(key);
    this.#open.set(key, file);
    const first = [...this.#open.keys()].find((other) => other !== this.#inUse);
    if (this.#open.size > MOST_OPEN && first !== undefined) this.#closeFile(first);
    return file;
  }

  #closeFile(key: string): void {
    this.#open.get(key)?.close();
    this.#open.delete(key);
  }

  #remove({ key, delivery, counted }: Gathered): void {
    this.#closeFile(key);
    if (counted?.part !== undefined) rmSync(counted.part, { force: true });
    for (const name of readdirSync(this.#options.folder))
      if (name.startsWith(key)) rmSync(join(this.#options.folder, name), { force: true });
    const lineage = lineageOf(delivery);
    const of = this.#lineages.get(lineage);
    of?.delete(key);
    if (of?.size === 0) this.#lineages.delete(lineage);
  }

  #path(key: string): string {
    return join(this.#options.folder, `${key}${GATHERED}`);
  }
}

const FORGET_EVERY_MS = 3_600_000;
const EMPTY = '0'.repeat(32);

function missing(): never {
  throw new Error('it does not say what it is');
}

/** Scope at the central agent. */
function scopeOf({ agent, receiver, scope }: ForwardedDelivery): string {
  return `${agent}/${receiver}/${scope}`;
}

/** What replaces one another: the attempts at a scope, at a single delivery where deliveries add up. */
function lineageOf({ agent, receiver, scope, mode, id }: ForwardedDelivery): string {
  return JSON.stringify([agent, receiver, scope, ...(mode === 'append' ? [id] : [])]);
}

function keyOf({ agent, id, attempt }: ForwardedDelivery): string {
  return createHash('sha256')
    .update(JSON.stringify([agent, id, attempt]))
    .digest('hex')
    .slice(0, 32);
}

/** Equal for the scopes of several agents that may be the same bill. */
function scopeOfAll({ delivery: { receiver, scope, mode } }: Pick<Gathered, 'delivery'>): string {
  return JSON.stringify([receiver, scope, mode]);
}

/** Of the same scope of another agent. */
function isOfOther(one: Pick<Gathered, 'delivery'>, other: Pick<Gathered, 'delivery'>): boolean {
  return one.delivery.agent !== other.delivery.agent && scopeOfAll(one) === scopeOfAll(other);
}

/** What a crash has left: its changes are part of the revision with all charges already, or it is older than that. */
function leftBehind(of: readonly Gathered[]): readonly Gathered[] {
  const base = newestCounted(of.filter(isBase));
  return base === undefined ? [] : of.filter((one) => one !== base && one.attempt <= base.attempt);
}

/** The same charges under the same revision. */
function isSame(a: Gathered, b: Gathered): boolean {
  const same = a.digest === b.digest && a.delivery.revision === b.delivery.revision;
  return same && isBase(a) && isBase(b) && a.delivery.mode === 'snapshot';
}

function isShared(of: readonly Gathered[]): boolean {
  return of.some(({ counted }) => counted?.shared === true);
}

/** Of two agents that bring the same charge, whose it is. */
function isBefore(a: Gathered, b: Gathered): boolean {
  return a.delivery.agent < b.delivery.agent;
}

/** Digests that a scope had before. */
function pastOf({ digest }: Gathered, known: Gathered | undefined): readonly string[] {
  const before = known === undefined ? [] : [...(known.counted?.past ?? []), known.digest];
  return before.filter((other) => other !== digest).slice(-MOST_PAST);
}

/** Another agent had the same charges before, and has newer ones now. */
function isOutdatedBy(one: Gathered, other: Gathered): boolean {
  return hasMoved({ ...other, past: other.counted?.past ?? [] }, one);
}

function hasMoved(
  { past, digest, attempt }: Pick<Gathered, 'digest' | 'attempt'> & Pick<Counted, 'past'>,
  from: Gathered,
): boolean {
  return past.includes(from.digest) && digest !== from.digest && attempt > from.attempt;
}
