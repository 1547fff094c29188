import convict from 'convict';
import { finishedValues, secretTexts, shownValues } from './checked-values.ts';
import { FORMATS, type Format, isSetting, type Schema, type Setting } from './formats.ts';
import { knownNames, nearest } from './nearest.ts';
import type { Problem } from './problems.ts';
import { below, describeNode, isEmpty, type Node } from './tree.ts';

/** What is checked against what. */
export interface SettingsCheck {
  readonly schema: Schema;
  /** Absent: nothing is configured, the defaults hold. */
  readonly node: Node | undefined;
  /** Where the settings stand: `exporters.otlp`. */
  readonly path: string;
  /** Relative paths count from here. */
  readonly folder: string;
  /** Names that stand beside the settings and are checked elsewhere, by path below `path`. */
  readonly elsewhere?: readonly string[];
  readonly report: (problem: Problem) => void;
}

/** Checked settings. */
export interface CheckedSettings {
  /** Typed, with defaults, frozen. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** The same as an operator would write them, secrets masked. */
  readonly shown: Readonly<Record<string, unknown>>;
  /** Every text that is masked in it. */
  readonly secrets: readonly string[];
}

/** A setting and what is written for it. */
interface Given {
  /** Below the component: `tls.ca`. */
  readonly name: string;
  readonly setting: Setting;
  readonly node: Node;
}

/** What a format does not accept: thrown for convict, reported by its setting. */
class Wrong extends Error {
  readonly hint: string;
  constructor(problem: string, hint: string) {
    super(problem);
    this.hint = hint;
  }
}

for (const [name, format] of Object.entries(FORMATS))
  convict.addFormat({
    name,
    // Without one, convict has its own ideas: "4 apples" would be the int 4.
    coerce: format.coerce ?? ((text: string) => text),
    validate: (value: unknown, entry: convict.SchemaObj) => {
      const wrong = checkValue(value, format, entry as unknown as ConvictEntry);
      if (wrong === undefined) return;
      entry.report(wrong);
      throw wrong;
    },
  });

interface ConvictEntry {
  readonly setting: Setting;
  /** What is written there, for messages. */
  readonly written: string;
  /** Where the value may not be seen, it is not repeated in the advice either. */
  readonly discreet: boolean;
}

/** Checks settings against their schema, reports every problem and fills in the defaults. */
export function checkSettings(check: SettingsCheck): CheckedSettings {
  const { schema, path, folder, report } = check;
  const given = new Map<string, Given>();
  collect(check, given);
  let wrong = false;
  const reportAt = (name: string, problem: string, hint: string): void => {
    wrong = true;
    const line = given.get(name)?.node.line ?? check.node?.line;
    report({ path: below(path, name), problem, hint, ...(line === undefined ? {} : { line }) });
  };
  requireAll(schema, '', given, reportAt);
  const component = convict(convictSchema(schema, '', given, reportAt), { env: {}, args: [] });
  for (const { name, setting, node } of given.values()) {
    const value = plainValue(node, setting, (problem, hint) => reportAt(name, problem, hint));
    if (value !== undefined) component.set(name, value);
  }
  try {
    component.validate({ allowed: 'strict' });
  } catch (error) {
    if (!wrong) throw error;
  }
  const values = component.getProperties() as Readonly<Record<string, unknown>>;
  return {
    settings: finishedValues(schema, values, folder),
    shown: shownValues(schema, values, given),
    secrets: secretTexts(schema, values, given),
  };
}

/** Finds what is written for each setting; reports names that are none. */
function collect(check: SettingsCheck, given: Map<string, Given>, group = ''): void {
  const { schema, node, path, elsewhere = [], report } = check;
  if (node === undefined || isEmpty(node) || node.kind === 'broken') return;
  const at = below(path, group);
  if (node.kind !== 'map') {
    const hint = `write its settings below it, indented: ${Object.keys(schema).slice(0, 3).join(', ') || 'it has none'}`;
    report({
      path: at,
      problem: `is ${describeNode(node)}, not a group of settings`,
      hint,
      line: node.line,
    });
    return;
  }
  for (const [name, entry] of node.entries) {
    const full = below(group, name);
    if (elsewhere.includes(full)) continue;
    const known = Object.hasOwn(schema, name) ? schema[name] : undefined;
    if (known === undefined) report(unknownSetting(check, at, name, entry));
    else if (isSetting(known)) given.set(full, { name: full, setting: known, node: entry });
    else collect({ ...check, schema: known, node: entry }, given, full);
  }
}

function unknownSetting(
  { schema, elsewhere = [] }: SettingsCheck,
  at: string,
  name: string,
  entry: Node,
): Problem {
  const siblings = elsewhere.filter((other) => below(at, other.split('.').at(-1) ?? '') === other);
  const names = [...Object.keys(schema), ...siblings.map((other) => other.split('.').at(-1) ?? '')];
  const hint = knownNames(name, names, 'settings here');
  return { path: below(at, name), problem: 'is not a setting', hint, line: entry.line };
}

type ReportAt = (name: string, problem: string, hint: string) => void;

function requireAll(
  schema: Schema,
  group: string,
  given: ReadonlyMap<string, Given>,
  reportAt: ReportAt,
): void {
  for (const [key, entry] of Object.entries(schema)) {
    const name = below(group, key);
    if (!isSetting(entry)) requireAll(entry, name, given, reportAt);
    else if (entry.default === undefined && !given.has(name))
      reportAt(name, 'is missing', `${entry.doc} It is ${wants(entry)}`);
  }
}

function convictSchema(
  schema: Schema,
  group: string,
  given: ReadonlyMap<string, Given>,
  reportAt: ReportAt,
): convict.Schema<Record<string, unknown>> {
  const entries = Object.entries(schema).map(([key, entry]) => {
    const name = below(group, key);
    if (!isSetting(entry)) return [key, convictSchema(entry, name, given, reportAt)];
    const node = given.get(name)?.node;
    const secret = FORMATS[entry.format].secret === true;
    return [
      key,
      {
        doc: entry.doc,
        format: entry.format,
        default: defaultValue(entry),
        nullable: entry.default === null,
        sensitive: secret,
        setting: entry,
        written: node === undefined ? 'the default' : describeNode(node, secret),
        discreet: secret || isSubstituted(node),
        report: (wrong: Wrong) => reportAt(name, wrong.message, wrong.hint),
      },
    ];
  });
  return Object.fromEntries(entries);
}

/** Maps stay out of convict's dotted paths as `Map`s. */
function defaultValue({ format, default: value }: Setting): unknown {
  if (FORMATS[format].shape === 'map' && typeof value === 'object' && value !== null)
    return new Map(Object.entries(value));
  return format === 'list' && typeof value === 'string' ? [value] : value;
}

/** What is written, in the shape that the format wants; undefined when it is reported or cannot be used. */
function plainValue(
  node: Node,
  setting: Setting,
  wrong: (problem: string, hint: string) => void,
): unknown {
  const { shape, secret = false } = FORMATS[setting.format];
  if (node.kind === 'broken') return undefined;
  if (isEmpty(node)) {
    if (setting.default !== null)
      wrong(
        'is empty',
        setting.default === undefined
          ? `it is ${wants(setting)}`
          : 'give it a value, or remove the line for the default',
      );
    return setting.default === null ? null : undefined;
  }
  if (shape === 'list' && node.kind !== 'map') return listOf(node, wrong);
  if (shape === 'map' && node.kind === 'map') return mapOf(node.entries, secret, wrong);
  if (node.kind !== 'scalar' || shape === 'map') {
    wrong(`is ${describeNode(node, secret)}`, `it is ${wants(setting)}`);
    return undefined;
  }
  return shape === 'text' ? node.text : node.value;
}

function listOf(node: Node, wrong: (problem: string, hint: string) => void): unknown {
  const items = node.kind === 'list' ? node.items : [node];
  const texts: string[] = [];
  for (const [i, item] of items.entries()) {
    if (item.kind === 'scalar' && item.value !== null) texts.push(item.text);
    else if (item.kind !== 'broken')
      wrong(`has ${describeNode(item)} as its entry ${i + 1}`, 'each entry is a text');
  }
  return texts;
}

function mapOf(
  entries: ReadonlyMap<string, Node>,
  secret: boolean,
  wrong: (problem: string, hint: string) => void,
): unknown {
  const texts = new Map<string, string>();
  for (const [name, item] of entries) {
    if (item.kind === 'scalar' && item.value !== null) texts.set(name, item.text);
    else if (item.kind !== 'broken')
      wrong(
        `has ${describeNode(item, secret)} under ${JSON.stringify(name)}`,
        'each value is a text',
      );
  }
  return texts;
}

function checkValue(
  value: unknown,
  format: Format,
  { setting, written, discreet }: ConvictEntry,
): Wrong | undefined {
  if (value === undefined) return undefined;
  if (!format.accepts(value))
    return new Wrong(
      `is ${written}, not ${wants(setting)}`,
      (discreet ? undefined : format.advice?.(value)) ?? `write ${wants(setting)}`,
    );
  if (setting.format === 'choice') return checkChoice(String(value), setting, written);
  if (typeof value !== 'number') return undefined;
  const limit = (bound: string | number): number =>
    typeof bound === 'number' ? bound : Number(format.coerce?.(bound) ?? bound);
  if (setting.min !== undefined && value < limit(setting.min))
    return new Wrong(
      `is ${written}, less than ${setting.min}`,
      `the smallest allowed is ${setting.min}`,
    );
  if (setting.max !== undefined && value > limit(setting.max))
    return new Wrong(
      `is ${written}, more than ${setting.max}`,
      `the largest allowed is ${setting.max}`,
    );
  return undefined;
}

function checkChoice(value: string, { values = [] }: Setting, written: string): Wrong | undefined {
  if (values.includes(value)) return undefined;
  const near = nearest(value, values);
  const all = `allowed: ${values.join(', ')}`;
  return new Wrong(
    `is ${written}, not one of its values`,
    near === undefined ? all : `did you mean ${near}? ${all}`,
  );
}

function wants({ format, values = [] }: Setting): string {
  return format === 'choice' ? `one of ${values.join(', ')}` : FORMATS[format].wants;
}

function isSubstituted(node: Node | undefined): boolean {
  return node?.kind === 'scalar' && node.changed === true;
}
