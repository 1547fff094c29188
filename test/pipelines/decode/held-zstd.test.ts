import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import t from 'tap';
import { HeldZstd } from '../../../pipelines/decode/parquet/held-zstd.ts';

const BEFORE = 3;

/** The bytes, inflated behind some that must stay as they are. */
function inflated(held: HeldZstd, input: Uint8Array, size: number): Buffer {
  const output = Buffer.alloc(BEFORE + size + 8, 0xee);
  held.inflate(input, { output, at: BEFORE, size });
  t.same([...output.subarray(0, BEFORE)], [0xee, 0xee, 0xee], 'what stands before it');
  return output.subarray(BEFORE, BEFORE + size);
}

function opened(): HeldZstd {
  const held = HeldZstd.open();
  if (held === undefined) throw new Error('this Node lets no decompressor be held');
  return held;
}

t.test('inflates page after page as the function of Node does', async (t) => {
  const held = opened();
  for (let page = 0; page < 200; page++) {
    const bytes = Buffer.alloc((page * page * 37) % 200_000);
    for (let i = 0; i < bytes.length; i++) bytes[i] = (i * (page + 1)) % (page + 2);
    const compressed = zstdCompressSync(bytes);
    t.ok(inflated(held, compressed, bytes.length).equals(zstdDecompressSync(compressed)));
  }
});

t.test('inflates frames that follow one another', async (t) => {
  const frames = ['first', '', 'second '.repeat(50_000)].map((text) => Buffer.from(text));
  const input = Buffer.concat(frames.map((frame) => zstdCompressSync(frame)));
  const whole = Buffer.concat(frames);
  t.ok(inflated(opened(), input, whole.length).equals(whole));
});

t.test('refuses what is not what it says', async (t) => {
  const bytes = Buffer.from('charge '.repeat(1000));
  const good = zstdCompressSync(bytes);
  const refused = (input: Uint8Array, size: number, message: RegExp) =>
    t.throws(() => inflated(opened(), input, size), { message });
  refused(good, bytes.length - 1, /more than 6999 bytes/);
  refused(good, 10, /more than 10 bytes/);
  refused(good, bytes.length + 1, /to 7000 bytes, not to 7001/);
  refused(good.subarray(0, -1), bytes.length, /unexpected end/);
  refused(new Uint8Array(0), 5, /unexpected end|0 bytes/);
  refused(Buffer.concat([good, Buffer.from('more')]), bytes.length, /frame|more than/i);
  refused(Buffer.alloc(100, 7), 100, /frame/i);
});
