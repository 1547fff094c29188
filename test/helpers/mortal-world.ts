/** Agents that die: one life after the other on the same storage, with a backend that remembers what came and a disk that may be cut off at any step. */
import { cpSync, existsSync, renameSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Test } from 'tap';
import type { WorkerPool } from '../../pipelines/engine/worker-pool.ts';
import { COST_COLUMNS } from '../../pipelines/focus/columns.ts';
import { decimal, formatDecimal, sum } from '../../pipelines/focus/decimal.ts';
import type { Clock } from '../../pipelines/plugin/contract.ts';
import { type DiskWatch, type Step, watchDisk } from './disk.ts';
import { EventLog } from './event-log.ts';
import { eventsOf } from './otlp-events.ts';
import { startHttpServer } from './otlp-servers.ts';
import {
  type Costs,
  configuration,
  focusCsv,
  focusRow,
  type Logged,
  put,
  startWorld,
} from './world.ts';

/** A backend by OTLP/HTTP that may be away; it keeps one event per id. */
export interface RememberingBackend {
  readonly url: string;
  log: EventLog;
  isAway: boolean;
}

/** Starts it on loopback; it ends with the test. */
export async function startRememberingBackend(t: Test): Promise<RememberingBackend> {
  const server = await startHttpServer((_, response, { body }) => {
    server.received.length = 0;
    if (backend.isAway) return void response.writeHead(503).end();
    for (const event of eventsOf(body)) backend.log.add(event);
    response.end();
  });
  t.teardown(() => server.close());
  const backend: RememberingBackend = { url: server.url, log: new EventLog(), isAway: false };
  return backend;
}

/** How a machine dies at a step: before it, in the middle of a write, or with what was not synced lost. */
export type Death = 'before' | 'half' | 'power';

/** A life of an agent. */
export interface Life {
  /** It ends when there is nothing more to read. Otherwise it runs until it has taken everything once. */
  readonly once: boolean;
  /** Called before each step on its disk; what it throws the call fails with. */
  readonly before?: (step: Step, number: number) => void;
  readonly death?: { readonly at: number; readonly how: Death };
  /** Told how to end it from outside, by a machine that dies at that moment. */
  readonly ending?: (end: () => void) => void;
}

/** How a life ended. */
export interface Lived {
  readonly died: boolean;
  readonly ok: boolean;
  /** On the disk. */
  readonly steps: number;
  readonly logs: readonly Logged[];
}

/** A folder with bills; what agents left of it stays from life to life. */
export class MortalWorld {
  readonly folder: string;
  readonly backend: RememberingBackend;
  readonly #pool: WorkerPool;
  readonly #storage: string | undefined;
  readonly #clock = hurriedClock();

  /** `storage` in YAML flow style, for a state that is elsewhere: events are sent of whole revisions then. */
  constructor(of: {
    readonly folder: string;
    readonly backend: RememberingBackend;
    readonly pool: WorkerPool;
    readonly storage?: string;
  }) {
    this.folder = of.folder;
    this.#storage = of.storage;
    this.backend = of.backend;
    this.#pool = of.pool;
  }

  /** Another world at the same place. */
  begin(): void {
    rmSync(this.folder, { recursive: true, force: true });
    const retry = '{ initial_interval: 1ms, max_interval: 1ms, max_elapsed_time: 5ms }';
    const restatement = this.#storage === undefined ? 'rows' : 'totals';
    put(
      this.folder,
      'focusd.yaml',
      configuration({
        exporters: {
          'file/csv': '{ folder: ./out, format: focus-csv }',
          otlp: `{ endpoint: "${this.backend.url}", protocol: http/protobuf, compression: none, logs: { restatement: ${restatement} }, metrics: { enabled: false }, retry: ${retry} }`,
        },
      }).replace('{ folder: ./state }', this.#storage ?? '{ folder: ./state }'),
    );
    this.backend.log = new EventLog();
    this.backend.isAway = false;
  }

  async live({ once, before, death, ending }: Life): Promise<Lived> {
    const mortal = new Mortal(this.folder, { ...(before && { before }), ...(death && { death }) });
    ending?.(() => mortal.die('before'));
    const { promise: taken, resolve: done } = Promise.withResolvers<void>();
    const logs: Logged[] = [];
    const isAway = this.backend.isAway;
    void mortal.died.then(() => {
      this.backend.isAway = true;
    });
    let ok = false;
    try {
      const started = await startWorld(NOBODY, this.folder, {
        once,
        clock: this.#clock,
        pool: this.#pool,
        events: { committed: () => done(), known: () => done() },
        logs,
      });
      const { agent } = started;
      const ended = agent.ended().then((all) => all.every((one) => one.ok));
      if (once) ok = await ended;
      else ok = await Promise.race([taken.then(() => true), ended, mortal.died.then(() => false)]);
      await agent.stop();
    } catch (error) {
      if (!mortal.isDead) throw error;
    } finally {
      mortal.end();
      this.backend.isAway = isAway;
    }
    if (mortal.isDead) mortal.leave();
    return { died: mortal.isDead, ok: ok && !mortal.isDead, steps: mortal.steps, logs };
  }
}

/** A life is over before its test is. */
const NOBODY = { teardown: () => {} };

/** What nobody hears of: the machine is off. */
class Dead extends Error {
  override readonly name = 'Dead';
}

/** Folders that outlive an agent. */
const LASTING = ['state', 'out'];

/** What may happen to a disk in a life. */
export type MortalLife = Pick<Life, 'before' | 'death'>;

/** The disk of one life below `folder`: what is in `state` and `out` lasts. At its death all of it is put aside as it is; whatever the dead still do does not count. */
export class Mortal {
  steps = 0;
  isDead = false;
  readonly died: Promise<void>;
  readonly #folder: string;
  readonly #life: MortalLife;
  readonly #watch: DiskWatch;
  #tell: () => void;

  constructor(folder: string, life: MortalLife) {
    this.#folder = folder;
    this.#life = life;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.died = promise;
    this.#tell = resolve;
    this.#watch = watchDisk(folder, (step) => this.#step(step));
  }

  end(): void {
    this.#watch.close();
  }

  /** Puts in place what was there at the death. */
  leave(): void {
    for (const name of LASTING) {
      rmSync(join(this.#folder, name), { recursive: true, force: true });
      const image = join(this.#folder, `${name}.image`);
      if (existsSync(image)) renameSync(image, join(this.#folder, name));
    }
  }

  #step(step: Step): void {
    if (this.isDead) throw new Dead();
    const number = this.steps++;
    if (number === this.#life.death?.at) {
      if (this.#life.death.how === 'half') step.half();
      this.die(this.#life.death.how);
      throw new Dead();
    }
    this.#life.before?.(step, number);
  }

  /** The machine dies now. */
  die(how: Death): void {
    if (this.isDead) return;
    this.isDead = true;
    for (const name of LASTING) {
      const from = join(this.#folder, name);
      if (existsSync(from)) cpSync(from, `${from}.image`, { recursive: true });
    }
    if (how === 'power') this.#forget();
    this.#tell();
  }

  /** The end of a file that nobody had synced is gone. */
  #forget(): void {
    for (const [path, safe] of this.#watch.unsynced()) {
      const name = LASTING.find((one) => path.startsWith(join(this.#folder, one)));
      if (name === undefined) continue;
      const image = path.replace(join(this.#folder, name), join(this.#folder, `${name}.image`));
      if ((statSync(image, { throwIfNoEntry: false })?.size ?? 0) > safe) truncateSync(image, safe);
    }
  }
}

/** Pauses are over at once, as far as they are short; the time goes on all the same. */
export function hurriedClock(): Clock {
  let now = Date.now();
  return {
    now: () => now,
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      if (ms > LONG_MS) await aborted(signal);
      now += ms;
      await setImmediate();
      signal?.throwIfAborted();
    },
  };
}

const LONG_MS = 120_000;

function aborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

/** What a bill holds. */
export interface SmallTruth {
  readonly costs: Costs;
  readonly charges: number;
  /** Rows that are no charge. */
  readonly letters: number;
}

/** Writes a revision of a bill of a few rows: some it has in common with the others, equal ones among them, some are its own. */
export function revisedBill(folder: string, revision: number): SmallTruth {
  const own = ownAmounts(revision);
  const amounts = ['1', '1', '0.1', '-2.5', ...own, ...Array<string>(revision).fill('7.25')];
  put(folder, 'bills/bill.csv', focusCsv([...amounts.map((one) => focusRow(one)), ...BROKEN]));
  const total = formatDecimal(sum(amounts.map(decimal)));
  const costs = Object.fromEntries(COST_COLUMNS.map((column) => [column, total]));
  return { costs, charges: amounts.length, letters: BROKEN.length };
}

/** What only this revision of such a bill charges. */
export function ownAmounts(revision: number): readonly string[] {
  return [`${revision}.000001`, `12345.${revision}`];
}

const BROKEN = [focusRow('x'), focusRow('1.2.3')];
