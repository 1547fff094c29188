import { join } from 'node:path';
import t from 'tap';
import {
  defineExtension,
  defineReceiver,
  type Plugin,
  type Schema,
} from '../pipelines/plugin/index.ts';
import { loadFolder, pluginFolders, ROOT } from './docs/plugin-folders.ts';
import { conformance } from './helpers/conformance.ts';

for (const folder of pluginFolders()) {
  t.test(`${folder.kind} ${folder.type}`, async (t) => {
    const plugin = await loadFolder(folder);
    t.equal(plugin.kind, folder.kind);
    const path = join(ROOT.pathname, folder.path);
    for (const { check, problem } of await conformance(plugin, { folder: path, type: folder.type }))
      t.equal(problem, undefined, check);
  });
}

/** The problems that conformance finds, by check. */
async function found(plugin: Plugin, folder: string): Promise<Readonly<Record<string, string>>> {
  const findings = await conformance(plugin, { folder, type: 'right' });
  return Object.fromEntries(
    findings.flatMap(({ check, problem }) => (problem === undefined ? [] : [[check, problem]])),
  );
}

t.test('a plugin that does not conform is found out', async (t) => {
  const config: Schema = {
    camelCase: { doc: 'Fine.', format: 'text', default: 'x' },
    silent: { doc: '', format: 'text', default: null },
    pause: { doc: 'Pause.', format: 'duration', default: '5 apples' },
    colour: { doc: 'Colour.', format: 'colour' as 'text', default: 'red' },
  };
  const plugin = defineExtension({
    type: 'wrong',
    summary: 'no',
    stability: 'beta',
    config: {},
    open: async () => ({ close: async () => {} }),
  });
  const folder = t.testdir({ 'README.md': '`silent` is here' });
  t.match(await found({ ...plugin, config, contract: 99 } as Plugin, folder), {
    'is made for this version of the contract': /made for 99/,
    'has a proper type': /it is wrong, not right/,
    'has a summary of one sentence': /"no" is not a sentence/,
    'says what each setting is for': /^silent is not explained/,
    'has settings of known formats':
      /camelCase is not in snake_case; colour has the unknown format colour/,
    'has a README with its settings': /does not mention camelCase, pause, colour/,
  });
  const durations = { pause: config.pause } as Schema;
  t.match(await found({ ...plugin, config: durations } as Plugin, folder), {
    'has valid defaults': /pause is the default, not a duration/,
  });
});

t.test('a receiver that does not conform is found out', async (t) => {
  const expected = ['a', 'b']
    .map((scope) => `${JSON.stringify({ scope, mode: 'snapshot' })}\n`)
    .join('');
  const folder = t.testdir({
    'README.md': '',
    testdata: {
      one: {
        'config.json': '{}',
        'expected.jsonl': expected,
        'http.json': JSON.stringify([{ url: 'http://x/list', body: ['a', 'b'] }]),
      },
    },
  });
  const receiver = (behaviour: {
    readonly skipFirst?: boolean;
    readonly changing?: boolean;
    readonly fails?: boolean;
  }): Plugin =>
    defineReceiver({
      type: 'right',
      summary: 'Delivers what a list names.',
      stability: 'beta',
      config: {},
      async *receive({ http, signal, once }, cursor) {
        const { body } = await http.request({
          url: `http://x/${behaviour.fails ? 'other' : 'list'}`,
        });
        const scopes = JSON.parse(new TextDecoder().decode(body)) as string[];
        const next =
          cursor === undefined ? 0 : scopes.indexOf(cursor) + (behaviour.skipFirst ? 2 : 1);
        for (const scope of scopes.slice(next)) {
          if (signal.aborted) return;
          const revision = behaviour.changing ? String(Math.random()) : scope;
          yield {
            scope,
            revision,
            mode: 'snapshot' as const,
            mapping: 'auto',
            parts: [],
            cursor: behaviour.changing ? '' : scope,
          };
        }
        while (!once && !signal.aborted) await new Promise((resolve) => setImmediate(resolve));
      },
    }) as unknown as Plugin;
  t.same(await found(receiver({}), folder), {});
  t.match(await found(receiver({ skipFirst: true }), folder), {
    'case one: goes on from each cursor, and loses nothing':
      /cut off after 1: expected {"scope":"b"/,
  });
  t.match(await found(receiver({ changing: true }), folder), {
    'case one: goes on from each cursor, and loses nothing':
      /has the revision .* when it is read again/,
  });
  t.match(await found(receiver({ fails: true }), folder), {
    'case one: delivers what is expected': /no recorded answer to GET http:\/\/x\/other/,
  });
});
