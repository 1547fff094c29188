import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import t from 'tap';
import { AMOUNT, Amounts, decimalLimbs } from '../../../pipelines/focus/amounts.ts';
import type { Batch } from '../../../pipelines/focus/batch.ts';
import { columnFact } from '../../../pipelines/focus/columns.ts';
import { formatDecimal, parseDecimal } from '../../../pipelines/focus/decimal.ts';
import { Dictionary } from '../../../pipelines/focus/dictionary.ts';
import { formatTime, parseTime } from '../../../pipelines/focus/times.ts';
import { NO_REGION } from '../../../pipelines/focus/wasm.ts';
import { addAmountHashes } from '../../../pipelines/identify/amount-hashes.ts';
import { EqualCharges } from '../../../pipelines/identify/equal-charges.ts';
import { addHash } from '../../../pipelines/identify/hash-bytes.ts';
import { equalChargesMemory, Identifier } from '../../../pipelines/identify/index.ts';
import { returnKernel, takeKernel } from '../../../pipelines/identify/kernel.ts';
import { charges, layout } from '../../helpers/arbitrary-charges.ts';
import { batchesOf, batchOf, type Row } from '../../helpers/batch.ts';

/** A charge's hash and its ordinal. */
interface Id {
  readonly hash: string;
  readonly ordinal: number;
}

/** Ids of all rows; each list of batches is read by a worker of its own, in turns. */
function idsOf(...workers: readonly Iterable<Batch>[]): Id[] {
  const memory = equalChargesMemory();
  return workers.flatMap((batches) => {
    const identifier = new Identifier(memory);
    return [...batches].flatMap((batch) => {
      const { hashes, ordinals } = identifier.identify(batch);
      return Array.from({ length: batch.rows }, (_, row) => ({
        hash: hashes.slice(row * 4, row * 4 + 4).join(),
        ordinal: ordinals[row] as number,
      }));
    });
  });
}

function hashesOf(...rows: readonly Row[]): string[] {
  return idsOf([batchOf(rows)]).map(({ hash }) => hash);
}

function sorted(ids: readonly Id[]): string[] {
  return ids.map(({ hash, ordinal }) => `${hash} ${ordinal}`).sort();
}

/** What a charge says, in one way. */
function said(row: Row): string {
  const cells = Object.entries(row).flatMap(([name, text]) => {
    const value = text === undefined ? undefined : canonical(name, text);
    return value === undefined ? [] : [[name, value]];
  });
  return JSON.stringify(cells.sort());
}

function canonical(name: string, text: string): string | undefined {
  const kind = columnFact(name)?.kind;
  if (kind === 'time') return formatTime(parseTime(text));
  if (kind !== 'amount') return text;
  const value = parseDecimal(text);
  return value === undefined ? undefined : formatDecimal(value);
}

t.test('a charge is known by what it says, nothing else', async (t) => {
  const property = fc.property(charges, layout, (rows, how) => {
    const ids = idsOf(batchesOf(rows, how));
    const hashes = new Map<string, string>();
    for (const [i, { hash }] of ids.entries()) {
      const of = said(rows[i] as Row);
      assert.equal(hashes.get(of) ?? hash, hash, 'the same charge, the same hash');
      hashes.set(of, hash);
    }
    assert.equal(new Set(hashes.values()).size, hashes.size, 'another charge, another hash');
    assert.equal(new Set(sorted(ids)).size, rows.length, 'every id once');
    for (const [hash, equals] of Map.groupBy(ids, ({ hash }) => hash))
      assert.deepEqual(
        equals.map(({ ordinal }) => ordinal),
        equals.map((_, i) => i + 1),
        `${hash}: numbered through`,
      );
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 150 }));
});

t.test('order, layout and parts change nothing', async (t) => {
  const shuffled = charges.chain((rows) =>
    fc.tuple(
      fc.constant(rows),
      fc.shuffledSubarray(rows, { minLength: rows.length }),
      fc.nat(rows.length),
    ),
  );
  const property = fc.property(shuffled, layout, layout, ([rows, others, cut], how, other) => {
    const parts = [others.slice(0, cut), others.slice(cut)].map((part) => batchesOf(part, other));
    assert.deepEqual(sorted(idsOf(...parts)), sorted(idsOf(batchesOf(rows, how))));
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 150 }));
});

t.test('a row more or less is an id more or less', async (t) => {
  const property = fc.property(charges, fc.nat(), layout, (rows, at, how) => {
    const without = rows.toSpliced(at % rows.length, 1);
    const ids = sorted(idsOf(batchesOf(rows, how)));
    const fewer = new Set(sorted(idsOf(batchesOf(without, how))));
    assert.equal(fewer.size, rows.length - 1);
    assert.equal(ids.filter((id) => !fewer.has(id)).length, 1);
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 100 }));
});

t.test('amounts are what they are worth', async (t) => {
  const same = (...texts: readonly string[]): void => {
    const rows = texts.flatMap((text) => [{ BilledCost: text }]);
    t.equal(new Set(hashesOf(...rows)).size, 1, texts.join(' '));
  };
  same('1', '1.0', '1e0', '0.1e1', '1.00000000000000000000000');
  same('0', '-0', '0.000', '0e9');
  same('-12.5', '-1.25e1', '-12.500000000000000000');
  same('123456789012345678901234567890.5', '1234567890123456789012345678905e-1');
  t.equal(new Set(hashesOf({ BilledCost: '1' }, { BilledCost: '-1' })).size, 2, 'the sign counts');
  t.equal(new Set(hashesOf({ BilledCost: '5000000000' }, { BilledCost: '705032704' })).size, 2);
  const summed = new Amounts();
  for (const [whole, nano] of [
    [1, 500_000_000],
    [2, -500_000_000],
    [0, 1_500_000_000],
  ] as const) {
    const code = summed.addText('1');
    summed.whole[code] = whole;
    summed.nano[code] = nano;
  }
  const codes = Uint32Array.of(0, 1, 2);
  const columns = new Map([['BilledCost', { kind: 'amount', codes, values: summed } as const]]);
  const ids = idsOf([{ rows: 3, columns, rowNumbers: Float64Array.of(1, 2, 3) }]);
  t.equal(new Set(ids.map(({ hash }) => hash)).size, 1, 'limbs that were not carried');
});

t.test('what differs', async (t) => {
  const differ = (what: string, ...rows: readonly Row[]): void =>
    void t.equal(new Set(hashesOf(...rows)).size, rows.length, what);
  differ('empty is not null', { x_Note: '' }, {});
  differ('null is not zero', { BilledCost: '0' }, {});
  differ('each column by itself', { ServiceName: 'a' }, { RegionId: 'a' });
  differ(
    'values that change places',
    { ServiceName: 'a', RegionId: 'b' },
    { ServiceName: 'b', RegionId: 'a' },
    { ServiceName: 'a', RegionId: 'a' },
    { ServiceName: 'b', RegionId: 'b' },
  );
  const lengths = Array.from({ length: 40 }, (_, i) => ({ x_Note: '\0'.repeat(i) }));
  differ('zeros at the end', ...lengths);
  t.strictSame(
    hashesOf({ x_Note: 'a' })[0],
    hashesOf({ x_Note: 'a', RegionId: undefined }, { RegionId: 'r' })[0],
    'a column that others have does not count',
  );
});

t.test('the hash is MurmurHash3', async (t) => {
  const hex = (text: string): string => {
    const bytes = new TextEncoder().encode(`${text}\xff\xff`);
    const end = Buffer.byteLength(text);
    const into = new Int32Array(4);
    addHash(into, 0, new DataView(bytes.buffer), 0, end, new Int32Array(4));
    return [...into].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
  };
  t.equal(hex(''), '0'.repeat(32));
  t.equal(hex('The quick brown fox jumps over the lazy dog'), '2f1583c3ecee2c675d7bf66ce5e91d2c');
  t.equal(
    hex("I will not buy this tobacconist's, it is scratched."),
    '9b5b7ba2ef3f7866889adeaf00f3f98e',
  );
});

t.test('an amount hashes as its sixteen bytes do, in the kernel too', async (t) => {
  const seed = Int32Array.of(1, -2, 3_000_000, -4_000_000);
  const digits = fc.integer({ min: 0, max: 999_999_999 });
  const limbs = fc.tuple(
    fc.constantFrom('', '-'),
    fc.oneof(fc.nat({ max: 99 }), fc.integer({ min: 2 ** 31 - 2, max: 2 ** 33 }), fc.nat(1e15 - 1)),
    fc.oneof(fc.constant(0), digits),
    fc.oneof(fc.constant(0), digits),
  );
  const written = limbs.map(
    ([sign, whole, nano, atto]) =>
      `${sign}${whole}.${[nano, atto].map((limb) => String(limb).padStart(9, '0')).join('')}`,
  );
  // Four rows at a time take the short way only if all of them can: mostly they do.
  const amount = fc.oneof(
    { weight: 20, arbitrary: fc.nat({ max: 1_000_000 }).map((n) => (n / 1000).toFixed(9)) },
    { weight: 2, arbitrary: written },
    fc.constantFrom(undefined, '', 'no number', '1e40', '-1e-30', '0', '-0', '-5'),
  );
  const uncarried = fc.array(fc.tuple(fc.nat(), fc.integer(), fc.integer(), fc.integer()), {
    maxLength: 2,
  });
  const kernel = takeKernel();
  const property = fc.property(
    fc.array(amount, { minLength: 1, maxLength: 60 }),
    uncarried,
    (texts, odd) => {
      const amounts = new Amounts();
      for (const text of texts)
        if (text === undefined) amounts.addNull();
        else amounts.addText(text);
      for (const [at, ...values] of odd) {
        const code = at % amounts.size;
        if (amounts.state[code] !== AMOUNT.limbs) continue;
        [amounts.whole[code], amounts.nano[code], amounts.atto[code]] = values;
      }
      const rows = amounts.size;
      const codes = Uint32Array.from({ length: rows }, (_, i) => rows - 1 - i);
      const ofLoop = new Int32Array(rows * 4);
      addAmountHashes(ofLoop, amounts, seed, codes, 0, rows);
      kernel.begin(rows);
      kernel.hashes.fill(7);
      kernel.addAmounts(codes, amounts, seed);
      assert.deepEqual(
        [...kernel.hashes],
        Array.from(ofLoop, (word) => (word + 7) | 0),
      );
      const from = rows >> 2;
      const table = kernel.fit(NO_REGION, rows * 16);
      kernel.words(table, rows * 4).fill(7);
      kernel.addAmountsTo(table, amounts, { from, to: rows, seed });
      const byCode = Array.from({ length: rows }, (_, code) =>
        code < from ? [7, 7, 7, 7] : amountHash(amounts, code, seed).map((word) => (word + 7) | 0),
      );
      assert.deepEqual([...kernel.words(table, rows * 4)], byCode.flat());
      for (const [row, code] of codes.entries())
        assert.deepEqual(
          [...ofLoop.subarray(row * 4, row * 4 + 4)],
          amountHash(amounts, code, seed),
        );
    },
  );
  t.doesNotThrow(() => fc.assert(property, { numRuns: 500 }));
  returnKernel(kernel);
});

t.test('texts hash the same in the kernel, by row and by code', async (t) => {
  const seed = Int32Array.of(1, -2, 3_000_000, -4_000_000);
  const text = fc.oneof(fc.string({ maxLength: 70, unit: 'grapheme' }), fc.constant(undefined));
  const kernel = takeKernel();
  const property = fc.property(
    fc.array(text, { minLength: 1, maxLength: 40 }),
    fc.nat(),
    (texts, cut) => {
      const values = Dictionary.of(texts);
      const { size } = values;
      const from = cut % size;
      const codes = Uint32Array.from({ length: size * 2 }, (_, i) => (i * 7 + cut) % size);
      kernel.begin(codes.length);
      kernel.hashes.fill(7);
      assert.ok(kernel.addTexts(codes, values, seed));
      const table = kernel.fit(NO_REGION, size * 16);
      kernel.words(table, size * 4).fill(7);
      assert.ok(kernel.addTextsTo(table, values, { from, to: size, seed }));
      const hashOf = (code: number): number[] => {
        const into = Int32Array.of(7, 7, 7, 7);
        const start = values.starts[code] as number;
        const end = values.ends[code] as number;
        if (start <= end) addHash(into, 0, values.view, start, end, seed);
        return [...into];
      };
      const each = Array.from({ length: size }, (_, code) => hashOf(code));
      assert.deepEqual(
        [...kernel.hashes],
        [...codes].flatMap((code) => each[code] as number[]),
      );
      const byCode = each.map((words, code) => (code < from ? [7, 7, 7, 7] : words));
      assert.deepEqual([...kernel.words(table, size * 4)], byCode.flat());
    },
  );
  t.doesNotThrow(() => fc.assert(property, { numRuns: 300 }));
  const apart = Dictionary.of(['first', 'x'.repeat(100_000), 'last']);
  t.notOk(kernel.addTexts(Uint32Array.of(1, 3), halfOf(apart), seed), 'texts that lie far apart');
  returnKernel(kernel);
});

/** Without the long text in the middle. */
function halfOf(texts: Dictionary): Dictionary {
  const ends = texts.ends.slice();
  ends[2] = (texts.starts[2] as number) - 1;
  return Object.assign(Object.create(texts), { ends });
}

/** The slow way: the amount as a decimal, its sixteen bytes or its text. */
function amountHash(amounts: Amounts, code: number, seed: Int32Array): number[] {
  const into = new Int32Array(4);
  const value = amounts.decimal(code);
  if (value === undefined) return [...into];
  const view = new DataView(new ArrayBuffer(200));
  const limbs = decimalLimbs(value);
  let end = 16;
  if (limbs === undefined) {
    const bytes = new TextEncoder().encode(formatDecimal(value));
    end = bytes.length;
    new Uint8Array(view.buffer).set(bytes);
  } else {
    view.setBigInt64(0, BigInt(limbs[0]), true);
    view.setInt32(8, limbs[1], true);
    view.setInt32(12, limbs[2], true);
  }
  addHash(into, 0, view, 0, end, seed);
  return [...into];
}

t.test('equal charges are counted exactly while the table grows', async (t) => {
  const memory = equalChargesMemory();
  const counters = Array.from({ length: 3 }, () => new EqualCharges(memory));
  const counts = new Map<number, number>();
  let wrong = 0;
  for (let batch = 0; batch < 100; batch++) {
    const keys = Array.from({ length: 4_000 }, (_, i) => (batch * 4_000 + i * 7) % 230_011);
    // Two by two they belong in the same slot.
    const hashes = Int32Array.from(
      keys.flatMap((key) => [key & 1, Math.imul(key & ~1, 0x9e3779b1), 0, 0]),
    );
    const ordinals = new Uint32Array(keys.length);
    counters[batch % 3]?.count(hashes, keys.length, ordinals);
    for (const [row, key] of keys.entries()) {
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      if (ordinals[row] !== count) wrong++;
    }
  }
  t.ok(counts.size > 100_000, `${counts.size} distinct charges`);
  t.equal(wrong, 0);
  const { seen, again } = memory;
  const bytes = seen.buffer.byteLength + again.buffer.byteLength;
  t.ok(
    bytes <= counts.size * 40,
    `${bytes / counts.size} bytes for each, all but a few came again`,
  );
});

t.test('a table for as many charges as are expected does not grow', async (t) => {
  const expected = 50_000;
  const memory = equalChargesMemory(expected);
  const { byteLength } = memory.seen.buffer;
  const hashes = Int32Array.from({ length: expected * 4 }, (_, i) => Math.imul(i + 1, 0x9e3779b1));
  const ordinals = new Uint32Array(expected);
  new EqualCharges(memory).count(hashes, expected, ordinals);
  t.equal(memory.seen.buffer.byteLength, byteLength);
  t.ok(ordinals.every((ordinal) => ordinal === 1));
  new EqualCharges(memory).count(hashes, 1_000, ordinals);
  t.ok(memory.seen.buffer.byteLength > byteLength, 'it grows for more');
  t.ok(ordinals.subarray(0, 1_000).every((ordinal) => ordinal === 2));
});

t.test('threads that count at the same time see each other, while the table grows', async (t) => {
  const memory = equalChargesMemory();
  const charges = 150_000;
  const worker = new URL('../../helpers/counting-worker.ts', import.meta.url);
  const ordinals = await Promise.all(
    [1, 7].map(async (step) => {
      const thread = new Worker(worker, { workerData: { memory, charges, step } });
      const [counted] = (await once(thread, 'message')) as [Uint32Array];
      return counted;
    }),
  );
  const wrong = Array.from({ length: charges }, (_, charge) =>
    ordinals.map((of) => of[charge]).sort(),
  ).filter(([first, second]) => first !== 1 || second !== 2);
  t.strictSame(wrong, []);
});
