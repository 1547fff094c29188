import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Sink } from '../../pipelines/plugin/contract.ts';
import type { Encoding } from '../../pipelines/plugin/delivery.ts';
import { parquetFrame } from '../../plugins/exporters/file/parquet-frame.ts';
import { createPartFile, type Frame } from '../../plugins/exporters/file/part-file.ts';

/** Sequence numbers of one part stay below this. */
const PART_STRIDE = 2 ** 32;

/** Everything of a delivery in one file that appears when it is whole, or on stdout. */
export async function oneFile(
  output: string | undefined,
  encoding: Extract<Encoding, { kind: 'focus' }>,
): Promise<Sink> {
  const folder = output === undefined ? await mkdtemp(join(tmpdir(), 'focusd-')) : dirname(output);
  await mkdir(folder, { recursive: true });
  const temporary = join(
    folder,
    output === undefined ? 'out' : `.${Date.now().toString(36)}-${process.pid}.focusd`,
  );
  const frame: Frame = encoding.format === 'parquet' ? parquetFrame() : {};
  const file = await createPartFile(temporary, frame);
  const discard = async (): Promise<void> => {
    await rm(output === undefined ? folder : temporary, { recursive: true, force: true });
  };
  return {
    encoding,
    write: async (batch) => {
      await file.append({ ...batch, sequence: batch.part * PART_STRIDE + batch.sequence });
      return {};
    },
    commit: async () => {
      await file.finish();
      if (output !== undefined) await rename(temporary, output);
      else if ((await stat(temporary)).size > 0)
        await pipeline(createReadStream(temporary), process.stdout, { end: false });
    },
    abort: async () => {
      await file.close().catch(() => {});
      await discard();
    },
    close: async () => {
      if (output === undefined) await discard();
    },
  };
}
