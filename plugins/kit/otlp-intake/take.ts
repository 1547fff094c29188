import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { errorMessage } from '../../../pipelines/plugin/index.ts';
import type { ClientNames } from '../intake/client-names.ts';
import { createLimit } from '../limit.ts';

/** What became of a request. */
export type Taken =
  | { readonly kind: 'taken'; readonly rejected: number; readonly reason: string }
  /** It is no request of its kind, or cannot be inflated. */
  | { readonly kind: 'malformed'; readonly reason: string }
  /** Whoever sent it may not. */
  | { readonly kind: 'forbidden'; readonly reason: string }
  /** It cannot be kept now. */
  | { readonly kind: 'full'; readonly reason: string };

/** Takes a request in, whole or not at all but for what is rejected. */
export type Take = (
  body: Buffer,
  encoding: 'gzip' | 'identity',
  client: () => ClientNames,
) => Promise<Taken>;

/** Bodies inflated at a time. */
const INFLATED_AT_A_TIME = 4;

/** Takes the request of an inflated body of at most `maxBody` bytes. */
export function inflating(
  take: (request: Buffer, client: () => ClientNames) => Taken | Promise<Taken>,
  { maxBody }: { readonly maxBody: number },
): Take {
  const limit = createLimit(INFLATED_AT_A_TIME);
  return async (body, encoding, client) => {
    if (encoding === 'identity') return await take(body, client);
    return await limit.run(async () => {
      const inflated = await inflate(body, { maxOutputLength: maxBody }).catch(malformed);
      return Buffer.isBuffer(inflated) ? await take(inflated, client) : inflated;
    });
  };
}

const inflate = promisify(gunzip);

function malformed(error: unknown): Taken {
  const reason = errorMessage(error);
  return { kind: 'malformed', reason: `the body cannot be inflated: ${reason}` };
}
