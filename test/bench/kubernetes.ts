/**
 * The receiver `kubernetes` over a large cluster: time and memory of the first list, of a look each minute, and of an hour's charges. The API server is
 * a process of its own, so that its memory does not count. RSS is told as it is right after a list and ten looks at their own pace (there is time to
 * collect garbage between them), and at its highest when an hour of looks follows without a pause: `node --expose-gc test/bench/kubernetes.ts [nodes] [pods]`.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { boundYoungGeneration } from '../../agent/young-generation.ts';
import kubernetes from '../../plugins/receivers/kubernetes/index.ts';
import { rawNode, rawPod } from '../helpers/kube-objects.ts';
import type { Raw } from '../helpers/kube-server.ts';
import { movedClock, until } from '../helpers/moved-clock.ts';
import { checkedSettings, worldOf } from '../helpers/plugin-world.ts';

/** The size of a cluster. */
interface Size {
  readonly nodes: number;
  readonly pods: number;
}

/** Looks with a pause after each. */
const PACED = 10;
/** What a process is told that is to be the API server. */
const SERVE = 'serve';

/** Objects as large as those of a real cluster: what the receiver forgets is most of them. */
const MANAGED = Array.from({ length: 5 }, (_, i) => ({
  manager: `manager-${i}`,
  fieldsV1: { 'f:metadata': { 'f:labels': 'x'.repeat(600) } },
}));

const size = { nodes: Number(process.argv[2] ?? 5000), pods: Number(process.argv[3] ?? 20_000) };
if (process.argv[4] === SERVE) await serve(size);
else await measure(size);

async function measure(size: Size): Promise<void> {
  boundYoungGeneration();
  const numbers = [size.nodes, size.pods].map(String);
  const server = fork(import.meta.filename, [...numbers, SERVE], { execArgv: [] });
  const [url] = (await once(server, 'message')) as [string];
  const folder = mkdtempSync(join(tmpdir(), 'focusd-kubernetes-'));
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, kubeconfigOf(url));
  const config = await checkedSettings(kubernetes, {
    ...{ kubeconfig, cluster: 'bench', usage: 'requests', namespace_labels: [] },
    prices: { 'm5.xlarge': '0.192' },
  });
  const turned = movedClock(Date.parse('2026-09-17T10:00:00Z'));
  const world = { ...worldOf(config, { folder }), clock: turned.clock };
  const idle = memory();
  let peak = 0;
  const watching = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss);
  }, 5);

  let watches = 0;
  server.on('message', () => {
    watches += 1;
  });
  const started = performance.now();
  const deliveries = kubernetes.receive(world, undefined)[Symbol.asyncIterator]();
  const first = deliveries.next();
  await until(() => watches === 2);
  const listed = performance.now() - started;
  const kept = memory();
  console.log(
    `${size.nodes} nodes, ${size.pods} pods: first list in ${seconds(listed)} s; heap ${mb(kept.heap - idle.heap)} MB above idle after it, RSS at most ${mb(peak - idle.rss)} MB above idle`,
  );

  for (let minute = 1; minute <= PACED; minute += 1) {
    await turned.move(60_000);
    await delay(2_000);
  }
  console.log(`after ${PACED} looks at a pace: RSS at most ${mb(peak - idle.rss)} MB above idle`);
  const looks = performance.now();
  for (let minute = PACED + 1; minute <= 59; minute += 1) await turned.move(60_000);
  console.log(
    `a look: ${Math.round((performance.now() - looks) / (59 - PACED))} ms; RSS at most ${mb(peak - idle.rss)} MB above idle`,
  );
  const charges = performance.now();
  await turned.move(60_000);
  await turned.move(60_000, 1);
  const { value } = await first;
  const [part] = value?.parts ?? [];
  console.log(
    `an hour's charges: ${seconds(performance.now() - charges)} s, ${mb(part === undefined ? 0 : statSync(part.path).size)} MB; heap ${mb(memory().heap - idle.heap)} MB above idle, RSS at most ${mb(peak - idle.rss)} MB above idle`,
  );
  clearInterval(watching);
  world.stop.abort();
  await deliveries.return?.(undefined);
  await world.close();
  server.kill();
  rmSync(folder, { recursive: true });
}

function kubeconfigOf(server: string): string {
  return JSON.stringify({
    'current-context': 'bench',
    contexts: [{ name: 'bench', context: { cluster: 'bench', user: 'bench' } }],
    clusters: [{ name: 'bench', cluster: { server } }],
    users: [{ name: 'bench', user: { token: 'bench' } }],
  });
}

function memory(): { readonly heap: number; readonly rss: number } {
  globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  return { heap: heapUsed, rss };
}

function mb(bytes: number): number {
  return Math.round(bytes / 1e6);
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}

/** Lists in pages, and watches in which nothing happens. */
async function serve({ nodes, pods }: Size): Promise<void> {
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://kube');
    const isPods = pathname.endsWith('/pods');
    if (searchParams.get('watch') === 'true') {
      response.writeHead(200).write('\n');
      process.send?.('watch');
      return;
    }
    const from = Number(searchParams.get('continue') ?? 0);
    const to = Math.min(isPods ? pods : nodes, from + Number(searchParams.get('limit')));
    const items = Array.from({ length: to - from }, (_, i) =>
      large(isPods ? podOf(from + i, nodes) : rawNode(`n${from + i}`)),
    );
    const more = to < (isPods ? pods : nodes) ? { continue: String(to) } : {};
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ metadata: { resourceVersion: '1', ...more }, items }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

function podOf(i: number, nodes: number): Raw {
  return rawPod(`service-${i % 400}-7d9c8b6f5-x${i}`, {
    node: `n${i % nodes}`,
    namespace: `team-${i % 60}`,
    cpu: '100m',
    labels: {
      app: `service-${i % 400}`,
      'app.kubernetes.io/instance': `service-${i % 400}`,
      'pod-template-hash': '7d9c8b6f5',
      team: `team-${i % 60}`,
    },
    owner: { kind: 'ReplicaSet', name: `service-${i % 400}-7d9c8b6f5` },
  });
}

function large(object: Raw): Raw {
  return { ...object, metadata: { ...object.metadata, managedFields: MANAGED } };
}
