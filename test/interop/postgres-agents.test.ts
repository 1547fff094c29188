/** Several agents, as processes, on one state on a real PostgreSQL server. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { Random } from '../../agent/generate/random.ts';
import { decimal, formatDecimal, sum } from '../../pipelines/focus/decimal.ts';
import { focusd, type Running, startFocusd } from '../helpers/focusd-process.ts';
import { configuration, filesBelow, focusCsv, focusRow, put } from '../helpers/world.ts';
import { type Postgres, postgres, startPostgres } from './programs/postgres.ts';

t.setTimeout(20 * 60_000);

const BILLS = 24;
const ROWS = 1_500;
const KILLS = 8;

const program = await postgres();
const skip = 'skip' in program ? program.skip : false;

/** Agents on the same bills and the same state; each has its own storage folder and output. */
interface Fleet {
  readonly folder: string;
  readonly database: string;
  start(agent: number, ...args: string[]): Running;
  run(...args: string[]): ReturnType<typeof focusd>;
}

async function fleet(t: Test, server: Postgres, agents: number): Promise<Fleet> {
  const folder = t.testdir({ bills: {} });
  const url = await server.url();
  for (let agent = 0; agent < agents; agent++)
    put(
      folder,
      `agent-${agent}/focusd.yaml`,
      configuration({ exporters: { 'file/otlp': '{ folder: ./out }' } })
        .replace('./bills', join(folder, 'bills'))
        .replace('{ folder: ./state }', `{ folder: ./state, state: '${url}', lease: 3s }`),
    );
  const config = (agent: number): string => join(folder, `agent-${agent}`, 'focusd.yaml');
  return {
    folder,
    database: new URL(url).pathname.slice(1),
    start: (agent, ...args) => startFocusd(t, [...args, '-c', config(agent)]),
    run: (...args) => focusd(t, [...args, '-c', config(0)]),
  };
}

/** Writes the bills; answers what they come to. */
function writeBills(folder: string, revision = 1): string {
  const amounts: string[] = [];
  for (let bill = 0; bill < BILLS; bill++) {
    const rows = Array.from({ length: ROWS }, (_, row) => {
      const amount = `${row + revision}.${String(bill * 7919 + row).padStart(9, '0')}`;
      amounts.push(amount);
      return focusRow(amount, { service: `Service ${row % 40}` });
    });
    if (bill === 3) rows.push(focusRow('x'));
    put(folder, `bills/${bill}.csv`, focusCsv(rows));
  }
  return formatDecimal(sum(amounts.map(decimal)));
}

/** The totals, one row each, the same whoever made them. */
function totals(server: Postgres, { database }: Fleet): Promise<string> {
  return server.psql(
    `SELECT billing_period, day, dimensions::text, overflow, sum(charges), ${['billed', 'effective', 'list', 'contracted'].map((cost) => `trim_scale(sum(${cost}))`).join(', ')}
     FROM focusd.totals JOIN focusd.deliveries ON id = delivery GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4`,
    database,
  );
}

async function billed(server: Postgres, { database }: Fleet): Promise<string> {
  return await server.psql('SELECT trim_scale(sum(billed)) FROM focusd.totals', database);
}

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly doubleValue?: number };
}

/** Money of all charges that the agents sent, each id once; and how many came more than once. */
function sent({ folder }: Fleet): { readonly billed: string; readonly again: number } {
  const amounts = new Map<string, string>();
  let records = 0;
  for (const attributes of exported(folder)) {
    const of = (key: string) => attributes.find((attribute) => attribute.key === key)?.value;
    amounts.set(
      of('log.record.uid')?.stringValue ?? '',
      String(of('focus.billed_cost')?.doubleValue),
    );
    records++;
  }
  return {
    billed: formatDecimal(sum([...amounts.values()].map(decimal))),
    again: records - amounts.size,
  };
}

/** Attributes of every log record below a folder. */
function exported(folder: string): (readonly Attribute[])[] {
  const lines = Object.entries(filesBelow(folder))
    .filter(([path]) => /\/out\/.*\.jsonl$/.test(path) && !/metrics|incomplete/.test(path))
    .flatMap(([, bytes]) => bytes.toString().split('\n'));
  return lines
    .filter((line) => line !== '')
    .flatMap((line) => {
      const { resourceLogs } = JSON.parse(line) as {
        readonly resourceLogs: readonly {
          readonly scopeLogs: readonly {
            readonly logRecords: readonly { readonly attributes: readonly Attribute[] }[];
          }[];
        }[];
      };
      return resourceLogs
        .flatMap(({ scopeLogs }) => scopeLogs)
        .flatMap(({ logRecords }) => logRecords.map(({ attributes }) => attributes));
    });
}

t.test('agents that share the state on PostgreSQL', { skip }, async (t) => {
  const server = await startPostgres();
  t.teardown(() => server.stop());
  let alone = '';

  t.test('one agent', async (t) => {
    const one = await fleet(t, server, 1);
    const truth = writeBills(one.folder);
    t.match(await one.run('run', '--once'), { code: 0 });
    alone = await totals(server, one);
    t.equal(await billed(server, one), truth);
    t.strictSame(sent(one), { billed: truth, again: 0 });

    t.comment('and every command that looks at the state');
    const [audit, chain, log, letters, tap, print] = await Promise.all([
      one.run('audit'),
      one.run('audit', 'verify'),
      one.run('audit', 'log', '--json'),
      one.run('deadletters', 'list', '--json'),
      one.run('tap', '--limit', '1', '--json'),
      one.run('validate', '--print'),
    ]);
    t.match(audit, { code: 0, stdout: /24 of 24 committed deliveries derived again/ });
    t.match(chain, { code: 0, stdout: /26 entries, the chain holds/ });
    t.match(log.stdout, /"agent":"[^"]+-[0-9a-f]{8}"/);
    t.match(JSON.parse(letters.stdout), [{ reasons: { invalid_number: 1 } }]);
    const { uid } = JSON.parse(tap.stdout) as { readonly uid: string };
    t.match(await one.run('explain', uid), { code: 0, stdout: /BilledCost/ });
    t.match(print, { code: 0, stdout: /state: "?\*+/ });
    for (const { stdout, stderr } of [audit, chain, log, print])
      t.notMatch(stdout + stderr, /p%40ss|p@ss/);
    t.match(await one.run('deadletters', 'replay'), { code: 0, stdout: /is read again/ });
    await one.run('run', '--once');
    t.equal(await totals(server, one), alone, 'read again, and nothing doubled');
    const support = join(one.folder, 'support.tar.gz');
    t.match(await one.run('support', '-o', support), { code: 0 });
    t.match(await one.run('deadletters', 'drop', '--yes'), { code: 0, stdout: /dropped/ });
    t.match(await one.run('audit', 'verify'), { code: 0, stdout: /the chain holds/ });
  });

  t.test('four agents come to the same totals', async (t) => {
    const four = await fleet(t, server, 4);
    const truth = writeBills(four.folder);
    const ran = await Promise.all(
      [0, 1, 2, 3].map((agent) => four.start(agent, 'run', '--once').ended),
    );
    t.strictSame(
      ran.map(({ code }) => code),
      [0, 0, 0, 0],
    );
    t.equal(await totals(server, four), alone);
    t.strictSame(sent(four), { billed: truth, again: 0 }, 'each charge is sent once');
    const shares = await server.psql(
      'SELECT count(*) FROM focusd.deliveries GROUP BY agent ORDER BY 1',
      four.database,
    );
    t.comment(`deliveries by agent: ${shares.replaceAll('\n', ', ')}`);
    t.ok(shares.split('\n').length > 1, 'they share the work');
    t.match(await four.run('audit', 'verify'), { code: 0, stdout: /the chain holds/ });
    t.match(await four.run('audit'), { code: 0, stdout: /24 of 24/ });
    t.equal(
      await server.psql('SELECT count(*) FROM focusd.leases', four.database),
      '0',
      'nothing is held any more',
    );

    t.comment('one at a time sends the totals');
    const points = Object.entries(filesBelow(four.folder))
      .filter(([path]) => path.endsWith('metrics.jsonl'))
      .map(([, bytes]) => bytes.toString().match(/"asDouble"/g)?.length ?? 0);
    t.equal(new Set(points.filter((count) => count > 0)).size, 1, 'whoever does, sends the same');
  });

  t.test('kill -9 of one after the other', async (t) => {
    const four = await fleet(t, server, 4);
    const truth = writeBills(four.folder);
    const random = new Random(20_261_130);
    const running = [0, 1, 2, 3].map((agent) => four.start(agent, 'run', '--once'));
    let killed = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      await delay(400 + random.int(1_200));
      const victim = random.int(4);
      running[victim]?.kill('SIGKILL');
      const { signal } = (await running[victim]?.ended) ?? {};
      if (signal === 'SIGKILL') killed++;
      running[victim] = four.start(victim, 'run', '--once');
    }
    const ran = await Promise.all(running.map(({ ended }) => ended));
    t.strictSame(
      ran.filter(({ code }) => code !== 0),
      [],
    );
    t.comment(`${killed} kills`);
    t.ok(killed > 0, 'some were killed at all');
    t.equal(await totals(server, four), alone);
    const { billed: money, again } = sent(four);
    t.equal(money, truth, 'nothing is lost');
    t.comment(`${again} charges were sent again, with the ids that they had`);
    t.match(await four.run('audit', 'verify'), { code: 0, stdout: /the chain holds/ });
    t.match(await four.run('audit'), { code: 0, stdout: /24 of 24/ });
  });

  t.test('the server goes away while they work, and comes back; then a restatement', async (t) => {
    const two = await fleet(t, server, 2);
    const truth = writeBills(two.folder);
    const running = [two.start(0, 'run'), two.start(1, 'run')];
    const count = async (): Promise<number> =>
      Number(await server.psql('SELECT count(*) FROM focusd.deliveries', two.database));
    const until = async (is: () => Promise<boolean>): Promise<void> => {
      while (!(await is())) await delay(200);
    };
    await Promise.all(running.map((agent) => agent.said('agent is ready')));
    await until(async () => (await count()) > 0);
    await server.restart(() =>
      Promise.race(
        running.map((agent) => agent.said('state cannot be used now, it is tried again')),
      ),
    );
    await until(async () => (await count()) === BILLS);
    t.equal(await billed(server, two), truth);
    t.equal(await totals(server, two), alone);
    const restated = writeBills(two.folder, 2);
    await until(async () => (await billed(server, two)) === restated);
    for (const agent of running) agent.kill('SIGTERM');
    for (const { ended } of running) {
      const { code, stderr } = await ended;
      t.equal(code, 0, stderr.slice(-2_000));
    }
    t.equal(await count(), BILLS);
    t.match(await two.run('audit', 'verify'), { code: 0, stdout: /the chain holds/ });
    t.match(await two.run('audit'), { code: 0, stdout: /24 of 24/ });
  });

  t.test('an agent that hangs until another one has taken over writes nothing', async (t) => {
    const two = await fleet(t, server, 2);
    const amounts = Array.from({ length: 40_000 }, (_, row) => `${row}.000000001`);
    put(two.folder, 'bills/large.csv', focusCsv(amounts.map((amount) => focusRow(amount))));
    const truth = formatDecimal(sum(amounts.map(decimal)));
    const hung = two.start(0, 'run', '--once');
    const held =
      "SELECT count(*) FROM focusd.leases WHERE name LIKE '%large.csv%' AND holder <> ''";
    await hung.said('agent is ready');
    while ((await server.psql(held, two.database)) === '0') await delay(5);
    hung.kill('SIGSTOP');
    const other = await two.start(1, 'run', '--once').ended;
    t.equal(other.code, 0, other.stderr.slice(-2_000));
    t.equal(await billed(server, two), truth);
    hung.kill('SIGCONT');
    const { code, stderr } = await hung.ended;
    t.equal(code, 0, stderr.slice(-2_000));
    t.match(stderr, /another agent took over meanwhile: nothing was written/);
    t.equal(await billed(server, two), truth);
    t.equal(await server.psql('SELECT count(*) FROM focusd.deliveries', two.database), '1');
    t.strictSame(sent(two), { billed: truth, again: amounts.length }, 'the ids are the same');
    t.match(await two.run('audit', 'verify'), { code: 0, stdout: /the chain holds/ });
  });

  t.test('what needs an agent of its own says so', async (t) => {
    const one = await fleet(t, server, 1);
    const path = join(one.folder, 'agent-0/focusd.yaml');
    const text = readFileSync(path, 'utf8');
    put(one.folder, 'bills/a.csv', focusCsv([1]));
    t.match(await one.run('run', '--dry-run'), { code: 0, stdout: /nothing was stored/ });
    t.match(await one.run('audit'), { code: 2, stderr: /there is no state on PostgreSQL/ });
    put(one.folder, 'agent-0/focusd.yaml', text.replace('./out }', './out, restatement: rows }'));
    t.match(await one.run('run', '--once'), {
      code: 2,
      stderr: /exporters\.file\/otlp.*restatement/,
    });
  });
});
