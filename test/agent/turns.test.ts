import t from 'tap';
import type { Lease, SharedState, Wanted } from '../../agent/state/state.ts';
import { createTurns, lookedAgain } from '../../agent/turns.ts';
import type { Delivery } from '../../pipelines/plugin/delivery.ts';

const ID = { pipeline: 'costs', receiver: 'files' };

function delivery(scope: string, revision = '1'): Delivery {
  return { scope, revision, mode: 'snapshot', mapping: 'auto', parts: [], cursor: '' };
}

/** A shared state that answers what it is told to; notes what it was asked. */
function answering(
  answers: Record<string, Awaited<ReturnType<SharedState['take']>>[]>,
  source: Awaited<ReturnType<SharedState['takeSource']>>[] = [],
) {
  const said: string[] = [];
  let commits = 0;
  const lease = (name: string): Lease => ({
    name,
    token: '1',
    release: async () => void said.push(`release ${name}`),
  });
  const shared: SharedState = {
    now: async () => commits++,
    async take({ scope, revision }: Wanted, since) {
      said.push(`take ${scope} ${revision} since ${since}`);
      return answers[scope]?.shift() ?? lease(scope);
    },
    async takeSource({ receiver }, since) {
      said.push(`take ${receiver} since ${since}`);
      return source.shift() ?? lease(receiver);
    },
    leads: () => true,
    refresh: async () => undefined,
    settled: async () => undefined,
    onChange: () => undefined,
    onTrouble: () => undefined,
  };
  const clock = { now: () => 0, sleep: async () => void said.push('sleep') };
  const { signal } = new AbortController();
  const done = async ({ scope }: Pick<Delivery, 'scope'>) => void said.push(`${scope} is done`);
  return { said, of: () => createTurns(shared, { id: ID, clock, signal, done }) };
}

t.test('an agent that is alone waits for nobody', async (t) => {
  const { clock } = { clock: { now: () => 0, sleep: async () => undefined } };
  const turns = await createTurns(undefined, {
    id: ID,
    clock,
    signal: new AbortController().signal,
  });
  t.equal(turns.sharing, undefined);
  const turn = await turns.wait(delivery('a'));
  t.equal(turn.lease, undefined);
  await turn.release();
  await turns.close();
});

t.test('a delivery that another agent is at waits; what is committed has no lease', async (t) => {
  const { said, of } = answering({ a: ['elsewhere', 'elsewhere'], b: ['done'] });
  const turns = await of();
  const turn = await turns.wait(delivery('a'));
  t.equal(turn.lease?.name, 'a');
  await turn.release();
  t.equal((await turns.wait(delivery('b'))).lease, undefined);
  t.strictSame(said, [
    ...['take a 1 since 0', 'sleep', 'take a 1 since 0', 'sleep', 'take a 1 since 0', 'release a'],
    'take b 1 since 0',
  ]);
});

t.test('a source is looked at anew when another agent brought a scope meanwhile', async (t) => {
  const { of } = answering({ a: ['moved'] });
  let looks = 0;
  await lookedAgain(async () => {
    looks++;
    const turns = await of();
    await turns.wait(delivery('a'));
  });
  t.equal(looks, 2);
  await t.rejects(
    lookedAgain(async () => {
      throw new Error('another');
    }),
    /another/,
  );
});

t.test('what is claimed is not taken twice, and given back when it is not brought', async (t) => {
  const { said, of } = answering({ b: ['elsewhere'], c: ['done'], d: ['moved'] });
  const turns = await of();
  const look = await turns.sharing?.look();
  const claim = (scope: string) => look?.claim({ scope, revision: '1', mode: 'snapshot' });
  t.strictSame(
    [await claim('a'), await claim('b'), await claim('c'), await claim('d'), await claim('e')],
    ['mine', 'elsewhere', 'done', 'elsewhere', 'mine'],
  );
  t.ok(said.includes('c is done'), 'what is left out is told');
  said.length = 0;
  const turn = await turns.wait(delivery('a'));
  t.equal(turn.lease?.name, 'a');
  t.strictSame(said, []);
  await turns.sharing?.look();
  t.strictSame(said, ['release e']);
  await turn.release();
  t.strictSame(said, ['release e', 'release a']);
});

t.test("a source that is only known once it is read is one agent's at a time", async (t) => {
  const { said, of } = answering({}, ['elsewhere', 'elsewhere']);
  const release = await (await of()).sharing?.alone();
  await release?.();
  const take = 'take files since 0';
  t.strictSame(said, [take, 'sleep', take, 'sleep', take, 'release files']);
  const moved = answering({}, ['elsewhere', 'moved']);
  let looks = 0;
  await lookedAgain(async () => {
    looks++;
    await (await moved.of()).sharing?.alone();
  });
  t.equal(looks, 2, 'another agent brought something: from its cursor on');
});
