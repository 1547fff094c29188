import { type Context, defineReceiver, type Probe } from '../../../pipelines/plugin/index.ts';
import { probeOf } from '../../kit/objects/probe.ts';
import { receiveSets } from '../../kit/objects/receive.ts';
import { monthBefore } from '../../kit/objects/rest.ts';
import { singleObjects } from '../../kit/objects/single-objects.ts';
import type { Look, ObjectStore } from '../../kit/objects/store.ts';
import { type Identity, identityOf } from './credentials.ts';
import { ociStore } from './oci-store.ts';
import { instanceIdentity, resourceIdentity } from './principal.ts';
import { type Settings, settings } from './settings.ts';

export default defineReceiver({
  type: 'oci-focus',
  summary: 'Oracle Cloud FOCUS reports and cost reports, from Object Storage.',
  stability: 'alpha',
  config: settings,

  receive(context, cursor) {
    const { config } = context;
    const { store, look } = open(context);
    return receiveSets(
      {
        ...{ context, store, look },
        mapping: config.mapping,
        intervalMs: config.interval,
        parallel: 1,
        maxBytes: config.max_bill,
      },
      cursor,
    );
  },

  async probe(context) {
    const { prefix } = context.config;
    const { look, identity } = open(context);
    const { tenancy, region } = await identity({ renew: false });
    const probe = probeOf(`${tenancy} in ${region}, ${prefix}`, await look(), UNFIT);
    return { ...probe, bills: byMonth(probe.bills) };
  },
});

const UNFIT =
  'no object is a report within look_back: correct prefix (FOCUS Reports/ or reports/cost-csv/), or raise look_back';

/** The reports of the tenancy, and how they are found. */
function open(context: Context<Settings>): {
  readonly store: ObjectStore;
  readonly look: () => Promise<Look>;
  readonly identity: (options: { readonly renew: boolean }) => Promise<Identity>;
} {
  const { config, clock, id } = context;
  const { namespace, endpoint, prefix, look_back } = config;
  const path = `receivers.${id}`;
  const identity = remembered(clock, () => identityBy(context, path));
  const store = ociStore({ ...context, namespace, endpoint, identity, path });
  const look = () => {
    const sinceMs = Date.parse(`${monthBefore(clock.now(), look_back)}-01T00:00:00Z`);
    return singleObjects(store, { prefix, sinceMs, fits: isReport });
  };
  return { store, look, identity };
}

function identityBy(context: Context<Settings>, path: string): Promise<Identity> {
  const { config, http, clock, signal } = context;
  const asking = { settings: config, http, clock, signal, path };
  if (config.credentials.auth === 'instance_principal') return instanceIdentity(asking);
  if (config.credentials.auth === 'resource_principal') return resourceIdentity(asking);
  return identityOf(config, path);
}

/** The identity until it is refused (`renew`), expires, or could not be had. */
function remembered(
  clock: Context<Settings>['clock'],
  find: () => Promise<Identity>,
): (options: { readonly renew: boolean }) => Promise<Identity> {
  let known: { readonly identity: Promise<Identity>; renewAtMs: number } | undefined;
  return ({ renew }) => {
    if (known !== undefined && !renew && clock.now() < known.renewAtMs) return known.identity;
    const found = { identity: find(), renewAtMs: Number.POSITIVE_INFINITY };
    known = found;
    found.identity.then(
      ({ renewAtMs }) => {
        if (renewAtMs !== undefined) found.renewAtMs = renewAtMs;
      },
      () => {
        if (known === found) known = undefined;
      },
    );
    return found.identity;
  };
}

function isReport(key: string): boolean {
  return /\.csv(\.gz)?$/i.test(key);
}

/** Reports of a month in one line, where the names tell it: there are some for each day. */
function byMonth(bills: Probe['bills']): Probe['bills'] {
  const groups = Map.groupBy(
    bills,
    ({ scope }) => /^.*\/\d{4}\/\d{2}\/|^.*\//.exec(scope)?.[0] ?? scope,
  );
  return [...groups].map(([scope, reports]) => ({
    ...{ scope, revision: reports.at(-1)?.revision ?? '' },
    files: reports.reduce((sum, { files }) => sum + files, 0),
    bytes: reports.reduce((sum, { bytes }) => sum + bytes, 0),
  }));
}
