import t from 'tap';
import { ENCODED_HEADERS, PLAIN_HEADERS } from '../../../plugins/kit/charges/cloud-events.ts';
import { type Taking, takeMessage } from '../../../plugins/kit/charges/take.ts';
import type { Kept, Pushed } from '../../../plugins/kit/intake/index.ts';
import { worldOf } from '../../helpers/plugin-world.ts';

const ROW = '{"BilledCost":1.50}';
const EVENT = `{"specversion":"1.0","id":"a","source":"/s","type":"t","data":${ROW}}`;

/** Takes a message; what is kept, and what became of it. */
async function taken(
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
  { answer = () => 'kept', ...more }: Partial<Taking> & { answer?: () => Kept } = {},
) {
  const world = worldOf({});
  const records: Pushed[] = [];
  const intake = {
    async keep(record: Pushed) {
      records.push(record);
      return answer();
    },
  };
  const message = {
    place: 'stream/1',
    ids: ['place 1'],
    header: (name: string) => headers[name],
    body: Buffer.from(body),
  };
  const taking = { intake, context: world, scope: 's', maxBytes: 1_000, headers: PLAIN_HEADERS };
  const result = await takeMessage(message, { ...taking, ...more });
  await world.close();
  return {
    ...result,
    ids: records.map(({ ids }) => ids.map((id) => id.replace(/^(event) .*/, '$1')).join()),
    charges: records.map(({ value }) => value.charges),
    refused: world.refused,
    lines: world.lines,
  };
}

t.test('a message without a media type is what it looks like', async (t) => {
  for (const [body, ids, charges] of [
    [ROW, ['place 1'], [ROW]],
    [` ${ROW}\r\n\n${ROW}\n`, ['place 1'], [`${ROW}\n${ROW}`]],
    [`[${ROW},${ROW}]`, ['place 1'], [`${ROW}\n${ROW}`]],
    ['{\n"BilledCost": 1.50\n}', ['place 1'], [ROW]],
    [EVENT, ['event'], [ROW]],
    [`[${EVENT},${EVENT}]`, ['event', 'event'], [ROW, ROW]],
    ['', [], []],
    ['[]', [], []],
  ] as const)
    t.match(await taken(body), { kind: 'done', ids, charges }, body);
  t.match(await taken(EVENT, { 'content-type': 'application/json' }), { ids: ['event'] });
});

t.test('attributes of an event stand in headers as its bus has them', async (t) => {
  const attributes = (prefix: string, id: string) => ({
    [`${prefix}specversion`]: '1.0',
    [`${prefix}id`]: id,
    [`${prefix}source`]: '/s',
    [`${prefix}type`]: 't',
  });
  const structured = await taken(EVENT.replace('"a"', '"100% é"'));
  t.match(structured, { kind: 'done', ids: ['event'] });
  const plain = await taken(ROW, attributes('ce_', '100% é'));
  t.match(plain, { kind: 'done', ids: ['event'], charges: [ROW] });
  const headers = ENCODED_HEADERS;
  t.match(await taken(ROW, attributes('ce-', '100%25%20'), { headers }), { ids: ['event'] });
  t.match(await taken(ROW, attributes('ce-', '100% '), { headers }), { kind: 'refused' });
});

t.test('poison is a dead letter as it came; a full spool and a broken disk are none', async (t) => {
  const poison = await taken('{"BilledCost":');
  t.match(poison, {
    kind: 'refused',
    reason: /JSON/,
    refused: [{ scope: 's', place: 'stream/1', reason: 'malformed', raw: '{"BilledCost":' }],
  });
  t.match(await taken(`[${ROW}]${' '.repeat(1000)}`, { 'content-encoding': 'br' }), {
    kind: 'refused',
    refused: [{ reason: 'encoding' }],
  });
  t.match(await taken(ROW, {}, { answer: () => 'full' }), { kind: 'full', refused: [] });
  t.match(await taken(ROW, {}, { answer: () => 'duplicate' }), { kind: 'done' });
  const broken = () => {
    throw new Error('ENOSPC');
  };
  t.match(await taken(ROW, {}, { answer: broken }), {
    kind: 'failed',
    lines: [{ level: 'error', fields: { place: 'stream/1', reason: 'ENOSPC' } }],
  });
  const { log } = worldOf({});
  const context = { log, refuse: async () => broken() };
  t.match(await taken('{', {}, { context }), { kind: 'failed', ids: [] }, 'no letter, no end');
});
