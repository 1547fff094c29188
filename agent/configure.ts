import {
  type ConfigurationText,
  type RawConfiguration,
  readConfiguration,
} from '../config/read.ts';
import { type Configuration, validateConfiguration } from '../config/validate.ts';
import { type Catalogue, createCatalogue } from './load-plugin.ts';

/** A checked configuration and what it was made of. */
export interface Configured {
  readonly configuration: Configuration;
  readonly raw: RawConfiguration;
  readonly catalogue: Catalogue;
}

/** Reads a configuration, loads the plugins that it names and checks it. `Misconfigured` lists every problem. */
export async function configure(
  source: string | ConfigurationText,
  env: Readonly<Record<string, string | undefined>>,
  catalogue: Catalogue = createCatalogue(),
): Promise<Configured> {
  const raw = await readConfiguration(source, env);
  const plugins = await catalogue.prepare(raw);
  return { configuration: validateConfiguration(raw, plugins), raw, catalogue };
}
