import {
  type Context,
  errorName,
  type Probe,
  type Unavailable,
} from '../../../pipelines/plugin/index.ts';
import { objectAt, textAt } from '../../kit/json.ts';
import { accessOf } from './access.ts';
import { PATH } from './allocations/cost-allocation.ts';
import { type ApiServer, apiServer, refusal } from './api-server.ts';
import { followedKinds } from './followed.ts';
import { type KubeNode, nodeOf } from './objects.ts';
import { nodePrice, pricesOf } from './prices.ts';
import { clusterUid } from './session.ts';
import type { Settings } from './settings.ts';
import { METRICS, usageKind, usageSource } from './usage.ts';

/** What the receiver sees of the cluster: its nodes, and what keeps it from reading or charging the rest. Throws `Unavailable` without an API server. */
export async function look(context: Context<Settings>): Promise<Probe> {
  const { config, id } = context;
  const access = await accessOf(context);
  const api = apiServer(access, context);
  const { gitVersion } = await api.get('/version');
  const problems: string[] = [];
  const tried = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      if (errorName(error) !== 'Unavailable') throw error;
      problems.push((error as Error).message);
      return undefined;
    }
  };
  const cluster = config.cluster ?? (await tried(() => clusterUid(api)));
  for (const { path, fieldSelector } of followedKinds(config))
    await tried(() => readable(api, path, fieldSelector));
  if (config.cost_allocations.enabled) await tried(() => readable(api, PATH, undefined));
  const nodes = (await tried(() => someNodes(api, config))) ?? [];
  problems.push(...(await usageProblems(context, { api, access, nodes })));
  problems.push(...unpriced(nodes, context, `receivers.${id}`));
  const count = `${nodes.length === MOST_NODES ? 'at least ' : ''}${nodes.length} nodes`;
  const source = `${access.server} (${textAt(gitVersion)}), cluster ${cluster ?? 'unknown'}, ${count}`;
  return { source, bills: [], problems: [...new Set(problems)] };
}

const MOST_NODES = 500;

/** Whether a path may be listed and watched. */
async function readable(
  api: ApiServer,
  path: string,
  fieldSelector: string | undefined,
): Promise<void> {
  const query = { ...(fieldSelector !== undefined && { fieldSelector }) };
  const list = await api.get(`${path}?${new URLSearchParams({ ...query, limit: '1' })}`);
  const version = textAt(objectAt(list.metadata)?.resourceVersion) ?? '0';
  const watching = { ...query, watch: 'true', timeoutSeconds: '1', resourceVersion: version };
  const watch = `${path}?${new URLSearchParams(watching)}`;
  const { status, body } = await api.follow(watch);
  if (status !== 200) throw refusal(watch, { status, body: { message: 'watch is forbidden' } });
  for await (const _ of body) break;
}

async function someNodes(api: ApiServer, { node }: Settings): Promise<readonly KubeNode[]> {
  const only =
    node === undefined ? '' : `&fieldSelector=metadata.name%3D${encodeURIComponent(node)}`;
  const { items } = await api.get(`/api/v1/nodes?limit=${MOST_NODES}${only}`);
  return (Array.isArray(items) ? items : []).flatMap((item) => {
    const object = objectAt(item);
    return object === undefined ? [] : [nodeOf(object)];
  });
}

/** What stands in the way of usage; the first node stands for all. */
async function usageProblems(
  context: Context<Settings>,
  known: Parameters<typeof usageSource>[1] & { readonly nodes: readonly KubeNode[] },
): Promise<readonly string[]> {
  const { api, nodes } = known;
  if (usageKind(context.config) === 'metrics' && (await api.ask(METRICS)).status === 404)
    return ['the metrics API is not there: install metrics-server, or set usage to another source'];
  const problems: string[] = [];
  const usage = usageSource(context, known);
  const failed = ({ message }: Unavailable): void => void problems.push(message);
  if (usage !== undefined) for await (const _ of usage.read(nodes.slice(0, 1), failed)) break;
  return problems;
}

function unpriced(
  nodes: readonly KubeNode[],
  { config }: Context<Settings>,
  path: string,
): readonly string[] {
  const prices = pricesOf(config, path);
  const without = nodes.filter((node) => nodePrice(node, prices) === undefined);
  const groups = Map.groupBy(without, ({ instanceType, region }) =>
    [instanceType || 'a node without a type', ...(region === '' ? [] : [region])].join(' in '),
  );
  const elsewhere = config.price_from.some((name) => name !== 'settings')
    ? '; a running agent may know it from the extension catalog'
    : '';
  return [...groups].map(
    ([type, { length }]) =>
      `no price is set for ${type} (${length} ${length === 1 ? 'node' : 'nodes'}): set prices or price_by_rates${elsewhere}`,
  );
}
