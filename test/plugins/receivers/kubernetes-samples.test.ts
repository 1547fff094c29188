/** Hours of clusters as others measured them: every pod's share against sums made another way. */
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import t from 'tap';
import { decimal, formatDecimal, sum } from '../../../pipelines/focus/index.ts';
import kubernetesUsage from '../../../pipelines/normalize/mappings/kubernetes-usage.ts';
import { chargesOf } from '../../../plugins/receivers/kubernetes/charges.ts';
import { emptyHour, HOUR, type Hour } from '../../../plugins/receivers/kubernetes/hour.ts';
import kubernetes from '../../../plugins/receivers/kubernetes/index.ts';
import type { Charging, UsageRecord } from '../../../plugins/receivers/kubernetes/line.ts';
import { nodeOf, podOf, volumeOf } from '../../../plugins/receivers/kubernetes/objects.ts';
import { chargingOf } from '../../../plugins/receivers/kubernetes/session.ts';
import { brokenInvariants } from '../../helpers/charge-invariants.ts';
import { rawNode, rawPod } from '../../helpers/kube-objects.ts';
import { normalizeRows } from '../../helpers/normalize-rows.ts';
import { checkedSettings, worldOf } from '../../helpers/plugin-world.ts';

const DATA = '../shared/data/k8s';
const skip = existsSync(DATA) ? false : 'no sample data at ../shared/data';
/** Prices of a core and a GiB for an hour: what a node costs, and how its cost is split. */
const RATES = { cpu: 0.031611, memory: 0.004237 };
const MICRO = 1e6;
const KIB = 1024;

type Row = Readonly<Record<string, string>>;

/** Rows of a usage report; no cell has a comma in it. */
function report(name: string): readonly Row[] {
  const bytes = readFileSync(`${DATA}/${name}`);
  const text = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  const [head = '', ...lines] = text.trim().split(/\r?\n/);
  const names = head.split(',');
  return lines.map((line) => {
    const cells = line.split(',');
    return Object.fromEntries(names.map((column, i) => [column, cells[i] ?? '']));
  });
}

/** Pods that never had a node cost nothing of one. */
const podRows = (name: string): readonly Row[] =>
  report(name).filter(({ node, interval_start }) => node !== '' && interval_start !== '');

const startOf = ({ interval_start = '' }: Row): number =>
  Date.parse(`${interval_start.slice(0, 10)}T${interval_start.slice(11, 19)}Z`) / 1000;
const keyOf = ({ namespace, pod }: Row): string => `${namespace}/${pod}`;

/** The hour as an agent measures it. */
function hourOf(rows: readonly Row[]): Hour {
  const hour = emptyHour(startOf(rows[0] as Row));
  hour.seconds = HOUR;
  for (const row of rows) {
    const { node: name = '', resource_id: id = '' } = row;
    const size = {
      cpu: String(row.node_capacity_cpu_cores),
      memory: String(Math.round(Number(row.node_capacity_memory_bytes))),
    };
    const raw = rawNode(name, { capacity: size, allocatable: size });
    const node = nodeOf({ ...raw, spec: { providerID: `aws:///us-east-2a/${id}` } });
    hour.nodes.set(node.uid, { node, seconds: HOUR });
    const amounts = (kind: string) => ({
      cpu: Math.round(Number(row[`pod_${kind}_cpu_core_seconds`]) * MICRO),
      memory: Math.round(Number(row[`pod_${kind}_memory_byte_seconds`]) / KIB),
      gpu: 0,
    });
    const pod = podOf(rawPod(String(row.pod), { node: name, namespace: String(row.namespace) }));
    hour.pods.set(keyOf(row), {
      pod: { ...pod, uid: keyOf(row) },
      ...{ node: node.uid, namespace: {}, seconds: HOUR, sent: 0 },
      containers: new Map([['all', { requested: amounts('request'), used: amounts('usage') }]]),
    });
  }
  return hour;
}

/** What pods cost, in doubles: each resource of the node by the larger of request and usage, of capacity or of what is asked for if that is more. */
function expectedCosts(rows: readonly Row[]): Map<string, number> {
  const costs = new Map<string, number>();
  for (const [, pods] of Map.groupBy(rows, ({ node }) => node))
    for (const [unit, price, capacity] of [
      ['cpu_core', RATES.cpu, Number(pods[0]?.node_capacity_cpu_cores) * HOUR],
      ['memory_byte', RATES.memory / 2 ** 30, Number(pods[0]?.node_capacity_memory_bytes) * HOUR],
    ] as const) {
      const claim = (row: Row) =>
        Math.max(
          Number(row[`pod_request_${unit}_seconds`]),
          Number(row[`pod_usage_${unit}_seconds`]),
        );
      const claimed = pods.reduce((all, row) => all + claim(row), 0);
      const pool = (price * capacity) / HOUR;
      for (const row of pods) {
        const cost = (pool * claim(row)) / Math.max(capacity, claimed);
        costs.set(keyOf(row), (costs.get(keyOf(row)) ?? 0) + cost);
      }
    }
  return costs;
}

async function charging(): Promise<Charging> {
  const config = await checkedSettings(kubernetes, { prices: {}, price_by_rates: true });
  return chargingOf({ ...worldOf(config), id: 'kubernetes' }, 'prod');
}

const costOf = (lines: readonly UsageRecord[]): string =>
  formatDecimal(sum(lines.map(({ cost }) => decimal(String(cost)))));

/** An hour's charges; each node's add up to its price, each pod's are what was worked out otherwise. */
function checkedHour(rows: readonly Row[], by: Charging): readonly UsageRecord[] {
  const lines = [...chargesOf(hourOf(rows), by)];
  const nodes = new Map(rows.map((row) => [row.resource_id, row]));
  for (const [id, of] of Map.groupBy(lines, ({ resource_id }) => resource_id)) {
    const node = nodes.get(String(id)) as Row;
    const gib = Number(node.node_capacity_memory_bytes) / 2 ** 30;
    const price = Number(node.node_capacity_cpu_cores) * RATES.cpu + gib * RATES.memory;
    if (Math.abs(Number(costOf(of)) - price) > 1e-6)
      throw new Error(`${id}: ${costOf(of)} is not ${price}`);
  }
  const costs = expectedCosts(rows);
  const pods = Map.groupBy(lines, ({ allocated_id }) => allocated_id);
  for (const [pod, cost] of costs) {
    const charged = Number(costOf(pods.get(pod) ?? []));
    if (Math.abs(charged - cost) > 1e-6) throw new Error(`${pod}: ${charged} is not ${cost}`);
  }
  return lines;
}

t.test('a month of two nodes, hour by hour', { skip }, async (t) => {
  const rows = podRows('gen_nise_pod_usage_2026-09.csv.gz');
  const by = await charging();
  const hours = [...Map.groupBy(rows, startOf).values()];
  t.ok(hours.length > 600, `${hours.length} hours of ${rows.length} rows`);
  let charges = 0;
  for (const hour of hours) charges += checkedHour(hour, by).length;
  t.ok(charges > rows.length, `${charges} charges`);
});

t.test('a cluster of OpenShift as its operator reports it', { skip }, async (t) => {
  const rows = podRows('cm-openshift-pod-usage-202011.csv');
  const lines = checkedHour(rows, await charging());
  const made = await normalizeRows(
    kubernetesUsage,
    Object.keys(lines[0] ?? {}),
    lines.map((line) =>
      Object.fromEntries(Object.entries(line).map(([name, value]) => [name, value ?? undefined])),
    ),
  );
  t.same(brokenInvariants(made.rows), {});
  t.equal(
    formatDecimal(sum(made.rows.map((row) => decimal(row.EffectiveCost ?? '0')))),
    costOf(lines),
  );
});

t.test('volumes of the same cluster, by their capacity', { skip }, async (t) => {
  const rows = report('cm-openshift-storage-usage-202011.csv');
  const known = rows.filter((row) => row.persistentvolumeclaim_capacity_bytes !== '');
  t.equal(rows.length - known.length, 1, 'of one claim nobody knows how large it is');
  const hour = emptyHour(startOf(known[0] as Row));
  for (const row of known) {
    const { persistentvolume: name = '', persistentvolumeclaim: claim = '', namespace = '' } = row;
    const volume = volumeOf({
      metadata: { uid: name, name, creationTimestamp: '2020-11-01T00:00:00Z' },
      spec: {
        capacity: { storage: String(Number(row.persistentvolumeclaim_capacity_bytes)) },
        storageClassName: row.storageclass,
        csi: { driver: row.csi_driver, volumeHandle: row.csi_volume_handle },
        claimRef: { namespace, name: claim, uid: claim },
      },
    });
    hour.volumes.set(name, { volume, claim: undefined, seconds: HOUR });
  }
  const config = await checkedSettings(kubernetes, { storage_prices: { 'gp3-csi': '0.08' } });
  const lines = [...chargesOf(hour, chargingOf({ ...worldOf(config), id: 'kubernetes' }, 'prod'))];
  const bytes = known.reduce(
    (all, row) => all + Number(row.persistentvolumeclaim_capacity_bytes),
    0,
  );
  t.match(lines, [{ resource_id: 'vol-03b179b2d1e4ccdef', provider: 'AWS', kind: 'volume' }]);
  t.ok(Math.abs(Number(costOf(lines)) - ((bytes / 2 ** 30) * 0.08) / 730) < 1e-9);
});
