import t, { type Test } from 'tap';
import type { Inspection } from '../../../pipelines/plugin/index.ts';
import debug from '../../../plugins/extensions/debug/index.ts';
import { createHttp } from '../../../plugins/kit/http.ts';
import { checkedSettings, inspection, worldOf } from '../../helpers/plugin-world.ts';

const NOW = Date.UTC(2026, 8, 17, 12);
const BUSY = inspection({
  components: [
    {
      id: 'otlp',
      kind: 'exporter',
      status: 'retrying',
      reason: '<b>down & out</b>',
      since: NOW - 61_000,
      lastError: { time: NOW - 1_000, reason: '"quoted"' },
    },
  ],
  receivers: [
    {
      pipeline: 'costs',
      receiver: 'files',
      deliveries: 3,
      rows: { read: 12_345, written: 12_000, rejected: 345 },
      rowsPerSecond: 1.25,
      lastCommit: NOW - 3_600_000,
      dataAge: 90_061,
    },
  ],
  exporters: [
    { exporter: 'otlp', batches: 2, rows: 7, bytes: 1_536, refused: 1, rowsPerSecond: 0 },
  ],
  queues: [{ name: 'tasks', length: 4 }],
  underWay: [
    {
      pipeline: 'costs',
      receiver: 'files',
      scope: 'acc/2026-09',
      revision: 'r1',
      files: 2,
      bytes: 10,
      since: NOW - 5_000,
      rows: 100_000,
    },
  ],
  scopes: [
    {
      pipeline: 'costs',
      receiver: 'files',
      scope: 'acc/2026-08',
      revision: 'r0',
      deliveries: 1,
      rows: 9,
      rejected: 0,
      committed: NOW - 60_000,
      dataUntil: NOW - 86_400_000,
    },
  ],
  settings: 'exporters:\n  otlp: { headers: { key: "****" } }\n',
  log: ['{"level":"info","message":"first"}', '{"level":"warn","message":"last"}'],
});

async function openDebug(t: Test, inspect: () => Inspection = () => BUSY) {
  const world = worldOf(await checkedSettings(debug, { endpoint: '127.0.0.1:0' }), { id: 'debug' });
  const opened = await debug.open(world, {
    version: '1.2.3',
    ready: () => true,
    health: () => [],
    inspect,
  });
  const http = createHttp();
  t.teardown(async () => {
    await http.close();
    await opened.close();
    await world.close();
  });
  const { origin } = new URL(String(world.lines[0]?.fields.address));
  return async (path: string, headers: Record<string, string> = {}, method?: 'POST' | 'HEAD') => {
    const url = `${origin}${path}`;
    const answer = await http.request({ url, headers, ...(method && { method }) });
    return { ...answer, text: Buffer.from(answer.body).toString() };
  };
}

t.test('every page, for people and for machines', async (t) => {
  const get = await openDebug(t);
  const whole = await get('/debug');
  t.match(whole.headers, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': /default-src 'none'/,
    'cache-control': 'no-store',
  });
  t.equal((await get('/')).text, whole.text);
  t.match(whole.text, /<td>otlp<\/td><td>retrying<\/td><td>1m 1s<\/td>/);
  t.match(whole.text, /&lt;b&gt;down &amp; out&lt;\/b&gt;/, 'nothing is markup that should not be');
  t.match(whole.text, /12,345<\/td><td>1\.3<.*345<\/td><td>1h ago<\/td><td>1d 1h</);
  t.match(whole.text, /1\.5 KiB/);
  t.match(whole.text, /acc\/2026-09<\/td><td>r1<.*<td>5s<\/td><td>100,000</);
  t.notMatch(whole.text, /<script|https?:\/\//, 'no script, nothing from elsewhere');
  t.strictSame(JSON.parse((await get('/debug.json')).text), BUSY);
  const parts = {
    components: BUSY.components,
    traffic: { receivers: BUSY.receivers, exporters: BUSY.exporters, queues: BUSY.queues },
    deliveries: BUSY.underWay,
    scopes: BUSY.scopes,
    settings: { settings: BUSY.settings },
    log: BUSY.log.map((line) => JSON.parse(line)),
  };
  for (const [name, part] of Object.entries(parts)) {
    t.match(await get(`/debug/${name}`), { status: 200, text: /^<!doctype html>/ }, name);
    t.strictSame(JSON.parse((await get(`/debug/${name}.json`)).text), part, name);
  }
  t.match((await get('/debug/scopes')).text, /acc\/2026-08.*2026-09-16T12:00:00Z, 1d ago/);
  t.match((await get('/debug/log')).text, /last.*\n.*first/, 'the newest first');
  t.match((await get('/debug/settings')).text, /\*\*\*\*/);
});

t.test('who may ask, and for what', async (t) => {
  const get = await openDebug(t);
  for (const host of ['rebound.example', '10.0.0.1:80', '127.0.0.1.example', ''])
    t.match(await get('/debug', { host }), { status: 403 }, `Host: ${host}`);
  for (const host of ['localhost', 'localhost:13134', '127.0.0.2:9', '[::1]:1'])
    t.match(await get('/debug', { host }), { status: 200 }, `Host: ${host}`);
  for (const path of ['/nothing', '/debug/nothing', '/debug/__proto__', '/debugs', '/debug/x/y'])
    t.match(await get(path), { status: 404 }, path);
  t.match(await get('/debug', {}, 'POST'), { status: 405 });
  t.match(await get('/debug', {}, 'HEAD'), { status: 200, text: '' });
});

t.test('while the agent stops', async (t) => {
  const get = await openDebug(t, () => {
    throw new Error('database is not open');
  });
  t.match(await get('/debug'), { status: 503, text: /database is not open/ });
});

t.test('it listens on this machine only', async (t) => {
  for (const endpoint of ['0.0.0.0:0', ':0', '192.0.2.1:0', '[::]:0', 'focusd.example:0']) {
    const world = worldOf(await checkedSettings(debug, { endpoint }), { id: 'debug' });
    await t.rejects(
      debug.open(world, {
        version: '',
        ready: () => true,
        health: () => [],
        inspect: () => BUSY,
      }),
      { name: 'Misconfigured', path: 'extensions.debug.endpoint', hint: /127\.0\.0\.1/ },
      endpoint,
    );
    await world.close();
  }
});
