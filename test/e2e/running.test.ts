import { appendFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type LogLine, type Running, startFocusd } from '../helpers/focusd-process.ts';
import {
  addCosts,
  bill,
  committed,
  committedCosts,
  exportedCosts,
  filesBelow,
  focusCsv,
  focusRow,
  put,
  worldFolder,
} from '../helpers/world.ts';
import { freePort } from '../interop/programs/ports.ts';

const LOGS = '    logs: { level: debug }';

function rewrite(folder: string, change: (text: string) => string): void {
  const path = join(folder, 'focusd.yaml');
  writeFileSync(path, change(readFileSync(path, 'utf8')));
}

/** The commit of a scope that ends like this, in a line not seen before. */
async function commitOf(running: Running, name: string, from = 0): Promise<LogLine> {
  return await running.until(
    (line) =>
      line.message === 'delivery committed' &&
      String(line.scope).endsWith(name) &&
      running.logs().indexOf(line) >= from,
  );
}

async function stopped(
  t: Test,
  running: Running,
  signal: NodeJS.Signals = 'SIGTERM',
): Promise<void> {
  running.kill(signal);
  const { code, stderr } = await running.ended;
  t.equal(code, 0, `ends well by ${signal}`);
  t.match(stderr, /"agent has stopped"/);
  t.notMatch(stderr, /"level":"error"/);
}

t.test('a running agent sees what happens in its folder', async (t) => {
  const folder = worldFolder(t, {
    telemetry: LOGS,
    exporters: {
      'file/csv': '{ folder: ./out, format: focus-csv }',
      'file/otlp': '{ folder: ./otlp }',
    },
  });
  rewrite(folder, (text) => text.replace('settle: 0s', 'settle: 1s'));
  rmSync(join(folder, 'bills'), { recursive: true });
  const running = startFocusd(t, ['run', '-c', join(folder, 'focusd.yaml')]);
  await running.said('no file to read yet');

  await t.test('a folder that did not exist, a file that is written in steps', async (t) => {
    const path = put(folder, 'bills/slow.csv', focusCsv([1]));
    await running.said('file is still being written, it is waited for');
    for (let step = 0; step < 5; step++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      appendFileSync(path, `${focusRow(1).slice(0, 40)}`);
      appendFileSync(path, `${focusRow(1).slice(40)}\n`);
    }
    await commitOf(running, 'slow.csv');
    t.equal(committedCosts(folder).BilledCost, '6');
    t.equal(running.logs().filter(({ message }) => message === 'delivery committed').length, 1);
  });

  await t.test('a file is added, replaced, restated', async (t) => {
    const truth = await bill(folder, { provider: 'azure' });
    await commitOf(running, 'azure-2026-09.csv');
    t.strictSame(committedCosts(folder), addCosts([truth.costs, ofSix()]));

    let from = running.logs().length;
    const restated = await bill(folder, { provider: 'azure', revision: 3 });
    t.match(await commitOf(running, 'azure-2026-09.csv', from), { restated: true });
    t.strictSame(committedCosts(folder), addCosts([restated.costs, ofSix()]));
    t.strictSame(await exportedCosts(join(folder, 'out')), addCosts([restated.costs, ofSix()]));

    from = running.logs().length;
    put(folder, 'elsewhere.csv', focusCsv([100]));
    renameSync(join(folder, 'elsewhere.csv'), join(folder, 'bills/slow.csv'));
    await commitOf(running, 'slow.csv', from);
    t.equal(
      committed(folder).find(({ scope }) => scope.endsWith('slow.csv'))?.costs.BilledCost,
      '100',
    );
  });

  await t.test('totals go out soon after, the agent goes on', async (t) => {
    const metrics = (): string => String(filesBelow(join(folder, 'otlp'))['metrics.jsonl'] ?? '');
    for (let i = 0; i < 100 && !metrics().includes('slow.csv'); i++)
      await new Promise((resolve) => setTimeout(resolve, 50));
    t.match(metrics(), /"finops\.data\.age".*slow\.csv/);
  });
  await stopped(t, running);
});

/** Sums of `slow.csv`. */
function ofSix() {
  return { BilledCost: '6', EffectiveCost: '6', ListCost: '6', ContractedCost: '6' };
}

t.test('the configuration is read again', async (t) => {
  const port = await freePort();
  const folder = worldFolder(t, {
    telemetry: LOGS,
    more: `extensions: { health: { endpoint: "127.0.0.1:${port}" } }`,
    extensions: 'health',
  });
  put(folder, 'bills/a.csv', focusCsv([1]));
  const running = startFocusd(t, ['run', '-c', 'focusd.yaml'], { cwd: folder });
  await commitOf(running, 'a.csv');
  const reread = async (change: (text: string) => string, message: string): Promise<LogLine> => {
    const from = running.logs().length;
    rewrite(folder, change);
    return await running.said(message, from);
  };

  await t.test('only what changed restarts', async (t) => {
    const line = await reread(
      (text) => text.replace('tags: [team]', 'tags: [owner]'),
      'configuration was read again',
    );
    t.strictSame(line.restarted, ['costs: files'], 'a processor is part of its pipeline');
    const more = await reread(
      (text) =>
        text
          .replace('\nworkers:', '\n  file/otlp: { folder: ./otlp }\nworkers:')
          .replace('exporters: [file/csv]', 'exporters: [file/csv, file/otlp]'),
      'configuration was read again',
    );
    t.strictSame(more.restarted, ['costs: files']);
    t.match(
      running.logs().find(({ message }) => message.startsWith('exporter was added')),
      { pipeline: 'costs', exporter: 'file/otlp', see: /README/ },
      'who adds one is told what it is not sent',
    );
    put(folder, 'bills/b.csv', focusCsv([2]));
    await commitOf(running, 'b.csv');
    t.equal(
      (await exportedCosts(join(folder, 'otlp'))).BilledCost,
      '2',
      'the new exporter is used',
    );
    t.equal((await exportedCosts(join(folder, 'out'))).BilledCost, '3');
  });

  await t.test('SIGHUP does the same; nothing changed, nothing restarts', async (t) => {
    const from = running.logs().length;
    running.kill('SIGHUP');
    t.strictSame((await running.said('configuration was read again', from)).restarted, []);
  });

  const stays = 'new configuration is not used, the running one stays';
  await t.test('a broken one is not used', async (t) => {
    t.match(
      await reread((text) => text.replace('workers: 1', 'workers: many\nwurkers: 2'), stays),
      {
        level: 'error',
        reason: /workers.*wurkers/s,
      },
    );
    put(folder, 'bills/c.csv', focusCsv([4]));
    await commitOf(running, 'c.csv');
    t.equal(committedCosts(folder).BilledCost, '7', 'the running one goes on');
    await reread(
      (text) => text.replace('workers: many\nwurkers: 2', 'workers: 1'),
      'configuration was read again',
    );
  });

  await t.test('one that cannot be started is taken back', async (t) => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const address = taken.address();
    const other = typeof address === 'object' ? address?.port : 0;
    const line = await reread(
      (text) => text.replace(`127.0.0.1:${port}`, `127.0.0.1:${other}`),
      stays,
    );
    t.match(line, { reason: /EADDRINUSE/ });
    taken.close();
    const health = await fetch(`http://127.0.0.1:${port}/`);
    t.equal(health.status, 200, 'health is where it was');
    put(folder, 'bills/d.csv', focusCsv([8]));
    await commitOf(running, 'd.csv');
    await reread(
      (text) => text.replace(`127.0.0.1:${other}`, `127.0.0.1:${port}`),
      'configuration was read again',
    );
  });

  await t.test('what needs a restart is said', async (t) => {
    t.match(
      await reread(
        (text) => text.replace('workers: 1', 'workers: 2'),
        'settings are used from the next start on',
      ),
      {
        settings: ['workers'],
      },
    );
  });
  running.kill('SIGTERM');
  t.equal((await running.ended).code, 0);
  t.equal(committedCosts(folder).BilledCost, '15');
});

t.test('a second agent on the same storage does not start', async (t) => {
  const folder = worldFolder(t, { telemetry: LOGS });
  const running = startFocusd(t, ['run', '-c', 'focusd.yaml'], { cwd: folder });
  await running.said('agent is ready');
  const second = await startFocusd(t, ['run', '--once', '-c', 'focusd.yaml'], { cwd: folder })
    .ended;
  t.equal(second.code, 2);
  t.match(second.stderr, /focusd: storage\.folder: another focusd is using .*state/);
  await stopped(t, running, 'SIGINT');
});

t.test('stopping in the middle of a bill loses nothing', async (t) => {
  const folder = worldFolder(t, { telemetry: LOGS });
  const rows = Array.from({ length: 60_000 }, (_, i) => i % 1_000);
  put(folder, 'bills/large.csv', focusCsv(rows));
  const first = startFocusd(t, ['run', '-c', 'focusd.yaml'], { cwd: folder });
  await first.said('agent is ready');
  await new Promise((resolve) => setTimeout(resolve, 250));
  await stopped(t, first, 'SIGINT');
  const second = await startFocusd(t, ['run', '--once', '-c', 'focusd.yaml'], { cwd: folder })
    .ended;
  t.equal(second.code, 0);
  const total = String(rows.reduce((sum, row) => sum + row, 0));
  t.equal(committedCosts(folder).BilledCost, total);
  t.equal((await exportedCosts(join(folder, 'out'))).BilledCost, total);
});

t.test('a backend that is down does not keep the agent from ending', async (t) => {
  const folder = worldFolder(t, {
    telemetry: LOGS,
    exporters: { otlp: '{ endpoint: "http://127.0.0.1:9", protocol: http/protobuf }' },
  });
  put(folder, 'bills/a.csv', focusCsv([1]));
  const running = startFocusd(t, ['run', '-c', 'focusd.yaml'], { cwd: folder });
  await running.said('charges could not be sent, trying again');
  running.kill('SIGTERM');
  const { code, stderr } = await running.ended;
  t.equal(code, 0);
  t.match(stderr, /"agent has stopped"/);
  t.strictSame(committed(folder), [], 'what was not sent is not done');
});
