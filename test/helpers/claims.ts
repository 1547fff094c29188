import type { Claim, Sharing } from '../../pipelines/plugin/index.ts';

/** Agents at the same source: answers each scope's claims in turn, `mine` once there are no more. Notes what was claimed, a word `look` for each look. */
export function claims(answers: Readonly<Record<string, Claim[]>>): Sharing & {
  readonly said: readonly string[];
} {
  const said: string[] = [];
  return {
    said,
    async look() {
      said.push('look');
      return {
        async claim({ scope, revision }) {
          said.push(`${scope} ${revision}`);
          return answers[scope]?.shift() ?? 'mine';
        },
      };
    },
    async alone() {
      said.push('alone');
      return async () => void said.push('released');
    },
  };
}
