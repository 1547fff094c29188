import type { KnownChargesMemory } from '../identify/index.ts';
import type { DeliveryInfo, EncodedBatch } from '../plugin/delivery.ts';
import { attemptNumber } from '../plugin/forwarded.ts';
import { asksTraces, type DeliverEvents, type DeliverRequest, type Target } from './deliver.ts';
import { finish, forwardingOf, Tallies } from './end-of-delivery.ts';
import type { KeptFile, KeptTask } from './protocol.ts';
import { write } from './write-batch.ts';

/** What a charge becomes on its way out. */
export type Sending = 'charge' | 'correction';

/** A revision of a scope that is kept on disk and now goes to the exporters. */
export interface SendRequest
  extends Pick<DeliverRequest, 'pool' | 'settings' | 'signal' | 'tracesOf'> {
  readonly info: DeliveryInfo;
  /** Number of the revision. */
  readonly revision: number;
  readonly uidPrefix: string;
  /** `whole`: the exporter gets all charges, not only what changed. */
  readonly targets: readonly (Target & { readonly whole: boolean })[];
  readonly kept: readonly KeptFile[];
  /** The revision before, with the table in which those of its charges that came again are marked. */
  readonly before?: { readonly files: readonly KeptFile[]; readonly known: KnownChargesMemory };
  readonly events: SendEvents;
}

/** What happens on the way. */
export interface SendEvents extends Pick<DeliverEvents, 'written'> {
  sent(exporter: string, batch: EncodedBatch, as: Sending): void;
  /** The exporter refused rows for good. */
  rejectedBatch(
    ...of: [...Parameters<DeliverEvents['rejectedBatch']>, as?: Sending | undefined]
  ): void;
}

/** Sends what the exporters are to get; sinks are committed when this returns. Answers how many charges were taken back. Throws when the attempt failed: every sink was told to forget it. */
export async function sendKept(request: SendRequest): Promise<number> {
  const { info, revision } = request;
  const targets = request.targets.filter((target) => hasNews(request, target));
  const infoFor = (whole: boolean): DeliveryInfo => ({
    ...info,
    restated: { number: revision, whole },
  });
  const tallies = new Tallies();
  try {
    await Promise.all(targets.map(({ sink, whole }) => sink.begin?.(infoFor(whole))));
    const corrected = await runAll({ ...request, targets }, infoFor, tallies);
    await Promise.all(
      targets.map((target) => {
        const info = infoFor(target.whole);
        return finish(target, { ...request, info, forwarded: forwardedOf(info), tallies });
      }),
    );
    return corrected;
  } catch (error) {
    await Promise.allSettled(targets.map(({ sink, whole }) => sink.abort?.(infoFor(whole))));
    throw error;
  }
}

function forwardedOf(info: DeliveryInfo) {
  return { ...info, attempt: attemptNumber(info, 1) };
}

/** Whether there is something to send to an exporter that only gets what changed. Another agent is told of every revision: it counts them. */
function hasNews({ kept, before }: SendRequest, target: SendRequest['targets'][number]): boolean {
  if (forwardingOf(target) !== undefined) return true;
  if (target.whole || kept.some(({ added }) => added > 0)) return true;
  return vanishedIn(kept, before?.files ?? []) > 0;
}

/** Charges of the revision before that did not come again: what is not new came again. */
function vanishedIn(kept: readonly KeptFile[], before: readonly KeptFile[]): number {
  const again = kept.reduce((sum, { rows, added }) => sum + rows - added, 0);
  return before.reduce((sum, { rows }) => sum + rows, 0) - again;
}

async function runAll(
  request: SendRequest,
  infoFor: (whole: boolean) => DeliveryInfo,
  tallies: Tallies,
): Promise<number> {
  const { pool, events, tracesOf } = request;
  const giveUp = new AbortController();
  const signal = AbortSignal.any([request.signal, giveUp.signal]);
  const eventsOf = { charge: events, correction: correctionEvents(events) };
  const run = async ({ task, targets, as }: Planned): Promise<number> => {
    const batch = async (encoding: number, sent: EncodedBatch): Promise<void> => {
      const target = targets[encoding] as SendRequest['targets'][number];
      await write(target, { batch: sent, info: infoFor(target.whole), events: eventsOf[as] });
      tallies.add(target, sent);
      events.sent(target.id, sent, as);
    };
    try {
      const result = await pool.send(task, { batch, tracesOf }, signal);
      if ('ok' in result) throw new Error(result.reason);
      return as === 'correction' ? result.changed : 0;
    } catch (error) {
      giveUp.abort(error);
      throw error;
    }
  };
  const settled = await Promise.allSettled(planned(request).map(run));
  const failed = settled.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw giveUp.signal.reason ?? failed.reason;
  return settled.reduce((sum, one) => sum + (one.status === 'fulfilled' ? one.value : 0), 0);
}

function correctionEvents(events: SendEvents): Pick<DeliverEvents, 'rejectedBatch' | 'written'> {
  return {
    ...events,
    rejectedBatch: (exporter, batch, reason, rows) =>
      events.rejectedBatch(exporter, batch, reason, rows, 'correction'),
  };
}

interface Planned {
  readonly task: KeptTask;
  readonly targets: SendRequest['targets'];
  readonly as: Sending;
}

/** A task per file in which there is something to send. */
function planned({ kept, before, targets, ...request }: SendRequest): Planned[] {
  const changing = targets.filter(({ whole }) => !whole);
  const whole = targets.length > changing.length;
  const charges = kept.filter(({ rows, added }) => (whole ? rows : added) > 0);
  const old = changing.length > 0 && before !== undefined ? before.files : [];
  const corrected = vanishedIn(kept, old) > 0 ? old : [];
  const task = (to: SendRequest['targets'], path: string, part: number): KeptTask => ({
    path,
    part,
    revision: request.revision,
    uidPrefix: request.uidPrefix,
    observedMs: request.info.observedMs,
    forwarded: forwardedOf(request.info),
    resource: request.settings.resource,
    scopeVersion: request.settings.scopeVersion,
    ...(request.settings.linkable && { linkable: request.settings.linkable }),
    asksTraces: asksTraces(request, to),
    encodings: to.flatMap(({ sink: { encoding }, whole }) =>
      encoding === undefined ? [] : [{ encoding, whole }],
    ),
  });
  return [
    ...charges.map(
      ({ path }, i): Planned => ({ task: task(targets, path, i), targets, as: 'charge' }),
    ),
    ...corrected.map(({ path }, i): Planned => {
      const vanished = before === undefined ? {} : { vanished: before.known };
      const of = { ...task(changing, path, charges.length + i), ...vanished };
      return { task: of, targets: changing, as: 'correction' };
    }),
  ];
}
