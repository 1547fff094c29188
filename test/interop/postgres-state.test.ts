/** The state on a real PostgreSQL server. */
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { checkChain } from '../../agent/state/audit-chain.ts';
import { openShared } from '../../agent/state/postgres/open-shared.ts';
import type { Lease, State, Wanted } from '../../agent/state/state.ts';
import { commitOf, group, seen, stateCases } from '../helpers/state-cases.ts';
import { makeCertificates } from './programs/certs.ts';
import { PASSWORD, postgres, startPostgres } from './programs/postgres.ts';

t.setTimeout(10 * 60_000);

const program = await postgres();
const skip = 'skip' in program ? program.skip : false;

t.test('the state on PostgreSQL', { skip }, async (t) => {
  const server = await startPostgres();
  t.teardown(() => server.stop());

  /** An agent's own way to a state; what is open is closed with the test. */
  async function opened(
    t: Test,
    url: string,
    of: { readonly folder?: string; readonly lease?: number } = {},
  ): Promise<State> {
    const state = await openShared({
      folder: of.folder ?? t.testdir({}),
      state: url,
      state_tls: { ca: undefined, cert: undefined, key: undefined },
      lease: of.lease ?? 30_000,
      max_dead_letters: 1 << 20,
      max_queue: 1 << 20,
      max_queue_age: 1_000,
    });
    t.teardown(() => state.close());
    return state;
  }

  t.test('keeps what every state keeps', async (t) => {
    stateCases(t, async (t) => {
      const url = await server.url();
      const folder = t.testdir({});
      return {
        state: await opened(t, url, { folder }),
        again: () => opened(t, url, { folder }),
        tamper: (sql) =>
          server.psql(`SET search_path = focusd; ${sql}`, new URL(url).pathname.slice(1)),
      };
    });
  });

  t.test('is shared: what one agent commits, the others see', async (t) => {
    const url = await server.url();
    const folders = t.testdir({ a: {}, b: {} });
    const [a, b] = await Promise.all([
      opened(t, url, { folder: join(folders, 'a') }),
      opened(t, url, { folder: join(folders, 'b') }),
    ]);
    await a.commit(commitOf({ totals: [group('10')] }));
    await b.commit(commitOf({ scope: 'b', totals: [group('0.5')] }));
    t.strictSame(await seen(a, ['costs']), ['0.5', '10']);
    t.strictSame(await seen(b, ['costs']), ['0.5', '10']);
    await b.commit(commitOf({ revision: '2', totals: [group('11')] }));
    t.strictSame(await seen(a, ['costs']), ['0.5', '11']);
    t.strictSame(
      a.seen().map(({ scope, revision }) => `${scope}${revision}`),
      ['b1', 'a2'],
    );
    const leads = [a, b].map(({ sharing }) => sharing?.leads());
    t.strictSame(leads.toSorted(), [false, true], 'one of them exports the totals');
    t.strictSame(
      [a, b].map((state) => state.view(['costs']).elsewhere),
      leads.map((is) => !is),
    );
    const many = Array.from({ length: 20 }, (_, i) =>
      (i % 2 === 0 ? a : b).commit(commitOf({ scope: `many ${i}`, totals: [group('1')] })),
    );
    await Promise.all(many);
    const chain = checkChain(await b.auditTrail());
    t.equal(chain.broken, undefined);
    t.equal(chain.entries.length, 23);
    t.equal(new Set(chain.entries.map(({ about }) => about.agent)).size, 2);
    t.equal((await seen(a, ['costs'])).length, 22);
  });

  t.test('gives each delivery to one agent at a time', async (t) => {
    const url = await server.url();
    const folders = t.testdir({ a: {}, b: {} });
    const [a, b] = await Promise.all([
      opened(t, url, { folder: join(folders, 'a'), lease: 2_000 }),
      opened(t, url, { folder: join(folders, 'b'), lease: 2_000 }),
    ]);
    const of: Wanted = {
      ...{ pipeline: 'costs', receiver: 'files', scope: 'a' },
      ...{ revision: '1', mode: 'snapshot' },
    };
    const take = (state: State, wanted: Partial<Wanted> = {}, since = 0) =>
      state.sharing?.take({ ...of, ...wanted }, since);
    const both = await Promise.all([take(a), take(b)]);
    t.equal(both.filter((one) => one === 'elsewhere').length, 1);
    const [mine] = both.filter((one): one is Lease => typeof one === 'object');
    await mine?.release();
    const lease = (await take(a)) as Lease;
    t.equal(await take(b, { revision: '2' }), 'elsewhere', 'a snapshot is all of its scope');
    t.type(await take(b, { mode: 'append', revision: '2' }), 'object', 'what adds up is not');
    const since = (await b.sharing?.now()) ?? 0;
    await a.commit({ ...commitOf(), lease });
    await lease.release();
    t.equal(await take(b), 'done');
    t.equal(await take(b, { revision: '0' }, since), 'moved', 'what was listed before is older');
    t.type(await take(a, { revision: '2' }, since), 'object', 'by ourselves');

    t.comment('a source of which is known only what was read');
    const source = { pipeline: 'costs', receiver: 'files' };
    const alone = async (state: State, at: number) => await state.sharing?.takeSource(source, at);
    const now = (await b.sharing?.now()) ?? 0;
    const looking = (await alone(a, since)) as Lease;
    t.equal(await alone(b, now), 'elsewhere', 'one agent looks at a time');
    await looking.release();
    t.equal(await alone(b, since), 'moved', 'another agent brought something since');
    const next = (await alone(b, now)) as Lease;
    t.type(next, 'object');
    await next.release();

    t.comment('an agent that hangs: its lease runs out, another takes over, then it wakes up');
    const held = (await take(a, { scope: 'b' })) as Lease;
    await server.psql(
      `UPDATE focusd.leases SET expires = now() - interval '1 s' WHERE token = ${held.token}`,
      new URL(url).pathname.slice(1),
    );
    const taken = (await take(b, { scope: 'b' })) as Lease;
    t.type(taken, 'object');
    await t.rejects(
      async () => a.commit({ ...commitOf({ scope: 'b', totals: [group('5')] }), lease: held }),
      { name: 'Unavailable', message: /another agent took over/ },
    );
    await b.commit({ ...commitOf({ scope: 'b', totals: [group('7')] }), lease: taken });
    t.strictSame(await seen(a, ['costs']), ['1.5', '7']);
  });

  t.test('hands over who exports the totals', async (t) => {
    const url = await server.url();
    const folders = t.testdir({ a: {}, b: {} });
    const a = await openSharedAlone(join(folders, 'a'), url);
    const b = await opened(t, url, { folder: join(folders, 'b') });
    t.equal(a.sharing?.leads(), true);
    t.equal(b.sharing?.leads(), false);
    const settled = b.sharing?.settled();
    await settled;
    t.equal(b.sharing?.leads(), false, 'the other one is known to be alive');
    await a.close();
    await b.sharing?.settled();
    t.equal(b.sharing?.leads(), true);
  });

  async function openSharedAlone(folder: string, url: string): Promise<State> {
    return await openShared({
      folder,
      state: url,
      state_tls: { ca: undefined, cert: undefined, key: undefined },
      lease: 30_000,
      max_dead_letters: 1 << 20,
      max_queue: 1 << 20,
      max_queue_age: 1_000,
    });
  }

  t.test('outlives its server: what cannot be asked now says so, and works later', async (t) => {
    const url = await server.url();
    const state = await opened(t, url);
    await state.commit(commitOf({ totals: [group('10')] }));
    await seen(state, ['costs']);
    await server.restart(async () => {
      await t.rejects(async () => state.commit(commitOf({ revision: '2' })), {
        name: 'Unavailable',
        message: /the state on PostgreSQL 127\.0\.0\.1:\d+\/state_\d+ cannot be used now/,
      });
      const { totals } = state.view(['costs']);
      t.equal([...totals()].length, 1, 'exporters go on with what was seen last');
    });
    await state.commit(commitOf({ revision: '2', totals: [group('11')] }));
    t.strictSame(await seen(state, ['costs']), ['11']);
  });

  t.test('says what is wrong with its setting, and never the password', async (t) => {
    const url = await server.url('postgres');
    const wrong = async (text: string) => {
      const error = await openSharedAlone(t.testdir({}), text).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      t.notMatch(JSON.stringify([String(error), error]), /p@ss|p%40ss/);
      return error as { name: string; path?: string; hint?: string; message: string };
    };
    const cases = [
      [url.replace('p%40ss', 'pass'), /password authentication failed/, /percent-encoded/],
      [url.replace(/postgres$/, 'nowhere'), /"nowhere" does not exist/, /createdb/],
      [`${url}?sslmode=require`, /does not support SSL/, /sslmode=disable/],
      ['mysql://root@localhost/x', /no URL of a PostgreSQL database/, /postgres:\/\/user/],
    ] as const;
    for (const [text, message, hint] of cases)
      t.match(await wrong(text), { name: 'Misconfigured', path: 'storage.state', message, hint });
    t.match(await wrong(url.replace(/:\d+\/postgres$/, ':1/postgres')), {
      name: 'Unavailable',
      message: /storage\.state/,
    });
    await server.psql("CREATE ROLE guest LOGIN PASSWORD 'guest'");
    const { pathname } = new URL(await server.url());
    const guest = url.replace(/\/\/.*@/, '//guest:guest@').replace('/postgres', pathname);
    t.match(await wrong(guest), {
      name: 'Misconfigured',
      message: /permission denied for database/,
      hint: /GRANT CREATE ON DATABASE/,
    });
    const other = await server.url();
    await (await openSharedAlone(t.testdir({}), other)).close();
    await server.psql(
      "UPDATE focusd.meta SET value = '99' WHERE key = 'schema'",
      new URL(other).pathname.slice(1),
    );
    t.match(await wrong(other), { name: 'Misconfigured', message: /schema version 99/ });
    t.ok(PASSWORD.includes('@'), 'what is special in a URL is in the password of these tests');
  });
});

t.test('TLS of PostgreSQL is verified', { skip }, async (t) => {
  const folder = t.testdir({ agent: {} });
  const certificates = await makeCertificates(join(folder, 'tls'));
  if ('skip' in certificates) {
    t.pass(certificates.skip);
    return;
  }
  const { ca, serverCert, serverKey } = certificates;
  const server = await startPostgres({ cert: serverCert, key: serverKey });
  t.teardown(() => server.stop());
  const url = `${await server.url()}?sslmode=require`;
  const open = (authority: string | undefined) =>
    openShared({
      folder: join(folder, 'agent'),
      state: url,
      state_tls: { ca: authority, cert: undefined, key: undefined },
      lease: 30_000,
      max_dead_letters: 1 << 20,
      max_queue: 1 << 20,
      max_queue_age: 1_000,
    });
  await t.rejects(open(undefined), { name: 'Misconfigured', hint: /storage\.state_tls\.ca/ });
  const state = await open(ca);
  t.equal(await state.cursor('costs', 'files'), undefined);
  await state.close();
});
