import {
  type Context,
  defineReceiver,
  Misconfigured,
  type ReceiverContext,
} from '../../../pipelines/plugin/index.ts';
import { chargesOf } from './charges.ts';
import { type HourFiles, openHourFiles } from './hour-files.ts';
import { look } from './look.ts';
import { Meter } from './meter.ts';
import { checkPriceFrom } from './node-price.ts';
import { pricesOf } from './prices.ts';
import { prometheusUrl } from './prometheus.ts';
import { chargingOf, isCounting, openSession } from './session.ts';
import { type Settings, settings } from './settings.ts';
import { usageKind } from './usage.ts';

export default defineReceiver({
  type: 'kubernetes',
  summary: 'Kubernetes: what each container, idle time and volume costs by the hour, estimated.',
  stability: 'alpha',
  config: settings,

  async *receive(context) {
    const { config, clock, once, signal } = context;
    check(context);
    const files = await openHourFiles(context.folder);
    if (!isCounting(context)) await sealLeftOver(context, files);
    yield* files.deliveries();
    if (once) return;
    const session = await openSession(context);
    while (!signal.aborted) {
      await clock.sleep(config.interval, signal);
      yield* files.deliveries();
      session.check();
    }
  },

  async probe(context) {
    check(context);
    return await look(context);
  },
});

/** Hours that an earlier run has counted and that are over by now; not when it is so short ago that counting goes on. */
async function sealLeftOver(context: ReceiverContext<Settings>, files: HourFiles): Promise<void> {
  const { config, clock, once } = context;
  const saved = await files.load();
  if (saved === undefined) return;
  const gap = clock.now() - saved.at * 1000;
  if (!once && gap <= config.longest_gap) return;
  const { cluster } = saved;
  const meter = new Meter({ at: saved.at, longestGap: 0, saved: saved.lines });
  const charging = chargingOf(context, cluster);
  for (const hour of meter.finished(Math.floor(clock.now() / 1000))) {
    await files.seal(hour, chargesOf(hour, charging));
    meter.close(hour.start);
  }
  await files.save(cluster, meter.save());
}

const COSTS = ['nodes', 'volumes', 'services'];

function check({ config, id }: Context<Settings>): void {
  const path = `receivers.${id}`;
  pricesOf(config, path);
  checkPriceFrom(config, path);
  const kind = usageKind(config);
  if (kind === 'prometheus') prometheusUrl(config, path);
  if (config.node !== undefined && (kind === 'metrics' || kind === 'prometheus'))
    throw new Misconfigured(`the usage of one node does not come from ${kind}`, {
      path: `${path}.usage`,
      hint: 'with node, usage is kubelet, kubelet_proxy or requests',
    });
  if (config.network_price !== undefined && !kind.startsWith('kubelet'))
    throw new Misconfigured('only kubelets know what pods send', {
      path: `${path}.network_price`,
      hint: 'set usage to kubelet or kubelet_proxy',
    });
  if (config.node !== undefined && config.cost_allocations.enabled)
    throw new Misconfigured('one agent of the cluster keeps the status of cost allocations', {
      path: `${path}.cost_allocations.enabled`,
      hint: 'set it where node is not set',
    });
  const odd = config.costs.find((name) => !COSTS.includes(name));
  if (odd !== undefined)
    throw new Misconfigured(`there is no cost ${odd}`, {
      path: `${path}.costs`,
      hint: `there are: ${COSTS.join(', ')}`,
    });
}
