import { CONTRACT } from './contract.ts';

/** Mapping tables that a package brings. Deliveries, settings and `--mapping` name them; `auto` finds them by the columns. */
export interface MappingPackage {
  readonly kind: 'mappings';
  readonly contract: number;
  /** Module of each mapping by the mapping's name; its default export is made by `defineMapping` of `focusd/mapping`. The workers load it. */
  readonly mappings: Readonly<Record<string, URL>>;
}

/** Stamps the mappings of a package: `defineMappings({ acme: new URL('./acme.js', import.meta.url) })`. */
export function defineMappings(mappings: Readonly<Record<string, URL>>): MappingPackage {
  return { kind: 'mappings', contract: CONTRACT, mappings };
}

/** A mapping module as it was when the configuration was read. */
export interface MappingModule {
  readonly name: string;
  /** `file:` URL. */
  readonly url: string;
  /** Of the module's bytes, hexadecimal: every worker reads the same table or none. */
  readonly sha256: string;
}
