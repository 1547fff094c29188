import { Unavailable } from '../../../pipelines/plugin/index.ts';
import { parseExactly } from '../../kit/json.ts';

/** A JSON answer: its charges as NDJSON, and fields by their path. */
export interface Listing {
  readonly rows: number;
  /** A line for each charge; empty without any. */
  readonly lines: string;
  /** The text or number at a path such as `meta.next`; undefined when there is none. */
  field(path: string): string | undefined;
}

/** Reads the list of charges at a path of a JSON answer; `Unavailable` when it is not there. Numbers keep their digits: money is never a float. */
export function listingOf(body: Uint8Array, path: string): Listing {
  let answer: unknown;
  try {
    answer = parseExactly(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (cause) {
    throw new Unavailable(`the answer is no JSON: ${String(cause)}`, { cause });
  }
  const items = at(answer, path);
  if (!Array.isArray(items)) throw new Unavailable(`the answer has no list ${path}`);
  return {
    rows: items.length,
    lines: items.map((item) => `${JSON.stringify(item)}\n`).join(''),
    field(name) {
      const value = at(answer, name);
      if (typeof value === 'string') return value === '' ? undefined : value;
      return JSON.isRawJSON(value) ? JSON.stringify(value) : undefined;
    },
  };
}

function at(value: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (inner, name) =>
        typeof inner === 'object' && inner !== null && Object.hasOwn(inner, name)
          ? (inner as Readonly<Record<string, unknown>>)[name]
          : undefined,
      value,
    );
}
