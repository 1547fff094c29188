import { readFileSync } from 'node:fs';
import t from 'tap';
import { sourceFile, sourceFiles } from './architecture/imports.ts';
import { homeless, PACKAGES, reachingOut, shapeless, strangers } from './architecture/rules.ts';
import { ROOT } from './docs/plugin-folders.ts';

const files = sourceFiles();

t.test('the code keeps to the architecture', async (t) => {
  t.ok(files.length > 50, 'files are found');
  t.same(strangers(files), [], 'who may import whom');
  t.same(homeless(files), [], 'each package has one home');
  t.same(reachingOut(files), [], 'plugins and stages reach the outside only through their context');
  t.same(shapeless(files), [], 'files are about one thing');
});

t.test('every dependency is used', async (t) => {
  const { dependencies } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  const used = new Set(files.flatMap(({ imports }) => imports.map(({ target }) => target)));
  t.same(
    Object.keys(dependencies).filter((name) => !used.has(name)),
    [],
  );
  t.same(
    PACKAGES.filter((name) => dependencies[name] === undefined),
    [],
  );
});

t.test('what breaks the rules is found', async (t) => {
  const check = (path: string, text: string) => {
    const file = [sourceFile(path, text)];
    return [...strangers(file), ...homeless(file), ...reachingOut(file), ...shapeless(file)];
  };
  const breaks = (path: string, text: string, problem: string) =>
    t.same(check(path, text), [problem], problem);
  const keeps = (path: string, text: string) => t.same(check(path, text), [], `${path}: ${text}`);

  breaks(
    'pipelines/focus/a.ts',
    "import type { A } from '../plugin/a.ts';",
    'pipelines/focus/a.ts sees pipelines/plugin/a.ts',
  );
  breaks(
    'pipelines/fold/a.ts',
    "import {\n  a,\n} from '../encode/a.ts';",
    'pipelines/fold/a.ts sees pipelines/encode/a.ts',
  );
  breaks(
    'config/a.ts',
    "export * from '../pipelines/plugin/a.ts';",
    'config/a.ts sees pipelines/plugin/a.ts',
  );
  breaks(
    'plugins/exporters/a/index.ts',
    "const b = await import('../b/index.ts');",
    'plugins/exporters/a/index.ts sees plugins/exporters/b/index.ts',
  );
  breaks(
    'plugins/kit/a.ts',
    "import '../exporters/b/index.ts';",
    'plugins/kit/a.ts sees plugins/exporters/b/index.ts',
  );
  breaks(
    'pipelines/normalize/a.ts',
    "import { a } from '../decode/source.ts';",
    'pipelines/normalize/a.ts sees pipelines/decode/source.ts',
  );
  breaks('agent/a.ts', "import { a } from '../test/a.ts';", 'agent/a.ts sees test/a.ts');
  breaks(
    'pipelines/decode/a.ts',
    "import { request } from 'undici';",
    'pipelines/decode/a.ts imports undici',
  );
  breaks('agent/a.ts', "import convict from 'convict';", 'agent/a.ts imports convict');
  breaks(
    'agent/a.ts',
    "import { a } from '@scope/name/deep.js';",
    'agent/a.ts imports @scope/name',
  );
  breaks(
    'pipelines/fold/a.ts',
    "import { get } from 'node:http';",
    'pipelines/fold/a.ts imports node:http',
  );
  breaks('pipelines/fold/a.ts', 'const a = process.env.A;', 'pipelines/fold/a.ts uses process.');
  breaks(
    'plugins/receivers/a/index.ts',
    'const a = Date.now();',
    'plugins/receivers/a/index.ts uses Date.now',
  );
  breaks(
    'plugins/receivers/a/index.ts',
    'await fetch(url);',
    'plugins/receivers/a/index.ts uses fetch(',
  );
  breaks('agent/a.ts', 'a();\n'.repeat(501), 'agent/a.ts has 501 lines');
  breaks('agent/utils/a.ts', '', 'agent/utils/a.ts is named after nothing');

  keeps('pipelines/normalize/a.ts', "import type { A } from '../decode/source.ts';");
  keeps('pipelines/engine/a.ts', "import { a } from '../fold/a.ts';");
  keeps(
    'plugins/receivers/a/mapping.ts',
    "import { a } from '../../../pipelines/normalize/expressions.ts';",
  );
  keeps(
    'plugins/receivers/a/b.ts',
    "import { a } from '../../kit/a.ts';\nimport { b } from './c.ts';",
  );
  keeps(
    'plugins/receivers/a/b.ts',
    '// process.env, fetch(url)\n/* import "undici" */ const a = config.fetch(1); clock.now();',
  );
});
