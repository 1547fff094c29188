/** Settings as data: what a plugin declares, and the types of what it gets. */

/** How a setting is written; each format is checked before anything is opened. */
export interface Formats {
  /** Any non-empty text. */
  readonly text: string;
  /** Text that is never shown: masked in dumps and logs. */
  readonly secret: string;
  /** An absolute URL, `http:` or `https:`. */
  readonly url: string;
  /** A file or folder; relative paths count from the configuration file. Answered absolute. */
  readonly path: string;
  /** Like `list`, of paths and globs; relative ones count from the configuration file. Answered absolute. */
  readonly paths: readonly string[];
  readonly flag: boolean;
  /** A whole number, zero or more. */
  readonly int: number;
  /** `512KiB`, `20MiB`, `1GB` or a plain number. Answered in bytes. */
  readonly bytes: number;
  /** `250ms`, `30s`, `5m`, `1h`, `7d`. Answered in milliseconds. */
  readonly duration: number;
  /** A list of texts; a single text is a list of one. */
  readonly list: readonly string[];
  /** Texts by name, for example request headers. */
  readonly map: Readonly<Record<string, string>>;
  /** Secrets by name: like map, masked. */
  readonly secrets: Readonly<Record<string, string>>;
  /** One of `values`. */
  readonly choice: string;
}

/** One setting. Without a default it is required; the default `null` means optional. */
export interface Setting<F extends keyof Formats = keyof Formats> {
  /** What it is for, in one sentence. */
  readonly doc: string;
  readonly format: F;
  /** As the operator would write it (`'30s'`, `'20MiB'`). */
  readonly default?:
    | string
    | number
    | boolean
    | null
    | readonly string[]
    | Readonly<Record<string, string>>;
  /** The allowed values of a `choice`. */
  readonly values?: readonly string[];
  /** Smallest and largest value of int, bytes or duration, as the operator would write them. */
  readonly min?: string | number;
  readonly max?: string | number;
}

/** Settings by name; a nested schema is a group. */
export interface Schema {
  readonly [name: string]: Setting | Schema;
}

/** The type of the checked settings of a schema. */
export type ConfigOf<S extends Schema> = {
  readonly [K in keyof S]: S[K] extends Setting<infer F>
    ? ValueOf<S[K], F>
    : S[K] extends Schema
      ? ConfigOf<S[K]>
      : never;
};

type ValueOf<S extends Setting, F extends keyof Formats> =
  | (F extends 'choice'
      ? S extends { readonly values: readonly (infer V)[] }
        ? V
        : string
      : Formats[F])
  | (S extends { readonly default: null } ? undefined : never);

/** Whether an entry of a schema is a setting (and not a group). */
export function isSetting(entry: Setting | Schema): entry is Setting {
  return (
    typeof (entry as { format?: unknown }).format === 'string' &&
    typeof (entry as { doc?: unknown }).doc === 'string'
  );
}
