import fc from 'fast-check';
import t from 'tap';
import { decimal, formatDecimal, isZero, subtract, sum } from '../../../pipelines/focus/index.ts';
import kubernetesUsage from '../../../pipelines/normalize/mappings/kubernetes-usage.ts';
import { allocateNode, spreadOver } from '../../../plugins/receivers/kubernetes/allocate.ts';
import { chargesOf } from '../../../plugins/receivers/kubernetes/charges.ts';
import { emptyHour, HOUR, type Hour } from '../../../plugins/receivers/kubernetes/hour.ts';
import kubernetes from '../../../plugins/receivers/kubernetes/index.ts';
import type { Charging } from '../../../plugins/receivers/kubernetes/line.ts';
import { Meter } from '../../../plugins/receivers/kubernetes/meter.ts';
import { nodeSold } from '../../../plugins/receivers/kubernetes/names.ts';
import { nodeOf, podOf, volumeOf } from '../../../plugins/receivers/kubernetes/objects.ts';
import { nodePrice } from '../../../plugins/receivers/kubernetes/prices.ts';
import {
  kibibytes,
  micros,
  parseQuantity,
} from '../../../plugins/receivers/kubernetes/quantity.ts';
import { chargingOf } from '../../../plugins/receivers/kubernetes/session.ts';
import { brokenInvariants } from '../../helpers/charge-invariants.ts';
import { rawNode, rawPod } from '../../helpers/kube-objects.ts';
import { normalizeRows } from '../../helpers/normalize-rows.ts';
import { checkedSettings, worldOf } from '../../helpers/plugin-world.ts';

const START = Date.parse('2026-09-17T10:00:00Z') / 1000;

async function charging(written: object = {}): Promise<Charging> {
  const config = await checkedSettings(kubernetes, {
    prices: { 'm5.xlarge': '0.192' },
    ...written,
  });
  return chargingOf({ ...worldOf(config), id: 'kubernetes' }, 'prod');
}

function meterAt(start: number, longestGap = 1800): Meter {
  return new Meter({ at: start, longestGap });
}

/** The only hour that is over. */
function hourOf(meter: Meter): Hour {
  return meter.finished()[0] ?? emptyHour(0);
}

t.test('quantities are read as Kubernetes writes them', (t) => {
  const text = (quantity: string) => {
    const value = parseQuantity(quantity);
    return value === undefined ? undefined : formatDecimal(value);
  };
  t.equal(text('250m'), '0.25');
  t.equal(text('1.5Gi'), '1610612736');
  t.equal(text('2e3'), '2000');
  t.equal(text('3k'), '3000');
  t.equal(text('7E'), '7000000000000000000');
  for (const odd of ['', 'x', '-1', '1.2.3', '1Zi']) t.equal(text(odd), undefined, odd);
  t.equal(micros('1234567n'), 1235, 'rounded up');
  t.equal(kibibytes('1025'), 2);
  t.equal(kibibytes(undefined), 0);
  t.end();
});

t.test('objects keep what costs depend on', (t) => {
  const node = nodeOf(
    rawNode('a', {
      labels: { 'karpenter.sh/capacity-type': 'spot' },
      capacity: { 'nvidia.com/gpu': '2', 'nvidia.com/gpu.product': 'x' },
    }),
  );
  t.match(node, {
    instanceType: 'm5.xlarge',
    region: 'eu-west-1',
    spot: true,
    capacity: { cpu: 4_000_000, memory: 16 * 2 ** 20, gpu: 2_000_000 },
  });
  const pod = podOf({
    ...rawPod('web-6c9-x', {
      owner: { kind: 'ReplicaSet', name: 'web-6c9' },
      labels: { 'pod-template-hash': '6c9' },
    }),
    spec: {
      nodeName: 'a',
      overhead: { cpu: '100m' },
      initContainers: [
        { name: 'once', resources: { requests: { cpu: '9' } } },
        { name: 'mesh', restartPolicy: 'Always', resources: { requests: { cpu: '50m' } } },
      ],
      containers: [{ name: 'app', resources: { requests: { cpu: '1', memory: '1Gi' } } }],
      volumes: [{ name: 'scratch', ephemeral: {} }],
    },
  });
  t.match(pod, { controllerKind: 'Deployment', controllerName: 'web' });
  t.same(Object.keys(pod.requests), ['mesh', 'app', '']);
  t.equal(pod.requests['']?.cpu, 100_000);
  t.same(pod.claims, ['web-6c9-x-scratch']);
  t.match(podOf(rawPod('j', { owner: { kind: 'Job', name: 'report-29345678' } })), {
    controllerKind: 'CronJob',
    controllerName: 'report',
  });
  const odd = podOf({ metadata: { name: 'bare' }, spec: null, status: 7 });
  t.match(odd, { node: '', requests: {}, controllerKind: '' });
  t.end();
});

t.test('nodes are known as their sellers know them', (t) => {
  const sold = (providerId: string) => nodeSold({ providerId, uid: 'u' });
  t.same(sold('aws:///us-east-1a/i-0ab'), { provider: 'AWS', id: 'i-0ab' });
  t.same(sold('gce://p/z/n'), { provider: 'Google Cloud', id: 'projects/p/zones/z/instances/n' });
  t.equal(
    nodeSold({ providerId: 'gce://p/z/n', instanceId: '4711', uid: 'u' }).id,
    '//compute.googleapis.com/projects/p/zones/z/instances/4711',
    'as the bill has it',
  );
  t.same(sold('azure:///subscriptions/s/x').id, '/subscriptions/s/x');
  t.match(sold('ocid1.instance.oc1..x'), { provider: 'Oracle', id: 'ocid1.instance.oc1..x' });
  t.same(sold('kind://docker/k/n'), { provider: 'kind', id: 'docker/k/n' });
  t.same(sold(''), { provider: 'Kubernetes', id: 'u' });
  t.end();
});

t.test('the price of a node is the closest that is set, and none is said', async (t) => {
  const { prices } = await charging({
    prices: { m5: '0.2', 'm5/eu-west-1': '0.21', 'm5/spot': '0.05' },
  });
  const price = (labels: object, by = prices) => {
    const node = nodeOf(rawNode('a', { labels }));
    const found = nodePrice(node, by);
    return found && [formatDecimal(found.amount), found.source];
  };
  const m5 = { 'node.kubernetes.io/instance-type': 'm5' };
  const spot = { 'eks.amazonaws.com/capacityType': 'SPOT' };
  t.same(price(m5), ['0.21', 'settings: m5/eu-west-1']);
  t.same(price({ ...m5, 'topology.kubernetes.io/region': 'x' }), ['0.2', 'settings: m5']);
  t.same(price({ ...m5, ...spot }), ['0.05', 'settings: m5/spot']);
  t.equal(price({}), undefined);
  const byRates = await charging({ price_by_rates: true, rates: { cpu: '1', memory: '0.1' } });
  t.same(price({}, { ...byRates.prices, nodes: new Map() }), ['5.6', 'settings: rates']);
  const { prices: onDemand } = await charging();
  t.same(price(spot, onDemand), ['0.192', 'settings: m5.xlarge (no spot price is set)']);
  t.rejects(charging({ prices: { m5: '1e3' } }), /not a price: 1e3/);
});

const amount = fc.nat({ max: 2 ** 31 });
const amounts = fc.record({ cpu: amount, memory: amount, gpu: fc.nat({ max: 8_000_000 }) });

t.test('whatever runs, the parts of a node add up to its cost, and none is negative', async (t) => {
  const { prices } = await charging();
  const property = fc.property(
    fc.array(fc.record({ requested: amounts, used: amounts, daemon: fc.boolean() }), {
      maxLength: 12,
    }),
    amounts,
    amounts,
    fc.integer({ min: 1, max: HOUR }),
    fc.nat({ max: 10 ** 9 }).map((digits) => ({ digits: BigInt(digits), scale: 7 })),
    fc.record({ idle: fc.boolean(), overhead: fc.boolean(), daemonsets: fc.boolean() }),
    (containers, capacity, allocatable, seconds, cost, spreading) => {
      const node = { node: { ...nodeOf(rawNode('a')), capacity, allocatable }, seconds };
      const pods = containers.map(({ requested, used, daemon }, i) => ({
        pod: podOf(rawPod(`p${i}`, daemon ? { owner: { kind: 'DaemonSet', name: 'd' } } : {})),
        node: 'node-a',
        namespace: {},
        seconds,
        sent: 0,
        containers: new Map([['app', { requested, used }]]),
      }));
      const all = allocateNode(node, pods, { cost, rates: prices.rates });
      const spread = spreadOver(all, spreading);
      const total = (of: typeof all) => sum(of.map((share) => share.cost));
      return (
        isZero(subtract(total(all), cost)) &&
        isZero(subtract(total(spread), cost)) &&
        spread.every((share) => share.cost.digits >= 0n)
      );
    },
  );
  t.doesNotThrow(() => fc.assert(property, { numRuns: 500 }));
});

/** A node with two pods for an hour, one of them from a quarter past. */
function smallHour(): Hour {
  const meter = meterAt(START);
  meter.put(nodeOf(rawNode('a')), START);
  meter.put(podOf(rawPod('web', { labels: { team: 'shop' }, cpu: '2', memory: '4Gi' })), START);
  meter.put(
    podOf(rawPod('late', { cpu: '1', memory: '2Gi', started: '2026-09-17T10:15:00Z' })),
    START + 905,
  );
  for (let at = 60; at <= HOUR; at += 60) meter.advance(START + at);
  return hourOf(meter);
}

async function rowsOf(hour: Hour, written: object = {}) {
  const lines = [...chargesOf(hour, await charging(written))];
  const rows = lines.map((line) =>
    Object.fromEntries(Object.entries(line).map(([name, value]) => [name, value ?? undefined])),
  );
  return await normalizeRows(kubernetesUsage, Object.keys(lines[0] ?? {}), rows);
}

const costOf = (rows: readonly Readonly<Record<string, string>>[]) =>
  formatDecimal(sum(rows.map((row) => decimal(row.EffectiveCost ?? '0'))));

t.test('an hour of a node becomes charges of FOCUS', async (t) => {
  const { rows } = await rowsOf(smallHour());
  t.equal(costOf(rows), '0.192');
  t.same(brokenInvariants(rows), {});
  const web = rows.find(
    (row) => row.AllocatedResourceName === 'shop/web/app' && row.ConsumedUnit === 'Core-Hours',
  );
  t.match(web, {
    AllocatedMethodId: 'opencost-max-request-usage',
    AllocatedResourceId: 'pod-web',
    AllocatedTags: '{"team":"shop","k8s.namespace.name":"shop"}',
    BilledCost: '0',
    BillingAccountId: 'prod',
    ChargePeriodEnd: '2026-09-17T11:00:00Z',
    ChargePeriodStart: '2026-09-17T10:00:00Z',
    ConsumedQuantity: '2',
    PricingCategory: 'Standard',
    RegionId: 'eu-west-1',
    ResourceId: 'i-a',
    ServiceName: 'Kubernetes',
    ServiceProviderName: 'AWS',
    ServiceSubcategory: 'Containers',
    SkuId: 'AWS/m5.xlarge/cpu',
    SubAccountId: 'prod',
    x_CostSource: 'estimated',
    x_KubernetesKind: 'container',
    x_PriceSource: 'settings: m5.xlarge',
  });
  const late = rows.find((row) => row.AllocatedResourceName === 'shop/late/app');
  t.equal(late?.ConsumedQuantity, '0.75', 'from the second in which it was started');
  const ratios = rows.map((row) => JSON.parse(row.AllocatedMethodDetails ?? '{}').Elements[0]);
  t.ok(Math.abs(ratios.reduce((all, one) => all + one.AllocatedRatio, 0) - 1) < 1e-9);
  t.same(
    rows.filter((row) => row.AllocatedResourceId === undefined).map((row) => row.x_KubernetesKind),
    ['overhead', 'idle', 'overhead', 'idle'],
  );
});

t.test('idle time, overhead and DaemonSets go where the settings say', async (t) => {
  const kinds = async (written: object) => {
    const { rows } = await rowsOf(smallHour(), written);
    t.equal(costOf(rows), '0.192', JSON.stringify(written));
    t.same(brokenInvariants(rows), {});
    return rows
      .map((row) => row.x_KubernetesKind)
      .toSorted()
      .join(' ');
  };
  const containers = 'container container container container';
  t.equal(await kinds({ idle: 'by_node' }), `${containers} idle overhead overhead`);
  t.equal(await kinds({ idle: 'by_cluster' }), `${containers} idle overhead overhead`);
  t.equal(await kinds({ idle: 'spread' }), `${containers} overhead overhead`);
  t.equal(await kinds({ idle: 'spread', overhead: 'spread' }), containers);
  const { rows } = await rowsOf(smallHour(), { idle: 'by_cluster' });
  t.match(
    rows.find((row) => row.x_KubernetesKind === 'idle'),
    { ResourceId: 'prod' },
  );
});

t.test('the control plane is a charge, or spread over pods', async (t) => {
  const own = await rowsOf(smallHour(), { control_plane_price: '0.1' });
  t.equal(costOf(own.rows), '0.292');
  t.match(own.rows.at(-1), { x_KubernetesKind: 'control_plane', EffectiveCost: '0.1' });
  const spread = await rowsOf(smallHour(), { control_plane_price: '0.1', control_plane: 'spread' });
  t.equal(costOf(spread.rows), '0.292');
  t.equal(spread.rows.filter((row) => row.x_KubernetesKind === 'control_plane').length, 2);
});

t.test('a node without a price is refused, never free', async (t) => {
  const { rows, counts } = await rowsOf(smallHour(), { prices: {} });
  t.equal(rows.length, 0);
  t.same([...counts.rejected], [['unknown_price', 1]]);
});

t.test('a volume is charged to the pods that mount it, and otherwise to its claim', async (t) => {
  const meter = meterAt(START);
  meter.put(nodeOf(rawNode('a')), START);
  const volume = (name: string, claim: string) =>
    volumeOf({
      metadata: { uid: `pv-${name}`, name, creationTimestamp: '2026-09-01T00:00:00Z' },
      spec: {
        capacity: { storage: '73Gi' },
        storageClassName: 'gp3',
        csi: { driver: 'ebs.csi.aws.com', volumeHandle: `vol-${name}` },
        claimRef: { namespace: 'shop', name: claim, uid: `claim-${claim}` },
      },
    });
  meter.put(volume('one', 'data'), START);
  meter.put(volume('two', 'unused'), START);
  meter.put(
    podOf(rawPod('db', { claims: ['data'], started: '2026-09-17T10:30:00Z' })),
    START + 1801,
  );
  for (let at = 60; at <= HOUR; at += 60) meter.advance(START + at);
  const { rows } = await rowsOf(hourOf(meter), { storage_prices: { default: '0.1' } });
  const volumes = rows.filter((row) => row.ServiceCategory === 'Storage');
  t.same(brokenInvariants(rows), {});
  t.equal(costOf(volumes), '0.02', '2 × 73 GiB × 0.1 / 730');
  t.match(volumes, [
    { x_KubernetesKind: 'volume', AllocatedResourceId: 'pod-db', EffectiveCost: '0.005' },
    { x_KubernetesKind: 'unmounted', ResourceId: 'vol-one', ConsumedQuantity: '36.5' },
    { ResourceId: 'vol-two', ResourceName: 'shop/unused', Tags: '{"k8s.namespace.name":"shop"}' },
  ]);
});

t.test('usage above the request counts, and requests above usage', async (t) => {
  const meter = meterAt(START);
  meter.put(nodeOf(rawNode('a')), START);
  meter.put(podOf(rawPod('web', { cpu: '1', memory: '4Gi' })), START);
  for (let at = 60; at <= HOUR; at += 60) {
    const cpu = at <= HOUR / 2 ? 3_000_000 : 0;
    meter.use('pod-web', { containers: { app: { cpu, memory: 2 ** 20, gpu: 0 } } });
    meter.advance(START + at);
  }
  const { rows } = await rowsOf(hourOf(meter));
  const own = rows.filter((row) => row.AllocatedResourceId === 'pod-web');
  t.match(own, [
    { ConsumedQuantity: '1.5', x_RequestedQuantity: '1', x_UsedQuantity: '1.5' },
    { ConsumedQuantity: '4', x_RequestedQuantity: '4', x_UsedQuantity: '1' },
  ]);
});

t.test('what comes and goes counts for the time it was there', (t) => {
  const meter = meterAt(START);
  const seconds = () => {
    const { nodes, pods } = hourOf(meter);
    return [
      ...[...nodes.values()].map(({ node, seconds: of }) => `${node.name} ${of}`),
      ...[...pods.values()].map(({ pod, node, seconds: of }) => `${pod.name} ${node} ${of}`),
    ];
  };
  meter.put(nodeOf(rawNode('a')), START);
  meter.put(podOf(rawPod('stays')), START);
  meter.put(podOf(rawPod('pending', { node: '' })), START);
  meter.advance(START + 600);
  meter.put(nodeOf(rawNode('b', { made: '2026-09-17T10:12:00Z' })), START + 725);
  meter.put(podOf(rawPod('short', { node: 'b', started: '2026-09-17T10:12:10Z' })), START + 735);
  meter.remove('pod-short', START + 760);
  meter.put(podOf(rawPod('moves')), START + 800);
  meter.put(podOf(rawPod('moves', { node: 'b' })), START + 1000);
  const done = { phase: 'Succeeded', finished: '2026-09-17T10:20:00Z' };
  meter.put(podOf(rawPod('moves', { node: 'b', ...done })), START + 1300);
  meter.put(
    podOf(
      rawPod('brief', {
        started: '2026-09-17T10:30:00Z',
        phase: 'Failed',
        finished: '2026-09-17T10:30:07Z',
      }),
    ),
    START + 1810,
  );
  meter.put(
    podOf(
      rawPod('brief', {
        started: '2026-09-17T10:30:00Z',
        phase: 'Failed',
        finished: '2026-09-17T10:30:07Z',
      }),
    ),
    START + 1811,
  );
  meter.remove('node-b', START + 2000);
  meter.advance(START + 2000);
  meter.advance(START + HOUR);
  t.same(seconds(), [
    'a 3600',
    'b 1280',
    'stays node-a 3600',
    'short node-b 30',
    'moves node-a 1000',
    'moves node-b 200',
    'brief node-a 7',
  ]);
  t.end();
});

t.test('no clock makes anything count twice', (t) => {
  const gaps: number[] = [];
  const meter = new Meter({ at: START, longestGap: 600, onGap: (gap) => gaps.push(gap) });
  const seconds = () => [...hourOf(meter).nodes.values()].map((one) => one.seconds);
  meter.put(nodeOf(rawNode('a')), START);
  meter.advance(START + 300);
  meter.advance(START + 200);
  meter.advance(START + 400);
  t.same(gaps, [], 'a small step back waits');
  meter.advance(START + 2400);
  t.same(gaps, [2000], 'a long gap is told of and not counted');
  meter.advance(START + 3000);
  meter.advance(START + HOUR);
  t.same(seconds(), [400 + 600 + 600]);
  meter.close(START);
  meter.advance(START + 100);
  meter.advance(START + 400);
  t.same(meter.finished(), [], 'the clock was set back: a closed hour stays closed');
  t.end();
});

t.test('a restart goes on where it was', (t) => {
  const meter = meterAt(START);
  meter.put(nodeOf(rawNode('a')), START);
  meter.put(podOf(rawPod('stays')), START);
  meter.put(podOf(rawPod('goes')), START);
  meter.use('pod-stays', { containers: { app: { cpu: 2_000_000, memory: 1, gpu: 0 } } });
  meter.advance(START + 600);
  const saved = JSON.parse(JSON.stringify([...meter.save()]));
  const next = new Meter({ at: START + 660, longestGap: 1800, saved });
  next.put(nodeOf(rawNode('a')), START + 660);
  next.put(podOf(rawPod('stays')), START + 660);
  next.put(podOf(rawPod('fresh', { started: '2026-09-17T10:10:30Z' })), START + 660);
  next.remove('pod-goes', next.at);
  next.advance(START + 1800);
  next.advance(START + HOUR);
  const { pods } = hourOf(next);
  t.same(
    [...pods.values()].map((one) => `${one.pod.name} ${one.seconds}`),
    ['stays 3600', 'goes 600', 'fresh 2970'],
  );
  t.equal([...pods.values()][0]?.containers.get('app')?.used.cpu, 1_200_000_000);
  t.end();
});
