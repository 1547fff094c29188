/** Spans go in, a bill comes, links go out: through the agent as it runs. */
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { decimal, formatDecimal, sum } from '../../pipelines/focus/decimal.ts';
import { encodeTraces } from '../helpers/otlp-traces-proto.ts';
import { spanOf } from '../helpers/test-spans.ts';
import { committedCosts, filesBelow, put, startWorld, worldFolder } from '../helpers/world.ts';
import { freePorts } from '../interop/programs/ports.ts';

const HOUR = 3_600_000;
const FUNCTIONS = 'arn:aws:lambda:eu-west-1:123456789012:function:';
const HEADER =
  'BilledCost,EffectiveCost,ListCost,ContractedCost,BillingCurrency,BillingPeriodStart,BillingPeriodEnd,ChargePeriodStart,ChargePeriodEnd,ChargeCategory,BillingAccountId,ProviderName,ServiceCategory,ServiceName,ResourceId';

function row(amount: string, resource: string, start: number, length = HOUR): string {
  const [from, until] = [start, start + length].map((ms) =>
    new Date(ms).toISOString().replace('.000', ''),
  );
  const month = `${from?.slice(0, 7)}-01T00:00:00Z`;
  const next = new Date(Date.parse(month));
  next.setUTCMonth(next.getUTCMonth() + 1);
  const period = `${month},${next.toISOString().replace('.000', '')}`;
  return `${amount},${amount},${amount},${amount},USD,${period},${from},${until},Usage,acc,AWS,Compute,EC2,${resource}`;
}

/** Records of the file exporter by event name. */
function recordsOf(
  folder: string,
): Record<string, { attributes: Record<string, unknown>; traceId?: string; spanId?: string }[]> {
  const records: ReturnType<typeof recordsOf> = {};
  for (const [path, bytes] of Object.entries(filesBelow(`${folder}/out`))) {
    if (path.endsWith('metrics.jsonl')) continue;
    for (const line of bytes.toString().split('\n').filter(Boolean))
      for (const { scopeLogs } of JSON.parse(line).resourceLogs)
        for (const { eventName, attributes, ...ids } of scopeLogs[0].logRecords) {
          const values = attributes.map(({ key, value }: { key: string; value: object }) => [
            key,
            Object.values(value)[0],
          ]);
          records[eventName] ??= [];
          records[eventName].push({ attributes: Object.fromEntries(values), ...ids });
        }
  }
  return records;
}

function metricsOf(folder: string): Record<string, Record<string, unknown>[]> {
  const bytes = filesBelow(`${folder}/out`)['metrics.jsonl'];
  if (bytes === undefined) return {};
  const { resourceMetrics } = JSON.parse(bytes.toString());
  return Object.fromEntries(
    resourceMetrics[0].scopeMetrics[0].metrics.map(
      ({ name, sum: sums, gauge }: { name: string; sum?: Data; gauge?: Data }) => [
        name,
        (sums ?? gauge)?.dataPoints.map(({ attributes, asDouble, exemplars }) => ({
          value: asDouble,
          ...(exemplars && { exemplars }),
          ...Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]])),
        })),
      ],
    ),
  );
}

interface Data {
  readonly dataPoints: readonly {
    readonly asDouble: number;
    readonly exemplars?: readonly object[];
    readonly attributes: readonly { readonly key: string; readonly value: object }[];
  }[];
}

async function until(isTrue: () => boolean): Promise<void> {
  for (const end = Date.now() + 30_000; !isTrue(); await delay(50))
    if (Date.now() > end) throw new Error('it did not come to that');
}

t.test(
  'the cost of an instance is linked to what ran on it, and restated with the bill',
  async (t) => {
    const [http = 0] = await freePorts(1);
    const folder = worldFolder(t, {
      exporters: { file: '{ folder: ./out }' },
      more: `extensions: { traces: { http: { endpoint: "127.0.0.1:${http}" }, grpc: { endpoint: "off" } } }`,
      extensions: 'traces',
    });
    const { agent, logs } = await startWorld(t, folder);
    const start = Math.floor(Date.now() / HOUR) * HOUR - HOUR;
    const service = (name: string, number: number, minutes: number) => ({
      attributes: { 'host.id': 'i-0123456789abcdef0', 'service.name': name },
      spans: [spanOf(number, { startMs: start + 60_000 * number, ms: minutes * 60_000 })],
    });
    const answer = await fetch(`http://127.0.0.1:${http}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf' },
      body: new Uint8Array(encodeTraces([service('shop', 1, 30), service('cart', 2, 15)])),
    });
    t.equal(answer.status, 200);
    const instance = 'arn:aws:ec2:eu-west-1:123456789012:instance/i-0123456789abcdef0';
    const rows = [
      row('0.25', instance, start),
      row('0.75', instance, start),
      row('0.5', 'bucket', start),
      row('0.125', '', start, 24 * HOUR),
    ];
    put(folder, 'bills/bill.csv', `${[HEADER, ...rows].join('\n')}\n`);
    await until(
      () =>
        recordsOf(folder)['finops.link'] !== undefined &&
        metricsOf(folder)['finops.cost.linked'] !== undefined,
    );
    const links = recordsOf(folder)['finops.link'] ?? [];
    t.match(
      links.map(({ attributes, traceId }) => [
        attributes['service.name'],
        attributes['finops.link.cost.decimal'],
        traceId,
      ]),
      [
        ['shop', '0.5', /^[0-9a-f]{32}$/],
        ['cart', '0.25', /^[0-9a-f]{32}$/],
        [undefined, '0.25', undefined],
      ],
    );
    t.equal(
      recordsOf(folder)['focus.cost_and_usage.charge']?.length,
      4,
      'charges are as they were',
    );
    const { 'finops.cost.linked': linked = [], 'finops.cost.unlinked': unlinked = [] } =
      metricsOf(folder);
    t.match(linked, [
      {
        'service.name': 'shop',
        'finops.link.method': 'duration_weighted',
        value: 0.5,
        exemplars: [
          {
            timeUnixNano: `${start + 31 * 60_000}000000`,
            asDouble: 0.5,
            traceId: links[0]?.traceId,
            spanId: links[0]?.spanId,
          },
        ],
      },
      { 'service.name': 'cart', 'finops.link.confidence': 'medium', value: 0.25 },
    ]);
    const total = sum([...linked, ...unlinked].map(({ value }) => decimal(String(value))));
    t.equal(formatDecimal(total), committedCosts(folder).EffectiveCost, 'linked + unlinked');
    put(folder, 'bills/bill.csv', `${[HEADER, row('4', instance, start)].join('\n')}\n`);
    await until(() => metricsOf(folder)['finops.cost.linked']?.[0]?.value === 2);
    t.match(metricsOf(folder)['finops.cost.per_request'], [{ value: 2 }, { value: 1 }]);
    t.match(
      metricsOf(folder)['finops.cost.unlinked']?.filter(({ value }) => value !== 0),
      [{ 'finops.link.reason': 'idle', value: 1 }],
    );
    t.same(
      logs.filter(({ level }) => level === 'error'),
      [],
    );
    await agent.stop();
  },
);

for (const restatement of ['totals', 'rows'])
  t.test(`a charge of one trace has its ids, by ${restatement}`, async (t) => {
    const [http = 0] = await freePorts(1);
    const folder = worldFolder(t, {
      exporters: { file: `{ folder: ./out, restatement: ${restatement} }` },
      more: `extensions: { traces: { http: { endpoint: "127.0.0.1:${http}" }, grpc: { endpoint: "off" } } }`,
      extensions: 'traces',
    });
    const { agent } = await startWorld(t, folder);
    const start = Math.floor(Date.now() / HOUR) * HOUR - HOUR;
    const span = (number: number, name: string, minutes: number) => ({
      attributes: { 'cloud.resource_id': `${FUNCTIONS}${name}`, 'service.name': name },
      spans: [spanOf(number, { startMs: start + 60_000 * number, ms: minutes * 60_000 })],
    });
    const answer = await fetch(`http://127.0.0.1:${http}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf' },
      body: new Uint8Array(
        encodeTraces([span(1, 'nightly', 5), span(2, 'resize', 1), span(3, 'resize', 2)]),
      ),
    });
    t.equal(answer.status, 200);
    const rows = [
      row('0.25', `${FUNCTIONS}nightly`, start),
      row('0.75', `${FUNCTIONS}nightly`, start),
      row('0.5', `${FUNCTIONS}resize`, start),
      row('0.125', 'bucket', start),
    ];
    put(folder, 'bills/bill.csv', `${[HEADER, ...rows].join('\n')}\n`);
    const charges = () => recordsOf(folder)['focus.cost_and_usage.charge'] ?? [];
    await until(() => charges().length === 4);
    const { traceId, spanId } = spanOf(1);
    const nightly = {
      traceId: Buffer.from(traceId).toString('hex'),
      spanId: Buffer.from(spanId).toString('hex'),
      method: 'id',
      confidence: 'exact',
    };
    const none = { method: undefined, confidence: undefined };
    t.strictSame(
      Object.fromEntries(
        charges().map(({ attributes, traceId, spanId }) => [
          attributes['focus.billed_cost'],
          {
            ...(traceId && { traceId, spanId }),
            method: attributes['finops.link.method'],
            confidence: attributes['finops.link.confidence'],
          },
        ]),
      ),
      { '0.25': nightly, '0.75': nightly, '0.5': none, '0.125': none },
    );
    t.notOk(charges().some(({ attributes }) => 'focus.x_trace_id' in attributes));
    await agent.stop();
  });
