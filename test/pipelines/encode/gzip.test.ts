import assert from 'node:assert/strict';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import t from 'tap';
import { gzip } from '../../../pipelines/encode/gzip.ts';
import { codeLengths, codes } from '../../../pipelines/encode/huffman.ts';

/** Bytes that repeat earlier ones, near and far, among others that do not. */
const repetitive = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map((bytes) => ({ bytes })),
      fc.record({ back: fc.nat(70_000), length: fc.integer({ min: 1, max: 3_000 }) }),
      fc.record({ byte: fc.nat(255), times: fc.nat(100_000) }),
    ),
    { maxLength: 60 },
  )
  .map((parts) => {
    const all: number[] = [];
    for (const part of parts)
      if ('bytes' in part) all.push(...part.bytes);
      else if ('byte' in part) for (let i = 0; i < part.times; i++) all.push(part.byte);
      else {
        const from = Math.max(0, all.length - 1 - part.back);
        for (let i = 0; i < part.length && from + i < all.length; i++)
          all.push(all[from + i] as number);
      }
    return Uint8Array.from(all);
  });

t.test('zlib reads back what was packed', async (t) => {
  const property = fc.property(repetitive, (bytes) => {
    assert.deepEqual(new Uint8Array(gunzipSync(gzip(bytes))), bytes);
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 150 }));
});

t.test('bytes that change their kind, longer than a block', async (t) => {
  const records = Buffer.from(
    Array.from(
      { length: 20_000 },
      (_, i) => `{"cost":${Math.sin(i)},"service":"AmazonEC2"}`,
    ).join(),
  );
  const noise = Buffer.alloc(700_000);
  for (let i = 0, seed = 1; i < noise.length; i++) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    noise[i] = seed >>> 24;
  }
  for (const bytes of [
    Buffer.concat([records, noise, records, Buffer.alloc(900_000), records]),
    noise,
    records,
    Buffer.alloc(0),
    Buffer.from([7]),
    ...[255, 256, 257, 258, 259, 260, 261, 516, 517].map((length) => Buffer.alloc(length, 1)),
  ])
    t.ok(gunzipSync(gzip(bytes)).equals(bytes), `${bytes.length} bytes`);
  const ours = gzip(records).length;
  const zlib = gzipSync(records, { level: 1 }).length;
  t.ok(ours < zlib * 1.15, `records take ${ours} bytes, of zlib at level 1 ${zlib}`);
  t.ok(gzip(noise).length < noise.length * 1.01, 'noise hardly grows');
});

t.test('Huffman codes are distinct, complete and within their limit', async (t) => {
  const counts = fc.array(
    fc.oneof(
      fc.constant(0),
      fc.nat(5),
      fc.double({ min: 0, max: 30, noNaN: true }).map((x) => Math.floor(2 ** x)),
    ),
    { minLength: 2, maxLength: 286 },
  );
  const property = fc.property(counts, fc.constantFrom(9, 15), (counts, most) => {
    const lengths = codeLengths(counts, most);
    let sum = 0;
    for (const [symbol, length] of lengths.entries()) {
      assert.ok(length <= most);
      if ((counts[symbol] as number) > 0) assert.ok(length > 0);
      if (length > 0) sum += 2 ** (most - length);
    }
    assert.equal(sum, 2 ** most);
    const used = codes(lengths).filter((code) => code !== 0);
    assert.equal(new Set(used).size, used.length);
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 300 }));
});
