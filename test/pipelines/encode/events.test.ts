import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import t from 'tap';
import { encodeEvents, takesEvents } from '../../../pipelines/encode/events.ts';
import type { Encoding, LogEvent } from '../../../pipelines/plugin/index.ts';
import { attributesOf, decodeLogs, recordsOf } from '../../helpers/otlp-proto.ts';

const OPTIONS = {
  resource: { 'service.name': 'focusd' },
  scopeVersion: '1.2.3',
  observedMs: 5_000,
};
const EVENTS: readonly LogEvent[] = Array.from({ length: 50 }, (_, i) => ({
  name: 'finops.link',
  timeMs: 1_000 + i,
  ...(i % 2 === 0 && {
    traceId: Buffer.alloc(16, i + 1),
    spanId: Buffer.alloc(8, i + 1),
  }),
  attributes: { number: i / 4, text: `größer ${i}`, last: i === 49 },
}));

t.test('as protobuf, in requests of bounded size', async (t) => {
  const inflate = { gzip: gunzipSync, zstd: zstdDecompressSync, none: Buffer.from } as const;
  for (const compression of ['gzip', 'zstd', 'none'] as const) {
    const encoding = { kind: 'otlp-logs', compression, maxBytes: 1000 } as const;
    const batches = [...encodeEvents(EVENTS, encoding, OPTIONS)];
    t.ok(batches.length > 3 && batches.every(({ rawBytes }) => rawBytes < 1200));
    t.same(
      batches.map(({ sequence }) => sequence),
      [...batches.keys()],
    );
    const requests = batches.map(({ bytes }) => decodeLogs(inflate[compression](bytes)));
    t.match(requests[0]?.resourceLogs[0], {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: 'focusd' } }] },
      scopeLogs: [{ scope: { name: 'focusd', version: '1.2.3' } }],
    });
    const records = requests.flatMap(recordsOf);
    t.equal(
      records.length,
      batches.reduce((all, { rows }) => all + rows, 0),
    );
    for (const [i, event] of EVENTS.entries()) {
      const record = records[i];
      if (record === undefined) throw new Error(`record ${i} is missing`);
      t.match(record, {
        eventName: 'finops.link',
        timeUnixNano: `${1_000 + i}000000`,
        observedTimeUnixNano: '5000000000',
      });
      t.same(Buffer.from(record.traceId ?? []), event.traceId ?? Buffer.alloc(0));
      t.same(Buffer.from(record.spanId ?? []), event.spanId ?? Buffer.alloc(0));
      t.match(attributesOf(record), {
        number: { doubleValue: i / 4 },
        text: { stringValue: `größer ${i}` },
        last: { boolValue: i === 49 },
      });
    }
  }
});

t.test('as JSON lines', async (t) => {
  const [batch, ...more] = encodeEvents(EVENTS, { kind: 'otlp-json' }, OPTIONS);
  t.same(more, []);
  const text = Buffer.from(batch?.bytes ?? []).toString();
  t.equal(text.indexOf('\n'), text.length - 1, 'one line');
  const { resourceLogs } = JSON.parse(text);
  t.match(resourceLogs[0].scopeLogs[0].logRecords, {
    length: 50,
    0: {
      timeUnixNano: '1000000000',
      traceId: '01'.repeat(16),
      spanId: '01'.repeat(8),
      attributes: [{ key: 'number', value: { doubleValue: 0 } }, {}, {}],
    },
    1: { traceId: undefined },
  });
});

t.test('who takes them', async (t) => {
  const encodings: readonly [Encoding | undefined, boolean][] = [
    [undefined, false],
    [{ kind: 'otlp-json' }, true],
    [{ kind: 'focus', format: 'csv', version: '1.2' }, false],
  ];
  for (const [encoding, takes] of encodings) t.equal(takesEvents(encoding), takes);
  t.same([...encodeEvents([], { kind: 'otlp-json' }, OPTIONS)], [], 'nothing for nothing');
});
