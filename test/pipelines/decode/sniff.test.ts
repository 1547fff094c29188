import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import t from 'tap';
import { sniff } from '../../../pipelines/decode/sniff.ts';

const folder = t.testdir();
let files = 0;

function look(content: string | Uint8Array) {
  const path = join(folder, `${files++}.bin`);
  writeFileSync(path, content);
  return sniff(path);
}

const format = async (content: string | Uint8Array) => (await look(content)).format;

t.test('formats', async (t) => {
  t.equal(await format('a,b\n1,2\n'), 'csv');
  t.equal(await format('\n\na'), 'csv');
  t.equal(await format('[Date],[Cost]\n1,2\n'), 'csv', 'a header in brackets');
  t.equal(await format('ORCID,Cost\n1,2\n'), 'csv', 'a header that begins like an ORC file');
  t.equal(await format('\ufeffa,b\n'), 'csv');
  t.equal(await format('{"a":1}\n{"a":2}\n'), 'ndjson');
  t.equal(await format('\ufeff {\n  "a": 1\n}\n'), 'ndjson');
  t.equal(await format(' [\n {"a":1}]'), 'ndjson');
  t.equal(await format('[]'), 'ndjson');
  t.equal(await format('PAR1....PAR1'), 'parquet');
});

t.test('compression', async (t) => {
  t.match(await look(gzipSync('a,b\n')), { format: 'csv', compression: 'gzip' });
  t.match(await look(zstdCompressSync('{"a":1}')), { format: 'ndjson', compression: 'zstd' });
  const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 1]);
  const framed = Buffer.concat([skippable, zstdCompressSync('a,b\n')]);
  t.match(await look(framed), { format: 'csv', compression: 'zstd' });
  const long = Array.from({ length: 60_000 }, (_, i) => String(Math.imul(i, 0x9e3779b1)));
  t.match(await look(gzipSync(`a\n${long.join('\n')}`)), { format: 'csv', compression: 'gzip' });
  t.match(await look('a,b\n'), { compression: 'none' });
});

t.test('encodings', async (t) => {
  t.match(await look(Buffer.from('\ufeffa,b\n', 'utf16le')), { encoding: 'utf-16le' });
  t.match(await look(Buffer.from('{"a": 1}', 'utf16le')), {
    format: 'ndjson',
    encoding: 'utf-16le',
  });
  t.match(await look(Buffer.from('\ufeffa,b\n', 'utf16le').swap16()), { encoding: 'utf-16be' });
  t.match(await look('a,b\n'), { encoding: 'utf-8' });
});

t.test('what is no bill is named', async (t) => {
  const binary = Uint8Array.from({ length: 2000 }, (_, i) => Math.imul(i, 0x9e3779b1) >>> 24);
  for (const [content, message] of [
    ['', 'empty file'],
    ['\ufeff \n', 'empty file'],
    [gzipSync(''), 'empty file'],
    [zstdCompressSync(''), 'empty file'],
    ['PK\x03\x04 and so on', /zip archive/],
    [gzipSync(gzipSync('a,b\n')), /archive within an archive/],
    ['BZh91AY&SY', /bzip2/],
    ['%PDF-1.7', /PDF/],
    ['<!DOCTYPE html><html>', /HTML/],
    ['<?xml version="1.0"?><Error/>', /XML/],
    ['Obj\x01avro', /Avro/],
    [gzipSync(`${'x'.repeat(257)}ustar`), /tar archive/],
    [gzipSync('PAR1....'), /Parquet file packed once more/],
    [gzipSync('a,b\n1,2\n').fill(0xff, 10), /damaged/],
    [binary, /binary file/],
  ] as const)
    await t.rejects(look(content), { name: 'BadPart', message }, String(message));
  await t.rejects(sniff(join(folder, 'none')), { code: 'ENOENT' });
});
