/** Somebody changes the audit chain behind the agent's back: `focusd audit verify` names it. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import t from 'tap';
import { focusd } from '../helpers/focusd-process.ts';
import { focusCsv, focusRow, put, worldFolder } from '../helpers/world.ts';

interface Link {
  readonly sequence: number;
  readonly entry: string;
  readonly hash: string;
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The links from one on as they would be after a change, each with the hash of the one before. */
function forged(links: readonly Link[], from: number, change: (entry: string) => string): Link[] {
  let previous = links[from - 2]?.hash ?? '';
  return links.map((link) => {
    if (link.sequence < from) return link;
    const text = link.sequence === from ? change(link.entry) : link.entry;
    const entry = text.replace(/"previous":"[0-9a-f]{64}"/, `"previous":"${previous}"`);
    previous = sha256(entry);
    return { ...link, entry, hash: previous };
  });
}

const more = (entry: string): string => entry.replace('"BilledCost":"', '"BilledCost":"9');

/** What is done to the chain, and what is said of it. */
const CASES: Readonly<
  Record<string, readonly [(links: readonly Link[]) => readonly Link[], RegExp]>
> = {
  'an entry is edited': [
    (links) => links.map((link) => ({ ...link, entry: more(link.entry) })),
    /^entry 2 is broken: its text is not the one that was hashed$/m,
  ],
  'and its hash': [
    (links) =>
      links.map((link) => {
        const entry = link.sequence === 2 ? more(link.entry) : link.entry;
        return { ...link, entry, hash: sha256(entry) };
      }),
    /^entry 3 is broken: it does not follow the entry before it$/m,
  ],
  'and every hash after it': [
    (links) => forged(links, 2, more),
    /^the state is not whole: .*entry 6 of its audit chain is another one$/m,
  ],
  'an entry is deleted': [
    (links) => links.filter(({ sequence }) => sequence !== 3),
    /^entry 3 is broken: it is missing, 4 comes next$/m,
  ],
  'two entries change places': [
    ([first, second, third, ...rest]) =>
      [first, third, second, ...rest]
        .filter((link) => link !== undefined)
        .map((link, i) => ({ ...link, sequence: i + 1 })),
    /^entry 2 is broken: it says that it is entry 3$/m,
  ],
  'an entry is put in': [
    (links) => [...links, { ...(links.at(-1) as Link), sequence: links.length + 1 }],
    /^entry 7 is broken: it says that it is entry 6$/m,
  ],
  'its end is cut off': [
    (links) => links.slice(0, -2),
    /^the state is not whole: .*entry 6 of its audit chain is missing$/m,
  ],
  'all of it is gone': [
    () => [],
    /^the state is not whole: .*entry 6 of its audit chain is missing$/m,
  ],
};

t.test('every kind of tampering', async (t) => {
  const folder = worldFolder(t);
  const run = (...args: string[]) => focusd(t, [...args, '-c', join(folder, 'focusd.yaml')]);
  for (const amount of [1, 2]) {
    put(folder, 'bills/a.csv', focusCsv([amount]));
    t.equal((await run('run', '--once')).code, 0);
  }
  const database = new DatabaseSync(join(folder, 'state/state/state.sqlite'));
  t.teardown(() => database.close());
  const read = database.prepare('SELECT * FROM audit ORDER BY sequence');
  const links = read.all().map(({ sequence, entry, hash }) => ({
    sequence: Number(sequence),
    entry: String(entry),
    hash: String(hash),
  }));
  t.equal(links.length, 6);
  database.exec('DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete;');
  const insert = database.prepare('INSERT INTO audit VALUES (?, ?, ?)');
  const write = (changed: readonly Link[]): void => {
    database.exec('DELETE FROM audit');
    for (const { sequence, entry, hash } of changed) insert.run(sequence, entry, hash);
  };
  for (const [what, [change, said]] of Object.entries(CASES)) {
    write(change(links));
    const ran = await run('audit', 'verify');
    t.equal(ran.code, 1, what);
    t.match(ran.stdout, said, what);
  }
  write(links.slice(0, -1));
  t.match(await run('run', '--once'), { code: 2, stderr: /entry 6 of its audit chain is missing/ });
  write(links);
  t.match(await run('audit', 'verify'), { code: 0, stdout: /^6 entries, the chain holds/ });
});

t.test('a total that differs in its last decimal', async (t) => {
  const amounts = ['1.000000000000000001', '2'].map((amount) => focusRow(amount));
  const folder = worldFolder(
    t,
    {},
    { 'bills/a.csv': focusCsv(amounts), 'bills/b.csv': focusCsv([4]) },
  );
  const run = (...args: string[]) => focusd(t, [...args, '-c', join(folder, 'focusd.yaml')]);
  t.equal((await run('run', '--once')).code, 0);
  const database = new DatabaseSync(join(folder, 'state/state/state.sqlite'));
  database.exec(
    "UPDATE totals SET effective = '3.000000000000000002' WHERE effective = '3.000000000000000001'",
  );
  database.close();
  const { code, stdout } = await run('audit');
  t.equal(code, 1);
  t.match(
    stdout,
    /bills\/a\.csv \(revision \w+\): different\n +2026-09-01 2026-09-02 .*: EffectiveCost committed 3\.000000000000000002, derived 3\.000000000000000001 \(-0\.000000000000000001\)\n/,
  );
  t.match(stdout, /bills\/b\.csv \(revision \w+\): equal\n1 of 2 committed deliveries/);
  t.match(await run('audit', 'verify'), {
    code: 1,
    stdout:
      /bills\/a\.csv\): EffectiveCost is 3\.000000000000000002, the chain says 3\.000000000000000001\n/,
  });
  t.match(await run('run', '--once'), {
    code: 2,
    stderr: /totals of the delivery \w+ are not what/,
  });
});
