import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import { adviseNats, checkNats } from '../../../plugins/kit/nats/settings.ts';
import { keepInProgress } from '../../../plugins/receivers/nats/in-progress.ts';
import nats from '../../../plugins/receivers/nats/index.ts';
import { checkedSettings, turnedClock } from '../../helpers/plugin-world.ts';

t.test('the server is told of what takes long, as long as it does', async (t) => {
  const told: string[] = [];
  const message = (name: string) => ({ working: () => void told.push(name) });
  const wake: (() => void)[] = [];
  const clock = turnedClock(() => new Promise<void>((resolve) => void wake.push(resolve)));
  const turn = async () => {
    wake.shift()?.();
    for (let i = 0; i < 5; i++) await setImmediate();
  };
  const inProgress = keepInProgress({ everyMs: 10_000, clock });
  const done = inProgress.hold(message('a'));
  inProgress.hold(message('b'));
  await turn();
  t.same(told, ['a', 'b']);
  done();
  await turn();
  t.same(told, ['a', 'b', 'b']);
  inProgress.stop();
  await turn();
  await turn();
  t.same(told, ['a', 'b', 'b']);
  t.ok(clock.slept.every((ms) => ms === 10_000));
});

t.test('ways to log in that contradict each other, and servers that are none', async (t) => {
  const wrong: readonly (readonly [object, string, RegExp])[] = [
    [{ token: 'a', user: 'b', password: 'c' }, 'nats.token', /two ways to log in: user and token/],
    [{ user: 'b' }, 'nats.password', /a user needs a password/],
    [{ password: 'b' }, 'nats.user', /a password a user/],
    [{ servers: ['http://a:1'] }, 'nats.servers', /not a server of NATS: http:\/\/a:1/],
    [{ servers: ['nats://u:secret@a'] }, 'nats.servers', /^(?!.*secret)/],
    [{ servers: [] }, 'nats.servers', /no server/],
  ];
  for (const [settings, path, message] of wrong) {
    const config = await checkedSettings(nats, { stream: 'S', ...settings });
    t.throws(() => checkNats(config, 'nats'), { name: 'Misconfigured', path, message });
  }
});

t.test('a secret that others could read is warned of', async (t) => {
  const advice = async (settings: object) =>
    adviseNats(await checkedSettings(nats, { stream: 'S', token: 'a', ...settings })).length;
  t.equal(await advice({}), 0, 'on this machine');
  t.equal(await advice({ servers: ['nats://bus.example.com'] }), 1);
  t.equal(await advice({ servers: 'bus.example.com:4222' }), 1);
  t.equal(await advice({ servers: ['tls://bus.example.com'] }), 0);
  t.equal(await advice({ servers: ['nats://bus.example.com'], tls: { ca: 'a.pem' } }), 0);
});
