/** Pushed records on a disk that fails, or whose machine dies, at any step: what was acknowledged is delivered, each record once. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Random, seedFor } from '../../../agent/generate/random.ts';
import { openSpool, type Spool } from '../../../plugins/kit/intake/spool.ts';
import { type DiskTrouble, diskError } from '../../helpers/disk.ts';
import { type Death, hurriedClock, Mortal, type MortalLife } from '../../helpers/mortal-world.ts';

t.setTimeout(60 * 60_000);

const RUNS = Number(process.env.FOCUSD_FAULT_RUNS ?? 40);
const STEPS = 60;
const RECORDS = 20;

/** A sender that sends again what was not acknowledged, and whoever takes the deliveries. */
class Pushing {
  readonly folder: string;
  readonly delivered: string[] = [];
  readonly #acknowledged = new Set<string>();
  readonly #random: Random;

  constructor(folder: string, random: Random) {
    this.folder = folder;
    this.#random = random;
  }

  get waiting(): readonly string[] {
    const ids = Array.from({ length: RECORDS }, (_, i) => `id-${i}`);
    return ids.filter((id) => !this.#acknowledged.has(id));
  }

  /** Some time of a spool; errors are what the disk says. */
  async live(life: MortalLife, turns: number): Promise<void> {
    const mortal = new Mortal(this.folder, life);
    const spool = await this.#open().catch(() => undefined);
    for (let turn = 0; spool !== undefined && turn < turns && !mortal.isDead; turn++)
      await this.#turn(spool).catch(() => {});
    if (mortal.isDead) await spool?.close().catch(() => {});
    mortal.end();
    if (mortal.isDead) mortal.leave();
    else await this.end(spool);
  }

  async #turn(spool: Spool): Promise<void> {
    const some = this.waiting.filter(() => this.#random.int(3) === 0);
    await Promise.allSettled(some.map((id) => this.#push(spool, id)));
    if (this.#random.int(2) === 0) await spool.seal();
    if (this.#random.int(2) === 0) await this.#deliver(spool);
  }

  /** Without anything that fails: all that is left, and delivers it. */
  async end(open?: Spool): Promise<void> {
    const spool = open ?? (await this.#open());
    for (const id of this.waiting) await this.#push(spool, id);
    await spool.seal();
    await this.#deliver(spool);
    await spool.close();
  }

  #open(): Promise<Spool> {
    return openSpool({
      folder: join(this.folder, 'state'),
      clock: CLOCK,
      maxBytes: 1 << 20,
      rememberMs: 86_400_000,
      rememberIds: 1_000,
    });
  }

  async #push(spool: Spool, id: string): Promise<void> {
    const bucket = String(id.length);
    if ((await spool.keep({ ids: [id], bucket, value: { id } })) !== 'full')
      this.#acknowledged.add(id);
  }

  /** A delivery that came is committed under its name, and again only by the same. */
  async #deliver(spool: Spool): Promise<void> {
    for (const segment of await spool.sealed()) {
      const lines = readFileSync(segment.path, 'utf8').trim().split('\n');
      const ids = lines.map((line) => (JSON.parse(line) as { readonly id: string }).id);
      if (!this.#committed.has(segment.name)) this.delivered.push(...ids);
      this.#committed.add(segment.name);
      await spool.remove(segment);
    }
  }

  readonly #committed = new Set<string>();
}

const CLOCK = hurriedClock();
const TROUBLES: readonly DiskTrouble[] = ['full', 'read-only', 'broken'];
const HOWS: readonly Death[] = ['before', 'half', 'power'];
const ALL = Array.from({ length: RECORDS }, (_, i) => `id-${i}`).toSorted();

t.test('the disk fails for a while', async (t) => {
  const folder = join(t.testdir(), 'pushed');
  for (let run = 0; run < RUNS; run++) {
    rmSync(folder, { recursive: true, force: true });
    const random = new Random(seedFor(run, 31));
    const trouble = TROUBLES[random.int(TROUBLES.length)] as DiskTrouble;
    const from = Math.floor((run * STEPS) / RUNS);
    const until = from + 1 + random.int(8);
    const pushing = new Pushing(folder, random);
    await pushing.live(
      {
        before: (step, number) => {
          if (number < from || number >= until) return;
          if (trouble === 'broken') step.half();
          throw diskError(trouble, step);
        },
      },
      14,
    );
    t.strictSame(pushing.delivered.toSorted(), ALL, `run ${run}: ${trouble} ${from} to ${until}`);
  }
});

t.test('the machine dies', async (t) => {
  const folder = join(t.testdir(), 'pushed');
  for (let run = 0; run < RUNS; run++) {
    rmSync(folder, { recursive: true, force: true });
    const random = new Random(seedFor(run, 32));
    const pushing = new Pushing(folder, random);
    const told: string[] = [];
    for (let life = 0; life < 3; life++) {
      const at = life === 0 ? Math.floor((run * STEPS) / RUNS) : random.int(STEPS);
      const how = HOWS[random.int(HOWS.length)] as Death;
      told.push(`${at} ${how}`);
      await pushing.live({ death: { at, how } }, 14);
    }
    await pushing.end();
    t.strictSame(pushing.delivered.toSorted(), ALL, `run ${run}: ${told.join(', ')}`);
  }
});
