import { decimal, isZero } from '../../../pipelines/focus/index.ts';
import {
  type AskedMachine,
  type Clock,
  type KnownPrice,
  Misconfigured,
  type PriceBook,
} from '../../../pipelines/plugin/index.ts';
import { nodeSold } from './names.ts';
import type { KubeNode } from './objects.ts';
import { nodePrice, type Price, type Prices } from './prices.ts';
import type { Settings } from './settings.ts';

/** What a node costs an hour; undefined when no price is known. */
export type PriceNode = (node: KubeNode) => Price | undefined;

/** What prices of nodes are taken from. */
export interface Pricing {
  readonly config: Pick<Settings, 'price_from' | 'currency'>;
  /** Of the settings. */
  readonly prices: Prices;
  /** What extensions know. */
  readonly book: PriceBook;
  readonly clock: Clock;
}

/** Prices nodes by the first source of the settings that knows; for a spot node a source that knows its spot price goes before one that does not. */
export function nodePricing({ config, prices, book, clock }: Pricing): PriceNode {
  const { currency } = config;
  const sources: Readonly<Record<string, PriceNode>> = {
    bill: (node) =>
      priceOf(
        book.billed({
          resourceId: nodeSold(node).id,
          currency,
          sinceMs: node.startedAt * 1000,
        }),
      ),
    catalog: (node) => listedPrice(node, book, { currency, atMs: clock.now() }),
    settings: (node) => nodePrice(node, prices),
  };
  const order = config.price_from.flatMap((name) => sources[name] ?? []);
  return (node) => {
    let stretched: Price | undefined;
    for (const source of order) {
      const price = source(node);
      if (price !== undefined && price.isStretched !== true) return price;
      stretched ??= price;
    }
    return stretched;
  };
}

const SOURCES = ['bill', 'catalog', 'settings'];

/** Refuses sources that there are not. */
export function checkPriceFrom({ price_from }: Pick<Settings, 'price_from'>, path: string): void {
  const odd = price_from.find((name) => !SOURCES.includes(name));
  if (odd === undefined) return;
  throw new Misconfigured(`no prices come from ${odd}`, {
    path: `${path}.price_from`,
    hint: `there are: ${SOURCES.join(', ')}`,
  });
}

/** By the type, as the seller's list has it; without a spot price a spot node costs what is asked on demand, and the source says so. */
function listedPrice(
  node: KubeNode,
  book: PriceBook,
  at: Pick<AskedMachine, 'currency' | 'atMs'>,
): Price | undefined {
  const { instanceType, region, spot, labels } = node;
  if (instanceType === '') return undefined;
  const { provider } = nodeSold(node);
  const type = labels['kubernetes.io/os'] === 'windows' ? `${instanceType}/windows` : instanceType;
  const ask = (machine: string) => priceOf(book.machine({ ...at, provider, machine, region }));
  if (!spot) return ask(type);
  const onDemand = ask(type);
  return (
    ask(`${type}/spot`) ??
    (onDemand && {
      ...onDemand,
      source: `${onDemand.source} (no spot price is listed)`,
      isStretched: true,
    })
  );
}

/** A list or a bill that asks nothing for a machine says nothing of what it costs. */
function priceOf(known: KnownPrice | undefined): Price | undefined {
  if (known === undefined) return undefined;
  const amount = decimal(known.hourly);
  return isZero(amount) ? undefined : { amount, source: known.source };
}
