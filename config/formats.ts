/** How settings are declared, and how each format is written and checked. The shapes are those of the plugin contract. */

/** What the checked settings hold, by format. */
export interface Formats {
  readonly text: string;
  readonly secret: string;
  readonly url: string;
  readonly path: string;
  readonly paths: readonly string[];
  readonly flag: boolean;
  readonly int: number;
  readonly bytes: number;
  readonly duration: number;
  readonly list: readonly string[];
  readonly map: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, string>>;
  readonly choice: string;
}

export type FormatName = keyof Formats;

/** One setting. Without a default it is required; the default `null` means optional. */
export interface Setting<F extends FormatName = FormatName> {
  readonly doc: string;
  readonly format: F;
  readonly default?:
    | string
    | number
    | boolean
    | null
    | readonly string[]
    | Readonly<Record<string, string>>;
  readonly values?: readonly string[];
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

type ValueOf<S extends Setting, F extends FormatName> =
  | (F extends 'choice'
      ? S extends { readonly values: readonly (infer V)[] }
        ? V
        : string
      : Formats[F])
  | (S extends { readonly default: null } ? undefined : never);

/** Whether an entry of a schema is a setting (and not a group). */
export function isSetting(entry: Setting | Schema): entry is Setting {
  return typeof entry.format === 'string' && typeof entry.doc === 'string';
}

/** How one format is read. */
export interface Format {
  /** What is expected, with its article: `a duration such as 30s, 5m or 1h`. */
  readonly wants: string;
  /** What is written in YAML: one value as its text, one value as its type, a list, or a group. */
  readonly shape: 'text' | 'value' | 'list' | 'map';
  /** The value that a text stands for; the text itself when it stands for none. */
  readonly coerce?: (text: string) => unknown;
  readonly accepts: (value: unknown) => boolean;
  /** Advice for something that is not accepted. */
  readonly advice?: (value: unknown) => string | undefined;
  /** As an operator would write the value. */
  readonly write?: (value: number) => string;
  /** Never shown. */
  readonly secret?: true;
}

/** Every format by its name. */
export const FORMATS: Readonly<Record<FormatName, Format>> = {
  text: { wants: 'a text', shape: 'text', accepts: isText },
  secret: { wants: 'a text', shape: 'text', accepts: isText, secret: true },
  url: {
    wants: 'an absolute URL such as http://localhost:4317',
    shape: 'text',
    accepts: (value) => isText(value) && /^https?:$/.test(parsedUrl(value)?.protocol ?? ''),
    advice: urlAdvice,
  },
  path: {
    wants: 'a path',
    shape: 'text',
    accepts: (value) => isText(value) && !value.includes('\0'),
  },
  paths: { wants: 'a list of paths or globs', shape: 'list', accepts: isTexts },
  flag: { wants: 'true or false', shape: 'value', accepts: (value) => typeof value === 'boolean' },
  int: {
    wants: 'a whole number, 0 or more',
    shape: 'value',
    accepts: isWhole,
    advice: (value) =>
      typeof value === 'string' && /^\d+$/.test(value) ? 'remove the quotes' : undefined,
  },
  bytes: {
    wants: 'a size such as 512KiB, 20MiB or 1GB',
    shape: 'value',
    coerce: (text) => parseBytes(text) ?? text,
    accepts: isWhole,
    advice: bytesAdvice,
    write: writeBytes,
  },
  duration: {
    wants: 'a duration such as 250ms, 30s, 5m, 1h or 7d',
    shape: 'text',
    coerce: (text) => parseDuration(text) ?? text,
    accepts: isWhole,
    advice: durationAdvice,
    write: writeDuration,
  },
  list: { wants: 'a list of texts', shape: 'list', accepts: isTexts },
  map: { wants: 'a group of names and texts', shape: 'map', accepts: () => true },
  secrets: { wants: 'a group of names and texts', shape: 'map', accepts: () => true, secret: true },
  choice: { wants: 'one of its values', shape: 'text', accepts: isText },
};

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText);
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function parsedUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

function urlAdvice(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  return /^[\w.-]+(:\d+)?(\/|$)/.test(value) && !value.includes('//')
    ? `put http:// or https:// in front`
    : undefined;
}

const BYTES: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** The bytes that `20MiB`, `1.5GB` or `4096` stand for. */
export function parseBytes(text: string): number | undefined {
  const [, amount, unit] = /^(\d+(?:\.\d+)?) ?([KMGT]i?B|B)?$/.exec(text) ?? [];
  if (amount === undefined) return undefined;
  const bytes = Number(amount) * (BYTES[unit ?? 'B'] ?? Number.NaN);
  return isWhole(bytes) ? bytes : undefined;
}

function writeBytes(bytes: number): string {
  const units = ['TiB', 'GiB', 'MiB', 'KiB', 'TB', 'GB', 'MB'];
  const unit = units.find((name) => bytes > 0 && bytes % (BYTES[name] ?? 1) === 0);
  return unit === undefined ? `${bytes}B` : `${bytes / (BYTES[unit] ?? 1)}${unit}`;
}

function bytesAdvice(value: unknown): string | undefined {
  const [, amount, letter] = /^(\d+(?:\.\d+)?)\s*([kmgt])i?b?$/i.exec(String(value)) ?? [];
  return letter === undefined ? undefined : `write ${amount}${letter.toUpperCase()}iB`;
}

const DURATIONS: Readonly<Record<string, number>> = {
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
};

/** The milliseconds that `30s`, `1.5h` or `1h30m` stand for. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) return undefined;
  let milliseconds = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g))
    milliseconds += Number(amount) * (DURATIONS[unit ?? ''] ?? Number.NaN);
  return isWhole(Math.round(milliseconds)) ? Math.round(milliseconds) : undefined;
}

function writeDuration(milliseconds: number): string {
  const unit = Object.keys(DURATIONS).find(
    (name) => milliseconds > 0 && milliseconds % (DURATIONS[name] ?? 1) === 0,
  );
  return unit === undefined ? '0s' : `${milliseconds / (DURATIONS[unit] ?? 1)}${unit}`;
}

function durationAdvice(value: unknown): string | undefined {
  const text = String(value);
  if (/^\d+(\.\d+)?$/.test(text))
    return `give it a unit: ${text}s for seconds, ${text}m for minutes`;
  return undefined;
}
