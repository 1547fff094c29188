import { type ConfigOf, type Context, Misconfigured } from '../../../../pipelines/plugin/index.ts';
import type { SETTINGS } from '../settings.ts';
import type { Asking } from './ask.ts';
import { awsList } from './aws-offers.ts';
import { azureList } from './azure-retail.ts';
import { BUILT_IN } from './built-in.ts';
import { filesSource } from './files.ts';
import { googleList } from './google-catalog.ts';
import type { ListSource } from './price-list.ts';

/** The checked settings. */
export type CatalogSettings = ConfigOf<typeof SETTINGS>;

type World = Pick<Context<CatalogSettings>, 'id' | 'config' | 'http' | 'clock'>;

/** Every list that the settings ask for, the nearest first. `Misconfigured` when one cannot be read as it is set. */
export function listSources(world: World): readonly ListSource[] {
  const { aws, azure, google, files, built_in } = world.config;
  const wanted = {
    aws: new Set(aws.regions),
    azure: new Set(azure.regions),
    google: new Set(google.regions),
  };
  return [
    ...(built_in ? [BUILT_IN] : []),
    ...files.map((pattern) => filesSource(pattern, wanted)),
    ...awsSources(world),
    ...azureSources(world),
    ...googleSources(world),
  ];
}

function awsSources(world: World): readonly ListSource[] {
  const { services, regions, endpoint } = world.config.aws;
  if (services.length > 0 && regions.length === 0)
    throw new Misconfigured('the regions are missing whose price lists are read', {
      path: `extensions.${world.id}.aws.regions`,
    });
  return services.flatMap((service) =>
    regions.map((region) => ({
      id: `aws:${service}:${region}`,
      find: (signal) =>
        awsList({ service, region }, { endpoint, asking: asking(world, { at: 'aws', signal }) }),
    })),
  );
}

function azureSources(world: World): readonly ListSource[] {
  const { services, regions, currency, endpoint } = world.config.azure;
  return services.flatMap((service) =>
    (regions.length === 0 ? [''] : regions).map((region) => ({
      id: `azure:${service}:${region}:${currency}`,
      find: async (signal) =>
        azureList(
          { service, region, currency },
          { endpoint, asking: asking(world, { at: 'azure', signal }) },
        ),
    })),
  );
}

function googleSources(world: World): readonly ListSource[] {
  const { services, regions, currency, api_key, endpoint } = world.config.google;
  if (services.length > 0 && api_key === undefined)
    throw new Misconfigured('the key is missing that the catalog is read with', {
      path: `extensions.${world.id}.google.api_key`,
    });
  const headers = { 'x-goog-api-key': api_key ?? '' };
  return services.map((service) => ({
    id: `google:${service}:${currency}`,
    find: async (signal) =>
      googleList(
        { service, regions: new Set(regions), currency },
        { endpoint, asking: { ...asking(world, { at: 'google', signal }), headers } },
      ),
  }));
}

function asking(
  { id, http, clock }: World,
  { at, signal }: { readonly at: string; readonly signal: AbortSignal },
): Asking {
  return { http, signal, nowMs: clock.now(), setting: `extensions.${id}.${at}` };
}
