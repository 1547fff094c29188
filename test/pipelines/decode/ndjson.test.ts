import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import t from 'tap';
import { type NdjsonTuning, openNdjson } from '../../../pipelines/decode/ndjson/open.ts';
import { openSource } from '../../../pipelines/decode/open.ts';
import type { OpenOptions } from '../../../pipelines/decode/source.ts';
import { decoded } from '../../helpers/decoded.ts';

const folder = t.testdir();
let files = 0;

function write(content: string | Uint8Array): string {
  const path = join(folder, `${files++}.json`);
  writeFileSync(path, content);
  return path;
}

const read = (content: string | Uint8Array, options: Omit<OpenOptions, 'path'> = {}) =>
  decoded(openSource({ path: write(content), ...options }));

const plain = { compression: 'none', encoding: 'utf-8' } as const;
const readTuned = (content: string, tuning: NdjsonTuning, batchRows = 4096) =>
  decoded(openNdjson({ path: write(content), batchRows }, plain, tuning));

t.test('values', async (t) => {
  const { columns, rows, numbers } = await read(
    [
      '{"n": 0.10000000000000000001, "e": -1.50E+400, "t": true, "f": false, "x": null, "s": "a\\"b\\u00e9\\ud83d\\ude80"}',
      '{"n": 12345678901234567890, "o": { "b" : 1.10, "a": [ 1, "x y" , null ] }, "s": "plain é", "z": []}',
      '{}',
      '{"s":"","n":"NULL","t":"true"}',
    ].join('\n'),
  );
  t.same(columns, ['n', 'e', 't', 'f', 'x', 's', 'o', 'z']);
  t.same(rows, [
    { n: '0.10000000000000000001', e: '-1.50E+400', t: 'true', f: 'false', s: 'a"bé🚀' },
    { n: '12345678901234567890', o: '{"b":1.10,"a":[1,"x y",null]}', s: 'plain é', z: '[]' },
    {},
    { t: 'true' },
  ]);
  t.same(numbers, [1, 2, 3, 4]);
});

t.test('escapes', async (t) => {
  const escapes = String.raw`\b\f\n\r\t\/\\\"\u0000\u007f\u00e9\u20ac\ud83d\ude80\uD83D\uDE80`;
  const halves = String.raw`\ud800x\udc00\ud800\ud83d\ude80\ud83d`;
  const { rows } = await read(`{"a":"${escapes}","b":"${halves}","c":["\\n"]}`);
  t.equal(rows[0]?.a, JSON.parse(`"${escapes}"`));
  t.equal(rows[0]?.b, '\ufffdx\ufffd\ufffd🚀\ufffd');
  t.equal(rows[0]?.c, '["\\n"]');
});

t.test('keys', async (t) => {
  const { columns, rows } = await read(
    '{"a":1,"b":2}\n{"b":3,"a":4}\n{"b":5}\n{"a":6,"a":7}\n{"\\u0061":8,"b\\"":9,"__proto__":10}\n{"a":1,"a":null}\n',
  );
  t.same(columns, ['a', 'b', 'b"', '__proto__']);
  t.same(
    rows.map((row) => [row.a, row.b]),
    [
      ['1', '2'],
      ['4', '3'],
      [undefined, '5'],
      ['7', undefined],
      ['8', undefined],
      [undefined, undefined],
    ],
  );
  t.equal(rows[4]?.['b"'], '9');
});

t.test('layouts', async (t) => {
  const expected = [{ a: '1', b: '{"c":"x"}' }, { a: '2' }, { a: '3', b: '[1,2]' }];
  const objects = ['{"a":1,"b":{"c":"x"}}', '{"a":2}', '{"a":3,"b":[1,2]}'];
  const pretty = objects.map((object) => JSON.stringify(JSON.parse(object), undefined, 2));
  for (const [name, text] of Object.entries({
    lines: objects.join('\n'),
    'lines, crlf, blank lines': `\r\n${objects.join('\r\n\r\n')}\r\n`,
    'one behind the other': objects.join(''),
    'pretty-printed': pretty.join('\n'),
    'pretty-printed, indented': ` ${pretty.join('\n ')}`,
    array: `[${objects.join(',')}]`,
    'array, pretty-printed': `\n[\n${pretty.join(',\n')}\n]\n`,
    'byte order mark': `\ufeff${objects.join('\n')}`,
  })) {
    t.same((await read(text)).rows, expected, name);
    t.same((await read(gzipSync(text))).rows, expected, `${name}, gzip`);
    t.same((await read(zstdCompressSync(text))).rows, expected, `${name}, zstd`);
    t.same(
      (await read(Buffer.from(`\ufeff${text.replace('\ufeff', '')}`, 'utf16le'))).rows,
      expected,
      `${name}, utf-16`,
    );
    for (const windowBytes of [1, 7, 16, 33, 64])
      t.same((await readTuned(text, { windowBytes }, 2)).rows, expected, `${name}, ${windowBytes}`);
  }
  t.same((await read('[]')).rows, []);
  t.same((await read('[ ]\n')).columns, []);
});

t.test('rows that an answer of an API wraps', async (t) => {
  const expected = [{ a: '1', b: '{"data":[{"c":"x"}]}' }, { a: '2' }, { a: '3' }];
  const rows = [{ a: 1, b: { data: [{ c: 'x' }] } }, { a: 2 }, { a: 3 }];
  const named = (row: object, i: number) => [`n"${i}`, { name: `n"${i}`, ...row }];
  const wrapped: Readonly<Record<string, string>> = {
    data: JSON.stringify({ data: rows }),
    'between other members': JSON.stringify({
      meta: { items: 3, of: [1] },
      Items: rows,
      next: [{}],
    }),
    'two deep': JSON.stringify({ status: 'ok', data: { total: 3, line_items: rows, page: 1 } }),
    'pretty-printed': JSON.stringify({ code: 200, data: { items: rows } }, undefined, 2),
    'page by page': rows.map((row) => JSON.stringify({ value: [row], nextLink: 'x' })).join('\n'),
    'pages, the last one empty': `${JSON.stringify({ value: rows })}{"value":[ ]}`,
  };
  for (const [name, text] of Object.entries(wrapped))
    for (const windowBytes of [1, 7, 33, 4096])
      t.same((await readTuned(text, { windowBytes }, 2)).rows, expected, `${name}, ${windowBytes}`);
  const maps = JSON.stringify({
    code: 200,
    data: [
      Object.fromEntries(rows.slice(0, 2).map(named)),
      Object.fromEntries([named({ a: 3 }, 2)]),
    ],
  });
  for (const windowBytes of [1, 7, 33, 4096]) {
    const found = await readTuned(maps, { windowBytes }, 2);
    t.same(
      found.rows.map(({ name, ...row }) => row),
      expected,
      `by name, ${windowBytes}`,
    );
    t.same(
      found.rows.map(({ name }) => name),
      ['n"0', 'n"1', 'n"2'],
    );
  }
  t.same((await read('{"data":[]}')).rows, []);
});

t.test('what is no answer around rows', async (t) => {
  const nested = '{"a":1,"labels":[{"key":"k"}]}\n{"a":2,"labels":[]}\n';
  t.equal((await read(nested)).rows.length, 2, 'a row may hold lists of objects');
  t.same((await read('{"data":[1,2]}\n{"data":[3]}')).rows, [{ data: '[1,2]' }, { data: '[3]' }]);
  const charges = '{"BilledCost":1,"items":[{"a":1}]}\n{"BilledCost":2,"items":[{"a":2}]}\n';
  t.same(
    (await read(charges)).rows.map(({ BilledCost }) => BilledCost),
    ['1', '2'],
  );
  const pages = await read('{"data":[{"a":1}, 7]}{"data":null}{"data":[{"a":2}]}');
  t.same(pages.rows, [{ a: '1' }, { a: '2' }]);
  t.match(pages.rejected, [
    { reason: 'invalid_json', row: 2, raw: '7' },
    { reason: 'invalid_json', row: 3, raw: '{"data":null}' },
  ]);
  for (const [text, message] of [
    ['{"data":[{"a":1},{"a":2}', /row 3: .*the file ends within the array/],
    ['{"data":[{"a":1},{"a":2}]', /row 3: .*the file ends within the array/],
    ['{"data":[{"a":1},{"a":', /row 2: .*the file ends within an object/],
    ['{"data":[{"a":1} {"a":2}]}', /row 2: .*expected "," or "\]"/],
    ['{"data":[{"a":1}],"next":x}', /row 2: .*expected a value/],
    ['{"data":[{"a":1}] "next":1}', /row 2: .*expected "," or "}"/],
  ] as const)
    await t.rejects(read(text), { name: 'BadPart', message }, text);
});

t.test('bad lines are refused and the rest goes on', async (t) => {
  const bad = [
    '{"a":01}',
    '{"a":1,}',
    '{"a":1',
    '{"a" 1}',
    '{a:1}',
    '{"a":nul}',
    '{"a":"\\x"}',
    '{"a":"\\u12g4"}',
    '{"a":"tab\there"}',
    '{"a":[1,2}',
    '{"a":{"b":1]}',
    '{"a":1.}',
    '{"a":-}',
    '{"a":NaN}',
    '{"a":1} x',
    '{"a":1}{"a":2}',
    '[1,2]',
    '"text"',
    '12',
    'x',
    `{"a":${'['.repeat(300)}${']'.repeat(300)}}`,
  ];
  const text = ['{"a":1,"b":1}', ...bad.flatMap((line) => [line, '{"b":2}'])].join('\n');
  const { rows, rejected } = await read(text);
  t.same(
    rejected.map(({ raw }) => raw),
    bad,
  );
  t.same(new Set(rejected.map(({ reason }) => reason)), new Set(['invalid_json']));
  t.same(
    rejected.map(({ row }) => row),
    bad.map((_, i) => 2 + 2 * i),
  );
  t.same(rows, [{ a: '1', b: '1' }, ...bad.map(() => ({ b: '2' }))], 'they leave no trace');
  t.match(rejected[0]?.message, /expected "," or "}", found "1"/);
});

t.test('a bad first line', async (t) => {
  const { rows, rejected } = await read('{"a":1,"b"\n{"a":2}\n{"a":3}\n');
  t.same(rows, [{ a: '2' }, { a: '3' }]);
  t.match(rejected, [{ row: 1, raw: '{"a":1,"b"' }]);
});

t.test('broken JSON that is not in lines', async (t) => {
  const object = '{\n"a": 1\n}\n';
  for (const [text, message] of [
    [`${object}{\n"a": x}`, /row 2: invalid JSON: expected a value, found "x"/],
    [`${object}${object}{\n"a": 1`, /row 3: .*the file ends within an object/],
    ['[{"a":1},{"a":2}', /row 3: .*the file ends within the array/],
    ['[{"a":1} {"a":2}]', /row 2: .*expected "," or "\]"/],
    ['[{"a":1},]', /row 2: .*expected a value/],
    ['[{"a":1}] {"a":2}', /row 2: .*something follows the array/],
  ] as const)
    await t.rejects(read(text), { name: 'BadPart', message }, text);
  const { rows, rejected } = await read('[{"a":1}, 5, {"a":2}]');
  t.equal(rows.length, 2);
  t.match(rejected, [{ reason: 'invalid_json', row: 2, raw: '5' }]);
});

t.test('columns that come up late', async (t) => {
  const lines = Array.from({ length: 3000 }, (_, i) =>
    i < 2500 ? `{"a":${i}}` : `{"late":"x","a":${i},"skipped":1}`,
  );
  const options: Omit<OpenOptions, 'path'> = {
    batchRows: 1000,
    project: (names) => names.filter((name) => name !== 'skipped'),
  };
  const path = write(lines.join('\n'));
  const source = await openSource({ path, ...options });
  t.same(source.columns, ['a']);
  await source.close();
  const { columns, rows, repairs } = await decoded(openSource({ path, ...options }));
  t.same(columns, ['a', 'late', 'skipped']);
  t.same(repairs, { late_column: 2 });
  t.same(rows[2499], { a: '2499' });
  t.same(rows[2500], { a: '2500', late: 'x' });
  t.equal(rows.length, 3000);
});

t.test('columns of the first thousand objects are known at once', async (t) => {
  const source = await openSource({ path: write(`${'{"a":1}\n'.repeat(900)}{"b":2}\n`) });
  t.same(source.columns, ['a', 'b']);
  await source.close();
});

t.test('lines beyond the limit are refused', async (t) => {
  const long = `{"a":"${'x'.repeat(500)}"}`;
  const text = `{"a":"1"}\n${long}\n{"a":"2"}\n`;
  const { rows, rejected } = await readTuned(text, { windowBytes: 64, objectBytes: 200 });
  t.same(rows, [{ a: '1' }, { a: '2' }]);
  t.match(rejected, [{ reason: 'invalid_json', row: 2, message: /more than 200 bytes/ }]);
  const pretty = `{"a":\n"1"}\n{"a":\n"${'x'.repeat(500)}"}`;
  await t.rejects(readTuned(pretty, { windowBytes: 64, objectBytes: 200 }), {
    name: 'BadPart',
    message: /row 2: .*more than 200 bytes/,
  });
});

t.test('what is no UTF-8 is Windows-1252', async (t) => {
  const { rows, repairs } = await read(Buffer.from('{"a":"Zürich"}\n{"a":"Bern"}\n', 'latin1'));
  t.same(rows, [{ a: 'Zürich' }, { a: 'Bern' }]);
  t.same(repairs, { windows1252_decoded: 1 });
});

t.test('truncated archives', async (t) => {
  const lines = Array.from({ length: 50_000 }, (_, i) => `{"a":${Math.imul(i, 0x9e3779b1)}}`);
  const packed = gzipSync(lines.join('\n'));
  const path = write(packed.subarray(0, packed.length - 500));
  await t.rejects(decoded(openSource({ path })), {
    name: 'BadPart',
    path,
    message: /truncated.*after row \d{4,}/,
  });
});

t.test('any objects give what JSON.parse gives', async (t) => {
  const objects = fc.array(
    fc.dictionary(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 }), fc.jsonValue(), {
      maxKeys: 6,
    }),
    { minLength: 1, maxLength: 12 },
  );
  const indents = fc.constantFrom(0, 2);
  await fc.assert(
    fc.asyncProperty(
      objects,
      indents,
      fc.integer({ min: 1, max: 90 }),
      async (values, indent, windowBytes) => {
        const all = [{ first: 1 }, ...values];
        const text = all.map((value) => JSON.stringify(value, undefined, indent)).join('\n');
        const { rows, rejected } = await readTuned(text, { windowBytes }, 5);
        t.same(rejected, []);
        t.strictSame(rows.map(sorted), all.map(expectedCells).map(sorted));
      },
    ),
    { numRuns: 300 },
  );
});

function expectedCells(value: Record<string, unknown>): Record<string, string> {
  const parsed = JSON.parse(JSON.stringify(value)) as Record<string, unknown>;
  const cells: [string, string][] = [];
  for (const [key, cell] of Object.entries(parsed)) {
    const text = typeof cell === 'string' ? cell : JSON.stringify(cell);
    const bytes = Buffer.from(text).toString('utf8');
    if (cell !== null && bytes !== '' && bytes !== 'NULL')
      cells.push([Buffer.from(key).toString('utf8'), bytes]);
  }
  return Object.fromEntries(cells);
}

function sorted(cells: Readonly<Record<string, string>>): readonly (readonly [string, string])[] {
  return Object.entries(cells).sort(([a], [b]) => (a < b ? -1 : 1));
}
