import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import t, { type Test } from 'tap';
import { createEncoder } from '../../../pipelines/encode/index.ts';
import type { DeliveryInfo, Sink } from '../../../pipelines/plugin/index.ts';
import file from '../../../plugins/exporters/file/index.ts';
import { createPartFile } from '../../../plugins/exporters/file/part-file.ts';
import { safeName } from '../../../plugins/exporters/file/paths.ts';
import { batchOf } from '../../helpers/batch.ts';
import { metricsOf } from '../../helpers/otlp-metrics-proto.ts';
import {
  checkedSettings,
  deliveryOf,
  encodedBatch,
  total,
  totalsOf,
  worldOf,
} from '../../helpers/plugin-world.ts';

type FullSink = Required<Sink>;

async function openFile(t: Test, settings: object, id = 'file'): Promise<FullSink> {
  const world = worldOf(await checkedSettings(file, settings), { id });
  const totals = totalsOf([total({ ServiceName: 'x' }, { billed: '1.25' })]);
  const sink = (await file.open(world, totals)) as FullSink;
  t.teardown(() => sink.close());
  return sink;
}

/** Files below a folder, `/` between names, in order. */
function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

async function deliver(
  sink: FullSink,
  delivery: DeliveryInfo,
  texts: readonly string[],
): Promise<void> {
  await sink.begin(delivery);
  for (const [part, text] of texts.entries())
    await sink.write(encodedBatch(text, { part }), delivery);
  await sink.commit(delivery);
}

t.test('what it asks the workers for', async (t) => {
  const folder = t.testdir();
  const encodings = [];
  for (const format of ['otlp-json', 'focus-csv', 'focus-ndjson', 'focus-parquet']) {
    const sink = await openFile(t, { folder: join(folder, format), format, focus_version: '1.4' });
    encodings.push(sink.encoding);
  }
  t.strictSame(encodings, [
    { kind: 'otlp-json', restatement: 'totals' },
    { kind: 'focus', format: 'csv', version: '1.4' },
    { kind: 'focus', format: 'ndjson', version: '1.4' },
    { kind: 'focus', format: 'parquet', version: '1.4' },
  ]);
});

t.test('batches out of order end up in order, whatever the order', async (t) => {
  const orders = [
    [0, 1, 2, 3],
    [3, 1, 0, 2],
    [1, 0, 3, 2],
  ];
  for (const order of orders) {
    const folder = t.testdir();
    const sink = await openFile(t, { folder, format: 'focus-csv' });
    const delivery = deliveryOf({ receiver: 'files/demo' });
    await sink.begin(delivery);
    await Promise.all(
      order.flatMap((sequence) =>
        [0, 1].map((part) =>
          sink.write(encodedBatch(`p${part}s${sequence}\n`, { part, sequence }), delivery),
        ),
      ),
    );
    t.strictSame(
      filesIn(folder).filter((name) => !name.startsWith('.')),
      [],
      'nothing before the commit',
    );
    await sink.commit(delivery);
    const [first = '', second = ''] = filesIn(folder);
    t.match(first, /^files_demo-[0-9a-f]{12}\/123_2026-09-[0-9a-f]{12}\/r1\/part-0001\.csv$/);
    t.equal(readFileSync(join(folder, first), 'utf8'), 'p0s0\np0s1\np0s2\np0s3\n');
    t.equal(readFileSync(join(folder, second), 'utf8'), 'p1s0\np1s1\np1s2\np1s3\n');
  }
});

t.test('a batch written a second time counts once', async (t) => {
  const folder = t.testdir();
  const sink = await openFile(t, { folder, format: 'focus-ndjson' });
  const delivery = deliveryOf();
  await sink.begin(delivery);
  for (const text of ['{"a":1}\n', '{"a":1}\n']) await sink.write(encodedBatch(text), delivery);
  await sink.commit(delivery);
  t.strictSame(
    filesIn(folder).map((name) => readFileSync(join(folder, name), 'utf8')),
    ['{"a":1}\n'],
  );
});

t.test('revisions', async (t) => {
  const contents = (folder: string) =>
    filesIn(folder).map((name) => readFileSync(join(folder, name), 'utf8'));

  t.test('a newer one of a snapshot takes the place of the older', async (t) => {
    const folder = t.testdir();
    const sink = await openFile(t, { folder });
    await deliver(sink, deliveryOf({ scope: 'other' }), ['other\n']);
    await deliver(sink, deliveryOf(), ['old 1\n', 'old 2\n']);
    await deliver(sink, deliveryOf({ id: 'd2', revision: 'r2' }), ['new\n']);
    t.strictSame(contents(folder), ['new\n', 'other\n']);
    t.strictSame(readdirSync(join(folder, '.incomplete-file')), [], 'nothing is left over');
  });

  t.test('they are kept if asked for', async (t) => {
    const folder = t.testdir();
    const sink = await openFile(t, { folder, keep_revisions: true });
    await deliver(sink, deliveryOf(), ['old\n']);
    await deliver(sink, deliveryOf({ id: 'd2', revision: 'r2' }), ['new\n']);
    t.strictSame(contents(folder), ['old\n', 'new\n']);
  });

  t.test('appended deliveries stand side by side', async (t) => {
    const folder = t.testdir();
    const sink = await openFile(t, { folder });
    await deliver(sink, deliveryOf({ mode: 'append' }), ['one\n']);
    await deliver(sink, deliveryOf({ mode: 'append', id: 'd2', revision: 'r2' }), ['two\n']);
    t.strictSame(contents(folder), ['one\n', 'two\n']);
  });

  t.test('the same one again, after a crash before it was noted, changes nothing', async (t) => {
    const folder = t.testdir();
    const sink = await openFile(t, { folder });
    for (const mode of ['append', 'snapshot'] as const) {
      await deliver(sink, deliveryOf({ mode }), ['a\n', 'b\n']);
      t.strictSame(contents(folder), ['a\n', 'b\n']);
    }
  });

  t.test('an attempt that was given up, or ended with the process, leaves nothing', async (t) => {
    const folder = t.testdir();
    const sink = await openFile(t, { folder });
    await deliver(sink, deliveryOf(), ['old\n']);
    const next = deliveryOf({ id: 'd2', revision: 'r2' });
    await sink.begin(next);
    await sink.write(encodedBatch('half\n'), next);
    await sink.abort(next);
    t.strictSame(contents(folder), ['old\n']);
    await sink.begin(next);
    await sink.write(encodedBatch('half\n', { part: 7 }), next);
    const restarted = await openFile(t, { folder });
    t.strictSame(
      filesIn(folder).filter((name) => name.includes('.incomplete')),
      [],
    );
    await deliver(restarted, next, ['new\n']);
    t.strictSame(contents(folder), ['new\n']);
  });

  t.test('begin forgets what an earlier attempt wrote', async (t) => {
    const folder = t.testdir();
    const sink = await openFile(t, { folder });
    const delivery = deliveryOf();
    await sink.begin(delivery);
    await sink.write(encodedBatch('half\n', { part: 3 }), delivery);
    await deliver(sink, delivery, ['whole\n']);
    t.strictSame(contents(folder), ['whole\n']);
  });
});

t.test('names from outside stay inside', async (t) => {
  const outer = t.testdir({ out: {} });
  const folder = join(outer, 'out');
  const sink = await openFile(t, { folder });
  const hostile = [
    '../../evil',
    '..',
    '.',
    '',
    '/etc/passwd',
    'a\u0000b',
    '.incomplete-file',
    'x'.repeat(5000),
    'COM1:',
    '-rf',
    'ü/ß',
  ];
  for (const [number, scope] of hostile.entries()) {
    await deliver(
      sink,
      deliveryOf({ id: `../d${number}`, scope, revision: scope, receiver: scope }),
      [`${number}\n`],
    );
  }
  t.strictSame(readdirSync(outer), ['out']);
  t.equal(filesIn(folder).length, hostile.length, 'each has its own place');
  const similar = ['a/b', 'a_b', 'a b', 'a:b', 'A/b'];
  t.equal(new Set(similar.map(safeName)).size, similar.length, 'similar names do not meet');
  t.equal(safeName('123456789012'), '123456789012', 'harmless names stay as they are');
});

t.test('OTLP JSON goes with the totals as metrics', async (t) => {
  const folder = t.testdir();
  const sink = await openFile(t, { folder });
  await sink.flush();
  const lines = readFileSync(join(folder, 'metrics.jsonl'), 'utf8').split('\n');
  t.equal(lines.length, 2);
  const metrics = metricsOf(JSON.parse(lines[0] ?? ''));
  t.match(metrics[0], {
    name: 'focus.billed_cost',
    kind: 'sum',
    monotonic: false,
    points: [{ value: 1.25 }],
  });
  await sink.flush();
  t.equal(
    readFileSync(join(folder, 'metrics.jsonl'), 'utf8').split('\n').length,
    2,
    'the last one is replaced',
  );
  const csv = await openFile(t, { folder: join(folder, 'csv'), format: 'focus-csv' });
  t.equal(csv.flush, undefined);
});

t.test('Parquet files are whole, their row groups in order', async (t) => {
  const folder = t.testdir();
  const sink = await openFile(t, { folder, format: 'focus-parquet' });
  const delivery = deliveryOf();
  const groups = [];
  for (const service of ['a', 'b', 'c']) {
    const encoder = await createEncoder(sink.encoding, {
      resource: {},
      observedMs: 0,
      uidPrefix: 'u',
      scopeVersion: '1',
    });
    const rows = [
      { ServiceName: service, BilledCost: '0.1', BillingCurrency: 'USD' },
      { ServiceName: service, BilledCost: '12345678901.000000000001', BillingCurrency: 'USD' },
    ];
    groups.push(...encoder.add(batchOf(rows)), ...encoder.finish());
  }
  await sink.begin(delivery);
  for (const sequence of [2, 0, 1]) {
    const group = groups[sequence];
    if (group !== undefined) await sink.write({ ...group, part: 0, sequence }, delivery);
  }
  await sink.commit(delivery);
  const [name = ''] = filesIn(folder);
  const bytes = readFileSync(join(folder, name));
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
  const rows = await parquetReadObjects({ file: buffer, compressors });
  t.match(name, /part-0001\.parquet$/);
  t.strictSame(
    rows.map(({ ServiceName }) => ServiceName),
    ['a', 'a', 'b', 'b', 'c', 'c'],
  );
  t.equal(Number(rows[0]?.BilledCost).toFixed(9), '0.100000000');
});

t.test('a disk that cannot be written to', async (t) => {
  const folder = t.testdir({ file: 'not a folder' });
  await t.rejects(openFile(t, { folder: join(folder, 'file') }, 'file/x'), {
    name: 'Misconfigured',
    path: 'exporters.file/x.folder',
  });
  const sink = await openFile(t, { folder: join(folder, 'out') });
  const delivery = deliveryOf({ receiver: 'r', scope: 's' });
  await sink.begin(delivery);
  await sink.write(encodedBatch('x\n'), delivery);
  writeFileSync(join(folder, 'out', 'r'), 'in the way');
  await t.rejects(sink.commit(delivery), { name: 'Unavailable' });
  const { rmSync } = await import('node:fs');
  rmSync(join(folder, 'out', 'r'));
  await sink.commit(delivery);
  t.strictSame(
    filesIn(join(folder, 'out')),
    ['r/s/r1/part-0001.jsonl'],
    'the commit can be tried again',
  );
});

t.test('a part file by itself', async (t) => {
  const folder = t.testdir();
  mkdirSync(join(folder, 'x'));
  const path = join(folder, 'x', 'one');
  const frame = {
    head: Buffer.from('<'),
    foot: (batches: readonly { offset: number }[]) =>
      Buffer.from(`>${batches.map(({ offset }) => offset)}`),
  };
  const part = await createPartFile(path, frame);
  await Promise.all([
    part.append(encodedBatch('bb', { sequence: 2 })),
    part.append(encodedBatch('a', { sequence: 1 })),
  ]);
  await part.finish();
  await part.finish();
  t.equal(readFileSync(path, 'utf8'), '<abb>1,2');
  t.notOk(existsSync(`${path}.ordered`));
  t.equal(statSync(path).size, 8);
});
