/** The hot loops of the Parquet decoder beside slow ones that say the same. */
import t from 'tap';
import { appendDoubles } from '../../../pipelines/decode/parquet/double-values.ts';
import { returnKernel, takeKernel } from '../../../pipelines/decode/parquet/kernel.ts';
import { Stream } from '../../../pipelines/decode/parquet/stream.ts';
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
  const start = 3;
  const bit = (at: number) => ((bytes[start + (at >>> 3)] as number) >>> (at & 7)) & 1;
  const kernel = takeKernel(4096);
  for (let width = 1; width <= 32; width++) {
    const all = Math.floor(((bytes.length - start) * 8) / width);
    const expected = Array.from({ length: Math.min(all, 9000) }, (_, i) => {
      let value = 0;
      for (let at = 0; at < width; at++) value += bit(i * width + at) * 2 ** at;
      return value;
    });
    for (const most of [7, 23, 200, 4096]) {
      const packed = new Stream(kernel);
      packed.openPacked(bytes, start, bytes.length, width);
      const out: number[] = [];
      while (out.length < expected.length) {
        const count = Math.min(expected.length - out.length, 1 + Math.floor(random() * most));
        // As definition levels: cells of zero bits for a code or a repetition hold just those.
        kernel.call.levels(0, packed.at, 0, count);
        const cells = kernel.take(count * 4);
        kernel.codes(count).fill(0);
        kernel.call.compose(cells, count, 0, 0, 0, 0);
        out.push(...kernel.words(cells, count));
      }
      t.strictSame(out, expected, `${width} bits, at most ${most} at once`);
      if (expected.length === all)
        t.throws(() => kernel.call.levels(0, packed.at, 1, 8), { message: /end too early/ });
    }
  }
  returnKernel(kernel);
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
