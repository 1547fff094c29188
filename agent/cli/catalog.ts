import { Misconfigured } from '../../pipelines/plugin/errors.ts';
import { chargedSkus, type KeptSku } from '../../plugins/extensions/catalog/store/charged.ts';
import {
  type DatedPrice,
  knownLists,
  nameHistory,
  priceHistory,
} from '../../plugins/extensions/catalog/store/look.ts';
import { type Catalog, readCatalog } from '../../plugins/extensions/catalog/store/open.ts';
import type { Verdict } from '../../plugins/extensions/catalog/verdict.ts';
import { componentFolder } from '../component-folder.ts';
import { configure } from '../configure.ts';

interface Options {
  readonly config: string;
  /** Id of the extension. */
  readonly id: string;
  readonly json?: boolean;
}

/** Shows the lists that were read. */
export async function list(options: Options): Promise<void> {
  await looking(options, (catalog) => {
    const lists = knownLists(catalog);
    print(
      options,
      lists,
      lists.map(
        ({ id, prices, published_ms, read_ms }) =>
          `${id}: ${prices} prices in force, published ${dayOf(published_ms)}, read ${dayOf(read_ms)}`,
      ),
    );
  });
}

/** Shows the prices of a SKU that are in force. */
export async function show(sku: string, options: Options): Promise<void> {
  await looking(options, (catalog) => {
    const now = Date.now();
    const prices = priceHistory(catalog, sku).filter(
      ({ valid_from, valid_to }) => valid_from <= now && (valid_to === null || now < valid_to),
    );
    print(options, prices, prices.map(priceLine));
    if (prices.length === 0) process.exitCode = 1;
  });
}

/** Shows every price and name that a SKU ever had. */
export async function history(sku: string, options: Options): Promise<void> {
  await looking(options, (catalog) => {
    const [prices, names] = [priceHistory(catalog, sku), nameHistory(catalog, sku)];
    const called = names.map(
      ({ list, name, valid_from, valid_to }) =>
        `${list}: called ${name}, ${dayOf(valid_from)} to ${dayOf(valid_to)}`,
    );
    print(options, { prices, names }, [...prices.map(priceLine), ...called]);
    if (prices.length === 0) process.exitCode = 1;
  });
}

/** Shows the SKUs that bills charged, with what the price lists say of them. */
export async function charged(options: Options & { readonly result?: Verdict }): Promise<void> {
  await looking(options, (_, folder) => {
    const skus = chargedSkus(folder, options.result);
    print(options, skus, skus.map(chargedLine));
  });
}

function chargedLine({ provider, sku, price_id, region, ...of }: KeptSku): string {
  const about = [provider, sku, price_id === sku ? '' : price_id, region, of.meter ?? ''];
  const price = of.list_price === null ? '' : ` ${of.list_price} ${of.currency}`;
  const text = about.filter((one) => one !== '').join(' ');
  return `${of.verdict}: ${text}${price}, charged ${dayOf(of.newest_ms)}`;
}

async function looking(
  options: Options,
  look: (catalog: Catalog, folder: string) => void,
): Promise<void> {
  const { configuration } = await configure(options.config, process.env);
  const folder = componentFolder(configuration.storage.folder, options.id);
  const catalog = readCatalog(folder);
  if (catalog === undefined)
    throw new Misconfigured(`there is no price catalog in ${folder}`, {
      path: `extensions.${options.id}`,
      hint: 'run the agent with this extension first, or name it with --id',
    });
  try {
    look(catalog, folder);
  } finally {
    catalog.close();
  }
}

function print({ json }: Options, value: unknown, lines: readonly string[]): void {
  const text =
    lines.length === 0 ? 'nothing is known\n' : lines.map((line) => `${line}\n`).join('');
  process.stdout.write(json === true ? `${JSON.stringify(value, null, 2)}\n` : safe(text));
}

function priceLine(price: DatedPrice): string {
  const { list, provider, sku, region, unit, tier_start, currency } = price;
  const tier = tier_start === '0' ? '' : ` from ${tier_start}`;
  const about = [provider, sku, region, unit].filter((text) => text !== '').join(' ');
  const time = `${dayOf(price.valid_from)} to ${dayOf(price.valid_to)}`;
  return `${about}${tier}: ${price.price} ${currency}, ${time} (${list})`;
}

/** The day (UTC) of a time, `-` for none. */
function dayOf(ms: number | null): string {
  return ms === null ? '-' : new Date(ms).toISOString().slice(0, 10);
}

/** Nothing in a price list can steer the terminal. */
function safe(text: string): string {
  return text.replace(/[^\P{Cc}\n]/gu, '?');
}
