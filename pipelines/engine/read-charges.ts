import { createAttributor } from '../attribute/index.ts';
import { openSource } from '../decode/open.ts';
import type { Batch } from '../focus/batch.ts';
import type { ChargeIds } from '../focus/charge-ids.ts';
import { type EqualChargesMemory, Identifier } from '../identify/index.ts';
import { mappingFor } from '../normalize/detect.ts';
import type { Mapping, RowTemplate } from '../normalize/mapping.ts';
import { Normalizer } from '../normalize/normalize.ts';
import type { StageSettings } from './deliver.ts';
import { loadMappings } from './load-mappings.ts';
import { readAhead } from './read-ahead.ts';

/** Which part is read, and how. */
export interface ReadRequest {
  readonly path: string;
  /** By name, or `auto`. */
  readonly mapping: string;
  readonly settings: Pick<StageSettings, 'mappingSettings' | 'mappings' | 'attribute'>;
  /** Shared by the parts of a delivery, which are read in their order. */
  readonly equalCharges: EqualChargesMemory;
}

/** Charges as a worker makes them, and the rows that they are made of. Valid until the next one is asked for. */
export interface ReadBatch {
  readonly mapping: Mapping;
  readonly normalizer: Normalizer;
  /** The part's rows; columns are named as in its header. */
  readonly source: Batch;
  readonly template: RowTemplate;
  /** With their owner; row numbers are those of the part. */
  readonly charges: Batch;
  readonly ids: ChargeIds;
}

/** Reads the charges of a part in this thread, to look at some of them: nothing is encoded, nothing summed. Throws `BadPart` for a part that cannot be read. */
export async function* readCharges(request: ReadRequest): AsyncGenerator<ReadBatch> {
  const { path, settings } = request;
  const opened = await openSource({ path });
  try {
    const more = await loadMappings(settings.mappings);
    const mapping = mappingFor(request.mapping, opened.columns, path, {
      more,
      settings: settings.mappingSettings,
    });
    const mappingSettings = settings.mappingSettings[mapping.name] ?? {};
    const normalizer = new Normalizer(mapping, opened.columns, {
      settings: mappingSettings,
      titles: opened.titles,
    });
    const attribute = createAttributor(settings.attribute);
    const identifier = new Identifier(request.equalCharges);
    const batches = normalizer.table.rewrite?.(() => batchesOf(path)) ?? opened.batches();
    for await (const source of batches) {
      await readAhead(normalizer, source, path);
      const { charges } = normalizer.normalize(source);
      for (const { batch, template: number } of charges) {
        const owned = attribute(batch);
        const template = normalizer.table.templates[number];
        if (template === undefined) throw new RangeError(`no row template ${number}`);
        yield {
          mapping,
          normalizer,
          source,
          template,
          charges: owned,
          ids: identifier.identify(owned),
        };
      }
    }
  } finally {
    await opened.close();
  }
}

async function* batchesOf(path: string): AsyncGenerator<Batch> {
  const source = await openSource({ path });
  try {
    yield* source.batches();
  } finally {
    await source.close();
  }
}
