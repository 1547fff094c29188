import { basename, dirname, isAbsolute, resolve } from 'node:path';
import { type Document, LineCounter, parseDocument } from 'yaml';
import { Misconfigured, type Problem } from './problems.ts';
import { readTextFile } from './text-file.ts';
import type { Node } from './tree.ts';
import { toTree } from './yaml-tree.ts';

/** A configuration as written: substituted, not yet checked. */
export interface RawConfiguration {
  /** Its name for messages, as the operator gave it. */
  readonly file: string;
  /** Relative paths count from here. Absolute. */
  readonly folder: string;
  readonly root: Node;
  /** Every file it was made of, absolute. */
  readonly files: readonly string[];
  /** What is wrong already: variables that are not set, files that cannot be read, duplicate keys. */
  readonly problems: readonly Problem[];
}

/** A configuration that is no file. */
export interface ConfigurationText {
  readonly text: string;
  readonly folder: string;
  /** Its name for messages. */
  readonly file?: string;
}

/** Reads YAML and puts in `${env:NAME}`, `${env:NAME:-default}` and `${file:PATH}`. Throws `Misconfigured` when it is not YAML. */
export async function readConfiguration(
  source: string | ConfigurationText,
  env: Readonly<Record<string, string | undefined>>,
): Promise<RawConfiguration> {
  const { text, folder, file, path } = await open(source);
  const lines = new LineCounter();
  const document = parsed(text, file, lines);
  const [fault] = [...document.errors, ...document.warnings];
  // One slip makes many errors: the first says it.
  if (fault !== undefined)
    throw new Misconfigured(file, [
      syntaxProblem(fault.message, lines.linePos(fault.pos[0]).line, text),
    ]);
  const files = new Set<string>(path === undefined ? [] : [path]);
  const { root, problems } = await toTree(document, {
    file,
    lineOf: (offset) => lines.linePos(offset).line,
    sources: {
      env,
      file: (name) => {
        const full = isAbsolute(name) ? name : resolve(folder, name);
        files.add(full);
        return readTextFile(full);
      },
    },
  });
  return { file, folder, root, files: [...files], problems };
}

/** Every file that a configuration was made of: a change of one is a change of the configuration. */
export function configurationFiles(raw: RawConfiguration): readonly string[] {
  return raw.files;
}

interface Opened {
  readonly text: string;
  readonly folder: string;
  readonly file: string;
  readonly path?: string;
}

async function open(source: string | ConfigurationText): Promise<Opened> {
  if (typeof source !== 'string')
    return { ...source, folder: resolve(source.folder), file: source.file ?? 'the configuration' };
  const path = resolve(source);
  try {
    return { text: await readTextFile(path), folder: dirname(path), file: source, path };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Misconfigured(source, [
      {
        path: '',
        problem: `${basename(path)} ${why}`,
        hint: `looked for ${path}; -c names another file, config/examples has some to start from`,
      },
    ]);
  }
}

function parsed(text: string, file: string, lineCounter: LineCounter): Document.Parsed {
  try {
    return parseDocument(text, {
      lineCounter,
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'error',
    });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const hint = 'a configuration needs no more than a handful of levels';
    throw new Misconfigured(file, [{ path: '', problem: 'is too deeply nested', hint }]);
  }
}

function syntaxProblem(message: string, line: number, text: string): Problem {
  const written = (text.split('\n', line)[line - 1] ?? '').slice(0, 200);
  return { path: '', problem: `is not YAML: ${message}`, hint: syntaxHint(message, written), line };
}

function syntaxHint(message: string, written: string): string {
  if (/[[{].*\$\{/.test(written)) return `within [ ] and { }, put quotes around "\${…}"`;
  if (written.includes('\t')) return 'indent with spaces; YAML allows no tabs there';
  if (/multiple documents/i.test(message)) return 'a configuration is one document: remove the ---';
  if (/tag/i.test(message)) return 'remove the tag; plain YAML is enough';
  return 'look at the indentation, the colons and the quotes of this line and the one above';
}
