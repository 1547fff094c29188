/** One thing that is wrong with a configuration. */
export interface Problem {
  /** Where: `exporters.otlp.tls.ca`, `service.pipelines.costs.receivers[0]`; empty for the file as a whole. */
  readonly path: string;
  /** What is wrong, following the path: `is not a duration`. */
  readonly problem: string;
  /** How to mend it. */
  readonly hint: string;
  /** Line in the file, from 1, where it is known. */
  readonly line?: number;
}

/** The operator has to act: lists every problem of a configuration. Told apart by its name. */
export class Misconfigured extends Error {
  override readonly name = 'Misconfigured';
  /** Name of the file, as the operator gave it. */
  readonly file: string;
  readonly problems: readonly Problem[];
  constructor(file: string, problems: readonly Problem[]) {
    const sorted = problems.toSorted((a, b) => lineOf(a) - lineOf(b));
    const count = sorted.length === 1 ? 'a problem' : `${sorted.length} problems`;
    super(`${file} has ${count}:\n\n${describeProblems(sorted)}`);
    this.file = file;
    this.problems = sorted;
  }
}

/** Problems for people to read: one below the other, each with its line and what to do. */
export function describeProblems(problems: readonly Problem[]): string {
  const widest = Math.max(0, ...problems.map(({ line }) => lineText(line).length));
  const indent = ' '.repeat(widest === 0 ? 4 : widest + 4);
  return problems
    .map(({ path, problem, hint, line }) => {
      const place = widest === 0 ? '' : `${lineText(line).padEnd(widest)}  `;
      const what = path === '' ? problem : `${path} ${problem}`;
      return `  ${place}${what}\n${indent}${hint}\n`;
    })
    .join('\n');
}

/** Those without a line come last. */
function lineOf({ line }: Problem): number {
  return line ?? Number.MAX_SAFE_INTEGER;
}

function lineText(line: number | undefined): string {
  return line === undefined ? '' : `line ${line}`;
}
