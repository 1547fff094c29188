/** A real collector is killed while requests are in flight, on either side of it: by gRPC, by HTTP, and on the way to another agent. What arrives is the truth. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { startFocusd } from '../helpers/focusd-process.ts';
import { accountFolder, centralFolder } from '../helpers/forwarding.ts';
import { startRememberingBackend } from '../helpers/mortal-world.ts';
import {
  bill,
  committedCosts,
  configuration,
  deadLetters,
  exportedCosts,
  put,
} from '../helpers/world.ts';
import { collector, startCollector } from './programs/collector.ts';
import { variable } from './programs/collector-config.ts';
import { freePort, freePorts } from './programs/ports.ts';
import { type StallingProxy, startStallingProxy } from './stalling-proxy.ts';

t.setTimeout(20 * 60_000);

const program = await collector();
const skip = 'skip' in program ? program.skip : false;
const REVISIONS = 3;
const RETRY = '{ initial_interval: 50ms, max_interval: 200ms, max_elapsed_time: 5s }';

/** Where in the traffic behind the collector it dies, one after the other. */
const DEATHS = [
  ['request', 20_000],
  ['answer', 60],
  ['request', 90_000],
  ['answer', 300],
] as const;

interface Relay {
  readonly grpc: number;
  readonly http: number;
  /** Kills it in the middle of requests as often as `DEATHS` says, and starts it again each time; answers how often. */
  dieAgainAndAgain(isOver: () => boolean): Promise<number>;
}

/** A collector without a queue: it answers when what is behind it has answered. */
async function relay(t: Test, exporter: object, proxy: StallingProxy): Promise<Relay> {
  const [grpc = 0, http = 0] = await freePorts(2);
  const config = JSON.stringify({
    receivers: {
      otlp: {
        protocols: {
          grpc: { endpoint: variable('OTLP_GRPC') },
          http: { endpoint: variable('OTLP_HTTP') },
        },
      },
    },
    exporters: exporter,
    service: { pipelines: { logs: { receivers: ['otlp'], exporters: Object.keys(exporter) } } },
  });
  const begin = () =>
    startCollector({ dir: join(t.testdirName, 'relay'), config, ports: { grpc, http } });
  let running = await begin();
  t.teardown(() => running.stop());
  return {
    grpc,
    http,
    async dieAgainAndAgain(isOver) {
      let deaths = 0;
      for (const [side, after] of DEATHS) {
        const stalled = proxy.stall(side, after).then(() => true);
        let stands = false;
        while (!isOver() && !stands) stands = await Promise.race([stalled, delay(100, false)]);
        if (!stands) return deaths;
        await running.stop('SIGKILL');
        deaths++;
        proxy.goOn();
        running = await begin();
      }
      return deaths;
    },
  };
}

const ONE_BY_ONE = { sending_queue: { enabled: false }, retry_on_failure: { enabled: false } };

for (const protocol of ['grpc', 'http/protobuf'] as const)
  t.test(`on the way to a backend: ${protocol}`, { skip }, async (t) => {
    const folder = t.testdir({ bills: {} });
    const backend = await startRememberingBackend(t);
    const proxy = await startStallingProxy(t, Number(new URL(backend.url).port));
    const endpoint = `http://127.0.0.1:${proxy.port}`;
    const between = await relay(
      t,
      { otlphttp: { endpoint, compression: 'none', ...ONE_BY_ONE } },
      proxy,
    );
    const port = protocol === 'grpc' ? between.grpc : between.http;
    put(
      folder,
      'focusd.yaml',
      configuration({
        exporters: {
          otlp: `{ endpoint: "http://127.0.0.1:${port}", protocol: ${protocol}, timeout: 5s, logs: { restatement: rows, max_batch_bytes: 64KiB, max_in_flight: 3 }, metrics: { enabled: false }, retry: ${RETRY} }`,
        },
      }),
    );
    let deaths = 0;
    for (let revision = 1; revision <= REVISIONS; revision++) {
      const truth = await bill(folder, { provider: 'focus', rows: 1_500, revision });
      const agent = startFocusd(t, ['run', '--once', '-c', join(folder, 'focusd.yaml')]);
      let isOver = false;
      const ended = agent.ended.then((ran) => {
        isOver = true;
        return ran;
      });
      deaths += await between.dieAgainAndAgain(() => isOver);
      const { code, stderr } = await ended;
      t.equal(code, 0, stderr.slice(-2_000));
      t.strictSame(backend.log.costs(), truth.costs, `revision ${revision}: the events`);
      t.equal(
        backend.log.named('charge').length - backend.log.named('correction').length,
        truth.charges,
      );
      t.strictSame(committedCosts(folder), truth.costs);
    }
    t.strictSame(backend.log.contradictions, []);
    t.strictSame(deadLetters(folder), []);
    t.comment(`${deaths} deaths`);
    t.ok(deaths >= DEATHS.length, 'it died in the middle of requests');
  });

t.test('on the way to a central agent', { skip }, async (t) => {
  const root = t.testdir({});
  const port = await freePort();
  const central = centralFolder(join(root, 'central'), { port });
  const proxy = await startStallingProxy(t, port);
  const endpoint = `127.0.0.1:${proxy.port}`;
  const between = await relay(
    t,
    { otlp: { endpoint, compression: 'none', tls: { insecure: true }, ...ONE_BY_ONE } },
    proxy,
  );
  const account = accountFolder(join(root, 'account'), between.grpc, {
    agent: 'account',
    more: 'timeout: 5s, logs: { max_batch_bytes: 64KiB, max_in_flight: 3 }',
  });
  const agents = [central, account].map((folder) =>
    startFocusd(t, ['run', '-c', join(folder, 'focusd.yaml')], { cwd: folder }),
  );
  let deaths = 0;
  for (let revision = 1; revision <= REVISIONS; revision++) {
    const truth = await bill(account, { provider: 'focus', rows: 1_500, revision });
    const isThere = (): boolean =>
      JSON.stringify(committedCosts(central)) === JSON.stringify(truth.costs);
    deaths += await between.dieAgainAndAgain(isThere);
    for (let i = 0; i < 3_000 && !isThere(); i++) await delay(100);
    t.strictSame(committedCosts(central), truth.costs, `revision ${revision}`);
    t.strictSame(committedCosts(account), truth.costs);
  }
  t.comment(`${deaths} deaths`);
  t.ok(deaths >= DEATHS.length, 'it died in the middle of requests');
  for (const agent of agents) agent.kill('SIGTERM');
  for (const { ended } of agents) t.equal((await ended).code, 0);
  t.strictSame(await exportedCosts(join(central, 'out')), committedCosts(central));
  t.strictSame([...deadLetters(central), ...deadLetters(account)], []);
});
