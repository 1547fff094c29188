import t, { type Test } from 'tap';
import type { AgentView, ComponentHealth } from '../../../pipelines/plugin/index.ts';
import health from '../../../plugins/extensions/health/index.ts';
import { createHttp } from '../../../plugins/kit/http.ts';
import { checkedSettings, inspection, turnedClock, worldOf } from '../../helpers/plugin-world.ts';

interface Opened {
  readonly agent: { isReady: boolean; components: ComponentHealth[] };
  readonly url: string;
  get(path: string, method?: 'GET' | 'HEAD' | 'POST'): Promise<{ status: number; body: unknown }>;
}

async function openHealth(
  t: Test,
  settings: object = { endpoint: '127.0.0.1:0' },
): Promise<Opened> {
  const clock = turnedClock();
  const world = worldOf(await checkedSettings(health, settings), { id: 'health', clock });
  const agent = { isReady: false, components: [] as ComponentHealth[] };
  const view: AgentView = {
    version: '1.2.3',
    inspect: () => inspection(),
    ready: () => agent.isReady,
    health: () => agent.components,
  };
  const http = createHttp();
  const opened = await health.open(world, view);
  t.teardown(async () => {
    await http.close();
    await opened.close();
    await world.close();
  });
  const port = String(world.lines[0]?.fields.address).split(':')[1];
  clock.set(clock.now() + 61_500);
  return {
    agent,
    url: `127.0.0.1:${port}`,
    async get(path, method = 'GET') {
      const { status, body } = await http.request({
        url: `http://127.0.0.1:${port}${path}`,
        method,
      });
      const text = Buffer.from(body).toString();
      return { status, body: text === '' ? undefined : JSON.parse(text) };
    },
  };
}

t.test('while it starts, when it runs, when something failed', async (t) => {
  const { agent, get } = await openHealth(t);
  const component = (
    id: string,
    status: ComponentHealth['status'],
    reason?: string,
  ): ComponentHealth => ({
    id,
    kind: 'exporter',
    status,
    since: Date.UTC(2026, 8, 17, 12),
    ...(reason !== undefined && { reason }),
  });

  agent.components = [component('otlp', 'starting')];
  t.match(await get('/'), { status: 503, body: { status: 'starting', version: '1.2.3' } });
  t.match(await get('/live'), { status: 200 });
  t.match(await get('/ready'), { status: 503, body: { ready: false } });
  t.match(await get('/components'), { status: 200 });

  agent.isReady = true;
  agent.components = [component('otlp', 'running'), component('file', 'retrying', 'disk full')];
  t.match(await get('/'), {
    status: 200,
    body: { status: 'ok', uptime_seconds: 61, components: { running: 1, retrying: 1 } },
  });
  t.match(await get('/ready'), { status: 200, body: { ready: true } });
  t.strictSame((await get('/components?x=1')).body, {
    components: [
      {
        id: 'otlp',
        kind: 'exporter',
        status: 'running',
        since: '2026-09-17T12:00:00.000Z',
        for_seconds: 61,
      },
      {
        id: 'file',
        kind: 'exporter',
        status: 'retrying',
        reason: 'disk full',
        since: '2026-09-17T12:00:00.000Z',
        for_seconds: 61,
      },
    ],
  });

  agent.components = [component('otlp', 'failed', 'broken')];
  t.match(await get('/'), { status: 503, body: { status: 'failed' } });
  t.match(await get('/live'), { status: 200 }, 'a restart would not help');
  t.match(await get('/ready'), { status: 503 });
  t.match(await get('/components'), { status: 503 });
});

t.test('other requests', async (t) => {
  const { agent, get } = await openHealth(t);
  agent.isReady = true;
  t.match(await get('/', 'HEAD'), { status: 200, body: undefined });
  t.match(await get('/', 'POST'), { status: 405 });
  for (const path of ['/nothing', '/__proto__', '/constructor'])
    t.match(await get(path), { status: 404 });
});

t.test('where it listens', async (t) => {
  t.equal((await checkedSettings(health, {})).endpoint, '127.0.0.1:13133', 'loopback by default');
  const first = await openHealth(t);
  const taken = {
    name: 'Misconfigured',
    path: 'extensions.health.endpoint',
    message: /EADDRINUSE/,
  };
  await t.rejects(openHealth(t, { endpoint: first.url }), taken);
  await t.rejects(openHealth(t, { endpoint: '13133' }), { name: 'Misconfigured' });
});
