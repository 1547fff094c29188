import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import type { DeadLetter } from '../../agent/dead-letters.ts';
import { turnedClock } from '../helpers/plugin-world.ts';
import {
  bill,
  committed,
  committedCosts,
  deadLetters,
  exportedCosts,
  FOCUS_HEADER,
  filesBelow,
  focusCsv,
  focusRow,
  put,
  readOnce,
  worldFolder,
} from '../helpers/world.ts';

/** A bill that gzip cannot make small: cut off, some thousand rows can still be read. */
function largeCsv(rows: number): string {
  return focusCsv(
    Array.from({ length: rows }, (_, i) =>
      focusRow(i + 1, { service: `s${(i * 7_919) % 100_003}` }),
    ),
  );
}

function damaged(bytes: Buffer, at: number, length = 1): Buffer {
  const copy = Buffer.from(bytes);
  for (let i = at; i < at + length; i++) copy[i] = (copy[i] ?? 0) ^ 0x5a;
  return copy;
}

/** What is left of a path. */
function names(letters: readonly DeadLetter[]) {
  return letters.map(({ path = '', ...letter }) => ({
    ...letter,
    path: path.replace(/^.*\/bills\//, ''),
  }));
}

t.test('files that are no bill, or not a whole one', async (t) => {
  const folder = worldFolder(t, { workers: 2 });
  const compressed = gzipSync(largeCsv(8_000));
  await bill(folder, { provider: 'azure', format: 'parquet', rows: 400 });
  const parquet = readFileSync(join(folder, 'bills/azure-2026-09.parquet'));
  rmSync(join(folder, 'bills/azure-2026-09.parquet'));
  const bad: Readonly<Record<string, [content: string | Buffer, message: RegExp]>> = {
    'truncated.csv.gz': [
      compressed.subarray(0, compressed.length * 0.6),
      /truncated.* \(after row \d+\)/,
    ],
    'damaged.csv.gz': [
      damaged(compressed, Math.floor(compressed.length / 2)),
      /damaged.* \(after row \d+\)/,
    ],
    'torn.parquet': [parquet.subarray(0, parquet.length * 0.7), /torn/],
    'no-pages.parquet': [damaged(parquet, 4, parquet.length * 0.6), /./],
    'empty.csv': ['', /empty/],
    'no-cost.csv': [
      focusCsv([1]).replaceAll('BilledCost,EffectiveCost', 'A,B'),
      /as focus it lacks the column BilledCost/,
    ],
    'no-currency.csv': [
      focusCsv([1]).replace('BillingCurrency', 'Money'),
      /lacks the column BillingCurrency/,
    ],
    'dates.csv': [
      focusCsv([focusRow(1), focusRow(2, { start: '9/2/2026' })]),
      /ChargePeriodStart is "9\/2\/2026": day and month .*--set focus\.date_order=dmy/,
    ],
    'marks.csv': [
      focusCsv([focusRow('"1,5"'), focusRow('0.5'), focusRow('1.234')]),
      /BilledCost is "1\.234" in row 3, which can be two numbers: "1,5" in row 1 .* write them alike/,
    ],
    'hello.json': ['{"hello":"world"}', /it has "hello"/],
    'binary.csv': [Buffer.alloc(3_000, 1), /binary/],
    'archive.csv': [Buffer.from(`PK\u0003\u0004${'\0'.repeat(99)}`), /zip/],
  };
  for (const [name, [content]] of Object.entries(bad)) put(folder, `bills/${name}`, content);
  put(folder, 'bills/good.csv', focusCsv([1, 2, 3.5]));
  put(folder, 'bills/zz-good.csv', focusCsv([10]));
  const { ok, logs } = await readOnce(t, folder);
  t.ok(ok, 'the receiver goes on');
  t.equal(committedCosts(folder).BilledCost, '16.5', 'the good ones count, nothing else does');
  t.equal(
    (await exportedCosts(join(folder, 'out'))).BilledCost,
    '16.5',
    'also in what is exported',
  );
  const letters = names(deadLetters(folder));
  const dated = letters.find(({ path }) => path === 'dates.csv');
  t.match(dated, { row: 2, column: 'ChargePeriodStart' });
  for (const [name, [, message]] of Object.entries(bad)) {
    const [letter, ...more] = letters.filter(({ path }) => path === name);
    t.match(
      letter,
      { kind: 'part', reason: 'unreadable_part', message, receiver: 'files', pipeline: 'costs' },
      name,
    );
    t.strictSame(more, [], `${name}: one letter`);
  }
  t.equal(letters.length, Object.keys(bad).length);
  t.equal(logs.filter(({ message }) => message === 'part set aside').length, letters.length);
  t.strictSame(
    Object.keys(filesBelow(join(folder, 'out'))).filter((path) => path.includes('incomplete')),
    [],
    'nothing half written is left',
  );

  t.test('they are not read again and again', async (t) => {
    const again = await readOnce(t, folder);
    t.notMatch(again.logs, [{ message: 'part set aside' }]);
    t.equal(deadLetters(folder).length, letters.length, 'their letters stay');
  });

  t.test('a mended file counts, its letter goes', async (t) => {
    put(folder, 'bills/truncated.csv.gz', gzipSync(focusCsv([100])));
    put(folder, 'bills/no-currency.csv', focusCsv([1_000]));
    await readOnce(t, folder);
    t.equal(committedCosts(folder).BilledCost, '1116.5');
    t.equal(deadLetters(folder).length, letters.length - 2);
  });
});

t.test('rows that are no charge', async (t) => {
  const folder = worldFolder(t);
  put(
    folder,
    'bills/rows.csv',
    focusCsv([
      1,
      focusRow('"12,500"'),
      focusRow('abc'),
      focusRow(2, { start: 'yesterday' }),
      `${focusRow(3)},one,too many`,
      4,
      focusRow(5, { service: '"never closed' }),
      6,
    ]),
  );
  const { ok } = await readOnce(t, folder);
  t.ok(ok);
  const [delivery] = committed(folder);
  t.match(delivery, {
    costs: { BilledCost: '11' },
    charges: 3,
    summary: {
      rows: { read: 8, written: 3, rejected: 5, dropped: 0 },
      rejected: { invalid_number: 2, invalid_time: 1, wrong_field_count: 1, unterminated_quote: 1 },
    },
  });
  const letters = names(deadLetters(folder)).toSorted((a, b) => (a.row ?? 0) - (b.row ?? 0));
  t.match(letters, [
    {
      row: 2,
      column: 'BilledCost',
      reason: 'invalid_number',
      raw: /12,500/,
      message: /"12,500", which is not certain: its comma can separate thousands or decimals/,
      path: 'rows.csv',
    },
    {
      row: 3,
      column: 'BilledCost',
      reason: 'invalid_number',
      raw: /abc/,
      message: /not a decimal/,
    },
    { row: 4, column: 'ChargePeriodStart', reason: 'invalid_time', raw: /yesterday/ },
    { row: 5, reason: 'wrong_field_count', raw: /too many/, message: /17 fields .* 15/ },
    { row: 7, column: 'ServiceName', reason: 'unterminated_quote', raw: /never closed/ },
  ]);
  for (const { kind, scope, revision } of letters)
    t.match(
      { kind, scope, revision },
      { kind: 'row', scope: /rows\.csv$/, revision: delivery?.revision },
    );

  t.test('a corrected bill has no letters', async (t) => {
    put(folder, 'bills/rows.csv', focusCsv([1]));
    await readOnce(t, folder);
    t.strictSame(deadLetters(folder), []);
  });
});

t.test('a part of several that turns out unreadable on the way', async (t) => {
  const folder = worldFolder(t, { files: 'scope: folder', workers: 2 });
  const compressed = gzipSync(largeCsv(8_000));
  const broken = compressed.subarray(0, compressed.length - 9);
  put(folder, 'bills/september/a.csv', focusCsv([1, focusRow('x'), 2]));
  put(folder, 'bills/september/b.csv.gz', broken);
  put(folder, 'bills/september/c.csv', focusCsv([3]));
  await readOnce(t, folder);
  t.equal(committedCosts(folder).BilledCost, '6');
  t.equal((await exportedCosts(join(folder, 'out'))).BilledCost, '6');
  t.match(names(deadLetters(folder)), [
    { kind: 'row', path: 'september/a.csv', row: 2 },
    { kind: 'part', path: 'september/b.csv.gz', message: /truncated/ },
  ]);
  t.equal(deadLetters(folder).length, 2, 'the row is in one letter, though it was read twice');
  t.match(committed(folder), [{ summary: { rows: { read: 4, written: 3, rejected: 1 } } }]);

  put(folder, 'bills/september/b.csv.gz', gzipSync(focusCsv([50])));
  await readOnce(t, folder);
  t.equal(committedCosts(folder).BilledCost, '56');

  await t.test('the older revision stays as long as the new one is not whole', async (t) => {
    const before = filesBelow(join(folder, 'out'));
    put(folder, 'bills/september/a.csv', focusCsv([1_000]));
    put(folder, 'bills/september/b.csv.gz', broken);
    const { ok, logs } = await readOnce(t, folder);
    t.ok(ok);
    t.equal(committedCosts(folder).BilledCost, '56');
    t.strictSame(filesBelow(join(folder, 'out')), before);
    t.match(
      logs.filter(({ message }) => message === 'new revision set aside, the older one stays'),
      [{ level: 'error', refused: [/b\.csv\.gz$/] }],
    );
    const kinds = names(deadLetters(folder)).toSorted((a, b) => (a.kind < b.kind ? -1 : 1));
    t.match(kinds, [
      { kind: 'part', path: 'september/b.csv.gz' },
      { kind: 'row', path: 'september/a.csv' },
    ]);
    put(folder, 'bills/september/b.csv.gz', gzipSync(focusCsv([1])));
    await readOnce(t, folder);
    t.equal(committedCosts(folder).BilledCost, '1004');
    t.strictSame(deadLetters(folder), []);
  });
});

t.test('a manifest whose new revision cannot be read', async (t) => {
  const folder = worldFolder(t);
  const truth = await bill(folder, { provider: 'aws', rows: 60, parts: 2, format: 'csv.gz' });
  await readOnce(t, folder);
  const data = join(folder, 'bills/data/BILLING_PERIOD=2026-09');
  const restated = await bill(folder, {
    provider: 'aws',
    rows: 60,
    parts: 2,
    format: 'csv.gz',
    revision: 3,
  });
  const whole = readFileSync(join(data, 'cur2-00002.csv.gz'));
  writeFileSync(join(data, 'cur2-00002.csv.gz'), whole.subarray(0, whole.length - 20));
  await readOnce(t, folder);
  t.strictSame(committedCosts(folder), truth.costs);
  t.strictSame(await exportedCosts(join(folder, 'out')), truth.costs);
  writeFileSync(join(data, 'cur2-00002.csv.gz'), whole);
  await readOnce(t, folder);
  t.strictSame(committedCosts(folder), restated.costs);
});

t.test('a mapping that does not fit', async (t) => {
  const folder = worldFolder(t, { files: 'mapping: aws-cur' });
  await bill(folder, { provider: 'azure' });
  const truth = await bill(folder, { provider: 'aws-legacy' });
  await readOnce(t, folder);
  t.strictSame(committedCosts(folder), truth.costs);
  t.match(deadLetters(folder), [{ kind: 'part', path: /azure/, message: /as aws-cur it lacks/ }]);
});

t.test('odd, but whole', async (t) => {
  const folder = worldFolder(t, { attribute: '{ tags: [team], fallback: nobody }' });
  const text = focusCsv([1, 2, 3]);
  put(folder, 'bills/bom-crlf.csv', `\uFEFF${text.replaceAll('\n', '\r\n')}`);
  put(folder, 'bills/utf16.csv', Buffer.from(`\uFEFF${text}`, 'utf16le'));
  put(
    folder,
    'bills/quoted.csv',
    focusCsv([focusRow(10, { service: '"two\nlines, ""quoted"""' }), 20]),
  );
  put(
    folder,
    'bills/braceless.csv',
    focusCsv([focusRow(100, { tags: '"""team"": ""search"",""env"": ""prod"""' })]),
  );
  put(
    folder,
    'bills/huge.csv',
    focusCsv([focusRow(1_000, { service: 'x'.repeat(10_000_000) }), 2_000]),
  );
  put(folder, 'bills/no-line-end.csv', text.trimEnd());
  put(folder, 'bills/header-only.csv', `${FOCUS_HEADER}\n`);
  put(
    folder,
    'bills/duplicate-header.csv',
    text.replace(FOCUS_HEADER, `${FOCUS_HEADER},BilledCost`).replaceAll(/,\n/g, ',,9999\n'),
  );
  put(folder, 'bills/german.csv', GERMAN);
  const { ok, logs } = await readOnce(t, folder);
  t.ok(ok);
  t.notMatch(logs, [{ level: 'error' }]);
  const costs = Object.fromEntries(
    committed(folder).map(({ scope, costs: { BilledCost } }) => [
      scope.split('/').at(-1),
      BilledCost,
    ]),
  );
  t.strictSame(costs, {
    'bom-crlf.csv': '6',
    'utf16.csv': '6',
    'quoted.csv': '30',
    'braceless.csv': '100',
    'huge.csv': '3000',
    'no-line-end.csv': '6',
    'header-only.csv': '0',
    'duplicate-header.csv': '6',
    'german.csv': '12.345',
  });
  t.strictSame(deadLetters(folder), []);
  const written = Object.values(filesBelow(join(folder, 'out'))).join('');
  t.match(written, '"two\nlines, ""quoted"""');
  t.match(written, '"{""team"": ""search"",""env"": ""prod""}"');
});

/** An export in German: names with the English id in brackets, decimal points, dates as everywhere. */
const GERMAN = `\uFEFFAbonnement-GUID (SubscriptionGuid),Ressourcengruppe (ResourceGroup),Ressourcenstandort (ResourceLocation),UsageDateTime (UsageDateTime),Kategorie der Verbrauchseinheit (MeterCategory),ID der Verbrauchseinheit (MeterId),UsageQuantity (UsageQuantity),PreTaxCost (PreTaxCost),Genutzter Dienst (ConsumedService),InstanceId (InstanceId),Zusätzliche Informationen (AdditionalInfo),Währung (Currency),Maßeinheit (UnitOfMeasure)
5b3c-1,rg-suche,westeurope,2026-09-17,Storage,m-1,3,12.345,Microsoft.Storage,/subscriptions/5b3c-1/resourceGroups/rg-suche/providers/Microsoft.Storage/storageAccounts/a,,EUR,10 GB
`;

t.test('a part that changes under the reader', async (t) => {
  const folder = worldFolder(t, { workers: 1 });
  const path = put(folder, 'bills/growing.csv', largeCsv(6_000));
  let changed = 0;
  const { ok, logs } = await readOnce(t, folder, {
    clock: { ...turnedClock(), now: () => Date.now() + 60_000 },
    events: {
      written: () => {
        if (changed++ === 0) appendFileSync(path, `${focusRow(0.25)}\n`);
      },
    },
  });
  t.ok(ok);
  t.ok(changed > 1, 'it was read again');
  t.match(
    logs.filter(({ level }) => level === 'warn'),
    [{ message: 'component is tried again', reason: /growing\.csv changed while it was read/ }],
  );
  t.equal(committedCosts(folder).BilledCost, String((6_000 * 6_001) / 2 + 0.25));
  t.strictSame(await exportedCosts(join(folder, 'out')), committedCosts(folder));
  t.strictSame(deadLetters(folder), []);
});

t.test('a compressed part that is replaced while it is read is no damaged part', async (t) => {
  const folder = worldFolder(t, { workers: 1 });
  const path = put(folder, 'bills/bill.csv.gz', gzipSync(largeCsv(6_000)));
  const whole = gzipSync(focusCsv([7]));
  const clock = turnedClock(() => writeFileSync(path, whole));
  let started = 0;
  const { ok, logs } = await readOnce(t, folder, {
    clock: { ...clock, now: () => Date.now() + 60_000 },
    events: {
      started: () => {
        if (started++ === 0) writeFileSync(path, whole.subarray(0, 50));
      },
    },
  });
  t.ok(ok);
  t.ok(logs.some(({ reason }) => /changed while it was read/.test(String(reason))));
  t.equal(committedCosts(folder).BilledCost, '7');
  t.strictSame(deadLetters(folder), []);
});

t.test('dead letters stay within their size', async (t) => {
  const folder = worldFolder(t, {});
  const path = join(folder, 'focusd.yaml');
  writeFileSync(
    path,
    readFileSync(path, 'utf8').replace(
      '{ folder: ./state }',
      '{ folder: ./state, max_dead_letters: 1MiB }',
    ),
  );
  put(folder, 'bills/bad.csv', focusCsv(Array.from({ length: 3_000 }, () => focusRow('n/a'))));
  await readOnce(t, folder);
  const letters = deadLetters(folder);
  const last = letters.at(-1);
  t.match(
    committed(folder),
    [{ summary: { rejected: { invalid_number: 3_000 } } }],
    'all are counted',
  );
  t.match(last, { reason: 'not_kept', message: /max_dead_letters/ });
  t.equal(letters.length - 1 + (last?.rows ?? 0), 3_000);
});
