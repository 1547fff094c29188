import type { Claim, Clock, Look, Sharing } from '../pipelines/plugin/contract.ts';
import type { Delivery } from '../pipelines/plugin/delivery.ts';
import { errorName } from '../pipelines/plugin/errors.ts';
import type { Lease, SharedState } from './state/state.ts';

/** Says that another agent was there first: the source is to be looked at anew, from the stored cursor. */
export class LookAgain extends Error {
  override readonly name = 'LookAgain';
}

/** Does it again for as long as another agent was there first. */
export async function lookedAgain(look: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await look();
    } catch (error) {
      if (errorName(error) !== 'LookAgain') throw error;
    }
  }
}

/** When one receiver's way through one pipeline may bring a delivery. */
export interface Turns {
  /** For a receiver that can leave out what another agent is at; absent: there is no other. */
  readonly sharing?: Sharing;
  /** Waits until no other agent is at it. Throws `LookAgain` when another one has brought a revision of the scope meanwhile. */
  wait(delivery: Delivery): Promise<Turn>;
  /** Gives back what was claimed and not brought. */
  close(): Promise<void>;
}

/** The right to bring one delivery. */
export interface Turn {
  /** Absent where no agents share the state. */
  readonly lease?: Lease;
  /** To be called when it is brought, or given up. */
  release(): Promise<void>;
}

/** For an agent that is alone. */
export const ALONE: Turns = {
  wait: async () => ({ release: async () => undefined }),
  close: async () => undefined,
};

type Wanting = Parameters<Look['claim']>[0];

/** Pause between two attempts to get a turn. */
const WAIT_MS = 1_000;

/** The turns of a way, from a moment at which its source has not yet been looked at. */
export async function createTurns(
  shared: SharedState | undefined,
  {
    id,
    clock,
    signal,
    done,
  }: {
    readonly id: { readonly pipeline: string; readonly receiver: string };
    readonly clock: Clock;
    readonly signal: AbortSignal;
    /** Called with what is left out because it is committed. */
    readonly done?: (of: Wanting) => Promise<void>;
  },
): Promise<Turns> {
  if (shared === undefined) return ALONE;
  const began = await shared.now();
  const claimed = new Map<string, Lease>();

  async function giveBack(): Promise<void> {
    for (const lease of claimed.values()) await lease.release();
    claimed.clear();
  }

  async function claim(of: Wanting, since: number): Promise<Claim> {
    const taken = await shared?.take({ ...id, ...of }, since);
    if (taken === 'done') await done?.(of);
    if (typeof taken !== 'object') return taken === 'done' ? 'done' : 'elsewhere';
    claimed.set(keyOf(of), taken);
    return 'mine';
  }

  return {
    sharing: {
      async look() {
        await giveBack();
        const since = await shared.now();
        return { claim: (of) => claim(of, since) };
      },
      async alone() {
        for (;;) {
          const taken = await shared.takeSource(id, began);
          if (taken === 'moved')
            throw new LookAgain('another agent brought something of this source');
          if (taken !== 'elsewhere') return taken.release;
          await clock.sleep(WAIT_MS, signal);
        }
      },
    },
    async wait(delivery) {
      const lease = claimed.get(keyOf(delivery));
      if (lease !== undefined) {
        claimed.delete(keyOf(delivery));
        return { lease, release: lease.release };
      }
      for (;;) {
        const taken = await shared.take({ ...id, ...delivery }, began);
        if (typeof taken === 'object') return { lease: taken, release: taken.release };
        // It is known: there is nothing to bring.
        if (taken === 'done') return { release: async () => undefined };
        if (taken === 'moved') throw new LookAgain('another agent brought this scope');
        await clock.sleep(WAIT_MS, signal);
      }
    },
    close: giveBack,
  };
}

function keyOf({ scope, revision }: { readonly scope: string; readonly revision: string }): string {
  return JSON.stringify([scope, revision]);
}
