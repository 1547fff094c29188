/** Gzip unpacked synchronously beside Node's own stream: the same bytes, or the same error. */
import { writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { createGunzip, gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { gunzipped } from '../../../pipelines/decode/gunzip.ts';

const folder = t.testdir({});
const path = join(folder, 'part.gz');

/** Texts of all lengths around the buffers at work, some that pack a thousandfold. */
const random = randomFrom(11);
const text = (bytes: number): Buffer =>
  Buffer.from(Array.from({ length: bytes }, () => 97 + (random() % 5)));
const letters = text(400_000);
const long = Buffer.alloc(3_000_000, 'a,b,c\n');

t.test('members, padding and what is no gzip', async (t) => {
  const [first, second] = [gzipSync(letters), gzipSync('second')];
  const cases: Readonly<Record<string, Buffer>> = {
    'nothing in it': gzipSync(''),
    'no bytes': Buffer.alloc(0),
    'one member': first,
    'a long one': gzipSync(long),
    'stored, not deflated': gzipSync(letters, { level: 0 }),
    'two members': Buffer.concat([first, second]),
    'members without content': Buffer.concat([gzipSync(''), first, gzipSync(''), second]),
    'many members': Buffer.concat(Array.from({ length: 5_000 }, (_, i) => gzipSync(`row ${i}\n`))),
    'padded with zeros': Buffer.concat([first, Buffer.alloc(200_000)]),
    'padded between members': Buffer.concat([first, Buffer.alloc(10), second]),
    'garbage behind it': Buffer.concat([first, Buffer.from('garbage')]),
    'text from the start': Buffer.from('a,b\n1,2\n'),
  };
  for (const [name, packed] of Object.entries(cases)) await compare(t, name, packed);
});

t.test('torn at any place, with any bit wrong', async (t) => {
  const packed = Buffer.concat([gzipSync(text(300)), gzipSync('row\n'.repeat(100))]);
  for (let length = 0; length < packed.length; length++)
    await compare(t, `torn after ${length}`, packed.subarray(0, length));
  for (let at = 0; at < packed.length; at++) {
    const wrong = Buffer.from(packed);
    wrong[at] = (packed[at] as number) ^ (1 << (random() & 7));
    await compare(t, `a wrong bit at ${at}`, wrong);
  }
});

t.test('a part let go of before its end', async (t) => {
  writeFileSync(path, gzipSync(long));
  const file = await open(path);
  const reader = gunzipped(file);
  t.equal(await reader?.read(new Uint8Array(1_000), 0), 1_000);
  await reader?.close();
  await reader?.close();
  await file.close();
});

async function compare(t: Test, name: string, packed: Buffer): Promise<void> {
  const expected = await outcome(() => streamed(packed));
  for (const bytes of packed.length < 1_000 ? [256] : [100, 65_536, 1_000_000])
    t.same(await outcome(() => read(packed, bytes)), expected, `${name}, ${bytes} bytes at a time`);
}

async function outcome(run: () => Promise<Buffer>): Promise<unknown> {
  try {
    return (await run()).toString('latin1');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { code, message };
  }
}

async function streamed(packed: Buffer): Promise<Buffer> {
  const out = new PassThrough();
  const [unpacked] = await Promise.all([
    buffer(out),
    pipeline(Readable.from([packed], { objectMode: false }), createGunzip(), out),
  ]);
  return unpacked;
}

async function read(packed: Buffer, bytes: number): Promise<Buffer> {
  writeFileSync(path, packed);
  const file = await open(path);
  const reader = gunzipped(file);
  if (reader === undefined) throw new Error('this Node does not unpack synchronously');
  const into = new Uint8Array(bytes + 3);
  const pieces: Buffer[] = [];
  try {
    for (;;) {
      const count = await reader.read(into, 3);
      if (count === 0) return Buffer.concat(pieces);
      pieces.push(Buffer.from(into.slice(3, 3 + count)));
    }
  } finally {
    await reader.close();
    await file.close();
  }
}

/** Numbers of 31 bits. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
    return state >>> 12;
  };
}
