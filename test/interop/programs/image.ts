import { cpSync, globSync, mkdirSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { dockerFile, type Instruction, imageOf, stages } from '../../helpers/deployment-files.ts';
import { attempt } from './npm.ts';

const ROOT = join(import.meta.dirname, '../../..');

/** The Dockerfile, played in a folder that stands for the root of the image. */
export interface PlayedImage {
  readonly root: string;
  /** The npm package that it was made of. */
  readonly tarball: string;
  /** With the `focusd` of the image. */
  readonly path: string;
  readonly command: readonly string[];
  readonly healthcheck: readonly string[];
}

/** Plays the Dockerfile without an engine: its own commands, in their order, below `root`. */
export async function playImage(root: string): Promise<PlayedImage | { readonly skip: string }> {
  const text = dockerFile('Dockerfile');
  const [build = [], final = []] = stages(text);
  let cwd = root;
  for (const one of build) {
    if (one.name === 'WORKDIR') cwd = within(root, one.text);
    mkdirSync(cwd, { recursive: true });
    if (one.name === 'COPY') copyContext(one.text, cwd);
    if (one.name !== 'RUN') continue;
    const ran = await attempt(one.text.replace(/(?<=\s)\/(?=src|opt)/g, `${root}/`), { cwd });
    if ('skip' in ran) return ran;
  }
  for (const one of final) finish(one, root);
  const [tarball = ''] = globSync('src/focusd-*.tgz', { cwd: root });
  const { command, healthcheck } = imageOf(text);
  return {
    root,
    tarball: join(root, tarball),
    path: join(root, 'usr/local/bin'),
    command,
    healthcheck,
  };
}

/** A path of the image. */
export function within(root: string, path: string): string {
  return join(root, path);
}

/** The last stage moves things: what it removes of the base image is not here, and nothing of this machine is touched. */
function finish(one: Instruction, root: string): void {
  const paths = one.text.split(/\s+/);
  const [source = '', target = ''] = paths;
  if (one.name === 'COPY' && !('from' in one.options)) {
    mkdirSync(dirname(within(root, target)), { recursive: true });
    cpSync(join(ROOT, source), within(root, target));
  }
  for (const [, from = '', to = ''] of one.text.matchAll(/ln -s (\S+) (\S+)/g)) {
    mkdirSync(dirname(within(root, to)), { recursive: true });
    symlinkSync(within(root, from), within(root, to));
  }
  for (const [, folders = ''] of one.text.matchAll(/install -d -o \d+ -g \d+ ([^&]+)/g))
    for (const folder of folders.trim().split(/\s+/))
      mkdirSync(within(root, folder), { recursive: true });
}

/** Copies as `COPY` does: only what .dockerignore lets in. */
function copyContext(text: string, target: string): void {
  const allowed = dockerFile('../.dockerignore')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1));
  const sources = text.split(/\s+/).slice(0, -1);
  const wanted = sources.flatMap((source) => (source === '.' ? allowed : [source]));
  for (const path of wanted.flatMap((entry) => globSync(entry, { cwd: ROOT }))) {
    cpSync(join(ROOT, path), join(target, path), {
      recursive: true,
      filter: (from) => basename(from) !== 'testdata',
    });
  }
}
