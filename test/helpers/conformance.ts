/**
 * What every plugin has to keep to; published as `focusd/testing` for authors of plugins. It needs no test runner:
 *
 *     for (const { check, problem } of await conformance(plugin, { folder: import.meta.dirname })) assert.equal(problem, undefined, check);
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FORMATS, isSetting, type Schema, type Setting } from '../../config/formats.ts';
import type { Problem } from '../../config/problems.ts';
import { readConfiguration } from '../../config/read.ts';
import { checkSettings } from '../../config/settings.ts';
import { CONTRACT, type Plugin, type Receiver } from '../../pipelines/plugin/index.ts';
import { casesOf, type ReceiverCase } from './receiver-case.ts';
import { playCase } from './receiver-play.ts';

/** What came of one check. Without a problem it holds. */
export interface Finding {
  readonly check: string;
  readonly problem?: string;
}

/** Where the plugin lies, and what it should be called. */
export interface ConformanceOptions {
  /** Has the README and, for a receiver, `testdata/<case>/`. */
  readonly folder: string;
  /** The type that the plugin must have. */
  readonly type?: string;
}

/** Runs every check on a plugin. */
export async function conformance(
  plugin: Plugin,
  options: ConformanceOptions,
): Promise<readonly Finding[]> {
  const checks: readonly (readonly [
    string,
    () => Promise<string | undefined> | string | undefined,
  ])[] = [
    ['is made for this version of the contract', () => stamp(plugin)],
    ['has a proper type', () => typeName(plugin, options.type)],
    ['has a summary of one sentence', () => summary(plugin)],
    ['says what each setting is for', () => everySetting(plugin.config, documented)],
    ['has settings of known formats', () => everySetting(plugin.config, wellFormed)],
    ['has valid defaults', () => defaults(plugin)],
    ['refuses unknown settings', () => refusal(plugin)],
    ['has a README with its settings', () => readme(plugin, options.folder)],
    ...receiverChecks(plugin, options.folder),
  ];
  const findings: Finding[] = [];
  for (const [check, run] of checks) {
    const problem = await attempt(run);
    findings.push(problem === undefined ? { check } : { check, problem });
  }
  return findings;
}

/** What a check throws is a problem as well. */
async function attempt(
  run: () => Promise<string | undefined> | string | undefined,
): Promise<string | undefined> {
  try {
    return await run();
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}

function stamp({ contract, kind }: Plugin): string | undefined {
  if (!['receiver', 'processor', 'exporter', 'extension'].includes(kind))
    return `its kind is ${String(kind)}; use defineReceiver, defineExporter, …`;
  return contract === CONTRACT ? undefined : `it is made for ${contract}, this is ${CONTRACT}`;
}

function typeName({ type }: Plugin, wanted: string | undefined): string | undefined {
  if (!/^[a-z0-9][a-z0-9-]*$/.test(type)) return `${type} is not kebab-case`;
  return wanted === undefined || type === wanted ? undefined : `it is ${type}, not ${wanted}`;
}

function summary({ summary: text, stability }: Plugin): string | undefined {
  if (!['alpha', 'beta', 'stable'].includes(stability)) return `its stability is ${stability}`;
  return /^[A-Z].{8,118}\.$/.test(text)
    ? undefined
    : `"${text}" is not a sentence of 10 to 120 letters`;
}

function everySetting(
  schema: Schema,
  check: (name: string, setting: Setting) => string | undefined,
): string | undefined {
  const wrong = settings(schema).flatMap(([path, setting]) => {
    const problem = check(path.split('.').at(-1) ?? path, setting);
    return problem === undefined ? [] : [`${path} ${problem}`];
  });
  return wrong.length === 0 ? undefined : wrong.join('; ');
}

function settings(schema: Schema, group = ''): readonly (readonly [string, Setting])[] {
  return Object.entries(schema).flatMap(([name, entry]) =>
    isSetting(entry) ? [[`${group}${name}`, entry] as const] : settings(entry, `${group}${name}.`),
  );
}

function documented(_: string, { doc }: Setting): string | undefined {
  return /^\S.*[.:]$/.test(doc) ? undefined : 'is not explained in a sentence';
}

function wellFormed(name: string, { format, values = [] }: Setting): string | undefined {
  if (!/^[a-z][a-z0-9]*([_-][a-z0-9]+)*$/.test(name)) return 'is not in snake_case';
  if (!Object.hasOwn(FORMATS, format)) return `has the unknown format ${format}`;
  return format === 'choice' && values.length < 2 ? 'has no choice of values' : undefined;
}

async function problemsWith(plugin: Plugin, written: object): Promise<readonly Problem[]> {
  const raw = await readConfiguration({ text: JSON.stringify(written), folder: '/' }, {});
  const problems: Problem[] = [];
  checkSettings({
    schema: plugin.config,
    node: raw.root,
    path: '',
    folder: '/',
    report: (problem) => problems.push(problem),
  });
  return problems;
}

async function defaults(plugin: Plugin): Promise<string | undefined> {
  const wrong = (await problemsWith(plugin, {})).filter(({ problem }) => problem !== 'is missing');
  return wrong.length === 0
    ? undefined
    : wrong.map(({ path, problem }) => `${path} ${problem}`).join('; ');
}

async function refusal(plugin: Plugin): Promise<string | undefined> {
  const name = 'no_such_setting';
  const found = (await problemsWith(plugin, { [name]: 1 })).some(({ path }) => path === name);
  return found ? undefined : `it takes ${name}`;
}

function readme(plugin: Plugin, folder: string): string | undefined {
  const path = join(folder, 'README.md');
  if (!existsSync(path)) return `there is no ${path}`;
  const text = readFileSync(path, 'utf8');
  const missing = settings(plugin.config).filter(([name]) => !text.includes(`\`${name}\``));
  return missing.length === 0
    ? undefined
    : `it does not mention ${missing.map(([name]) => name).join(', ')}`;
}

/** Each case is played whole, and cut off after each of its deliveries. */
function receiverChecks(
  plugin: Plugin,
  folder: string,
): readonly (readonly [string, () => Promise<string | undefined>])[] {
  if (plugin.kind !== 'receiver') return [];
  const receiver = plugin as Receiver;
  return casesOf(join(folder, 'testdata')).flatMap(
    (of: ReceiverCase) =>
      [
        [`case ${of.name}: delivers what is expected`, () => playCase(receiver, of, 'whole')],
        [`case ${of.name}: ends when its signal aborts`, () => playCase(receiver, of, 'abort')],
        [
          `case ${of.name}: goes on from each cursor, and loses nothing`,
          () => playCase(receiver, of, 'resume'),
        ],
      ] as const,
  );
}
