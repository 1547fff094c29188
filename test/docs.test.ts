import t from 'tap';
import { pages } from './docs/pages.ts';
import { settingsTable } from './docs/settings-table.ts';

t.test('tables, sample configuration and catalogue are up to date', async (t) => {
  const stale = (await pages()).filter((page) => page.stale).map(({ path }) => path);
  t.same(stale, [], 'npm run docs brings them up to date');
});

t.test('a settings table says name, type, default and meaning', async (t) => {
  const table = settingsTable({
    token: { doc: 'Who | asks.', format: 'secret' },
    tls: { ca: { doc: 'PEM file.', format: 'path', default: null } },
    mode: { doc: 'How.', format: 'choice', values: ['a', 'b'], default: 'a' },
    every: { doc: 'How often.', format: 'duration', default: 0, min: '0s', max: '1h' },
    tags: { doc: 'Keys.', format: 'list', default: ['x', 'y'] },
  });
  t.equal(
    table,
    [
      '| setting | type | default | meaning |',
      '| --- | --- | --- | --- |',
      '| `token` | secret | **required** | Who \\| asks. |',
      '| `tls.ca` | path | none | PEM file. |',
      '| `mode` | `a`, `b` | `a` | How. |',
      '| `every` | duration, 0s to 1h | `0s` | How often. |',
      '| `tags` | list | `x, y` | Keys. |',
    ].join('\n'),
  );
  t.equal(settingsTable({}), 'It has no settings.');
});
