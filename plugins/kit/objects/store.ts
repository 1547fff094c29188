/** One object as a listing shows it. */
export interface StoredObject {
  readonly key: string;
  readonly bytes: number;
  /** Changes whenever the content does. */
  readonly etag: string;
  readonly modifiedMs: number;
}

/**
 * What is needed of an object store; a provider's part of it is thin. Methods throw `Misconfigured` when a setting or a permission is missing,
 * `Unavailable` for anything that passes.
 */
export interface ObjectStore {
  /** All objects below a prefix; it pages by itself. */
  list(prefix: string): AsyncIterable<StoredObject>;
  /** A small object whole; undefined: it is gone. */
  read(
    key: string,
    maxBytes: number,
  ): Promise<{ readonly bytes: Uint8Array; readonly etag: string } | undefined>;
  /**
   * The bytes of an object from an offset on, as long as it is what `etag` says; `undefined` when it has changed or gone since.
   */
  open(
    object: StoredObject,
    options: { readonly from: number; readonly signal: AbortSignal },
  ): Promise<AsyncIterable<Uint8Array> | undefined>;
}

/** One version of one bill: what a commit marker says, and the objects it names; or an object that is a bill by itself. */
export interface FileSet {
  /** What the bill is about: export and billing period. */
  readonly scope: string;
  /** Identifies this version. */
  readonly revision: string;
  /** Billing period `YYYY-MM`, where the marker tells it. */
  readonly period: string | undefined;
  /** What the bill is of, where the marker tells it: an account, a subscription. */
  readonly account?: string | undefined;
  /** What is exported of it, as the provider names it. */
  readonly type?: string | undefined;
  /** Which share of the bill it is, where several exports make up one; absent: all of it. */
  readonly share?: string;
  /** The commit marker: while it is the same object, the version is. Absent: the objects are the version. */
  readonly marker?: StoredObject;
  readonly objects: readonly StoredObject[];
  /** Name of the mapping of this bill; absent: the one of the receiver. */
  readonly mapping?: string;
}

/** What a look at the store came to. */
export interface Look {
  /** The newest version of each bill that is there whole. */
  readonly sets: readonly FileSet[];
  /** Objects that were listed. */
  readonly listed: number;
  /** Bills that are not there whole: the marker, and what is missing. */
  readonly incomplete: readonly { readonly marker: string; readonly missing: string }[];
}
