import type { Delivered, Keep, Target } from '../pipelines/engine/deliver.ts';
import { deliveryId, uidPrefix } from '../pipelines/engine/delivery-ids.ts';
import { type SendEvents, type SendRequest, sendKept } from '../pipelines/engine/send-kept.ts';
import { type KnownChargesMemory, knownChargesMemory } from '../pipelines/identify/index.ts';
import type { Sink } from '../pipelines/plugin/contract.ts';
import type { Delivery } from '../pipelines/plugin/delivery.ts';
import { fileNames, keptFiles, keptFolder, removeKept, syncNames } from './kept-folders.ts';
import { tracesOf, withLinkable } from './links.ts';
import type { PipelineRun } from './pipeline-run.ts';
import type { KeptRevision, KeptScope } from './state/kept-charges.ts';
import type { DeliverySummary, ScopeId } from './state/state.ts';

/** A snapshot on its way to exporters that are only sent what changed: it is kept on disk first, then sent from there. */
export interface Restatement {
  /** Exporters with `restatement: rows`. */
  readonly exporters: readonly string[];
  readonly keep: Keep;
  /** Sends what was kept; all of it has arrived when this returns. */
  send(delivered: Delivered): Promise<Sent>;
}

/** What a revision came to at the exporters that are only sent what changed. */
export interface Sent {
  readonly kept: KeptRevision;
  readonly restated: NonNullable<DeliverySummary['restated']>;
}

/** Whether an exporter is only sent what changed. */
export function isSentRows({ encoding }: Sink): boolean {
  return encoding !== undefined && 'restatement' in encoding && encoding.restatement === 'rows';
}

/** Exporters that are only sent what changed; deliveries that add up change nothing. */
export function sentByRows(
  targets: readonly Target[],
  { mode }: Pick<Delivery, 'mode'>,
): readonly Target[] {
  if (mode === 'append') return [];
  return targets.filter(({ sink }) => isSentRows(sink));
}

/** Whether exporters have been sent another revision than the one that counts: it may be on its way, or what was on its way when the agent died. */
export function isUnsettled(kept: KeptScope | undefined, revision: string): boolean {
  if (kept === undefined) return false;
  const { begun, present } = kept;
  return begun !== undefined || (present !== undefined && present.revision !== revision);
}

/**
 * Prepares a snapshot for the exporters with `restatement: rows`; undefined when there are none. What an earlier revision had begun
 * to send is sent to its end first: only then it is known what the exporters have.
 */
export async function openRestatement(
  run: PipelineRun,
  delivery: Delivery,
  events: SendEvents,
): Promise<Restatement | undefined> {
  const targets = sentByRows(run.targets, delivery);
  if (targets.length === 0) return undefined;
  const kept = await run.state.kept({ ...run.id, scope: delivery.scope });
  const scope = new RestatedScope(run, delivery.scope, { targets, events, kept });
  await scope.settle();
  return await scope.restate(delivery);
}

/** Removes what a scope no longer needs of its kept charges. */
export async function tidyKept(
  run: PipelineRun,
  { scope }: Pick<Delivery, 'scope'>,
): Promise<void> {
  const of = { ...run.id, scope };
  const kept = await run.state.kept(of);
  if (kept === undefined) return;
  await removeKept(run.kept, of, kept.present === undefined ? [] : [kept.present.number]);
}

interface Before {
  readonly revision: KeptRevision;
  readonly known: KnownChargesMemory;
}

class RestatedScope {
  readonly #run: PipelineRun;
  readonly #of: ScopeId;
  readonly #targets: readonly Target[];
  readonly #events: SendEvents;
  #kept: KeptScope;
  #corrected = 0;

  constructor(
    run: PipelineRun,
    scope: string,
    {
      targets,
      events,
      kept,
    }: {
      readonly targets: readonly Target[];
      readonly events: SendEvents;
      readonly kept: KeptScope | undefined;
    },
  ) {
    this.#run = run;
    this.#of = { ...run.id, scope };
    this.#targets = targets;
    this.#events = events;
    this.#kept = kept ?? { number: 0 };
  }

  /** Sends a revision to its end that was begun. */
  async settle(): Promise<void> {
    const { begun, present, number } = this.#kept;
    if (begun === undefined) return;
    const before = present === undefined ? undefined : await this.#load(present);
    const targets = this.#targets
      .filter(({ id }) => begun.exporters.includes(id))
      .map((target) => ({ ...target, whole: begun.whole.includes(target.id) }));
    const lost = before === undefined && targets.some(({ whole }) => !whole);
    if (lost || !(await this.#isWhole(begun, before))) return await this.#put({ number });
    this.#run.log.info('a revision that was begun is sent to its end', {
      ...this.#of,
      revision: begun.revision,
    });
    this.#corrected += await this.#send(begun, { targets, before });
    const exporters = targets.map(({ id }) => id);
    await this.#put({ number, present: { ...begun, exporters, whole: [] } });
  }

  async restate(delivery: Delivery): Promise<Restatement> {
    const { present, number } = this.#kept;
    const before = present === undefined ? undefined : await this.#load(present);
    const folder = keptFolder(this.#run.kept, this.#of, number + 1);
    return {
      exporters: this.#targets.map(({ id }) => id),
      keep: { folder, revision: number + 1, ...(before && { known: before.known }) },
      send: async (delivered) => {
        await syncNames(folder);
        return await this.#sendNew(delivery, delivered, before);
      },
    };
  }

  async #sendNew(
    delivery: Delivery,
    { kept, info }: Delivered,
    before: Before | undefined,
  ): Promise<Sent> {
    const has = (id: string): boolean => before?.revision.exporters.includes(id) === true;
    const targets = this.#targets.map((target) => ({ ...target, whole: !has(target.id) }));
    const whole = targets.filter((target) => target.whole).map(({ id }) => id);
    await this.#warn(whole);
    const number = this.#kept.number + 1;
    const revision: KeptRevision = {
      number,
      revision: delivery.revision,
      delivery: info.id,
      observedMs: info.observedMs,
      ...(info.order !== undefined && { order: info.order }),
      exporters: targets.map(({ id }) => id),
      whole,
      files: fileNames(kept),
    };
    const present = before?.revision;
    await this.#put({ number, begun: revision, ...(present && { present }) });
    this.#corrected += await this.#send(revision, { targets, before });
    const added = kept.reduce((sum, file) => sum + file.added, 0);
    return {
      kept: { ...revision, whole: [] },
      restated: { number, added, corrected: this.#corrected },
    };
  }

  /** Sums over what such an exporter was ever sent are right only from its next start on. */
  async #warn(whole: readonly string[]): Promise<void> {
    const older = await this.#run.state.newest(this.#of);
    if (older === undefined || whole.length === 0) return;
    const message = 'scope is sent whole: what vanished since it was last sent is not taken back';
    this.#run.log.warn(message, { ...this.#of, exporters: whole });
  }

  #send(
    revision: KeptRevision,
    { targets, before }: Pick<SendRequest, 'targets'> & { readonly before: Before | undefined },
  ): Promise<number> {
    const { kept, pool, signal, id } = this.#run;
    const { scope } = this.#of;
    const delivery = { scope, revision: revision.revision, mode: 'snapshot' } as const;
    return sendKept({
      pool,
      settings: withLinkable(this.#run),
      tracesOf: tracesOf(this.#run),
      signal,
      events: this.#events,
      revision: revision.number,
      uidPrefix: uidPrefix({ ...id, delivery }),
      info: {
        ...delivery,
        id: deliveryId(id.pipeline, id.receiver, delivery),
        receiver: id.receiver,
        observedMs: revision.observedMs,
        ...(revision.order !== undefined && { order: revision.order }),
      },
      targets,
      kept: keptFiles(kept, this.#of, revision),
      ...(before && {
        before: { files: keptFiles(kept, this.#of, before.revision), known: before.known },
      }),
    });
  }

  /** The charges of a revision in memory; undefined when they are damaged or missing. */
  async #load(revision: KeptRevision): Promise<Before | undefined> {
    const rows = revision.files.reduce((sum, file) => sum + file.rows, 0);
    const known = knownChargesMemory(rows);
    return (await this.#read(revision, known, 'add')) ? { revision, known } : undefined;
  }

  /** Whether a revision is on disk as it was written; marks the charges before it that came again. */
  async #isWhole(revision: KeptRevision, before: Before | undefined): Promise<boolean> {
    if (before === undefined) return (await this.#load(revision)) !== undefined;
    return await this.#read(revision, before.known, 'meet');
  }

  async #read(
    revision: KeptRevision,
    known: KnownChargesMemory,
    as: 'add' | 'meet',
  ): Promise<boolean> {
    const files = keptFiles(this.#run.kept, this.#of, revision);
    const loaded = await this.#run.pool.load({ files, known, as });
    if (loaded.ok) return true;
    const { reason } = loaded;
    this.#run.log.error('kept charges cannot be used', { ...this.#of, reason });
    return false;
  }

  async #put(kept: KeptScope): Promise<void> {
    await this.#run.state.keep(this.#of, kept);
    this.#kept = kept;
  }
}
