import { destination, pino, stdTimeFunctions } from 'pino';
import type { Logger } from '../pipelines/plugin/contract.ts';

/** The agent's own log. */
export interface Log extends Logger {
  /** The same log; every line carries these fields. */
  child(fields: Readonly<Record<string, unknown>>): Log;
  /** Goes over to another least severity, children included. */
  setLevel(level: LogLevel): void;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface LogOptions {
  readonly level: LogLevel;
  /** One JSON object per line, or lines for people. */
  readonly encoding: 'json' | 'console';
  /** Texts that must never be shown, whatever field or message they are in. */
  readonly secrets?: readonly string[];
  /** Colors for people. Default no. */
  readonly color?: boolean;
  /** Where lines go, with their line feed. Default: standard error, at once. */
  readonly write?: (line: string) => void;
}

/** A log by pino. Values of fields named like a token or password, and all given secrets, are masked. */
export function createLog(options: LogOptions): Log {
  const write = options.write ?? standardError();
  const mask = masked(options.secrets ?? []);
  const shown = options.encoding === 'console' ? forPeople(options.color === true) : asIs;
  const base = pino(
    {
      level: 'debug',
      base: null,
      messageKey: 'message',
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
    },
    { write: (line: string) => write(shown(mask(line))) },
  );
  return logOf(base, { level: options.level });
}

/** What is needed of pino. */
type Lines = Readonly<Record<LogLevel, (fields: object, message: string) => void>> & {
  child(fields: object): Lines;
};

const SEVERITY: Readonly<Record<LogLevel, number>> = { debug: 20, info: 30, warn: 40, error: 50 };

function logOf(base: Lines, least: { level: LogLevel }): Log {
  const at =
    (level: LogLevel) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}): void => {
      if (SEVERITY[level] >= SEVERITY[least.level]) base[level](plainFields(fields), message);
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => logOf(base.child(plainFields(fields)), least),
    setLevel(level) {
      least.level = level;
    },
  };
}

function standardError(): (line: string) => void {
  const out = destination({ fd: 2, sync: true });
  return (line) => void out.write(line);
}

function asIs(line: string): string {
  return line;
}

const MASK = '***';
/** Shorter ones would mask parts of words. */
const SHORTEST_SECRET = 4;
const SECRET_NAME =
  /(^|[._-])(token|secret|password|passwd|authorization|api[_-]?key|access[_-]?key|private[_-]?key|credentials?)$/i;

function masked(secrets: readonly string[]): (line: string) => string {
  const texts = secrets
    .filter(({ length }) => length >= SHORTEST_SECRET)
    .flatMap((secret) => [JSON.stringify(secret).slice(1, -1), secret])
    .sort((a, b) => b.length - a.length);
  return (line) => texts.reduce((text, secret) => text.replaceAll(secret, MASK), line);
}

const MAX_DEPTH = 5;

function plainFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return plainObject(fields, 0);
}

function plainObject(fields: object, depth: number): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    plain[name] = SECRET_NAME.test(name) && value !== undefined ? MASK : plainValue(value, depth);
  }
  return plain;
}

/** Errors become what they say, deep objects their kind; the rest stays. */
function plainValue(value: unknown, depth: number): unknown {
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return Array.isArray(value) ? '[list]' : '[object]';
  if (value instanceof Error) return plainError(value, depth);
  if (value instanceof Date) return value;
  if (value instanceof Uint8Array) return `[${value.length} bytes]`;
  if (Array.isArray(value)) return value.map((each) => plainValue(each, depth + 1));
  return plainObject(value, depth + 1);
}

function plainError(error: Error, depth: number): Readonly<Record<string, unknown>> {
  return {
    name: error.name,
    message: error.message,
    ...('code' in error && { code: error.code }),
    ...(error.cause !== undefined && { cause: plainValue(error.cause, depth + 1) }),
  };
}

const COLORS: Readonly<Record<string, number>> = { debug: 90, info: 36, warn: 33, error: 31 };

/** `10:20:30.400 warn  message  key=value`. */
function forPeople(color: boolean): (line: string) => string {
  const paint = (text: string, code: number | undefined) =>
    color && code !== undefined ? `\u001b[${code}m${text}\u001b[0m` : text;
  return (line) => {
    const { level, time, message, ...fields } = JSON.parse(line) as Record<string, unknown>;
    const shownFields = Object.entries(fields).map(
      ([name, value]) => `${paint(`${name}=`, COLORS.debug)}${shownValue(value)}`,
    );
    const name = paint(String(level).padEnd(5), COLORS[String(level)]);
    const clock = paint(String(time).slice(11, 23), COLORS.debug);
    return `${[`${clock} ${name} ${safe(String(message))}`, ...shownFields].join('  ')}\n`;
  };
}

function shownValue(value: unknown): string {
  return safe(
    typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value),
  );
}

/** Nothing in a message or a value can steer the terminal. */
function safe(text: string): string {
  return text.replace(/\p{Cc}/gu, '?');
}
