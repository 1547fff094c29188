/** A file of a support bundle, not yet masked. */
export interface SupportFile {
  readonly path: string;
  readonly text: string;
}

/** A file of JSON. */
export function json(path: string, value: unknown): SupportFile {
  return { path, text: `${JSON.stringify(value, null, 2)}\n` };
}

/** Says why something is not in the bundle. */
export function noFile(what: string, why: string): SupportFile {
  return { path: `no-${what}.txt`, text: `${why}\n` };
}
