/** The hot loops of the Parquet decoder beside slow ones that say the same. */
import t from 'tap';
import { appendDoubles } from '../../../pipelines/decode/parquet/double-values.ts';
import { Hybrid } from '../../../pipelines/decode/parquet/hybrid.ts';
import { Amounts } from '../../../pipelines/focus/amounts.ts';

/** Numbers in [0, 1), the same on every run. */
function randoms(): () => number {
  let state = 20_261;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) / 2 ** 24;
  };
}

t.test('unpacks values of every width as reading bit by bit does', async (t) => {
  const random = randoms();
  const bytes = Uint8Array.from({ length: 5000 }, () => random() * 256);
  const view = new DataView(bytes.buffer);
  const start = 3;
  const end = bytes.length - 8;
  const bit = (at: number) => ((bytes[start + (at >>> 3)] as number) >>> (at & 7)) & 1;
  for (let width = 1; width <= 32; width++) {
    const expected = Array.from({ length: Math.floor(((end - start) * 8) / width) }, (_, i) => {
      let value = 0;
      for (let at = 0; at < width; at++) value += bit(i * width + at) * 2 ** at;
      return value;
    });
    for (const most of [7, 23, 200, expected.length]) {
      const packed = new Hybrid();
      packed.openPacked(view, start, end, width);
      const out = new Uint32Array(expected.length);
      for (let at = 0; at < out.length; ) {
        const count = Math.min(out.length - at, 1 + Math.floor(random() * most));
        packed.read(out, at, count);
        at += count;
      }
      t.same(out, Uint32Array.from(expected), `${width} bits, at most ${most} at once`);
      t.throws(() => packed.read(out, 0, 8), { message: /end too early/ });
    }
  }
});

t.test('takes doubles in a row as the decimals that each stands for', async (t) => {
  const random = randoms();
  const numbers = [
    0, -0, 1, -1, 0.1, -0.1, 999.999_999_999, 1000, 1e15, -1e15, 1e-12, 1e-18, 1e300,
  ];
  numbers.push(Number.NaN, Number.POSITIVE_INFINITY, 0.1 + 0.2, 123_456_789.123_456_79, 5e-324);
  for (let i = 0; i < 20_000; i++) {
    const places = Math.floor(random() * 16);
    const value = Number(((random() - 0.5) * 10 ** Math.floor(random() * 7)).toFixed(places));
    numbers.push(value, Math.round(value) / 1e9 + Math.round(value) / 1e3);
  }
  const view = new DataView(new ArrayBuffer(numbers.length * 8));
  for (const [i, number] of numbers.entries()) view.setFloat64(i * 8, number, true);
  const starts = Uint32Array.from(numbers, (_, i) => i * 8);
  const ends = Uint32Array.from(numbers, (_, i) => i * 8 + 8);
  const bytes = new Uint8Array(view.buffer);
  const found = new Amounts(16, true);
  const codes = new Uint32Array(numbers.length + 5);
  appendDoubles(found, { bytes, view, starts, ends, count: numbers.length }, codes, 5);
  const expected = new Amounts(16, true);
  for (const [i, number] of numbers.entries()) {
    const code = expected.addNumber(number);
    const own = codes[5 + i] as number;
    const of = (amounts: Amounts, at: number) =>
      [amounts.state, amounts.whole, amounts.nano, amounts.atto, amounts.double].map(
        (values) => values[at],
      );
    const [ours, theirs] = [of(found, own), of(expected, code)];
    if (!ours.every((value, part) => Object.is(value, theirs[part])) || own !== code)
      t.same(ours, theirs, `${number}`);
  }
  t.equal(found.size, expected.size);
  t.equal(found.invalid, expected.invalid);
});
