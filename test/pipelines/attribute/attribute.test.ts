import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { createAttributor } from '../../../pipelines/attribute/index.ts';
import type { AttributeSettings } from '../../../pipelines/attribute/settings.ts';
import { type Batch, cellText } from '../../../pipelines/focus/batch.ts';
import { type BatchOptions, batchesOf, batchOf, type Row } from '../../helpers/batch.ts';

const SETTINGS: AttributeSettings = {
  tags: ['team', 'owner'],
  accounts: { '1': 'account one', '2': 'account two' },
  fallback: 'unowned',
};

function owners(batch: Batch): (string | undefined)[] {
  const column = batch.columns.get('owner');
  return Array.from({ length: batch.rows }, (_, row) => column && cellText(column, row));
}

const CASES: readonly { readonly row: Row; readonly owner: string; readonly why: string }[] = [
  { row: { Tags: '{"team":"a","owner":"b"}' }, owner: 'a', why: 'the first key wins' },
  { row: { Tags: '{"owner":"b","team":"a"}' }, owner: 'a', why: 'in the order of the settings' },
  { row: { Tags: '{"Team ":" a "}' }, owner: 'a', why: 'without case, blanks off' },
  { row: { Tags: '{"team":"","owner":"b"}' }, owner: 'b', why: 'an empty tag is none' },
  {
    row: { Tags: '{"team":true,"owner":null}' },
    owner: 'unowned',
    why: 'a key without value is none',
  },
  { row: { Tags: '{"team":42}' }, owner: '42', why: 'a number is a name too' },
  { row: { Tags: 'not json', SubAccountId: '1' }, owner: 'account one', why: 'no JSON, no tags' },
  { row: { Tags: '["team"]', SubAccountId: '2' }, owner: 'account two', why: 'no object, no tags' },
  { row: { Tags: '{"team":"a"}', SubAccountId: '1' }, owner: 'a', why: 'tags before accounts' },
  {
    row: { AllocatedTags: '{"owner":"c"}', Tags: '{"team":"a"}', SubAccountId: '1' },
    owner: 'c',
    why: 'allocated tags before tags',
  },
  { row: { AllocatedTags: '{}', Tags: '{"team":"a"}' }, owner: 'a', why: 'else tags' },
  { row: { SubAccountId: '2' }, owner: 'account two', why: 'account' },
  { row: { SubAccountId: 'toString' }, owner: 'unowned', why: 'no such account' },
  { row: {}, owner: 'unowned', why: 'nothing known' },
];

t.test('who owns a charge, in every layout', async (t) => {
  const rows = [...CASES, ...CASES].map(({ row }) => row);
  const layouts: Record<string, BatchOptions> = {
    'a dictionary each': {},
    'tags per row': { transient: ['Tags'] },
    'all per row': { transient: ['Tags', 'AllocatedTags', 'SubAccountId'] },
    'tags and account together': { together: [['Tags', 'SubAccountId']] },
  };
  for (const [name, options] of Object.entries(layouts)) {
    const attribute = createAttributor(SETTINGS);
    const found = [...batchesOf(rows, { ...options, batchRows: 5 })].map(attribute).flatMap(owners);
    found.forEach((owner, i) => {
      const { owner: wanted, why } = CASES[i % CASES.length] as (typeof CASES)[number];
      t.equal(owner, wanted, `${name}: ${why}`);
    });
    t.equal(found.length, rows.length);
  }
});

t.test('each case by itself: columns of one value', async (t) => {
  for (const { row, owner, why } of CASES) {
    const constant = createAttributor(SETTINGS)(
      batchOf([row, row], { constant: Object.keys(row) }),
    );
    t.strictSame(owners(constant), [owner, owner], why);
    t.equal(constant.columns.get('owner')?.values.size, 1, 'a constant');
  }
});

t.test('codes are shared where one column decides', async (t) => {
  const rows = [
    { Tags: '{"team":"a"}', SubAccountId: '1' },
    { Tags: '{}', SubAccountId: '9' },
  ];
  const byTags = createAttributor({ ...SETTINGS, accounts: {} })(batchOf(rows));
  t.equal(byTags.columns.get('owner')?.codes, byTags.columns.get('Tags')?.codes);
  t.strictSame(owners(byTags), ['a', 'unowned']);
  const byAccount = createAttributor({ ...SETTINGS, tags: [] })(batchOf(rows));
  t.equal(byAccount.columns.get('owner')?.codes, byAccount.columns.get('SubAccountId')?.codes);
  t.strictSame(owners(byAccount), ['account one', 'unowned']);
});

t.test('a batch given before keeps its owners', async (t) => {
  const attribute = createAttributor(SETTINGS);
  const rows = [
    { Tags: '{"team":"a"}', SubAccountId: '1' },
    { Tags: '{}', SubAccountId: '1' },
  ];
  const [first, second] = [batchOf(rows), batchOf([...rows].reverse())].map(attribute);
  t.strictSame(owners(first as Batch), ['a', 'account one']);
  t.strictSame(owners(second as Batch), ['account one', 'a']);
  t.strictSame([...(first as Batch).columns.keys()], ['Tags', 'SubAccountId', 'owner']);
});

t.test('without a fallback the rest has no owner', async (t) => {
  const attribute = createAttributor({ tags: ['team'], accounts: {}, fallback: '' });
  t.strictSame(owners(attribute(batchOf([{ Tags: '{"team":"a"}' }, { Tags: '{}' }]))), [
    'a',
    undefined,
  ]);
  t.strictSame(owners(attribute(batchOf([{ ServiceName: 's' }]))), [undefined]);
});

t.test('tags are read as JSON reads them', async (t) => {
  const cases: Record<string, string> = {
    '{"te\\u0061m":"a"}': 'a',
    '{"TEAM":"a"}': 'a',
    '{"team":"a\\"b\\u00e4"}': 'a"bä',
    '{"team":"\u00a0a\u00a0"}': 'a',
    '{"team":"Größe"}': 'Größe',
    ' {\n "x" : {"team":"no"}, "y":["team","no"] , "z":"}\\"{", "team" : "a" } ': 'a',
    '{"team":-1.5e3}': '-1.5e3',
    '{"team":{"a":"b"},"owner":"b"}': 'b',
    '{"team":[],"owner":"b"}': 'b',
    '{"team":null,"owner":false}': 'unowned',
    '{"team":"\\u0020"}': 'unowned',
    '{"steam":"a","teams":"b","":"c"}': 'unowned',
    '{"team":"a"': 'unowned',
    '{"team":"a': 'unowned',
    '{"team"}': 'unowned',
    '{"team":}': 'unowned',
    '{"team":"a" "owner":"b"}': 'unowned',
    '{team:"a"}': 'unowned',
    '"team":"a"': 'unowned',
    '{': 'unowned',
    '{}': 'unowned',
    '': 'unowned',
    '{"x":"\\': 'unowned',
    '{"x":"\\"}': 'unowned',
  };
  for (const transient of [[], ['Tags']]) {
    const batch = batchOf(
      Object.keys(cases).map((Tags) => ({ Tags })),
      { transient },
    );
    const found = owners(createAttributor(SETTINGS)(batch));
    for (const [i, [tags, owner]] of Object.entries(cases).entries())
      t.equal(found[i], owner, tags);
  }
  const umlaut = createAttributor({ ...SETTINGS, tags: ['Größe'] });
  t.strictSame(owners(umlaut(batchOf([{ Tags: '{"GRÖSSE":"x","größe":"l"}' }]))), ['l']);
});

t.test('any tags: the owner is that of a plain reading', async (t) => {
  const key = fc.oneof(
    fc.constantFrom('team', 'Team', ' owner', 'x', 'TEAM'),
    fc.string({ maxLength: 6 }),
  );
  const value = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 12 }),
    fc.jsonValue({ maxDepth: 2 }),
    fc.integer(),
  );
  const property = fc.property(
    fc.dictionary(key, value, { noNullPrototype: true }),
    fc.nat(2),
    (tags, indent) => {
      const [found] = owners(
        createAttributor(SETTINGS)(batchOf([{ Tags: JSON.stringify(tags, null, indent) }])),
      );
      assert.equal(found, plainOwner(tags));
    },
  );
  t.doesNotThrow(() => fc.assert(property, { numRuns: 300 }));
});

function plainOwner(tags: Readonly<Record<string, unknown>>): string {
  for (const wanted of SETTINGS.tags) {
    for (const [key, value] of Object.entries(tags)) {
      if (key.trim().toLowerCase() !== wanted) continue;
      if (typeof value === 'number') return JSON.stringify(value);
      if (typeof value === 'string' && value.trim() !== '') return value.trim();
    }
  }
  return SETTINGS.fallback;
}
