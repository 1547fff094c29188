import { globSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { ROOT } from '../docs/plugin-folders.ts';

/** A source file of the product, and what it imports. */
export interface SourceFile {
  /** From the repository: `pipelines/focus/batch.ts`. */
  readonly path: string;
  /** Comments left out. */
  readonly code: string;
  readonly lines: number;
  readonly imports: readonly Import[];
}

export interface Import {
  /** A file of the repository, or the name of a package (`node:fs`, `yaml`, `@scope/name`). */
  readonly target: string;
  readonly isPackage: boolean;
  readonly typeOnly: boolean;
}

const FOLDERS = ['agent', 'config', 'pipelines', 'plugins'];

/** Every source file of the product. */
export function sourceFiles(): readonly SourceFile[] {
  return FOLDERS.flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: ROOT.pathname }))
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !path.includes('/testdata/'))
    .toSorted()
    .map((path) => sourceFile(path, readFileSync(new URL(path, ROOT), 'utf8')));
}

const COMMENT_OR_TEXT =
  /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g;
const STATIC =
  /(?:^|[;\n])\s*(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s*)?['"]([^'"]+)['"]/g;
const DYNAMIC = /\bimport\(\s*['"]([^'"]+)['"]\s*\)|new URL\(\s*['"](\.[^'"]+\.ts)['"]/g;

/** Reads one source text. */
export function sourceFile(path: string, text: string): SourceFile {
  const code = text.replace(COMMENT_OR_TEXT, (found) => (found.startsWith('/') ? ' ' : found));
  const imports = [
    ...[...code.matchAll(STATIC)].map(([, type, name = '']) => ({
      name,
      typeOnly: type !== undefined,
    })),
    ...[...code.matchAll(DYNAMIC)].map(([, name, url]) => ({
      name: name ?? url ?? '',
      typeOnly: false,
    })),
  ];
  return {
    path,
    code,
    lines: text.split('\n').length - 1,
    imports: imports.map(({ name, typeOnly }) => ({ ...resolved(path, name), typeOnly })),
  };
}

function resolved(
  path: string,
  name: string,
): { readonly target: string; readonly isPackage: boolean } {
  if (name.startsWith('.')) {
    const target = posix.join(posix.dirname(path), name);
    return { target, isPackage: false };
  }
  const parts = name.split('/');
  const target = name.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? name);
  return { target, isPackage: true };
}
