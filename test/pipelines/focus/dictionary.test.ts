import fc from 'fast-check';
import t from 'tap';
import { Dictionary, hashBytes, hashWords, SLACK } from '../../../pipelines/focus/dictionary.ts';
import { grown } from '../../../pipelines/focus/grown.ts';

const texts = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'é', '🚀'), maxLength: 12 }), {
  maxLength: 400,
});

t.test('what grows keeps its values and gives its old memory back at once', async (t) => {
  const old = new Uint32Array([1, 2, 3]);
  t.strictSame([...grown(old, 5)], [1, 2, 3, 0, 0]);
  t.equal(old.length, 0);
  const dictionary = Dictionary.of([]);
  const { bytes, view } = placed('0123456789abcdef'.repeat(2), 0);
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 300_000; i++) {
    view.setUint32(0, i);
    dictionary.intern(bytes, 0, 32);
  }
  const taken = process.memoryUsage().arrayBuffers - before;
  const { arena, starts, ends, size } = dictionary;
  const slots = 8 * 2 ** Math.ceil(Math.log2(size * 1.5));
  t.ok(taken < 1.1 * (arena.length + starts.byteLength + ends.byteLength + slots), `${taken} B`);
});

t.test('equal texts have one code, whichever way they are interned', (t) => {
  fc.assert(
    fc.property(texts, fc.nat(7), (list, offset) => {
      const byBytes = Dictionary.of([]);
      const byWords = Dictionary.of([]);
      const known = new Map<string, number>();
      for (const text of list) {
        const { bytes, view, end } = placed(text, offset);
        const code = byBytes.intern(bytes.subarray(0, end), offset, end);
        const hash = hashWords(view, offset, end);
        t.equal(hash, hashBytes(bytes.subarray(0, end), offset, end));
        t.equal(byWords.internWords(view, offset, end, hash), code);
        t.equal(code, known.get(text) ?? known.size + 1);
        known.set(text, code);
        t.equal(byBytes.text(code), text);
        t.equal(byWords.text(code), text);
      }
      t.equal(byWords.size, known.size + 1);
      t.ok(byWords.isNull(0));
    }),
    { numRuns: 30 },
  );
  t.end();
});

t.test('what was added is found once it is indexed, beside what was interned before', (t) => {
  fc.assert(
    fc.property(texts, texts, (list, more) => {
      const dictionary = Dictionary.of([]);
      const known = new Map<string | undefined, number>();
      const intern = (text: string) => {
        const { bytes, end } = placed(text, 0);
        return dictionary.intern(bytes, 0, end);
      };
      for (const text of more.slice(0, 50)) known.set(text, intern(text));
      const first = dictionary.size;
      for (const text of [...list, undefined]) {
        const code = dictionary.add(text);
        if (!known.has(text)) known.set(text, code);
      }
      dictionary.index(first);
      for (const text of [...list, ...more]) {
        const expected = known.get(text) ?? dictionary.size;
        known.set(text, expected);
        t.equal(intern(text), expected);
      }
    }),
    { numRuns: 30 },
  );
  t.end();
});

t.test('entries of any length are copied whole', (t) => {
  const dictionary = new Dictionary({ transient: true });
  const list = Array.from({ length: 600 }, (_, length) => 'x'.repeat(length));
  for (const text of list) {
    const { bytes, view, end } = placed(text, 3);
    t.equal(dictionary.text(dictionary.addWords(view, 3, end)), text);
    t.equal(dictionary.text(dictionary.addBytes(bytes, 3, end)), text);
  }
  dictionary.clear();
  t.equal(dictionary.size, 0);
  t.equal(dictionary.text(dictionary.add('again')), 'again');
  t.end();
});

/** The text within noise. */
function placed(text: string, offset: number) {
  const utf8 = Buffer.from(text);
  const bytes = new Uint8Array(offset + utf8.length + SLACK).fill(0x7a);
  bytes.set(utf8, offset);
  return { bytes, view: new DataView(bytes.buffer), end: offset + utf8.length };
}
