import { BadPart } from '../../../../pipelines/plugin/index.ts';
import { awsMachine } from './aws-machine.ts';
import { csvRows } from './csv-rows.ts';
import { amountText, type PriceList, type PriceRow, timeMs } from './price-list.ts';

/**
 * A price list file of AWS as CSV: five rows about the file, one of column names, then a row per price.
 * Source: https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/reading-service-price-list-file-for-services.html
 */

/** Rows about the file; the names of its columns come after them. */
const HEAD = 5;

type Column =
  | 'sku'
  | 'ratecode'
  | 'termtype'
  | 'effectivedate'
  | 'startingrange'
  | 'unit'
  | 'priceperunit'
  | 'currency'
  | 'regioncode'
  | 'usagetype'
  | 'instancetype'
  | 'operatingsystem'
  | 'tenancy'
  | 'preinstalleds/w'
  | 'capacitystatus'
  | 'licensemodel';

const NEEDED: readonly Column[] = [
  'sku',
  'ratecode',
  'termtype',
  'effectivedate',
  'unit',
  'priceperunit',
  'currency',
];

/** The prices on demand in the bytes of such a file; `regions`: only of these, empty for all. */
export function awsCsv(
  chunks: AsyncIterable<Uint8Array>,
  regions: ReadonlySet<string>,
): PriceList & { publishedMs(): number | undefined } {
  let published: number | undefined;
  async function* rows(): AsyncGenerator<readonly PriceRow[]> {
    const file = new AwsFile(regions);
    for await (const piece of csvRows(chunks)) {
      const prices = piece.flatMap((cells) => file.row(cells) ?? []);
      published ??= file.publishedMs;
      if (prices.length > 0) yield prices;
    }
    file.end();
  }
  return { publishedMs: () => published, rows: rows() };
}

class AwsFile {
  publishedMs: number | undefined;
  readonly #regions: ReadonlySet<string>;
  readonly #places = new Map<string, number>();
  #width = 0;
  #rows = 0;

  constructor(regions: ReadonlySet<string>) {
    this.#regions = regions;
  }

  /** The price in a row, if it is one that counts. */
  row(cells: readonly string[]): PriceRow | undefined {
    this.#rows += 1;
    if (this.#rows <= HEAD) return this.#about(cells);
    if (this.#rows === HEAD + 1) return this.#header(cells);
    if (cells.length !== this.#width)
      throw new BadPart(
        `row ${this.#rows} has ${cells.length} cells, not ${this.#width}: it may be cut off`,
        { row: this.#rows },
      );
    const cell = (column: Column): string => cells[this.#places.get(column) ?? -1] ?? '';
    const region = cell('regioncode');
    if (cell('termtype') !== 'OnDemand') return undefined;
    if (this.#regions.size > 0 && region !== '' && !this.#regions.has(region)) return undefined;
    return this.#price(cell, region);
  }

  end(): void {
    if (this.#rows <= HEAD) throw new BadPart('it ends before its column names: it is cut off');
  }

  #price(cell: (column: Column) => string, region: string): PriceRow {
    const at = (column: Column) => ({ row: this.#rows, column });
    const machine = awsMachine({
      type: cell('instancetype'),
      operatingSystem: cell('operatingsystem'),
      tenancy: cell('tenancy'),
      software: cell('preinstalleds/w'),
      capacity: cell('capacitystatus'),
      license: cell('licensemodel'),
    });
    return {
      ...(machine !== undefined && { machine }),
      provider: 'AWS',
      sku: cell('sku'),
      priceId: cell('ratecode'),
      region,
      unit: cell('unit'),
      per: '1',
      tierStart: amountText(cell('startingrange') || '0', at('startingrange')),
      currency: cell('currency'),
      name: cell('usagetype'),
      price: amountText(cell('priceperunit'), at('priceperunit')),
      from: timeMs(cell('effectivedate'), at('effectivedate')),
    };
  }

  #about([name, value = '']: readonly string[]): undefined {
    if (name === 'Publication Date')
      this.publishedMs = timeMs(value, { row: this.#rows, column: name });
  }

  #header(cells: readonly string[]): undefined {
    this.#width = cells.length;
    for (const [place, name] of cells.entries())
      this.#places.set(name.toLowerCase().replaceAll(' ', ''), place);
    const missing = NEEDED.filter((column) => !this.#places.has(column));
    if (missing.length > 0)
      throw new BadPart(`its columns are not those of an AWS price list: no ${missing.join(', ')}`);
  }
}
