import type { Delivery, Sharing } from '../../pipelines/plugin/index.ts';

/** A look at a source whose deliveries are only known once they are read: where agents share a state, one looks at a time. */
export async function* inTurn(
  sharing: Sharing | undefined,
  look: AsyncGenerator<Delivery>,
): AsyncGenerator<Delivery> {
  const release = await sharing?.alone();
  try {
    yield* look;
  } finally {
    await release?.();
  }
}
