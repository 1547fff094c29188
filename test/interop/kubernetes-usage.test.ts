/** What pods use, as a real Prometheus has it of a page in the format of the kubelet's cAdvisor. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import kubernetes from '../../plugins/receivers/kubernetes/index.ts';
import { rawNode, rawPod } from '../helpers/kube-objects.ts';
import { startKubeServer } from '../helpers/kube-server.ts';
import { movedClock, until } from '../helpers/moved-clock.ts';
import { checkedSettings, worldOf } from '../helpers/plugin-world.ts';
import { linesOf, receiving } from '../helpers/receiving.ts';
import { type Prometheus, prometheus, startPrometheus } from './programs/prometheus.ts';

t.setTimeout(30 * 60_000);

const GIB = 2 ** 30;

/** Series as the kubelet writes them: with the time of each sample, the pod as a whole and what holds its network beside the containers. */
function page(now: number): string {
  const cpu = (labels: string, cores: number) =>
    `container_cpu_usage_seconds_total{${labels},cpu="total"} ${(now / 1000) * cores} ${now}`;
  const memory = (labels: string, bytes: number) =>
    `container_memory_working_set_bytes{${labels}} ${bytes} ${now}`;
  const of = (pod: string, container: string, cluster: string) =>
    `container="${container}",id="/kubepods/${pod}/${container}",image="app:1",name="n",namespace="shop",pod="${pod}",cluster="${cluster}"`;
  return [
    '# TYPE container_cpu_usage_seconds_total counter',
    cpu(of('web', 'app', 'prod'), 2.5),
    cpu(of('web', 'helper', 'prod'), 0.25),
    cpu(of('web', '', 'prod'), 2.75),
    cpu(of('web', 'POD', 'prod'), 0.001),
    cpu(of('web', 'app', 'test'), 3.5),
    'container_cpu_usage_seconds_total{id="/",cpu="total"} 1e6',
    '# TYPE container_memory_working_set_bytes gauge',
    memory(of('web', 'app', 'prod'), 6 * GIB),
    memory(of('web', 'helper', 'prod'), GIB),
    memory(of('web', '', 'prod'), 7 * GIB),
    memory(of('web', 'app', 'test'), 8 * GIB),
    '',
  ].join('\n');
}

async function cadvisor(t: Test): Promise<string> {
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/metrics/cadvisor' ? 200 : 404, {
      'content-type': 'text/plain; version=0.0.4',
    });
    response.end(page(Date.now()));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function scraping(t: Test, dir: string, target: string): Promise<Prometheus> {
  const config = `
global: { scrape_interval: 1s }
scrape_configs:
  - job_name: cadvisor
    metrics_path: /metrics/cadvisor
    static_configs: [{ targets: ['${target}'] }]
`;
  const backend = await startPrometheus({ dir: join(dir, 'prometheus'), config });
  t.teardown(() => backend.stop());
  return backend;
}

await t.test('usage comes from Prometheus', async (t) => {
  const program = await prometheus();
  if ('skip' in program) return t.plan(0, program.skip);
  const folder = t.testdir({});
  const backend = await scraping(t, folder, await cadvisor(t));
  const rate = 'rate(container_cpu_usage_seconds_total{container="app",cluster="prod"}[10s])';
  for (let tries = 0; ; tries += 1) {
    const [sample] = await backend.query(rate);
    if (Number(sample?.value) > 2.49) break;
    if (tries > 600) throw new Error(`Prometheus does not have it: ${JSON.stringify(sample)}`);
    await delay(200);
  }

  const server = await startKubeServer();
  t.teardown(() => server.close());
  server.put('/api/v1/nodes', rawNode('a'));
  server.put('/api/v1/pods', rawPod('web'));
  writeFileSync(
    join(folder, 'kubeconfig'),
    JSON.stringify({
      'current-context': 'c',
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      clusters: [{ name: 'c', cluster: { server: server.url } }],
      users: [{ name: 'u', user: { token: 'secret' } }],
    }),
  );
  const settings = {
    ...{ kubeconfig: join(folder, 'kubeconfig'), cluster: 'prod', usage: 'prometheus' },
    prices: { 'm5.xlarge': '0.192' },
    prometheus: { url: backend.url, selector: 'cluster="prod"', window: '10s' },
  };
  const turned = movedClock(Date.parse('2026-09-17T10:00:00Z'));
  const world = {
    ...worldOf(await checkedSettings(kubernetes, settings), { folder }),
    clock: turned.clock,
  };
  const lines: Record<string, string>[] = [];
  const { stop } = receiving(kubernetes, world, (delivery) => lines.push(...linesOf(delivery)));
  await until(() => server.requests.some((one) => one.includes('pods?watch')));
  for (let minute = 0; minute <= 61 && lines.length === 0; minute += 1) await turned.move(60_000);
  await until(() => lines.length > 0);
  const used = (container: string, unit: string) =>
    Number(
      lines.find((one) => one.allocated_name === `shop/web${container}` && one.unit === unit)?.used,
    );
  const near = (value: number, wanted: number) => Math.abs(value - wanted) < wanted * 0.03;
  t.ok(near(used('/app', 'Core-Hours'), 2.5), `app: ${used('/app', 'Core-Hours')} cores`);
  t.ok(near(used('/helper', 'Core-Hours'), 0.25), `${used('/helper', 'Core-Hours')} cores`);
  t.equal(used('/app', 'GiB-Hours'), 6);
  t.equal(used('/helper', 'GiB-Hours'), 1);
  t.same(
    [...new Set(lines.flatMap((one) => one.allocated_name ?? []))].toSorted(),
    ['shop/web/app', 'shop/web/helper'],
    'nothing of the pod as a whole, of what holds its network, of another cluster',
  );
  t.notOk(world.lines.some(({ message }) => message.startsWith('usage is not known')));

  const odd = { ...settings, prometheus: { ...settings.prometheus, selector: 'cluster="none"' } };
  const other = worldOf(await checkedSettings(kubernetes, odd), { folder });
  server.answer('/version', 200, { gitVersion: 'v1.36.3' });
  const probe = await kubernetes.probe?.(other).finally(() => other.close());
  t.match(probe?.problems, [/does it scrape \/metrics\/cadvisor/]);
  // Before the folder goes.
  await stop();
});
