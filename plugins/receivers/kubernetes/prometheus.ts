import {
  type Context,
  type Http,
  Misconfigured,
  Unavailable,
} from '../../../pipelines/plugin/index.ts';
import { type JsonObject, objectAt, parseObject, textAt } from '../../kit/json.ts';
import type { PodUsage } from './meter.ts';
import { type Amounts, NONE } from './objects.ts';
import { kibibytes, micros } from './quantity.ts';
import type { Settings } from './settings.ts';

/** Usage of a pod by `namespace/name`. */
export interface SeenPod {
  readonly name: string;
  readonly usage: PodUsage;
}

/** What is asked of Prometheus, by what it says: cores, and bytes of memory. */
const QUERIES = {
  cpu: (selector: string, window: string) =>
    `max by (namespace, pod, container) (rate(container_cpu_usage_seconds_total{${selector}}[${window}]))`,
  memory: (selector: string) =>
    `max by (namespace, pod, container) (container_memory_working_set_bytes{${selector}})`,
} as const;

/** Series of containers, not of pods as a whole or of what holds a pod's network. */
const CONTAINERS = 'container!="",container!="POD",pod!=""';
const MOST_BYTES = 256 * 1024 * 1024;

/** What all containers of a cluster use, as Prometheus has it of the kubelets. Throws `Unavailable` when it does not answer, or knows none. */
export async function* prometheusUsage(
  { config, http, signal }: Pick<Context<Settings>, 'config' | 'http' | 'signal'>,
  url: string,
): AsyncGenerator<SeenPod> {
  const { selector, window } = config.prometheus;
  const chosen = selector === undefined ? CONTAINERS : `${CONTAINERS},${selector}`;
  const ask = (query: string) => vectorOf(query, { url, config, http, signal });
  const pods = new Map<string, Record<string, Amounts>>();
  const take = (vector: readonly JsonObject[], amount: (value: string) => Partial<Amounts>) => {
    for (const { metric, value } of vector) {
      const { namespace, pod, container } = objectAt(metric) ?? {};
      const text = Array.isArray(value) ? textAt(value[1]) : undefined;
      if (text === undefined) continue;
      const name = `${textAt(namespace)}/${textAt(pod)}`;
      const containers = pods.get(name) ?? {};
      pods.set(name, containers);
      const known = containers[String(container)] ?? NONE;
      containers[String(container)] = { ...known, ...amount(text) };
    }
  };
  take(await ask(QUERIES.cpu(chosen, `${Math.ceil(window / 1000)}s`)), (value) => ({
    cpu: micros(value),
  }));
  take(await ask(QUERIES.memory(chosen)), (value) => ({ memory: kibibytes(value) }));
  if (pods.size === 0)
    throw new Unavailable(
      'Prometheus has no container_cpu_usage_seconds_total of the last minutes; does it scrape /metrics/cadvisor of the kubelets?',
    );
  for (const [name, containers] of pods) yield { name, usage: { containers } };
}

async function vectorOf(
  query: string,
  {
    url,
    config,
    http,
    signal,
  }: {
    readonly url: string;
    readonly config: Settings;
    readonly http: Http;
    readonly signal: AbortSignal;
  },
): Promise<readonly JsonObject[]> {
  const { headers, ca } = config.prometheus;
  const response = await http.request({
    url: `${url.replace(/\/$/, '')}/api/v1/query`,
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ query }).toString(),
    signal,
    maxBytes: MOST_BYTES,
    ...(ca !== undefined && { tls: { ca } }),
  });
  const body = parseObject(response.body);
  const result = objectAt(body?.data)?.result;
  if (response.status === 200 && Array.isArray(result))
    return result.map(objectAt).filter((one) => one !== undefined);
  const said = textAt(body?.error) ?? '';
  throw new Unavailable(`Prometheus answers ${response.status} ${said}`.trim());
}

/** Label matchers as PromQL writes them between braces. */
const MATCHERS =
  /^\s*[a-zA-Z_]\w*\s*(=|!=|=~|!~)\s*"([^"\\\n]|\\.)*"\s*(,\s*[a-zA-Z_]\w*\s*(=|!=|=~|!~)\s*"([^"\\\n]|\\.)*"\s*)*$/;

/** The URL; `Misconfigured` without one, or when the selector is none. */
export function prometheusUrl({ prometheus }: Pick<Settings, 'prometheus'>, path: string): string {
  const { url, selector } = prometheus;
  if (url === undefined)
    throw new Misconfigured('it is not known where Prometheus is', {
      path: `${path}.prometheus.url`,
      hint: 'for example http://prometheus-server.monitoring:80',
    });
  if (selector !== undefined && !MATCHERS.test(selector))
    throw new Misconfigured(`these are no label matchers: ${selector}`, {
      path: `${path}.prometheus.selector`,
      hint: 'for example cluster="prod"',
    });
  return url;
}
