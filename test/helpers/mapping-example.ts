import { readFileSync } from 'node:fs';

const README = new URL('../../plugins/README.md', import.meta.url);

/** The files of the example package with a mapping, as plugins/README.md shows them: `index.js` and `acme.js`. */
export function exampleFiles(): Readonly<Record<string, string>> {
  const blocks = readFileSync(README, 'utf8').matchAll(
    /```js\n\/\/ ([\w.-]+)[^\n]*\n([\s\S]*?)```/g,
  );
  return Object.fromEntries([...blocks].map(([, name = '', code = '']) => [name, code]));
}
