import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import type { ChargeIds } from '../../../pipelines/focus/charge-ids.ts';
import { type Decimal, formatDecimal, negate } from '../../../pipelines/focus/decimal.ts';
import {
  forgetMeetings,
  KnownCharges,
  knownChargesMemory,
} from '../../../pipelines/identify/index.ts';
import { KeptWriter, negated, readKept, readKeptIds } from '../../../pipelines/keep/index.ts';
import { charges, layout } from '../../helpers/arbitrary-charges.ts';
import { batchesOf, batchOf } from '../../helpers/batch.ts';
import { fromBatch } from '../../helpers/batches.ts';

const folder = t.testdir();
const path = join(folder, 'a.kept');

function idsOf(rows: number, seed = 0): Required<Omit<ChargeIds, 'correction'>> {
  return {
    hashes: Int32Array.from({ length: rows * 4 }, (_, i) => Math.imul(i + seed, 0x9e3779b1)),
    ordinals: Uint32Array.from({ length: rows }, (_, i) => 1 + (i % 3)),
    revisions: new Uint32Array(rows).fill(1 + (seed % 5)),
  };
}

t.test('charges are read as they were kept: every cell, code and id', async () => {
  fc.assert(
    fc.property(charges, layout, (rows, options) => {
      const writer = new KeptWriter(path);
      const kept: unknown[] = [];
      let seed = 0;
      for (const batch of batchesOf(rows, options)) {
        const ids = idsOf(batch.rows, seed++);
        kept.push([fromBatch(batch), ids, shapeOf(batch)]);
        writer.add(batch, ids);
      }
      const bytes = writer.finish();
      t.equal(readFileSync(path).length, bytes);
      const read: unknown[] = [];
      for (const { batch, ids } of readKept(path))
        read.push([fromBatch(batch), { ...ids }, shapeOf(batch)]);
      t.strictSame(read, kept);
    }),
    { numRuns: 150 },
  );
});

/** Which columns share their codes, and which live for one batch. */
function shapeOf(batch: ReturnType<typeof batchOf>): unknown {
  const arrays = new Map<Uint32Array, number>();
  return [...batch.columns].map(([name, { kind, codes, values }]) => {
    if (values.size === 1) return [name, kind, values.transient, 'constant'];
    const array = arrays.get(codes) ?? arrays.size;
    arrays.set(codes, array);
    return [name, kind, values.transient, array];
  });
}

t.test('more columns of their own than are remembered', async (t) => {
  const writer = new KeptWriter(path);
  for (let i = 0; i < 5_000; i++)
    writer.add(batchOf([{ RegionId: `r${i}`, BilledCost: String(i) }]), idsOf(1, i));
  writer.finish();
  const read = [...readKept(path)].map(({ batch }) => fromBatch(batch)[0]?.RegionId);
  t.strictSame(
    read,
    Array.from({ length: 5_000 }, (_, i) => `r${i}`),
  );
});

t.test('damage is an error that names the file, wherever it is', async (t) => {
  const writer = new KeptWriter(path);
  const rows = Array.from({ length: 50 }, (_, i) => ({ ResourceId: `i-${i}`, BilledCost: '1' }));
  writer.add(batchOf(rows), idsOf(50));
  writer.finish();
  const whole = readFileSync(path);
  for (let at = 0; at < whole.length; at += 7) {
    const bytes = Buffer.from(whole);
    bytes[at] = (bytes[at] as number) ^ 0x10;
    writeFileSync(path, bytes);
    t.throws(() => [...readKeptIds(path)], { message: `${path} is damaged` }, `byte ${at}`);
  }
  writeFileSync(path, whole);
  truncateSync(path, whole.length - 1);
  t.throws(() => [...readKept(path)], { message: `${path} is damaged` });
});

t.test('a correction negates costs and quantities exactly, and nothing else', async (t) => {
  const row = {
    BilledCost: '123456789012345.123456789123456789',
    EffectiveCost: '-0.000000000000000000000000000001',
    ListCost: '0',
    ConsumedQuantity: '3.5',
    ListUnitPrice: '2',
    ServiceName: 'Blob',
  };
  const [after] = fromBatch(negated(batchOf([row])));
  t.strictSame(after, {
    ...row,
    BilledCost: '-123456789012345.123456789123456789',
    EffectiveCost: '0.000000000000000000000000000001',
    ConsumedQuantity: '-3.5',
  });
});

t.test('whatever an amount is, it and its correction are nothing', async () => {
  fc.assert(
    fc.property(charges, (rows) => {
      const batch = batchOf(rows);
      const back = negated(batch);
      const column = batch.columns.get('BilledCost');
      const other = back.columns.get('BilledCost');
      if (column?.kind !== 'amount' || other?.kind !== 'amount') return;
      for (let code = 0; code < column.values.size; code++) {
        const value: Decimal | undefined = column.values.decimal(code);
        const expected: string | undefined =
          value === undefined ? undefined : formatDecimal(negate(value));
        t.equal(other.values.text(code), expected);
        t.equal((column.values.double[code] as number) + (other.values.double[code] as number), 0);
      }
    }),
    { numRuns: 100 },
  );
});

t.test('known charges: who is new, who came again, who is missing', async (t) => {
  const many = 20_000;
  const before = idsOf(many);
  const memory = knownChargesMemory(many);
  new KnownCharges(memory).add(before, before.revisions, many);
  const known = new KnownCharges(memory);
  const half = many / 2;
  const revisions = new Uint32Array(many);
  t.equal(known.meet(before, half, { revisions, revision: 9 }), 0);
  t.equal(revisions[half - 1], 1);
  const others = { ...before, ordinals: before.ordinals.map((ordinal) => ordinal + 3) };
  t.equal(known.meet(others, many, { revisions, revision: 9 }), many, 'other ordinals are others');
  t.equal(revisions[0], 9);
  const missing = new Uint32Array(many);
  t.equal(known.missing(before, many, missing), half);
  t.equal(missing[0], half);
  forgetMeetings(memory);
  t.equal(known.missing(before, many, missing), many);
});
