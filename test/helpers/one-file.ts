import { statSync } from 'node:fs';
import { type Delivered, type DeliverRequest, deliver } from '../../pipelines/engine/deliver.ts';

/** Delivers one file as a bill of its own, whose mapping is found out. */
export function deliverFile(
  path: string,
  request: Pick<DeliverRequest, 'pool' | 'targets' | 'settings' | 'signal'>,
): Promise<Delivered> {
  const { size, mtimeMs } = statSync(path);
  return deliver({
    ...request,
    pipeline: 'costs',
    receiver: 'files',
    delivery: {
      scope: path,
      revision: '1',
      mode: 'snapshot',
      mapping: 'auto',
      cursor: '',
      parts: [{ path, bytes: size, modifiedMs: mtimeMs }],
    },
    observedMs: 0,
    events: {
      refusedPart: () => {},
      rejectedRows: () => {},
      rejectedBatch: () => {},
      progress: () => {},
    },
  });
}
