import { Unavailable } from '../../../pipelines/plugin/index.ts';

declare global {
  /** Numbers as they are written; a later TypeScript knows them. Source: TC39 proposal JSON.parse source text access, in Node.js 22. */
  interface JSON {
    rawJSON(text: string): object;
    isRawJSON(value: unknown): boolean;
  }
}

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
    answer = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body), asWritten);
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

/** Keeps a number as it stands in the text. */
function asWritten(_: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === 'number' && context?.source !== undefined
    ? JSON.rawJSON(context.source)
    : value;
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
