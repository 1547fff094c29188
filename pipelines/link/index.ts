/** The stage that ties charges to what OpenTelemetry knows of them: semantic-convention attributes as columns. */
import type { Batch, Column } from '../focus/batch.ts';
import { cloudLinks } from './cloud.ts';

/** Attribute name → column. Columns share the codes of the FOCUS columns they come from. */
export type Links = ReadonlyMap<string, Column>;

/** The attributes that go on the charges of a batch. */
export function linkAttributes(batch: Batch): Links {
  return cloudLinks(batch);
}
