/** The csv decoder beside two others: on random tables, and on every csv file of the sample data. */
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import t from 'tap';
import { openCsv } from '../../../pipelines/decode/csv/open.ts';
import { openSource } from '../../../pipelines/decode/open.ts';
import { decoded } from '../../helpers/decoded.ts';
import { DATA, dataFile, readCsv, readJson } from '../../helpers/read-rows.ts';

/** It comes without types. */
const papaparse: {
  parse(text: string, options: object): { readonly data: readonly (readonly string[])[] };
} = createRequire(import.meta.url)('papaparse');

const folder = t.testdir();

/** Words for null in text files. */
const NULLS = new Set(['NULL', 'null', '\\N']);

t.test('random tables', async (t) => {
  const path = join(folder, 'table.csv');
  await fc.assert(
    fc.asyncProperty(
      table(),
      fc.constantFrom('\n', '\r\n'),
      fc.constantFrom(',', ';', '\t', '|'),
      fc.integer({ min: 1, max: 300 }),
      fc.integer({ min: 1, max: 9 }),
      async ({ rows, quoteAll, lastLineEnd }, newline, delimiter, windowBytes, batchRows) => {
        const names = (rows[0] ?? []).map((_, i) => `column ${i}`);
        const lines = [names, ...rows].map((cells) =>
          cells.map((cell) => written(cell, delimiter, quoteAll)).join(delimiter),
        );
        const text = lines.join(newline) + (lastLineEnd ? newline : '');
        writeFileSync(path, text);
        const form = { compression: 'none', encoding: 'utf-8' } as const;
        const ours = await decoded(openCsv({ path, batchRows }, form, { windowBytes }));
        const cells = ours.rows.map((row) => names.map((name) => row[name] ?? ''));
        const nulled = (table: readonly (readonly string[])[]) =>
          table.slice(1).map((row) => row.map((cell) => (NULLS.has(cell) ? '' : cell)));
        t.same(ours.rejected, []);
        t.strictSame(cells, nulled(parse(text, { delimiter, relax_quotes: true }) as string[][]));
        const { data } = papaparse.parse(text, { delimiter, newline, skipEmptyLines: true });
        t.strictSame(cells, nulled(data));
      },
    ),
    { numRuns: 400 },
  );
});

t.test('rows that the kernel reads or leaves, as without it', async (t) => {
  const path = join(folder, 'odd.csv');
  const form = { compression: 'none', encoding: 'utf-8' } as const;
  // Where the window ends decides how much of a row that is too long is looked at.
  const whole = { windowBytes: 100_000, limits: { cell: 60, row: 200 } };
  const pieces = fc.integer({ min: 1, max: 400 }).map((windowBytes) => ({ windowBytes }));
  await fc.assert(
    fc.asyncProperty(
      oddText(),
      fc.oneof(pieces, fc.constant(whole)),
      fc.integer({ min: 1, max: 9 }),
      async (text, tuning, batchRows) => {
        writeFileSync(path, text);
        const read = (plainRows: boolean) =>
          decoded(openCsv({ path, batchRows }, form, { ...tuning, plainRows })).catch(
            ({ message }: Error) => message,
          );
        t.strictSame(await read(true), await read(false));
      },
    ),
    { numRuns: 1_000 },
  );
});

/** Lines of one to five fields, many like the one before, with everything in them that may be wrong in a csv file. */
function oddText(): fc.Arbitrary<string> {
  const header = ['col', 'column b', 'c'];
  const field = fc.oneof(
    fc.constantFrom('', 'x', 'same', 'NULL', '"quoted"', '"a ""b"" c"', '"two\nlines"', '"a,b"'),
    fc.constantFrom('"', '"open', '"a" b"', 'a"b', '\r', '\ufeff', 'col', 'é', '"a"\r', '""'),
    fc.integer({ min: 0, max: 70 }).map((length) => 'abcdefg'.repeat(10).slice(0, length)),
    fc.integer({ min: 0, max: 40 }).map((length) => `"${'q""'.repeat(20).slice(0, length)}"`),
  );
  const line = fc.oneof(
    { weight: 8, arbitrary: fc.array(field, { minLength: 3, maxLength: 3 }) },
    fc.array(field, { minLength: 1, maxLength: 5 }),
    fc.constantFrom(header, ['\ufeffcol', 'column b', 'c'], [''], ['a', '', '', '']),
  );
  const repeated = fc.tuple(line, fc.integer({ min: 1, max: 3 }));
  return fc
    .tuple(fc.array(repeated, { maxLength: 20 }), fc.constantFrom('\n', '\r\n', '\r'))
    .map(([lines, newline]) =>
      [header, ...lines.flatMap(([cells, times]) => Array(times).fill(cells))]
        .map((cells: readonly string[]) => cells.join(','))
        .join(newline),
    );
}

t.test('many distinct texts and a few very long ones, in memory that grows', async (t) => {
  const path = join(folder, 'distinct.csv');
  let state = 3;
  const below = (most: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
    return (state >>> 8) % most;
  };
  const rows = Array.from({ length: 30_000 }, (_, row) => [
    `id-${row}-of-every-row-another`,
    String(below(2_000)),
    `${'quoted '.repeat(below(3))}"${below(900)}"`,
    'long '.repeat(below(150)),
    row % 7 === 0 ? '' : `r${Math.floor(row / 9)}`,
    row % 10_000 === 9_999
      ? `${row} "long"`.repeat(row * 10)
      : `${below(5_000)} texts of some length, which do not stay in sixteen bytes`,
  ]);
  const lines = rows.map((cells) => cells.map((cell) => written(cell, ',', false)).join(','));
  writeFileSync(path, `a,b,c,d,e,f\n${lines.join('\n')}\n`);
  const { rows: ours, transient, rejected } = await decoded(openSource({ path }));
  t.same(rejected, []);
  t.same(transient, ['a']);
  const cells = ours.map((row) => [...'abcdef'].map((name) => row[name] ?? ''));
  t.strictSame(cells, rows);
});

interface Table {
  readonly rows: readonly (readonly string[])[];
  readonly quoteAll: boolean;
  readonly lastLineEnd: boolean;
}

/** Rows that repeat many cells of the row before, as bills do. */
function table(): fc.Arbitrary<Table> {
  const piece = fc.constantFrom(
    'a',
    'bc',
    'longer text',
    '"',
    '""',
    ',',
    ';',
    '\n',
    '\r\n',
    'é',
    '€',
    '🚀',
    ' ',
    '0.10',
    '\u0000',
  );
  const text = fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join(''));
  const cell = fc.oneof(
    fc.constantFrom('', 'NULL', 'null', '\\N', 'x', 'same', 'same again'),
    text,
  );
  return fc.integer({ min: 2, max: 9 }).chain((columns) =>
    fc.record({
      rows: fc
        .array(fc.array(fc.option(cell), { minLength: columns, maxLength: columns }), {
          minLength: 1,
          maxLength: 25,
        })
        .map(repeated),
      quoteAll: fc.boolean(),
      lastLineEnd: fc.boolean(),
    }),
  );
}

/** An absent cell is the one above. */
function repeated(rows: readonly (readonly (string | null)[])[]): string[][] {
  const full: string[][] = [];
  for (const row of rows) full.push(row.map((cell, i) => cell ?? full.at(-1)?.[i] ?? ''));
  return full;
}

/** Quotes where they must be; a cell may also begin with a quote only when quoted. */
function written(cell: string, delimiter: string, quoteAll: boolean): string {
  const special = ['"', '\n', '\r', delimiter].some((character) => cell.includes(character));
  return quoteAll || special ? `"${cell.replaceAll('"', '""')}"` : cell;
}

const readme = dataFile('README.md');
const skip = readme === undefined && 'no sample data at ../shared/data';

t.test('sample data', { skip }, async (t) => {
  if (readme === undefined) return;
  const described = describedRows(readFileSync(readme, 'utf8'));
  const root = fileURLToPath(DATA);
  const names = globSync('{aws,azure,focus,gcp,k8s,mappings,oci,open-data}/**/*.{csv,csv.gz}', {
    cwd: root,
  });
  t.ok(names.length > 30);
  for (const name of names.sort()) {
    const path = join(root, name);
    const limit = 3000;
    const { header, rows } = readCsv(path, limit);
    const ours = await decoded(openSource({ path }));
    const count = described.get(name);
    if (count !== undefined) t.equal(ours.rows.length, count, `${name}: ${count} rows`);
    t.same(ours.rejected, [], `${name}: nothing refused`);
    t.equal(ours.columns.length, header.length, `${name}: columns`);
    t.ok(sameCells(ours.rows.slice(0, limit), rows), `${name}: cells`);
  }
});

t.test('JSON sample data', { skip }, async (t) => {
  const root = join(fileURLToPath(DATA), 'gcp/cud_cases');
  for (const name of globSync('*.json', { cwd: root })) {
    const path = join(root, name);
    const { rows } = readJson(path);
    const ours = await decoded(openSource({ path }));
    t.equal(ours.rejected.length, 0);
    t.ok(rows.length > 0 && sameCells(ours.rows, rows), `${name}: cells`);
  }
});

/** Rows by file as the tables say: `| file | kind | format | rows | …`, under a heading that names the folder. */
function describedRows(readme: string): ReadonlyMap<string, number> {
  const rows = new Map<string, number>();
  let heading = '';
  for (const line of readme.split('\n')) {
    heading = /^## (\S+\/)/.exec(line)?.[1] ?? heading;
    const [, file, , , count] = line.split('|').map((cell) => cell.trim());
    if (file !== undefined && /^\d+$/.test(count ?? '')) rows.set(heading + file, Number(count));
  }
  return rows;
}

/** Empty cells and words for null are null with us. */
function sameCells(
  ours: readonly Readonly<Record<string, string>>[],
  theirs: readonly Readonly<Record<string, string>>[],
): boolean {
  return (
    ours.length === theirs.length &&
    theirs.every((row, i) =>
      Object.entries(row).every(
        ([name, text]) => name === '' || (ours[i]?.[name] ?? '') === (NULLS.has(text) ? '' : text),
      ),
    )
  );
}
