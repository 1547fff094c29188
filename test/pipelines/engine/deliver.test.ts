import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { stageSettings } from '../../../agent/stages.ts';
import {
  type DeliverEvents,
  type DeliverRequest,
  deliver,
} from '../../../pipelines/engine/deliver.ts';
import { deliveryId } from '../../../pipelines/engine/delivery-ids.ts';
import { createWorkerPool } from '../../../pipelines/engine/worker-pool.ts';
import type { EncodedBatch, Part, Sink } from '../../../pipelines/plugin/index.ts';
import { Rejected, Unavailable } from '../../../pipelines/plugin/index.ts';
import { bill, focusCsv } from '../../helpers/world.ts';

const pool = createWorkerPool({ workers: 2 });
t.teardown(() => pool.close());

/** What was done to a sink, in order. */
interface Watched {
  readonly calls: string[];
  readonly batches: EncodedBatch[];
  readonly sink: Sink;
}

function watched(of: Partial<Sink> = {}): Watched {
  const calls: string[] = [];
  const batches: EncodedBatch[] = [];
  const step =
    (name: 'begin' | 'commit' | 'abort') =>
    async (info: Parameters<NonNullable<Sink['begin']>>[0]) => {
      calls.push(name);
      await of[name]?.(info);
    };
  return {
    calls,
    batches,
    sink: {
      encoding: of.encoding ?? { kind: 'focus', format: 'csv', version: '1.2' },
      begin: step('begin'),
      commit: step('commit'),
      abort: step('abort'),
      write: async (batch, info) => {
        batches.push(batch);
        return (await of.write?.(batch, info)) ?? {};
      },
      close: async () => {},
    },
  };
}

const SILENT: DeliverEvents = {
  refusedPart: () => {},
  rejectedRows: () => {},
  rejectedBatch: () => {},
  progress: () => {},
};

function partOf(path: string): Part {
  const { size, mtimeMs } = statSync(path);
  return { path, bytes: size, modifiedMs: mtimeMs };
}

function request(
  paths: readonly string[],
  sinks: readonly Watched[],
  of: Partial<DeliverRequest> = {},
): DeliverRequest {
  return {
    pool,
    pipeline: 'costs',
    receiver: 'files',
    delivery: {
      scope: 's',
      revision: '1',
      mode: 'snapshot',
      mapping: 'auto',
      cursor: '',
      parts: paths.map(partOf),
    },
    observedMs: 0,
    targets: sinks.map(({ sink }, i) => ({ id: `sink-${i}`, sink })),
    settings: stageSettings({ version: '0' }),
    events: SILENT,
    signal: new AbortController().signal,
    ...of,
  };
}

function csvFiles(t: Test, ...amounts: readonly (readonly number[])[]): string[] {
  const folder = t.testdir();
  return amounts.map((rows, i) => {
    const path = join(folder, `${i}.csv`);
    writeFileSync(path, focusCsv(rows));
    return path;
  });
}

const many = (rows: number): number[] => Array.from({ length: rows }, (_, i) => i);

t.test('every sink gets every charge, then is committed', async (t) => {
  const sinks = [watched(), watched({ encoding: { kind: 'otlp-json' } })];
  const totalsOnly = { calls: [], batches: [], sink: { close: async () => {} } };
  const delivered = await deliver(request(csvFiles(t, [1, 2], [4]), [...sinks, totalsOnly]));
  t.match(delivered, {
    rows: { read: 3, written: 3 },
    setAside: false,
    ledger: { BilledCost: { read: '7' } },
  });
  for (const { calls, batches } of sinks) {
    t.strictSame(calls, ['begin', 'commit']);
    t.equal(
      batches.reduce((sum, { rows }) => sum + rows, 0),
      3,
    );
    t.strictSame(new Set(batches.map(({ part }) => part)), new Set([0, 1]));
  }
});

/** Ids of all charges sent, sorted. */
function uidsOf({ batches }: Watched): string[] {
  const text = batches.map(({ bytes }) => Buffer.from(bytes).toString()).join('');
  return [...text.matchAll(/"log.record.uid","value":\{"stringValue":"([^"]+)"/g)]
    .map(([, uid = '']) => uid)
    .sort();
}

function shared(some: readonly string[], others: readonly string[]): number {
  return some.filter((uid) => others.includes(uid)).length;
}

async function uidsSent(
  paths: readonly string[],
  delivery: Partial<DeliverRequest['delivery']> = {},
): Promise<string[]> {
  const sink = watched({ encoding: { kind: 'otlp-json' } });
  const asked = request(paths, [sink]);
  await deliver({ ...asked, delivery: { ...asked.delivery, ...delivery } });
  return uidsOf(sink);
}

t.test('ids of charges are of what they say, not of where they stand', async (t) => {
  const first = await uidsSent(csvFiles(t, [1, 1, 2, 3], [1, 4], [4, 1]));
  t.equal(new Set(first).size, 8, 'equal charges of several parts have an id each');
  t.strictSame(
    first.filter((uid) => /-[234]$/.test(uid)).length,
    4,
    'four of one, two of another: all but the first of them are numbered',
  );
  t.strictSame(await uidsSent(csvFiles(t, [4, 1, 3], [1, 2, 1, 1, 4])), first, 'other parts');
  const restated = csvFiles(t, [1, 1, 1, 2, 4, 5]);
  const second = await uidsSent(restated, { revision: '2' });
  t.equal(new Set([...first, ...second]).size, first.length + 1, 'a new revision: one is new');
  t.equal(shared(first, second), 5, 'five are as they were');
  const scope = await uidsSent(restated, { scope: 'another' });
  t.equal(shared(scope, second), 0, 'another scope has charges of its own');
  const [one, again, two] = [
    await uidsSent(restated, { mode: 'append' }),
    await uidsSent(restated, { mode: 'append' }),
    await uidsSent(restated, { mode: 'append', revision: '2' }),
  ];
  t.strictSame(again, one, 'an attempt that is repeated gives the same');
  t.equal(shared(one, two), 0, 'what is appended is not what was there before');
});

t.test('a delivery without parts is a snapshot of nothing', async (t) => {
  const sink = watched();
  const delivered = await deliver(request([], [sink]));
  t.match(delivered, { rows: { read: 0 }, totals: [], setAside: false });
  t.strictSame(sink.calls, ['begin', 'commit']);
});

t.test('a sink that fails', async (t) => {
  const paths = csvFiles(t, many(50));
  for (const step of ['begin', 'write', 'commit'] as const) {
    const down = (): Promise<never> => Promise.reject(new Unavailable('down'));
    const failing = watched({ [step]: down });
    const other = watched();
    await t.rejects(
      deliver(request(paths, [other, failing])),
      { name: 'Unavailable', message: 'down' },
      step,
    );
    t.equal(failing.calls.at(-1), 'abort', `${step}: told to forget`);
    t.equal(other.calls.at(-1), 'abort', `${step}: so is the other`);
    if (step !== 'commit') t.notOk(other.calls.includes('commit'), `${step}: nothing is committed`);
  }
});

t.test('a sink that fails when the workers are done already', async (t) => {
  const paths = csvFiles(t, many(50));
  // The main thread is busy: batches, results and the end of a task all wait for it.
  const busy = setInterval(() => {
    for (const until = performance.now() + 30; performance.now() < until; );
  }, 1);
  t.teardown(() => clearInterval(busy));
  for (let attempt = 0; attempt < 20; attempt++) {
    const sink = watched({ write: () => Promise.reject(new Unavailable('down')) });
    await t.rejects(deliver(request(paths, [sink])), { message: 'down' });
    t.notOk(sink.calls.includes('commit'));
  }
});

t.test('what the other side refuses for good is a dead letter, the rest goes on', async (t) => {
  const letters: unknown[] = [];
  const events: DeliverEvents = {
    ...SILENT,
    rejectedBatch: (exporter, _batch, reason, rows) => letters.push([exporter, reason, rows]),
  };
  const all = watched({ write: () => Promise.reject(new Rejected('too old')) });
  const some = watched({ write: async () => ({ rejectedRows: 2, reason: 'two of them' }) });
  const delivered = await deliver(request(csvFiles(t, [1, 2, 3]), [all, some], { events }));
  t.strictSame(letters.toSorted(), [
    ['sink-0', 'too old', 3],
    ['sink-1', 'two of them', 2],
  ]);
  t.equal(delivered.rows.written, 3);
  t.strictSame(
    [all.calls, some.calls],
    [
      ['begin', 'commit'],
      ['begin', 'commit'],
    ],
  );
});

t.test('a slow sink holds the workers back', async (t) => {
  const mostOpen = async (maxBytes: number, paths: readonly string[], batches: number) => {
    let open = 0;
    let most = 0;
    const slow = watched({
      encoding: { kind: 'otlp-logs', compression: 'none', maxBytes },
      write: async () => {
        most = Math.max(most, ++open);
        await new Promise((resolve) => setTimeout(resolve, maxBytes / 10_000));
        open--;
        return {};
      },
    });
    await deliver(request(paths, [slow]));
    t.ok(slow.batches.length > batches, `${slow.batches.length} batches`);
    return most;
  };
  const small = await mostOpen(20_000, csvFiles(t, many(3_000), many(3_000)), 50);
  t.ok(small <= 3 * pool.size, `at most ${small} at a time`);
  const large = await mostOpen(5_000_000, csvFiles(t, many(30_000)), 2);
  t.ok(large <= 2, `at most ${large} at a time: two that are full would be more than 8 MiB`);
});

t.test('it ends at once when it is stopped, whatever a sink does', async (t) => {
  const stop = new AbortController();
  const stuck = watched({
    write: () => {
      stop.abort(new Error('stopped'));
      return new Promise(() => {});
    },
  });
  await t.rejects(deliver(request(csvFiles(t, many(9_000)), [stuck], { signal: stop.signal })), {
    message: 'stopped',
  });
  t.equal(stuck.calls.at(-1), 'abort');
  const after = watched();
  await deliver(request(csvFiles(t, [1]), [after]));
  t.strictSame(after.calls, ['begin', 'commit'], 'the workers are free again');
});

t.test('a part that is gone, or was changed before', async (t) => {
  const [path = ''] = csvFiles(t, [1]);
  const sink = watched();
  const changed = { ...request([path], [sink]) };
  writeFileSync(path, focusCsv([1, 2]));
  await t.rejects(deliver(changed), { name: 'Unavailable', message: /changed while it was read/ });
  const gone = {
    ...changed,
    delivery: { ...changed.delivery, parts: [{ path: `${path}.no`, bytes: 1, modifiedMs: 1 }] },
  };
  await t.rejects(deliver(gone), { name: 'Unavailable', message: /is gone/ });
  t.strictSame(sink.calls, []);
});

t.test('how much has to be readable', async (t) => {
  const [good = '', bad = ''] = csvFiles(t, [1], []);
  writeFileSync(bad, 'hello');
  const outcome = async (paths: readonly string[], needs: 'all' | 'one' | 'none') => {
    const sink = watched();
    const refused: string[] = [];
    const events = { ...SILENT, refusedPart: (part: Part) => refused.push(part.path) };
    const { setAside } = await deliver(request(paths, [sink], { needs, events }));
    return [setAside, sink.calls.join(' '), refused.length];
  };
  const done = 'begin commit';
  t.strictSame(await outcome([good, bad], 'all'), [true, '', 1]);
  t.strictSame(await outcome([good, bad], 'one'), [false, done, 1]);
  t.strictSame(await outcome([good, bad], 'none'), [false, done, 1]);
  t.strictSame(await outcome([bad], 'one'), [true, '', 1]);
  t.strictSame(await outcome([bad], 'none'), [false, done, 1]);
  t.strictSame(await outcome([good], 'all'), [false, done, 0]);
});

t.test('the same parts and settings give the same bytes, whoever reads them', async (t) => {
  const folder = t.testdir();
  await bill(folder, { provider: 'aws', format: 'parquet', rows: 3_000, parts: 2 });
  const data = join(folder, 'bills/data/BILLING_PERIOD=2026-09');
  const paths = ['cur2-00001.parquet', 'cur2-00002.parquet'].map((name) => join(data, name));
  const bytes = async (workers: number): Promise<string[]> => {
    const own = createWorkerPool({ workers });
    const sink = watched({ encoding: { kind: 'otlp-json' } });
    await deliver(request(paths, [sink], { pool: own }));
    await own.close();
    const order = sink.batches.toSorted((a, b) => a.part - b.part || a.sequence - b.sequence);
    return order.map((batch) => Buffer.from(batch.bytes).toString());
  };
  t.strictSame(await bytes(3), await bytes(1));
});

t.test('ids of deliveries', async (t) => {
  const id = deliveryId('p', 'r', { scope: 's', revision: '1' });
  t.equal(id, deliveryId('p', 'r', { scope: 's', revision: '1' }));
  const others = [
    deliveryId('p', 'r', { scope: 's', revision: '2' }),
    deliveryId('p', 'r', { scope: 's1', revision: '' }),
    deliveryId('pr', '', { scope: 's', revision: '1' }),
  ];
  t.equal(new Set([id, ...others]).size, 4);
});
