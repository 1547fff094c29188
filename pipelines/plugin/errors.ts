/** Errors are named after who has to act; they are told apart by `name`, never by `instanceof`. */

/** The operator: a setting is wrong. `path` names it, `hint` says how to mend it. The agent does not start. */
export class Misconfigured extends Error {
  override readonly name = 'Misconfigured';
  readonly path: string | undefined;
  readonly hint: string | undefined;
  constructor(
    message: string,
    options: { readonly path?: string; readonly hint?: string; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.path = options.path;
    this.hint = options.hint;
  }
}

/** The other side: tried again with backoff; `retryAfter` is its own wish in milliseconds. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
  readonly retryAfter: number | undefined;
  constructor(
    message: string,
    options: { readonly retryAfter?: number; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.retryAfter = options.retryAfter;
  }
}

/** The other side took it and said no for good: the data goes to the dead letters, it is not tried again. */
export class Rejected extends Error {
  override readonly name = 'Rejected';
}

/** Nobody: a part that cannot be read as a bill. It is set aside as a dead letter; the rest goes on. */
export class BadPart extends Error {
  override readonly name = 'BadPart';
  readonly path: string | undefined;
  readonly row: number | undefined;
  readonly column: string | undefined;
  constructor(
    message: string,
    options: {
      readonly path?: string;
      readonly row?: number;
      readonly column?: string;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.path = options.path;
    this.row = options.row;
    this.column = options.column;
  }
}

/** What an error of any origin says. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `name` of an error of any origin, worker threads and other realms included. */
export function errorName(error: unknown): string {
  return typeof error === 'object' && error !== null && 'name' in error
    ? String(error.name)
    : 'Error';
}
