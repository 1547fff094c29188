import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Sink } from '../../pipelines/plugin/contract.ts';
import type { Encoding } from '../../pipelines/plugin/delivery.ts';
import { errorMessage, Misconfigured } from '../../pipelines/plugin/errors.ts';
import { parquetFrame } from '../../plugins/exporters/file/parquet-frame.ts';
import {
  createPartFile,
  type Frame,
  type PartFile,
} from '../../plugins/exporters/file/part-file.ts';

/** Sequence numbers of one part stay below this. */
const PART_STRIDE = 2 ** 32;

/** Everything of a delivery in one file that appears when it is whole, or on stdout. */
export async function oneFile(
  output: string | undefined,
  encoding: Extract<Encoding, { kind: 'focus' }>,
): Promise<Sink> {
  const { path, discard } = await temporaryFile(output);
  const frame: Frame = encoding.format === 'parquet' ? parquetFrame() : {};
  let file: PartFile | undefined;
  const forget = async (): Promise<void> => {
    await file?.close().catch(() => {});
    file = undefined;
  };
  return {
    encoding,
    begin: async () => {
      await forget();
      file = await createPartFile(path, frame);
    },
    write: async (batch) => {
      const sequence = batch.part * PART_STRIDE + batch.sequence;
      await file?.append({ ...batch, sequence });
      return {};
    },
    commit: async () => {
      await file?.finish();
      file = undefined;
      if (output !== undefined) await rename(path, output);
      else if ((await stat(path)).size > 0)
        await pipeline(createReadStream(path), process.stdout, { end: false });
    },
    abort: forget,
    close: async () => {
      await forget();
      await discard();
    },
  };
}

/** Beside the output, so that it can be moved there; or a folder of its own. */
async function temporaryFile(
  output: string | undefined,
): Promise<{ readonly path: string; discard(): Promise<void> }> {
  if (output === undefined) {
    const folder = await mkdtemp(join(tmpdir(), 'focusd-'));
    return {
      path: join(folder, 'out'),
      discard: () => rm(folder, { recursive: true, force: true }),
    };
  }
  const folder = dirname(output);
  const known = await stat(output).catch(() => undefined);
  if (known?.isDirectory() === true)
    throw new Misconfigured(`${output} is a folder`, { hint: 'name a file with -o' });
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw new Misconfigured(`cannot write to ${folder}: ${errorMessage(cause)}`, { cause });
  });
  const path = join(folder, `.${basename(output)}.${process.pid}.tmp`);
  return { path, discard: () => rm(path, { force: true }) };
}
