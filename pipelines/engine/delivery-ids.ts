import { createHash } from 'node:crypto';
import type { Delivery } from '../plugin/delivery.ts';

/** Id of a delivery: the same for the same scope and revision, whatever the attempt. */
export function deliveryId(
  pipeline: string,
  receiver: string,
  delivery: Pick<Delivery, 'scope' | 'revision'>,
): string {
  return shortHash(pipeline, receiver, delivery.scope, delivery.revision);
}

/** First part of the ids of a delivery's charges. Newer snapshots of a scope keep the ids of the charges they have in common; what is appended is another charge each time. */
export function uidPrefix({
  pipeline,
  receiver,
  delivery,
}: {
  readonly pipeline: string;
  readonly receiver: string;
  readonly delivery: Pick<Delivery, 'scope' | 'revision' | 'mode'>;
}): string {
  const { scope, revision, mode } = delivery;
  return shortHash(pipeline, receiver, scope, ...(mode === 'append' ? [revision] : []));
}

function shortHash(...texts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(`${text.length}:`).update(text);
  return hash.digest('hex').slice(0, 20);
}
