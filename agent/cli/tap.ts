import type { Configuration } from '../../config/validate.ts';
import { uidTexts } from '../../pipelines/encode/charge-uid.ts';
import { uidPrefix } from '../../pipelines/engine/delivery-ids.ts';
import { type ReadBatch, readCharges } from '../../pipelines/engine/read-charges.ts';
import { type Batch, cellText } from '../../pipelines/focus/batch.ts';
import { equalChargesMemory } from '../../pipelines/identify/index.ts';
import { errorMessage, Misconfigured } from '../../pipelines/plugin/errors.ts';
import { systemClock } from '../../plugins/kit/clock.ts';
import { configure } from '../configure.ts';
import { pipelineSettings } from '../stages.ts';
import type { Committed, State } from '../state/state.ts';
import { version } from '../version.ts';
import { type ChargeFilter, chargeFilter } from './charge-filter.ts';
import { existingState } from './existing-state.ts';
import { safeText } from './terminal.ts';

interface Options {
  readonly config: string;
  readonly where?: readonly string[];
  readonly receiver?: string;
  readonly scope?: string;
  readonly limit: string;
  readonly every: string;
  readonly follow?: boolean;
  readonly json?: boolean;
}

/** Charges that are wanted, one at a time. */
interface Tapping {
  readonly configuration: Configuration;
  readonly wanted: ChargeFilter;
  /** Of those that are wanted, every so many-th. */
  readonly every: number;
  readonly show: (charge: TappedCharge) => void;
  seen: number;
  left: number;
}

/** A charge and where it came from. */
interface TappedCharge {
  readonly uid: string;
  readonly receiver: string;
  readonly scope: string;
  readonly path: string;
  readonly row: number;
  readonly charge: Readonly<Record<string, string>>;
}

/**
 * Shows charges of committed deliveries that fit a filter, read again from their raw parts: the running agent does nothing for it. With `follow`
 * those that are committed from now on, until Ctrl-C.
 */
export async function tap(options: Options): Promise<void> {
  const { configuration } = await configure(options.config, process.env);
  const tapping: Tapping = {
    configuration,
    wanted: chargeFilter(options.where ?? []),
    every: wholeNumber('--every', options.every),
    left: wholeNumber('--limit', options.limit),
    seen: 0,
    show: (charge) => void process.stdout.write(`${shown(charge, options.json === true)}\n`),
  };
  const state = await existingState(configuration);
  try {
    const fits = ({ receiver, scope }: Committed): boolean =>
      (options.receiver ?? receiver) === receiver && (options.scope ?? scope) === scope;
    if (options.follow === true) await follow(state, tapping, fits);
    else
      for (const delivery of (await state.deliveries()).filter(fits).toReversed())
        await tapDelivery(delivery, tapping);
  } finally {
    await state.close();
  }
}

function wholeNumber(option: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new Misconfigured(`${option} is "${text}"`, { hint: 'give a whole number of at least 1' });
}

const LOOK_EVERY_MS = 1_000;

async function follow(
  state: State,
  tapping: Tapping,
  fits: (delivery: Committed) => boolean,
): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const key = ({ id, committedMs }: Committed): string => `${id} ${committedMs}`;
  let known = new Set((await state.deliveries()).map(key));
  process.stderr.write('waiting for deliveries to be committed; Ctrl-C ends it\n');
  while (!stop.signal.aborted && tapping.left > 0) {
    await systemClock.sleep(LOOK_EVERY_MS, stop.signal).catch(() => {});
    const now = await state.deliveries();
    const fresh = now.filter((delivery) => !known.has(key(delivery)) && fits(delivery));
    known = new Set(now.map(key));
    for (const delivery of fresh) await tapDelivery(delivery, tapping);
  }
}

/** A part that cannot be read again is told and left out. */
async function tapDelivery(delivery: Committed, tapping: Tapping): Promise<void> {
  const { configuration } = tapping;
  const pipeline = configuration.pipelines.find(({ name }) => name === delivery.pipeline);
  const settings = pipelineSettings(configuration, pipeline, version());
  const equalCharges = equalChargesMemory();
  const prefix = uidPrefix({ ...delivery, delivery });
  for (const { path, mapping = 'auto', refused } of delivery.summary.parts) {
    if (refused !== undefined || tapping.left <= 0) continue;
    try {
      for await (const batch of readCharges({ path, mapping, settings, equalCharges })) {
        tapBatch(batch, { tapping, delivery, path, prefix });
        if (tapping.left <= 0) break;
      }
    } catch (error) {
      const reason = errorMessage(error);
      process.stderr.write(`${safeText(path)} cannot be read again: ${safeText(reason)}\n`);
      process.exitCode = 1;
    }
  }
}

function tapBatch(
  { charges, ids }: ReadBatch,
  of: {
    readonly tapping: Tapping;
    readonly delivery: Committed;
    readonly path: string;
    readonly prefix: string;
  },
): void {
  const { tapping, delivery, path, prefix } = of;
  const { receiver, scope } = delivery;
  const uids = uidTexts(prefix, ids, charges.rows);
  for (let row = 0; row < charges.rows && tapping.left > 0; row++) {
    if (!tapping.wanted(charges, row) || tapping.seen++ % tapping.every !== 0) continue;
    tapping.left--;
    const uid = uids[row] ?? '';
    const number = charges.rowNumbers[row] ?? 0;
    tapping.show({ uid, receiver, scope, path, row: number, charge: cells(charges, row) });
  }
}

/** The cells of a row that are not null. */
export function cells({ columns }: Batch, row: number): Record<string, string> {
  const texts = [...columns].flatMap(([name, column]) => {
    const text = cellText(column, row);
    return text === undefined ? [] : [[name, text] as const];
  });
  return Object.fromEntries(texts);
}

const SHOWN = ['ChargePeriodStart', 'ServiceName', 'ResourceId', 'SubAccountId', 'owner'] as const;

function shown(tapped: TappedCharge, json: boolean): string {
  if (json) return JSON.stringify(tapped);
  const { charge, uid } = tapped;
  const cost = `${charge.EffectiveCost ?? charge.BilledCost ?? ''} ${charge.BillingCurrency ?? ''}`;
  const about = SHOWN.flatMap((name) => charge[name] ?? []);
  return safeText(`${uid}  ${cost.trim()}  ${about.join('  ')}`);
}
