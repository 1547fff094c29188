/** Where `${env:…}` and `${file:…}` get their values. */
export interface Sources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Content of a file; throws an error that says why it cannot be read. */
  readonly file: (path: string) => Promise<string>;
}

/** A text after substitution. */
export interface Substituted {
  readonly text: string;
  /** The one substitution that makes up the whole text: `${env:PORT}`, without its default. */
  readonly origin?: string;
  /** Something was put in. */
  readonly changed: boolean;
  /** Something from a file is in it. */
  readonly hidden: boolean;
  readonly problems: readonly { readonly problem: string; readonly hint: string }[];
}

interface Piece extends Substituted {
  /** Where to read on. */
  readonly end: number;
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Most defaults within defaults. */
const DEEPEST = 8;

/** Puts in `${env:NAME}`, `${env:NAME:-default}` and `${file:PATH}`; `$$` stands for `$`. What is put in is not looked at again. */
export async function substitute(text: string, sources: Sources, depth = 0): Promise<Substituted> {
  const pieces: Piece[] = [];
  let at = 0;
  while (at < text.length) {
    const piece = await nextPiece(text, at, sources, depth);
    pieces.push(piece);
    at = piece.end;
  }
  const [only] = pieces;
  const whole = pieces.length === 1 ? only?.origin : undefined;
  return {
    text: pieces.map((piece) => piece.text).join(''),
    ...(whole === undefined ? {} : { origin: whole }),
    changed: pieces.some(({ changed }) => changed),
    hidden: pieces.some(({ hidden }) => hidden),
    problems: pieces.flatMap(({ problems }) => problems),
  };
}

async function nextPiece(
  text: string,
  start: number,
  sources: Sources,
  depth: number,
): Promise<Piece> {
  const dollar = text.indexOf('$', start);
  if (dollar !== start) return plain(text.slice(start, dollar === -1 ? undefined : dollar), start);
  if (text.startsWith('$$', start)) return { ...plain('$', start), end: start + 2 };
  if (!text.startsWith('${', start)) return plain('$', start);
  const end = closing(text, start);
  if (end === -1 || depth > DEEPEST) {
    const problem = {
      problem: `has a \${ without its }`,
      hint: `close it, or write $\${ for the text \${`,
    };
    return { text: '', changed: false, hidden: false, problems: [problem], end: text.length };
  }
  const found = await resolved(text.slice(start + 2, end), sources, depth);
  return { ...found, end: end + 1 };
}

function plain(text: string, start: number): Piece {
  return { text, changed: false, hidden: false, problems: [], end: start + text.length };
}

/** Position of the brace that closes the one at `start`; -1 when there is none. */
function closing(text: string, start: number): number {
  let open = 0;
  for (let at = start; at < text.length; at++) {
    if (text.startsWith('${', at)) open++;
    else if (text[at] === '}' && --open === 0) return at;
  }
  return -1;
}

async function resolved(inner: string, sources: Sources, depth: number): Promise<Substituted> {
  if (inner.startsWith('env:')) return fromEnvironment(inner.slice(4), sources, depth);
  if (inner.startsWith('file:')) return fromFile(inner.slice(5), sources);
  const hint = NAME.test(inner)
    ? `write \${env:${inner}} for the environment variable, or $\${${inner}} for the text itself`
    : `write \${env:NAME}, \${env:NAME:-default} or \${file:PATH}; $\${ stands for the text \${`;
  return wrong(`has \${${inner.slice(0, 60)}}, which is neither \${env:…} nor \${file:…}`, hint);
}

async function fromEnvironment(
  inner: string,
  sources: Sources,
  depth: number,
): Promise<Substituted> {
  const split = inner.indexOf(':-');
  const name = split === -1 ? inner : inner.slice(0, split);
  const origin = `\${env:${name}}`;
  if (!NAME.test(name))
    return wrong(
      `has \${env:${inner.slice(0, 60)}}, which names no environment variable`,
      'a name is made of letters, digits and _',
    );
  const value = Object.hasOwn(sources.env, name) ? sources.env[name] : undefined;
  if (value !== undefined && (value !== '' || split === -1))
    return { text: value, origin, changed: true, hidden: false, problems: [] };
  if (split !== -1) {
    const fallback = await substitute(inner.slice(split + 2), sources, depth + 1);
    return { ...fallback, origin, changed: true };
  }
  return wrong(
    `needs the environment variable ${name}, which is not set`,
    `set ${name}, or write \${env:${name}:-default}`,
  );
}

async function fromFile(path: string, sources: Sources): Promise<Substituted> {
  try {
    const content = await sources.file(path);
    const text = content.replace(/\r?\n$/, '');
    return { text, origin: `\${file:${path}}`, changed: true, hidden: true, problems: [] };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return wrong(
      `needs the file ${path}, which ${why}`,
      'the path counts from the folder of the configuration',
    );
  }
}

function wrong(problem: string, hint: string): Substituted {
  return { text: '', changed: false, hidden: false, problems: [{ problem, hint }] };
}
