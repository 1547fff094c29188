/** A file system that is really full, and one that is really read-only: a tmpfs, where the system lets us mount one. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { focusd, startFocusd } from '../helpers/focusd-process.ts';
import { committedCosts, configuration, exportedCosts, focusCsv, put } from '../helpers/world.ts';

/** A small file system of its own; undefined where it cannot be had. */
function mounted(): string | undefined {
  const at = mkdtempSync(join(tmpdir(), 'small-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', at], { stdio: 'ignore' });
    return at;
  } catch {
    rmdirSync(at);
    return undefined;
  }
}

function unmount(at: string): void {
  execFileSync('umount', ['-l', at]);
  rmdirSync(at);
}

const first = mounted();
if (first !== undefined) unmount(first);
const skip = first === undefined ? 'no tmpfs can be mounted here' : false;

/** Fills the disk to its last byte. */
function fill(disk: string): void {
  const file = openSync(join(disk, 'ballast'), 'w');
  for (let size = 1 << 16; size > 0; size = Math.floor(size / 2)) {
    try {
      for (;;) if (writeSync(file, Buffer.alloc(size)) < size) break;
    } catch {
      // Then with less.
    }
  }
  closeSync(file);
}

function world(t: Test): { readonly folder: string; readonly disk: string } {
  const folder = t.testdir({ bills: {} });
  const disk = mounted() ?? '';
  t.teardown(() => unmount(disk));
  const text = configuration({
    exporters: { 'file/csv': `{ folder: "${disk}/out", format: focus-csv }` },
    telemetry: '    logs: { level: debug }',
  });
  put(folder, 'focusd.yaml', text.replace('./state', `"${disk}/state"`));
  return { folder, disk };
}

const MANY = 2_000;

t.test('a disk that fills up, and has room again', { skip }, async (t) => {
  const { folder, disk } = world(t);
  put(folder, 'bills/a.csv', focusCsv([1]));
  const agent = startFocusd(t, ['run', '-c', 'focusd.yaml'], { cwd: folder });
  await agent.said('delivery committed');
  fill(disk);
  const from = agent.logs().length;
  put(folder, 'bills/b.csv', focusCsv(Array<number>(MANY).fill(0.5)));
  const failed = await agent.said('component is tried again', from);
  t.match(failed.reason, /ENOSPC|no space left|disk is full/);
  rmSync(join(disk, 'ballast'));
  await agent.said('delivery committed', from);
  agent.kill('SIGTERM');
  t.equal((await agent.ended).code, 0);
  const costs = { BilledCost: '1001', EffectiveCost: '1001' };
  t.match(await exportedCosts(join(disk, 'out')), costs);
  // The reader of the other tests looks for ./state.
  t.match(committedCosts(disk), costs);

  fill(disk);
  put(folder, 'bills/c.csv', focusCsv([2]));
  const once = await focusd(t, ['run', '--once', '-c', 'focusd.yaml'], { cwd: folder });
  t.match(once, { code: /[12]/, stderr: /ENOSPC|no space left|disk is full/ });
  rmSync(join(disk, 'ballast'));
  t.equal((await focusd(t, ['run', '--once', '-c', 'focusd.yaml'], { cwd: folder })).code, 0);
  t.match(committedCosts(disk), { BilledCost: '1003' });
});

t.test('a disk that is read-only', { skip }, async (t) => {
  const { folder, disk } = world(t);
  put(folder, 'bills/a.csv', focusCsv([1]));
  const run = () => focusd(t, ['run', '--once', '-c', 'focusd.yaml'], { cwd: folder });
  t.equal((await run()).code, 0);
  execFileSync('mount', ['-o', 'remount,ro', disk]);
  const refused = await run();
  t.match(refused, { code: 2, stderr: /storage\.folder|small-disk-/ });
  t.notMatch(refused.stderr, /\n +at /, 'an answer, no stack');
  execFileSync('mount', ['-o', 'remount,rw', disk]);
  put(folder, 'bills/b.csv', focusCsv([2]));
  t.equal((await run()).code, 0);
  t.match(committedCosts(disk), { BilledCost: '3' });
});
