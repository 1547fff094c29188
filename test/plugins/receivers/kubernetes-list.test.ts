/** Lists of the API server are taken apart while they come, wherever the pieces are cut. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import type { JsonObject } from '../../../plugins/kit/json.ts';
import { itemsOf } from '../../../plugins/receivers/kubernetes/list-items.ts';

/** The text in pieces of these sizes, over and over; no piece is empty. */
async function* cut(text: string, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0, i = 0; at < bytes.length; i += 1) {
    const size = sizes[i % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function taken(text: string, sizes: readonly number[]) {
  const items: JsonObject[] = [];
  const list = itemsOf(cut(text, sizes));
  for (;;) {
    const { done, value } = await list.next();
    if (done === true) return { items, rest: value };
    items.push(value);
  }
}

const odd = fc.string({
  unit: fc.constantFrom('a', '"', '\\', '{', '}', '[', ']', ',', ':', 'é', '\n', 'items'),
});
const value = fc.oneof(
  odd,
  fc.integer(),
  fc.constant(null),
  fc.array(odd),
  fc.dictionary(odd, odd),
);
const item = fc.dictionary(odd, fc.oneof(value, fc.dictionary(odd, value)));
const indent = fc.constantFrom(0, 1);

t.test('items and rest are those of the whole', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(item, { maxLength: 5 }),
      fc.dictionary(odd, value),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 4 }),
      fc.tuple(indent, fc.boolean()),
      async (items, more, sizes, [spaces, isFirst]) => {
        const metadata = { resourceVersion: '7', items: [{ a: 1 }] };
        const whole = isFirst
          ? { items, kind: 'PodList', metadata, ...more }
          : { kind: 'PodList', metadata, ...more, items };
        const parsed = JSON.parse(JSON.stringify({ ...whole, items }));
        const { items: list, ...rest } = parsed;
        const found = await taken(JSON.stringify(parsed, undefined, spaces), sizes);
        assert.deepEqual(found.items, list);
        assert.deepEqual(found.rest, { ...rest, items: [] });
      },
    ),
    { numRuns: 300 },
  );
});

t.test('what is no list of objects is no answer', async (t) => {
  const whole = '{"items":[{"a":"}"},{"b":1}],"metadata":{}}';
  for (let length = 1; length < whole.length; length += 1)
    await t.rejects(taken(whole.slice(0, length), [5]), { name: 'Unavailable' }, `${length}`);
  for (const text of ['', '[]', '"a"', '{"items":[{"a" 1}]}', '{"items":[{}]]'])
    await t.rejects(taken(text, [3]), { name: 'Unavailable' }, text);
  t.same(await taken('{"items":null}', [4]), { items: [], rest: { items: null } });
  const endless = async function* () {
    yield new TextEncoder().encode('{"items":[{"a":"');
    for (let i = 0; i < 20; i += 1) yield new Uint8Array(1024 * 1024).fill(0x61);
  };
  await t.rejects(itemsOf(endless()).next(), { name: 'Unavailable', message: /no end/ });
});
