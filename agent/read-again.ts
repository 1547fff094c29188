import { changedParts } from './changed-parts.ts';
import { type PipelineRun, takeDelivery } from './pipeline-run.ts';

/** Takes the deliveries that an operator wants read again to a new commit in place of the old one; those whose raw parts are no longer what they were stay as they are. */
export async function readAgain(run: PipelineRun): Promise<void> {
  const { id, state, log, clock } = run;
  for (const committed of await state.toReadAgain(id.pipeline, id.receiver)) {
    const { scope, revision, mode, summary } = committed;
    const changed = await changedParts(summary.parts);
    if (changed.length > 0) {
      log.warn('delivery cannot be read again, it stays as it was', { ...id, scope, changed });
      await state.forgetReadAgain(committed.id);
      const about = { delivery: committed.id, scope, revision, changed };
      await state.audit({ kind: 'replay.impossible', about }, clock.now());
      continue;
    }
    const mappings = new Set(summary.parts.flatMap(({ mapping }) => mapping ?? []));
    const [mapping = 'auto'] = mappings.size === 1 ? mappings : [];
    const parts = summary.parts.map(({ path, bytes, modifiedMs }) => ({ path, bytes, modifiedMs }));
    const cursor = (await state.cursor(id.pipeline, id.receiver)) ?? '';
    await takeDelivery(run, { scope, revision, mode, mapping, parts, cursor });
  }
}
