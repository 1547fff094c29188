/** Every bill of the shared samples, against the totals that their README names. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { accountJson } from '../../agent/cli/account.ts';
import { stageSettings } from '../../agent/stages.ts';
import type { Delivered } from '../../pipelines/engine/deliver.ts';
import { createWorkerPool } from '../../pipelines/engine/worker-pool.ts';
import { add, decimal, formatDecimal, roundDecimal } from '../../pipelines/focus/decimal.ts';
import { deliverFile } from '../helpers/one-file.ts';

const DATA = '../shared/data';

/** A line of the tables: what a file holds. */
interface Known {
  readonly path: string;
  readonly rows: number;
  /** `BilledCost 10.5`, `cost 310 (credits -120)`; empty when it is no bill. */
  readonly total: string;
}

function knownFiles(readme: string): Known[] {
  let folder = '';
  return readme.split('\n').flatMap((line) => {
    folder = /^## (\w+)\/$/.exec(line)?.[1] ?? folder;
    const [, file = '', , , rows = '', , total = ''] = line.split('|').map((cell) => cell.trim());
    return /\.(csv|csv\.gz|json)$/.test(file) && rows !== ''
      ? [{ path: `${folder}/${file}`, rows: Number(rows), total }]
      : [];
  });
}

/** Parts of the specification's other datasets, usage without cost, and fragments that lack what a bill must say. */
const NO_BILLS = /contract_commitment|scenario_(correction|split)|^k8s\/|^mappings\//;

interface Entry {
  readonly source?: string;
  readonly in?: string;
  readonly conserved: boolean;
}

const pool = createWorkerPool({ workers: 2 });
t.teardown(() => pool.close());

function read(path: string): Promise<Delivered> {
  return deliverFile(path, {
    pool,
    targets: [],
    settings: stageSettings({ normalize: { check: false }, version: '0' }),
    signal: new AbortController().signal,
  });
}

/** The table was made with 28 significant digits. */
function asKnown(value: string, known: string): string {
  const digits = known.replace(/^-?0*\.?0*/, '').replace('.', '').length;
  const places = known.split('.')[1]?.length ?? 0;
  return formatDecimal(digits < 28 ? decimal(value) : roundDecimal(decimal(value), places));
}

/** `lineItem/UnblendedCost` and `line_item_unblended_cost` are one column. */
function plain(column: string): string {
  return column.replaceAll(/[^A-Za-z]/g, '').toLowerCase();
}

const absent = existsSync(`${DATA}/README.md`) ? false : `no sample bills in ${DATA}`;

t.test('conversions of the shared samples', { skip: absent }, async (t) => {
  const files = knownFiles(readFileSync(`${DATA}/README.md`, 'utf8'));
  const bills = files.filter(({ path, total }) => total !== '' && !NO_BILLS.test(path));
  t.ok(bills.length >= 39, `${bills.length} bills`);
  for (const { path, rows, total } of bills) {
    const delivered = await read(join(DATA, path));
    const account = accountJson({
      delivered,
      ms: 1,
      output: { format: 'csv', focusVersion: '1.2' },
      rejected: [],
    });
    const counts = account.rows as Delivered['rows'];
    t.equal(counts.read, rows, `${path}: every row is read`);
    const costs = Object.values(account.costs as Readonly<Record<string, Entry>>);
    t.ok(
      costs.every(({ conserved }) => conserved),
      `${path}: conserved`,
    );
    const [, column = '', known = '', credits] =
      /^(\S+) (\S+)(?: \(credits (\S+)\))?$/.exec(total) ?? [];
    const entry = costs.find(({ source = '' }) => plain(source) === plain(column));
    t.equal(
      asKnown(entry?.in ?? 'missing', known),
      formatDecimal(decimal(known)),
      `${path}: ${total}`,
    );
    if (credits === undefined) continue;
    const net = formatDecimal(add(decimal(known), decimal(credits)));
    t.ok(
      costs.some((one) => one.in === net),
      `${path}: after credits ${net}`,
    );
  }
});

t.test('what is no bill is refused, not counted', { skip: absent }, async (t) => {
  const files = knownFiles(readFileSync(`${DATA}/README.md`, 'utf8'));
  for (const { path } of files.filter((file) => NO_BILLS.test(file.path))) {
    const { parts, rows, totals } = await read(join(DATA, path));
    t.match(parts, [{ plan: { ok: false, reason: /column/ } }], path);
    t.strictSame([rows.read, [...totals]], [0, []], path);
  }
});
