import type { Delivery, ReceiverContext } from '../../../pipelines/plugin/index.ts';
import {
  type Intake,
  type IntakeConfig,
  type Judged,
  type Kept,
  openIntake,
  type Pushed,
  type PushRequest,
} from '../intake/index.ts';
import type { ChargeLine } from './charge-line.ts';
import type { Usage } from './usage.ts';
import { chargesOf, MINUTE_MS } from './usage.ts';

/** What a receiver of usage makes of pushes. */
export interface UsageReceiver {
  readonly judge: (request: PushRequest) => Judged;
  readonly charge: (usage: Usage) => readonly ChargeLine[];
  /** Records that no push brings, of the minute of a time (milliseconds). */
  readonly everyMinute?: (nowMs: number) => readonly Pushed[];
}

/** Longest pause between two looks at what has settled. */
const LOOK_EVERY_MS = 5_000;

/** Takes pushes, sums them by minute, and delivers each minute once it has settled. */
export async function* receiveUsage(
  context: ReceiverContext<IntakeConfig>,
  { judge, charge, everyMinute = () => [] }: UsageReceiver,
): AsyncGenerator<Delivery> {
  const { config, clock, once, signal } = context;
  const intake = await openIntake(context, judge);
  const settleMs = config.seal_every;
  const kind = { scope: 'usage', mapping: 'serverless', settleMs, rewrite: chargesOf(charge) };
  let last = 0;
  while (!signal.aborted) {
    const minute = Math.floor(clock.now() / MINUTE_MS);
    if (!once && minute !== last && (await keepAll(intake, everyMinute(clock.now()))))
      last = minute;
    yield* intake.deliveries(kind);
    if (once) return;
    await clock.sleep(Math.min(LOOK_EVERY_MS, settleMs), signal);
  }
}

/** Answers whether there was room for all of them. */
async function keepAll(intake: Intake, records: readonly Pushed[]): Promise<boolean> {
  const kept: Kept[] = [];
  for (const record of records) kept.push(await intake.keep(record));
  return !kept.includes('full');
}

/** Says once per SKU and region that no price is known. */
export function sayUnpriced({
  log,
}: ReceiverContext<IntakeConfig>): (sku: string, region: string) => void {
  const told = new Set<string>();
  return (sku, region) => {
    const key = `${region} ${sku}`;
    if (told.has(key) || told.size > 1000) return;
    told.add(key);
    log.warn('no price is known, its charges become dead letters', { sku, region });
  };
}
