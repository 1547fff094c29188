import {
  type Context,
  errorName,
  type Http,
  Unavailable,
} from '../../../pipelines/plugin/index.ts';
import { type JsonObject, objectAt, parseObject, textAt } from '../../kit/json.ts';
import { createLimit } from '../../kit/limit.ts';
import { type Access, type ApiServer, ruleFor } from './api-server.ts';
import type { PodUsage } from './meter.ts';
import type { Amounts, KubeNode } from './objects.ts';
import { prometheusUrl, prometheusUsage } from './prometheus.ts';
import { kibibytes, micros } from './quantity.ts';
import type { Settings } from './settings.ts';

/** Usage of a pod, known by its uid (kubelets) or `namespace/name` (metrics API). */
export interface Used {
  readonly uid?: string;
  readonly name: string;
  readonly usage: PodUsage;
}

/** Reads what pods use at the moment. */
export interface UsageSource {
  /** Where it looks, in words. */
  readonly place: string;
  /** What the pods of these nodes use; nodes that do not answer are told of, and left out. */
  read(nodes: readonly KubeNode[], failed: (error: Unavailable) => void): AsyncIterable<Used>;
}

/** The source of the settings; undefined when only requests count. */
export function usageSource(
  { config, http, signal, id }: Context<Settings>,
  { api, access }: { readonly api: ApiServer; readonly access: Access },
): UsageSource | undefined {
  const kind = usageKind(config);
  if (kind === 'requests') return undefined;
  if (kind === 'metrics') return metricsApi(api);
  if (kind === 'prometheus') {
    const url = prometheusUrl(config, `receivers.${id}`);
    return ofAll('Prometheus', () => prometheusUsage({ config, http, signal }, url));
  }
  const read =
    kind === 'kubelet_proxy'
      ? async ({ name }: KubeNode) =>
          await api.get(`/api/v1/nodes/${encodeURIComponent(name)}/proxy/stats/summary`)
      : directly(config, { http, signal, access });
  return kubelets(kind, read);
}

/** `auto` spelled out. */
export function usageKind({
  usage,
  node,
}: Pick<Settings, 'usage' | 'node'>): Exclude<Settings['usage'], 'auto'> {
  if (usage !== 'auto') return usage;
  return node === undefined ? 'metrics' : 'kubelet';
}

/** Where the metrics API has what pods use. */
export const METRICS = '/apis/metrics.k8s.io/v1beta1/pods';

function metricsApi(api: ApiServer): UsageSource {
  return ofAll('the metrics API', () => metricsOf(api));
}

/** A source that knows all pods, whatever their nodes. */
function ofAll(place: string, read: () => AsyncIterable<Used>): UsageSource {
  return {
    place,
    async *read(_, failed) {
      try {
        yield* read();
      } catch (error) {
        failed(unavailable(error));
      }
    },
  };
}

async function* metricsOf(api: ApiServer): AsyncGenerator<Used> {
  for await (const item of api.items(METRICS)) {
    const metadata = objectAt(item.metadata) ?? {};
    const containers = objectsOf(item.containers).map((one) => {
      const usage = objectAt(one.usage) ?? {};
      const amounts: Amounts = {
        cpu: micros(textAt(usage.cpu)),
        memory: kibibytes(textAt(usage.memory)),
        gpu: 0,
      };
      return [textAt(one.name) ?? '', amounts] as const;
    });
    yield {
      name: `${textAt(metadata.namespace)}/${textAt(metadata.name)}`,
      usage: { containers: Object.fromEntries(containers) },
    };
  }
}

/** Kubelets that are asked at a time. */
const PARALLEL = 16;

function kubelets(kind: string, read: (node: KubeNode) => Promise<JsonObject>): UsageSource {
  const limit = createLimit(PARALLEL);
  return {
    place: kind === 'kubelet' ? 'each kubelet' : 'each kubelet through the API server',
    async *read(nodes, failed) {
      const asked = nodes.map((node) =>
        limit.run(async () => {
          try {
            return [...summaryOf(await read(node))];
          } catch (error) {
            failed(unavailable(error));
            return [];
          }
        }),
      );
      for (const answer of asked) yield* await answer;
    },
  };
}

const SUMMARY = '/stats/summary';

function directly(
  { kubelet }: Settings,
  {
    http,
    signal,
    access,
  }: { readonly http: Http; readonly signal: AbortSignal; readonly access: Access },
): (node: KubeNode) => Promise<JsonObject> {
  return async ({ name, address }) => {
    if (address === '') throw new Unavailable(`the node ${name} has no address`);
    const host = address.includes(':') ? `[${address}]` : address;
    const token = await access.token();
    const ca = kubelet.ca ?? access.tls.ca;
    const { status, body } = await http.request({
      url: `https://${host}:${kubelet.port}${SUMMARY}`,
      signal,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      tls: {
        ...(ca !== undefined && { ca }),
        ...(access.tls.cert && { cert: access.tls.cert }),
        ...(access.tls.key && { key: access.tls.key }),
        ...(kubelet.insecure_skip_verify && { insecureSkipVerify: true }),
      },
    });
    const summary = status === 200 ? parseObject(body) : undefined;
    if (summary !== undefined) return summary;
    const advice = status === 401 || status === 403 ? `; ${ruleFor('/api/v1/nodes/x/stats')}` : '';
    throw new Unavailable(`the kubelet of ${name} answers ${status}${advice}`);
  };
}

/** What a kubelet's summary says of its pods. */
export function* summaryOf({ pods }: JsonObject): Generator<Used> {
  for (const pod of objectsOf(pods)) {
    const reference = objectAt(pod.podRef) ?? {};
    const containers = objectsOf(pod.containers).map((one) => {
      const cpu = objectAt(one.cpu)?.usageNanoCores;
      const memory = objectAt(one.memory)?.workingSetBytes;
      const amounts: Amounts = {
        cpu: micros(`${textAt(cpu) ?? 0}n`),
        memory: kibibytes(textAt(memory)),
        gpu: 0,
      };
      return [textAt(one.name) ?? '', amounts] as const;
    });
    const sent = Number(textAt(objectAt(pod.network)?.txBytes));
    const uid = textAt(reference.uid);
    yield {
      ...(uid !== undefined && { uid }),
      name: `${textAt(reference.namespace)}/${textAt(reference.name)}`,
      usage: {
        containers: Object.fromEntries(containers),
        ...(Number.isSafeInteger(sent) && { sent }),
      },
    };
  }
}

function objectsOf(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.map(objectAt).filter((one) => one !== undefined) : [];
}

/** Whatever is no `Unavailable` is thrown on. */
function unavailable(error: unknown): Unavailable {
  if (errorName(error) !== 'Unavailable') throw error;
  return error as Unavailable;
}
