import { readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { lockFolder } from '../../agent/state/lock.ts';
import { focusd, type Ran } from '../helpers/focusd-process.ts';
import {
  committed,
  committedCosts,
  deadLetters,
  exportedCosts,
  focusCsv,
  focusRow,
  put,
  readOnce,
  worldFolder,
} from '../helpers/world.ts';

t.test('dead letters are listed, shown, read again and dropped', async (t) => {
  const folder = worldFolder(t, {}, { 'bills/a.csv': focusCsv([1.25, 2.5, focusRow('x')]) });
  put(folder, 'bills/b.csv', focusCsv([4, focusRow('y')]));
  await readOnce(t, folder);
  const run = (...args: string[]): Promise<Ran> =>
    focusd(t, ['deadletters', ...args, '-c', 'focusd.yaml'], { cwd: folder });
  const b = committed(folder).find(({ scope }) => scope.endsWith('b.csv'));
  const [list, show] = await Promise.all([
    run('list', '--json'),
    run('show', '--scope', String(b?.scope)),
  ]);
  t.match(list.code, 0, list.stderr);
  t.equal(JSON.parse(list.stdout).length, 2);
  t.match(JSON.parse(list.stdout), [{ receiver: 'files', reasons: { invalid_number: 1 } }]);
  t.match(show.stdout, /b\.csv, row 2, BilledCost: invalid_number: .* \| .*y.*Usage/);

  const before = committedCosts(folder);
  const unlock = lockFolder(join(folder, 'state'));
  const [replay, unsure, busy] = await Promise.all([
    run('replay'),
    run('drop'),
    run('drop', '--yes'),
  ]);
  unlock();
  t.match(replay, { code: 0, stdout: /a\.csv: is read again at the agent's next start\n/ });
  t.match(unsure, { code: 2, stderr: /--yes/ });
  t.match(busy, { code: 2, stderr: /another focusd is using/ });
  const { logs } = await readOnce(t, folder);
  t.equal(logs.filter(({ message }) => message === 'delivery committed').length, 2);
  t.strictSame(committedCosts(folder), before, 'nothing is doubled');
  t.strictSame(await exportedCosts(join(folder, 'out')), before);
  t.equal(deadLetters(folder).length, 2);
  const after = await readOnce(t, folder);
  t.notMatch(after.logs, [{ message: 'delivery committed' }], 'once');

  await run('replay', '--delivery', String(b?.id));
  const path = join(folder, 'bills/b.csv');
  writeFileSync(path, readFileSync(path));
  utimesSync(path, 1_700_000_000, 1_700_000_000);
  const impossible = await readOnce(t, folder);
  t.match(
    impossible.logs.filter(({ message }) => message.startsWith('delivery cannot')),
    [{ scope: b?.scope, changed: { length: 1 } }],
  );
  t.match(await run('replay', '--delivery', String(b?.id)), {
    code: 1,
    stdout: /cannot be read again: changed/,
  });
  t.strictSame(committedCosts(folder), before);

  t.match(await run('drop', '--yes'), { code: 0, stdout: /a\.csv: dropped invalid_number 1/ });
  t.strictSame(deadLetters(folder), []);
  const log = await focusd(t, ['audit', 'log', '-c', 'focusd.yaml'], { cwd: folder });
  t.match(
    log.stdout,
    /dead_letters\.replayed[\s\S]*replay\.impossible[\s\S]*dead_letters\.dropped/,
  );
});
