import type { ExtensionContext } from '../../../pipelines/plugin/index.ts';
import type { CatalogSettings } from './lists/sources.ts';
import type { CatalogMeters } from './meters.ts';
import type { ChargedStore } from './store/charged.ts';
import type { Catalog } from './store/open.ts';

/** What the reading of lists works with. */
export interface Reading {
  readonly context: Pick<
    ExtensionContext<CatalogSettings>,
    'config' | 'log' | 'clock' | 'once' | 'events'
  >;
  readonly database: Catalog;
  readonly charged: ChargedStore;
  readonly meters: CatalogMeters;
  readonly signal: AbortSignal;
}

/** Pauses between attempts at something unavailable. */
export const BACKOFF = { initialMs: 5_000, maxMs: 5 * 60_000 };

/** How long attempts go on before the next round, milliseconds; once, there is one. */
export function patienceMs({ once }: { readonly once: boolean }): number {
  return once ? 1 : 15 * 60_000;
}
