import type { Message } from '@platformatic/kafka';
import type { ReceiverContext } from '../../../pipelines/plugin/index.ts';
import { digest } from '../../kit/charges/charges.ts';
import { PLAIN_HEADERS } from '../../kit/charges/cloud-events.ts';
import { type BusMessage, takeMessage } from '../../kit/charges/take.ts';
import type { Intake } from '../../kit/intake/index.ts';
import { isAnswer } from '../../kit/kafka/errors.ts';
import type { Group } from './group.ts';
import type { Settings } from './settings.ts';

/** Takes messages of the group to the disk. */
export interface Taker {
  /** Keeps and commits messages until `seal_every` has passed, no more can be kept or, with `once`, none comes. */
  take(): Promise<void>;
  /** Whether everything that was there is committed. */
  isDone(): Promise<boolean>;
}

interface Taking {
  readonly group: Group;
  readonly intake: Pick<Intake, 'keep'>;
  readonly context: ReceiverContext<Settings>;
}

/** With `once`: no message for this long is the end of those that came. */
const PAUSE_MS = 2_000;
/** With `once`: after so many pauses one after the other nothing comes any more, whatever the brokers count. */
const MOST_PAUSES = 10;
/** Pause before messages are kept again that the disk did not take. */
const AGAIN_MS = 10_000;

/** What brokers answer to a commit while partitions go from one member to another: the group has its say again afterwards. */
const MEMBERSHIP = ['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID'];

/** Messages that were read, and those of them that are not kept yet. */
interface InHand {
  readonly all: readonly Message[];
  readonly open: readonly Message[];
}

const NOTHING: InHand = { all: [], open: [] };

/** A taker; what it could not keep it holds in its hands, and keeps it next. */
export function createTaker({ group, intake, context }: Taking): Taker {
  const { config, clock, signal, once } = context;
  const keeping = {
    intake,
    context,
    scope: 'charges',
    maxBytes: config.max_message,
    headers: PLAIN_HEADERS,
  };
  let inHand = NOTHING;
  let pauses = 0;

  /** Waits for a message, then takes those that are there already. */
  async function read(until: number): Promise<InHand> {
    const all: Message[] = [];
    while (all.length < config.batch && !signal.aborted) {
      const wait = once ? PAUSE_MS : Math.max(0, until - clock.now());
      const message = await group.next(all.length > 0 ? 0 : wait);
      if (message === undefined) break;
      all.push(message);
    }
    return { all, open: all };
  }

  /** Answers whether all in hand is kept: then it is committed. */
  async function keep({ all, open }: InHand): Promise<'kept' | 'full' | 'failed'> {
    const taken = await Promise.all(
      open.map(async (message) => ({
        message,
        kind: (await takeMessage(asBusMessage(message), keeping)).kind,
      })),
    );
    const left = taken.filter(({ kind }) => kind === 'full' || kind === 'failed');
    inHand = { all, open: left.map(({ message }) => message) };
    if (left.length > 0) return left.some(({ kind }) => kind === 'failed') ? 'failed' : 'full';
    await commit(all);
    inHand = NOTHING;
    return 'kept';
  }

  /** What is not committed comes again, to this member or another: here it is known. */
  async function commit(all: readonly Message[]): Promise<void> {
    try {
      await group.commit(all);
    } catch (error) {
      if (!isAnswer(error, MEMBERSHIP)) throw error;
      context.log.info('not committed while partitions change hands', { messages: all.length });
    }
  }

  return {
    async take() {
      const until = clock.now() + config.seal_every;
      do {
        if (inHand.all.length === 0) inHand = await read(until);
        if (inHand.all.length === 0) {
          pauses++;
          return;
        }
        pauses = 0;
        const kept = await keep(inHand);
        if (kept === 'failed') await clock.sleep(AGAIN_MS, signal).catch(() => {});
        if (kept !== 'kept') return;
      } while (clock.now() < until && !signal.aborted);
    },
    async isDone() {
      if (inHand.all.length > 0) return false;
      return pauses >= MOST_PAUSES || (pauses > 0 && (await group.lag()) === 0n);
    },
  };
}

/** A message is known again by its place. Its topic may have been made anew: then it has another time. */
function asBusMessage(message: Message): BusMessage {
  const { topic, partition, offset, timestamp, value } = message;
  const headers = new Map(
    message.headerEntries.map(([name, content]) => [String(name).toLowerCase(), String(content)]),
  );
  const place = [topic, partition, offset, timestamp].map(String);
  return {
    place: `${topic}/${partition}/${offset}`,
    ids: [`kafka ${digest(place)}`],
    header: (name) => headers.get(name),
    body: value ?? new Uint8Array(0),
  };
}
