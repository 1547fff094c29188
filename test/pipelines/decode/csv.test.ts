import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import t from 'tap';
import { type CsvTuning, openCsv } from '../../../pipelines/decode/csv/open.ts';
import { openSource } from '../../../pipelines/decode/open.ts';
import type { OpenOptions } from '../../../pipelines/decode/source.ts';
import { decoded } from '../../helpers/decoded.ts';

const folder = t.testdir();
let files = 0;

function write(content: string | Uint8Array): string {
  const path = join(folder, `${files++}.csv`);
  writeFileSync(path, content);
  return path;
}

const read = (content: string | Uint8Array, options: Omit<OpenOptions, 'path'> = {}) =>
  decoded(openSource({ path: write(content), ...options }));

const plain = { compression: 'none', encoding: 'utf-8' } as const;
const readTuned = (content: string, tuning: CsvTuning, batchRows = 4096) =>
  decoded(openCsv({ path: write(content), batchRows }, plain, tuning));

t.test('cells, nulls and row numbers', async (t) => {
  const { columns, rows, numbers } = await read(
    'a,b,c\n1,,NULL\n"2","","NULL"\n3,null,x y\n4,\\N,Null\n5,nul,\\n\n',
  );
  t.same(columns, ['a', 'b', 'c']);
  t.same(rows, [
    { a: '1' },
    { a: '2' },
    { a: '3', c: 'x y' },
    { a: '4', c: 'Null' },
    { a: '5', b: 'nul', c: '\\n' },
  ]);
  t.same(numbers, [1, 2, 3, 4, 5]);
});

t.test('line ends', async (t) => {
  const expected = [
    { a: '1', b: '2' },
    { a: '3', b: '4' },
  ];
  for (const [name, text] of Object.entries({
    lf: 'a,b\n1,2\n3,4\n',
    'no last line end': 'a,b\n1,2\n3,4',
    crlf: 'a,b\r\n1,2\r\n3,4\r\n',
    'crlf, no last line end': 'a,b\r\n1,2\r\n3,4',
    'crlf, quoted': 'a,b\r\n"1","2"\r\n"3","4"\r\n',
    cr: 'a,b\r1,2\r3,4\r',
    'cr, no last line end': 'a,b\r1,2\r3,4',
    mixed: 'a,b\r\n1,2\n3,4\r\n',
    'blank lines': '\n\na,b\n\n1,2\r\n\r\n3,4\n\n\n',
  }))
    t.same((await read(text)).rows, expected, name);
  t.same((await read('a,b')).rows, [], 'header only');
  t.same((await read('a,b\r\n')).rows, [], 'header line only');
  t.same((await read('a\n1\n\n2\n')).rows, [{ a: '1' }, { a: '2' }], 'one column');
  t.same((await read('a,b\n1,2\rx\n')).rows, [{ a: '1', b: '2\rx' }], 'a lone cr is text');
});

t.test('quotes', async (t) => {
  const text = 'a,b\n"x, y","say ""hi"""\n"two\nlines","""\n"""\n"",""""\n5" pipe,it"s\n';
  t.same((await read(text)).rows, [
    { a: 'x, y', b: 'say "hi"' },
    { a: 'two\nlines', b: '"\n"' },
    { b: '"' },
    { a: '5" pipe', b: 'it"s' },
  ]);
});

t.test('quotes that should be doubled', async (t) => {
  const { rows, rejected, repairs } = await read(
    'a,b\n"{"k": "v"}",1\n"5" disk",2\n"x"y,3\nz,4\n"p,5\nq,6\n',
  );
  t.same(
    rows,
    [
      { a: '{"k": "v"}', b: '1' },
      { a: '5" disk', b: '2' },
      { a: 'z', b: '4' },
      { a: 'q', b: '6' },
    ],
    'are text where the cell ends on its line',
  );
  t.same(repairs, { stray_quote: 2 });
  t.match(rejected, [
    { reason: 'malformed_quote', row: 3, column: 'a', raw: '"x"y,3' },
    { reason: 'unterminated_quote', row: 5, column: 'a', raw: '"p,5' },
  ]);
});

t.test('an unterminated quote costs its own row only', async (t) => {
  const many = Array.from({ length: 50 }, (_, i) => `${i},y`).join('\n');
  const { rows, rejected, numbers } = await read(`a,b\n0,x\n1,"open\n${many}\n`);
  t.equal(rows.length, 51);
  t.same(numbers.slice(0, 3), [1, 3, 4]);
  t.match(rejected, [{ reason: 'unterminated_quote', row: 2, column: 'b', raw: '1,"open' }]);
});

t.test('delimiters are found in the header', async (t) => {
  for (const delimiter of [',', ';', '\t', '|']) {
    const text = ['"a, or b"', 'c', 'd'].join(delimiter);
    const { columns, rows } = await read(`${text}\n1${delimiter}"x${delimiter}"${delimiter}3\n`);
    t.same(columns, ['a, or b', 'c', 'd'], delimiter);
    t.same(rows, [{ 'a, or b': '1', c: `x${delimiter}`, d: '3' }]);
  }
});

t.test('a first line that names the delimiter, as Excel writes it', async (t) => {
  for (const line of ['sep=;', '"sep=;"', '\ufeffsep=;\r']) {
    const { columns, rows, numbers } = await read(`${line}\na,b;c\n1,5;2\n`);
    t.same(columns, ['a,b', 'c'], JSON.stringify(line));
    t.same(rows, [{ 'a,b': '1,5', c: '2' }]);
    t.same(numbers, [1]);
  }
  t.same((await read('sep=x,b\n1,2\n')).columns, ['sep=x', 'b'], 'a column may be called so');
  await t.rejects(read('sep=,\n'), { name: 'BadPart', message: /empty file/ });
});

t.test('headers', async (t) => {
  const { columns, rows, repairs } = await read('a,a,,"b\nc",a,\n1,2,3,4,5,6\n');
  t.same(columns, ['a', 'a#2', 'column#3', 'b\nc', 'a#3', 'column#6']);
  t.same(rows, [{ a: '1', 'a#2': '2', 'column#3': '3', 'b\nc': '4', 'a#3': '5', 'column#6': '6' }]);
  t.same(repairs, { duplicate_header: 2, empty_header: 2 });
  await t.rejects(read('"a,b\n1,2\n'), { name: 'BadPart', message: /quote in the first line/ });
});

t.test('titles above the header', async (t) => {
  const header = 'a,b,c,d,e,f';
  const table = `${header}\n1,2,3,4,5,6\n7,8,9,10,11,12\n`;
  const titled: Readonly<Record<string, readonly [text: string, titles: number]>> = {
    'a line': [`My bill\n${table}`, 1],
    'lines and blanks': [`My bill\nof "September"\n\n\n${table}`, 2],
    'padded by a spreadsheet': [`My bill,,,,,\n,,,,,\n${table}`, 2],
    'names and values': [`Invoice,1,\nCurrency,EUR,\n${table}`, 2],
    comments: [`# made by a tool\n# currency: EUR\n${table}`, 2],
    'no row': [`My bill\n${header}`, 1],
    'crlf and a mark': [`\ufeff"My bill, all of it"\r\n${table.replaceAll('\n', '\r\n')}`, 1],
    'carriage returns': [`My bill\r${table.replaceAll('\n', '\r')}`, 1],
    semicolons: [`My bill, all of it\n${table.replaceAll(',', ';')}`, 1],
    'a delimiter that is named': [`sep=;\nMy bill;\n${table.replaceAll(',', ';')}`, 1],
  };
  for (const [name, [text, titles]] of Object.entries(titled))
    for (const windowBytes of [1, 7, 33, 4096]) {
      const found = await readTuned(text, { windowBytes });
      t.same(found.columns, header.split(','), name);
      t.equal(found.rows.length, name === 'no row' ? 0 : 2, name);
      t.same(found.numbers, name === 'no row' ? [] : [1, 2], name);
      t.equal(found.repairs.title_line, titles, name);
    }
});

t.test('what is no title', async (t) => {
  for (const [text, columns] of [
    ['a,b,c\n1,2,3,4,5,6,7,8\n1,2,3\n', ['a', 'b', 'c']],
    ['a,b,c\n1,2,3\n1,2,3,4,5,6,7,8\n1,2,3\n', ['a', 'b', 'c']],
    ['a\n1\n2\n', ['a']],
    ['a,b,c,d,e\nx\n1,2,3,4,5\n', ['a', 'b', 'c', 'd', 'e']],
    [`${'title\n'.repeat(50)}a,b,c,d,e\n1,2,3,4,5\n`, ['title']],
  ] as const) {
    const found = await read(text);
    t.same(found.columns, columns, text.slice(0, 40));
    t.equal(found.repairs.title_line, undefined);
  }
});

t.test('rows with too few or too many fields', async (t) => {
  const { rows, numbers, rejected } = await read('a,b\n1,2\n3\n4,5,"6\n,",7\n8,9\n');
  t.same(rows, [
    { a: '1', b: '2' },
    { a: '8', b: '9' },
  ]);
  t.same(numbers, [1, 4]);
  t.same(rejected, [
    { reason: 'wrong_field_count', message: '1 fields where the header has 2', row: 2, raw: '3' },
    {
      reason: 'wrong_field_count',
      message: '4 fields where the header has 2',
      row: 3,
      raw: '4,5,"6\n,",7',
    },
  ]);
});

t.test('last fields that all rows leave out, and empty ones behind the last', async (t) => {
  const head = Array.from({ length: 20 }, (_, i) => `${i},x,${i % 2}`);
  const short = await read(`a,b,c,d\n${head.join('\n')}\n7,w,v,u\n7,w\n7,w,v\n7,w,v`);
  t.equal(short.rows.length, 23);
  t.same(short.rows.slice(19), [
    { a: '19', b: 'x', c: '1' },
    { a: '7', b: 'w', c: 'v', d: 'u' },
    { a: '7', b: 'w', c: 'v' },
    { a: '7', b: 'w', c: 'v' },
  ]);
  t.same(short.repairs, { missing_fields: 22 });
  t.match(short.rejected, [{ reason: 'wrong_field_count', row: 22 }]);
  const torn = await read('a,b,c,d\n1,2,3,4\n1,2,3\n');
  t.match(
    [torn.rows.length, torn.rejected.length],
    [1, 1],
    'a row that is short for itself is torn',
  );
  const only = await read('a,b,c,d\n1,2,3\n');
  t.match([only.rows.length, only.rejected.length], [0, 1], 'so is an only row');
  const long = await read('a,b\r\n1,2,,\r\n1,2,,\r\n3,4\r\n5,6,x\r\n');
  t.same(long.rows, [
    { a: '1', b: '2' },
    { a: '1', b: '2' },
    { a: '3', b: '4' },
  ]);
  t.same(long.repairs, { extra_fields: 2 });
  t.match(long.rejected, [{ reason: 'wrong_field_count', row: 4, raw: '5,6,x' }]);
});

t.test('a refused row leaves no trace in the rows around it', async (t) => {
  const { rows } = await read('a,b,c\n1,x,1\n2,y\n1,x,2\n3\n1,x,2\n');
  t.same(rows, [
    { a: '1', b: 'x', c: '1' },
    { a: '1', b: 'x', c: '2' },
    { a: '1', b: 'x', c: '2' },
  ]);
});

t.test('headers of files that were joined', async (t) => {
  const { rows, repairs, numbers } = await read(
    'a,b\r\n1,2\r\na,b\r\n3,4\r\n\ufeffa,b\r\na,bc\r\n',
  );
  t.same(rows, [
    { a: '1', b: '2' },
    { a: '3', b: '4' },
    { a: 'a', b: 'bc' },
  ]);
  t.same(repairs, { repeated_header: 2 });
  t.same(numbers, [1, 2, 3]);
});

t.test('encodings', async (t) => {
  const text = 'name,b\nZürich 🚀,1\n';
  const expected = [{ name: 'Zürich 🚀', b: '1' }];
  const bom = await read(`\ufeff${text}`);
  t.same([bom.rows, bom.repairs], [expected, { bom_removed: 1 }]);
  const utf16 = Buffer.from(`\ufeff${text}`, 'utf16le');
  const little = await read(utf16);
  t.same([little.rows, little.repairs], [expected, { utf16_decoded: 1 }]);
  const big = await read(Buffer.from(utf16).swap16());
  t.same([big.rows, big.repairs], [expected, { utf16_decoded: 1 }]);
  const bare = await read(Buffer.from('name,b\nx,1\n', 'utf16le'));
  t.same(bare.rows, [{ name: 'x', b: '1' }]);
  const windows = Buffer.from('Währung,b\nZürich,1\nBern,2\nGenève é,3\n5 \x80 \x93,4', 'latin1');
  const spreadsheet = await read(windows);
  t.same(
    spreadsheet.rows.map((row) => row.Währung),
    ['Zürich', 'Bern', 'Genève é', '5 € “'],
  );
  t.same(spreadsheet.repairs, { windows1252_decoded: 4 }, 'counted by line');
  const mixed = Buffer.concat([Buffer.from('name,b\nZürich '), Buffer.from([0xfc, 0x2c, 0x31])]);
  const broken = await read(mixed);
  t.same(
    [broken.rows, broken.repairs],
    [[{ name: 'Zürich \ufffd', b: '1' }], { utf8_replaced: 1 }],
  );
  t.same((await read('a,b\n\ufeffx,\u00001\n')).rows, [{ a: '\ufeffx', b: '\u00001' }]);
});

t.test('a mostly valid file is mended from the first bad byte on', async (t) => {
  const lines = Array.from({ length: 40_000 }, (_, i) => `${i},äöü €`);
  const bytes = Buffer.from(`n,text\n${lines.join('\n')}\n`);
  for (const line of [30_000, 30_001, 39_000]) bytes[bytes.indexOf(`\n${line},`) + 8] = 0xff;
  const { rows, repairs } = await read(bytes);
  t.equal(rows.length, 40_000);
  t.same(repairs, { utf8_replaced: 3 });
  t.match(rows[30_000]?.text, /\ufffd/);
  t.equal(rows.filter((row) => row.text === 'äöü €').length, 39_997);
});

t.test('large cells', async (t) => {
  const large = 'x'.repeat(10 * 1024 * 1024);
  const { rows } = await read(`a,b\n1,${large}\n2,"${large}"\n3,y\n`);
  t.equal(rows.length, 3);
  t.equal(rows[0]?.b, large);
  t.equal(rows[1]?.b, large);
  t.same(rows[2], { a: '3', b: 'y' });
});

t.test('cells and rows beyond the limits are refused, the rest is read', async (t) => {
  const long = 'z'.repeat(300);
  const text = `a,b\n1,2\n${long},3\n4,5\n"${long}\n${long}",6\n7,8\n9,"${long}\n10,11\n`;
  for (const windowBytes of [64, 4096]) {
    const tuning = { windowBytes, limits: { cell: 200, row: 1000 } };
    const { rows, rejected } = await readTuned(text, tuning);
    t.same(
      rows.map((row) => row.a),
      ['1', '4', '7', '10'],
      `window of ${windowBytes}`,
    );
    t.ok(rejected.length >= 3);
    t.ok(rejected.some(({ reason, row }) => reason === 'cell_too_long' && row === 2));
  }
});

t.test('only the wanted columns are decoded', async (t) => {
  const { columns, rows } = await read('a,b,c\n1,"2 ""x""",3\n4,5,6\n', {
    project: (header) => header.filter((name) => name !== 'b'),
  });
  t.same(columns, ['a', 'b', 'c']);
  t.same(rows, [
    { a: '1', c: '3' },
    { a: '4', c: '6' },
  ]);
});

t.test('batches', async (t) => {
  const lines = Array.from({ length: 10 }, (_, i) => `${i % 3},same`);
  const { rows, batches, numbers } = await read(`a,b\n${lines.join('\n')}\n`, { batchRows: 4 });
  t.same(batches, [4, 4, 2]);
  t.same(
    rows.map((row) => `${row.a},${row.b}`),
    lines,
  );
  t.same(numbers, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  const refused = await read(`a,b\n1,2\n${'x\n'.repeat(2500)}3,4\n`);
  t.equal(refused.rejected.length, 2500);
  t.same(refused.batches, [1, 0, 1], 'end early when many rows are refused');
});

t.test('nearly distinct columns go through transient dictionaries, others live on', async (t) => {
  const lines = Array.from(
    { length: 20_000 },
    (_, i) => `id-${i},${i % 7},${i % 3 === 0 ? ',' : `a text of some length ${i},0.${i}`}`,
  );
  const path = write(`id,few,long,short\n${lines.join('\n')}\n`);
  const { rows, transient } = await decoded(openSource({ path }));
  t.same(transient, ['id', 'short']);
  t.same(
    rows.map((row) => `${row.id},${row.few},${row.long ?? ''},${row.short ?? ''}`),
    lines,
  );
  const source = await openSource({ path });
  const dictionaries = new Set();
  for await (const batch of source.batches()) dictionaries.add(batch.columns.get('few')?.values);
  await source.close();
  t.equal(dictionaries.size, 1);
});

t.test('dictionaries that outgrow their limit are replaced', async (t) => {
  const wide = 'w'.repeat(1000);
  const lines = Array.from({ length: 30_000 }, (_, i) => `${wide}${Math.floor(i / 3)}`);
  const source = await openSource({ path: write(`a\n${lines.join('\n')}\n`) });
  let most = 0;
  let row = 0;
  for await (const batch of source.batches()) {
    const column = batch.columns.get('a');
    if (column?.kind !== 'text') throw new Error('no text');
    most = Math.max(most, column.values.used);
    for (let i = 0; i < batch.rows; i++, row++)
      if (column.values.text(column.codes[i] ?? 0) !== lines[row]) t.fail(`row ${row}`);
  }
  await source.close();
  t.equal(row, 30_000);
  t.ok(most < 7 * 1024 * 1024, `at most ${most} bytes`);
});

t.test('any size of the window gives the same', async (t) => {
  const text =
    '\ufeffa,b,c\r\n1,"x ""y"" z",é\r\n1,"x ""y"" z",é\r\n2,"two\r\nlines",€🚀\r\n\r\na,b,c\r\n3,bad\r\n4,"s"t",u\r\n5,,\r\nlast,"q",NULL';
  const whole = await readTuned(text, {});
  t.equal(whole.rows.length, 6);
  for (let windowBytes = 1; windowBytes < 120; windowBytes++)
    t.strictSame(await readTuned(text, { windowBytes }, 3), {
      ...whole,
      batches: [3, 3],
    });
});

t.test('gzip and zstd, in one piece or several', async (t) => {
  const lines = Array.from({ length: 5000 }, (_, i) => `${i},text ${i % 10}`);
  const text = `a,b\n${lines.join('\n')}\n`;
  const middle = 20_011;
  for (const [name, pack] of Object.entries({ gzip: gzipSync, zstd: zstdCompressSync })) {
    const one = pack(text);
    const two = Buffer.concat([pack(text.slice(0, middle)), pack(text.slice(middle))]);
    const many = Buffer.concat(lines.map((line) => pack(`${line}\n`)).slice(0, 50));
    t.equal((await read(one)).rows.length, 5000, name);
    t.same((await read(two)).rows, (await read(text)).rows, `${name}, two pieces`);
    t.equal((await read(many)).rows.length, 49, `${name}, many pieces`);
  }
  const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 1]);
  const framed = Buffer.concat([skippable, zstdCompressSync(text), skippable]);
  t.equal((await read(framed)).rows.length, 5000, 'zstd with skippable frames');
});

t.test('archives that are truncated or damaged', async (t) => {
  const lines = Array.from({ length: 100_000 }, (_, i) => `${i},${Math.imul(i, 0x9e3779b1) >>> 0}`);
  const text = `a,b\n${lines.join('\n')}\n`;
  for (const [name, pack] of Object.entries({ gzip: gzipSync, zstd: zstdCompressSync })) {
    const whole = pack(text);
    const { rows } = await read(whole);
    t.equal(rows.map(({ a, b }) => `${a},${b}`).join(), lines.join(), `${name}, whole`);
    const path = write(whole.subarray(0, whole.length - 1000));
    await t.rejects(
      decoded(openSource({ path })),
      { name: 'BadPart', path, message: /truncated.*after row \d{4,}/ },
      `${name}, truncated`,
    );
    const twice = Buffer.concat([pack('a,b\n1,2\n'), whole.subarray(0, 20)]);
    await t.rejects(
      read(twice),
      { name: 'BadPart', message: /truncated/ },
      `${name}, second piece`,
    );
  }
  const bad = gzipSync(text);
  bad.writeUInt32LE(1, bad.length - 8);
  await t.rejects(read(bad), { name: 'BadPart', message: /damaged/ }, 'wrong checksum');
});

t.test('a file that changes while it is read', async (t) => {
  const path = write(`a,b\n${'1,2\n'.repeat(100_000)}`);
  const source = await openSource({ path });
  await t.rejects(
    async () => {
      for await (const _ of source.batches()) writeFileSync(path, '3,4\n', { flag: 'a' });
    },
    { name: 'BadPart', message: /changed while it was read/ },
  );
  await source.close();
});
