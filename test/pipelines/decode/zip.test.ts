/** Bills in zip archives: what is in them is read, and why nothing is when it cannot be. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import t from 'tap';
import { openBytes } from '../../../pipelines/decode/bytes.ts';
import { sniff } from '../../../pipelines/decode/sniff.ts';

interface Packed {
  readonly name: string;
  readonly content: string;
  /** 0 stored, 8 deflated. */
  readonly method?: number;
  readonly flags?: number;
  /** Sizes and place in 64 bits, as for archives of more than 4 GiB. */
  readonly large?: boolean;
  readonly crc?: number;
}

const ELSEWHERE = 0xffff_ffff;

/** A zip archive; sizes stand in the directory alone, as in one that is written to a stream. */
function zipOf(files: readonly Packed[], comment = ''): Buffer {
  const bodies: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const { name, content, method = 8, flags = 0, large = false, crc } of files) {
    const data = method === 8 ? deflateRawSync(content) : Buffer.from(content);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x0403_4b50, 0);
    local.writeUInt16LE(name.length, 26);
    bodies.push(local, Buffer.from(name), data);
    const extra = Buffer.alloc(large ? 28 : 0);
    if (large) {
      extra.writeUInt16LE(1, 0);
      extra.writeUInt16LE(24, 2);
      for (const [i, value] of [content.length, data.length, at].entries())
        extra.writeBigUInt64LE(BigInt(value), 4 + 8 * i);
    }
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x0201_4b50, 0);
    entry.writeUInt16LE(flags, 8);
    entry.writeUInt16LE(method, 10);
    entry.writeUInt32LE(crc ?? crc32(content), 16);
    entry.writeUInt32LE(large ? ELSEWHERE : data.length, 20);
    entry.writeUInt32LE(large ? ELSEWHERE : content.length, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt16LE(extra.length, 30);
    entry.writeUInt32LE(large ? ELSEWHERE : at, 42);
    directory.push(entry, Buffer.from(name), extra);
    at += 30 + name.length + data.length;
  }
  const listed = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x0605_4b50, 0);
  end.writeUInt32LE(listed.length, 12);
  end.writeUInt32LE(at, 16);
  end.writeUInt16LE(comment.length, 20);
  return Buffer.concat([...bodies, listed, end, Buffer.from(comment)]);
}

const folder = t.testdir({});

function archive(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

async function contentOf(path: string): Promise<string> {
  const reader = await openBytes(path, 'zip');
  const chunks: Buffer[] = [];
  try {
    for (;;) {
      const into = Buffer.alloc(1000);
      const count = await reader.read(into, 0);
      if (count === 0) return Buffer.concat(chunks).toString();
      chunks.push(into.subarray(0, count));
    }
  } finally {
    await reader.close();
  }
}

const CSV = `a,b\n${'1,2\n'.repeat(200_000)}`;
const MAC = { name: '__MACOSX/._bill.csv', content: 'x' };

t.test('the one file of an archive is read', async (t) => {
  const cases: Readonly<Record<string, Buffer>> = {
    deflated: zipOf([{ name: 'bill.csv', content: CSV }]),
    stored: zipOf([{ name: 'bill.csv', content: CSV, method: 0 }]),
    large: zipOf([{ name: 'bill.csv', content: CSV, large: true }]),
    'with a comment': zipOf([{ name: 'bill.csv', content: CSV }], 'of September '.repeat(900)),
    'in a folder, from a Mac': zipOf([
      { name: 'bills/', content: '', method: 0 },
      { name: 'bills/bill.csv', content: CSV },
      MAC,
    ]),
  };
  for (const [name, bytes] of Object.entries(cases)) {
    const path = archive(`${name}.zip`, bytes);
    t.strictSame(await sniff(path), { format: 'csv', compression: 'zip', encoding: 'utf-8' }, name);
    t.ok((await contentOf(path)) === CSV, name);
  }
  const json = archive('json.zip', zipOf([{ name: 'a.json', content: '{"a":1}' }]));
  t.match(await sniff(json), { format: 'ndjson', compression: 'zip' });
});

t.test('what is in it cannot be read', async (t) => {
  const whole = zipOf([{ name: 'bill.csv', content: CSV }]);
  const cases: Readonly<Record<string, [bytes: Buffer, message: RegExp]>> = {
    two: [zipOf(['a', 'b'].map((name) => ({ name, content: CSV }))), /holds 2 files: unpack it/],
    none: [zipOf([{ name: 'bills/', content: '' }, MAC]), /an empty zip archive/],
    excel: [
      zipOf([{ name: '[Content_Types].xml', content: '<x/>' }]),
      /Excel workbook.*save it as/,
    ],
    secret: [zipOf([{ name: 'a', content: CSV, flags: 1 }]), /encrypted/],
    lzma: [zipOf([{ name: 'a', content: CSV, method: 14 }]), /in a way \(14\)/],
    'no content': [zipOf([{ name: 'a', content: '' }]), /empty file/],
    truncated: [whole.subarray(0, whole.length - 30), /truncated/],
    nested: [zipOf([{ name: 'a.zip', content: 'PK\u0003\u0004' }]), /a zip archive within/],
    parquet: [zipOf([{ name: 'a', content: 'PAR1' }]), /Parquet file packed once more with zip/],
  };
  for (const [name, [bytes, message]] of Object.entries(cases))
    await t.rejects(sniff(archive(`${name}.zip`, bytes)), { name: 'BadPart', message }, name);
  const wrong = archive('crc.zip', zipOf([{ name: 'a', content: CSV, crc: 1 }]));
  await t.rejects(contentOf(wrong), { name: 'BadPart', message: /damaged: its checksum differs/ });
  const torn = Buffer.from(whole);
  torn.fill(0xff, 60, 90);
  await t.rejects(contentOf(archive('torn.zip', torn)), { name: 'BadPart', message: /damaged/ });
});
