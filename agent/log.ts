import { destination, pino, stdTimeFunctions } from 'pino';
import type { Logger } from '../pipelines/plugin/contract.ts';
import { createMask, isSecretName, MASK } from './mask.ts';

/** The agent's own log. */
export interface Log extends Logger {
  /** The same log; every line carries these fields. */
  child(fields: Readonly<Record<string, unknown>>): Log;
  /** Goes over to another least severity, children included. */
  setLevel(level: LogLevel): void;
  /** Masks these too from now on. */
  hide(secrets: readonly string[]): void;
  /** A text without them. */
  mask(text: string): string;
  /** The last lines that were written, JSON, secrets masked. */
  recent(): readonly string[];
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
  const kept: Kept = { hidden: new Set(options.secrets), mask: (text) => text, lines: [] };
  kept.mask = createMask([...kept.hidden]);
  const shown = options.encoding === 'console' ? forPeople(options.color === true) : asIs;
  const base = pino(
    {
      level: 'debug',
      base: null,
      messageKey: 'message',
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
    },
    {
      write(line: string) {
        const masked = maskedLine(line, kept.mask);
        keepLine(kept, masked);
        write(shown(masked));
      },
    },
  );
  return logOf(base, { level: options.level }, kept);
}

/** What all children of a log share. */
interface Kept {
  readonly hidden: Set<string>;
  mask: (text: string) => string;
  readonly lines: string[];
}

/** A secret like `true` may stand for a value that is no text: those stay, so that the line remains JSON. */
function maskedLine(line: string, mask: (text: string) => string): string {
  const masked = mask(line);
  if (masked === line || isJson(masked)) return masked;
  const texts = (_: string, value: unknown) => (typeof value === 'string' ? mask(value) : value);
  return `${JSON.stringify(JSON.parse(line), texts)}\n`;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Lines that can be looked at later, and how much of each. */
const KEPT_LINES = 200;
const KEPT_LENGTH = 2_000;

function keepLine({ lines }: Kept, line: string): void {
  const text = line.trimEnd();
  lines.push(text.length > KEPT_LENGTH ? shortened(text) : text);
  if (lines.length > KEPT_LINES) lines.shift();
}

/** Still JSON, with level, time and message. */
function shortened(text: string): string {
  const { level, time, message, component } = JSON.parse(text) as Record<string, unknown>;
  const start = String(message).slice(0, KEPT_LENGTH);
  return JSON.stringify({ level, time, ...(component ? { component } : {}), message: start });
}

/** What is needed of pino. */
type Lines = Readonly<Record<LogLevel, (fields: object, message: string) => void>> & {
  child(fields: object): Lines;
};

const SEVERITY: Readonly<Record<LogLevel, number>> = { debug: 20, info: 30, warn: 40, error: 50 };

function logOf(base: Lines, least: { level: LogLevel }, kept: Kept): Log {
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
    child: (fields) => logOf(base.child(plainFields(fields)), least, kept),
    setLevel(level) {
      least.level = level;
    },
    hide(secrets) {
      for (const secret of secrets) kept.hidden.add(secret);
      kept.mask = createMask([...kept.hidden]);
    },
    mask: (text) => kept.mask(text),
    recent: () => [...kept.lines],
  };
}

function standardError(): (line: string) => void {
  const out = destination({ fd: 2, sync: true });
  return (line) => void out.write(line);
}

function asIs(line: string): string {
  return line;
}

const MAX_DEPTH = 5;

function plainFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return plainObject(fields, 0);
}

function plainObject(fields: object, depth: number): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    plain[name] = isSecretName(name) && value !== undefined ? MASK : plainValue(value, depth);
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
