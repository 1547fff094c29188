/** `npm run docs`: brings everything that is derived from the code up to date. With `--check` it only says what is stale. */
import { writeFileSync } from 'node:fs';
import { pages } from './pages.ts';
import { ROOT } from './plugin-folders.ts';

const stale = (await pages()).filter((page) => page.stale);
const check = process.argv.includes('--check');
for (const { path, text } of stale) {
  if (!check) writeFileSync(new URL(path, ROOT), text);
  console.log(check ? `${path} is stale` : `wrote ${path}`);
}
if (stale.length === 0) console.log('everything is up to date');
else if (check) {
  console.log('run npm run docs');
  process.exitCode = 1;
}
