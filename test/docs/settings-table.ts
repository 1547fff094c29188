import { FORMATS, isSetting, type Schema, type Setting } from '../../config/formats.ts';

/** Most values of a choice that a table lists. */
const MOST_VALUES = 8;

/** Settings as a Markdown table: name, type, default, meaning; nested ones with dots. */
export function settingsTable(schema: Schema): string {
  const rows = settingsOf(schema).map(([name, setting]) => [
    `\`${name}\``,
    typeOf(setting),
    defaultOf(setting),
    setting.doc,
  ]);
  if (rows.length === 0) return 'It has no settings.';
  const lines = [['setting', 'type', 'default', 'meaning'], ['---', '---', '---', '---'], ...rows];
  return lines.map((cells) => `| ${cells.map(escaped).join(' | ')} |`).join('\n');
}

/** Every setting with its dotted name, in order. */
export function settingsOf(schema: Schema, group = ''): readonly (readonly [string, Setting])[] {
  return Object.entries(schema).flatMap(([name, entry]) => {
    const path = group === '' ? name : `${group}.${name}`;
    return isSetting(entry) ? [[path, entry] as const] : settingsOf(entry, path);
  });
}

function typeOf({ format, values = [], min, max }: Setting): string {
  if (format === 'choice') return choices(values);
  if (min !== undefined && max !== undefined) return `${format}, ${min} to ${max}`;
  if (min !== undefined) return `${format}, at least ${min}`;
  return max === undefined ? format : `${format}, at most ${max}`;
}

function choices(values: readonly string[]): string {
  const shown = values.slice(0, MOST_VALUES).map((value) => `\`${value}\``);
  return values.length > MOST_VALUES
    ? `${shown.join(', ')} and ${values.length - MOST_VALUES} more`
    : shown.join(', ');
}

function defaultOf(setting: Setting): string {
  const value = setting.default;
  if (value === undefined) return '**required**';
  const text = writtenDefault(setting);
  return text === '' ? 'none' : `\`${text}\``;
}

/** A default on one line, as an operator would write it; empty: there is none. */
export function writtenDefault({ format, default: value }: Setting): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'number') return FORMATS[format].write?.(value) ?? String(value);
  if (typeof value !== 'object') return String(value);
  const entries = Array.isArray(value)
    ? value
    : Object.entries(value).map(([name, text]) => `${name}: ${text}`);
  return entries.join(', ');
}

function escaped(cell: string): string {
  return cell.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
