import { readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { lockFolder } from '../../agent/state/lock.ts';
import { focusd, type Ran } from '../helpers/focusd-process.ts';
import { startHttpServer } from '../helpers/otlp-servers.ts';
import {
  committed,
  committedCosts,
  deadLetters,
  exportedCosts,
  FOCUS_HEADER,
  filesBelow,
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

const ROW = Object.fromEntries(
  FOCUS_HEADER.split(',').map((name, i) => [name, focusRow(1).split(',')[i] ?? '']),
);

t.test('what is lost with each reason; secrets never get there', async (t) => {
  const secret = 'hunter2-in-a-header';
  const backend = await startHttpServer((_, response, { headers }) => {
    response.writeHead(400, { 'content-type': 'text/plain' });
    response.end(`bad key: ${headers.authorization}`);
  });
  t.teardown(() => backend.close());
  const folder = worldFolder(t, {
    exporters: {
      otlp: `{ endpoint: "${backend.url}", protocol: http/protobuf, headers: { authorization: "Bearer ${secret}" }, metrics: { enabled: false } }`,
    },
  });
  const never = { start: 'never' };
  const tags = `"{""team"":""a, b"",""db_password"":""in-a-tag"",""note"":""${secret}""}"`;
  const rows = [1.25, focusRow(2.5, never), focusRow('1e-3', never), focusRow('x', { tags })];
  put(folder, 'bills/a.csv', focusCsv(rows));
  put(
    folder,
    'bills/b.ndjson',
    JSON.stringify({
      ...ROW,
      BilledCost: 'y',
      api_key: 'in-the-bill',
      Tags: '{"access-key":"in-a-text","team":"c"}',
    }),
  );
  const ran = await focusd(t, ['run', '--once', '-c', 'focusd.yaml'], { cwd: folder });
  t.match(ran.stderr, /bad key: \*\*\*/, 'what the backend repeats is masked in the log');
  t.notMatch(ran.stderr + ran.stdout, secret);
  for (const [path, bytes] of Object.entries(filesBelow(join(folder, 'state/deadletters'))))
    t.notOk(
      String(bytes)
        .replaceAll(/"raw":.*/g, '')
        .includes(secret),
      path,
    );

  const run = (...args: string[]): Promise<Ran> =>
    focusd(t, ['deadletters', ...args], { cwd: folder });
  const [list, json, show, rejected] = await Promise.all([
    run('list', '--reason', 'invalid_time'),
    run('list', '--json'),
    run('show', '--reason', 'refused_by_backend', '--json'),
    run('show', '--json', '--reason', 'invalid_number'),
  ]);
  t.match(list.stdout, /^\w+ files .*a\.csv: invalid_time 2 \(BilledCost 2\.501\)\n$/);
  const [a] = JSON.parse(json.stdout).filter(({ scope }: { scope: string }) =>
    /a\.csv$/.test(scope),
  );
  t.match(a, {
    reasons: { invalid_time: 2, invalid_number: 1, refused_by_backend: 1 },
    costs: { invalid_time: { BilledCost: '2.501' }, refused_by_backend: { BilledCost: '1.25' } },
    unknown: { invalid_number: 1 },
  });
  t.match(show.stdout, /"message":"[^"]*bad key: \*\*\*"/);
  t.equal(show.stdout.trim().split('\n').length, 1);
  t.match(rejected.stdout, /y.*in-the-bill|\*\*\*/);
  for (const hidden of ['in-the-bill', 'in-a-tag', 'in-a-text', secret])
    t.notOk(rejected.stdout.includes(hidden), `${hidden} is not shown`);
  for (const shown of ['a, b', 'team', 'c'])
    t.ok(rejected.stdout.includes(shown), `${shown} is shown`);
});
